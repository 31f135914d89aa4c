"""What pending files lock, and whether a second session agrees."""
