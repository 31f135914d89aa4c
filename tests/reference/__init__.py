"""The schema as pages and pictures."""
