"""The local Lightsail, seen by real clients."""
