"""A local Lightsail: a moto backend, a server with a clock and faults, and a demo fleet."""
