"""Tests of what is in benchmarks/: that it measures what it says, never how fast anything is."""
