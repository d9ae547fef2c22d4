"""The stack: one construct for each concern, wired in `stack.py`."""
