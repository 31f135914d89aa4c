"""Tests of the runner and of the schema, against real PostgreSQL servers."""
