"""Measure whether the schema carries the application's everyday queries, and what its indexes cost."""
