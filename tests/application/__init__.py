"""Models of an application on both databases, as they often are and as they fit: docs/application.md."""
