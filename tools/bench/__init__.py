"""Numbers, printed with their method."""
