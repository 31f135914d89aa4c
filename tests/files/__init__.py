"""A folder becomes migrations, or is refused."""
