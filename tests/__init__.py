"""Tests that read as stories."""
