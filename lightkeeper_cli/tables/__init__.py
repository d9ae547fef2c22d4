"""What the verbs print for people, as tables: from values, never from the documents that `--json` prints."""
