"""The `lightkeeper` command: the same core as in Lambda, for people at a terminal."""
