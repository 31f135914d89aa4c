"""Tests of the room fleet: many databases of one series."""
