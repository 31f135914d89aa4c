"""One connection: URLs, messages, settings."""
