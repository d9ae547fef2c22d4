"""The recovery calendar: what can be recovered, as HTML for a CloudWatch dashboard. Reads only."""
