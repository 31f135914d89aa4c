"""What a database is, and what the files would make of it."""
