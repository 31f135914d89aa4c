"""The rehearsal: break the runner, its server and what is between them, and look at what remains."""
