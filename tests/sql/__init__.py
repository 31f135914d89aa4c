"""Tests of the schema in sql/."""
