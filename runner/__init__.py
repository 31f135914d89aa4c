"""Apply numbered plain-SQL files to PostgreSQL, in order, exactly once."""

__version__ = "0.1.0"
