"""Tag-driven backups for Amazon Lightsail."""
