"""Which release this is: the one place that says so. `pyproject.toml`, the command, the stack and the log take it."""

from typing import Final

VERSION: Final = "0.3.0"
"""Semantic; before 1.0.0, a new minor version may ask something of whoever upgrades: docs/upgrade.md."""
