"""A file becomes a committed, recorded transaction, whatever comes in between."""
