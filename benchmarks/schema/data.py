"""Fill the databases with skewed rows that repeat: same seed and scale, same rows.

The rows are made on the server by the SQL files in ``data/``. Triggers, checks and foreign keys are at work.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.schema import databases

if TYPE_CHECKING:
    from benchmarks.schema.databases import Connection

FILES = {
    "auth": ("auth",),
    "specs": ("specs_core", "specs_people", "specs_money", "specs_figures", "specs_activity"),
}

# Rows per table at full size. conversation_history, questions and document_chunks hang on their parent:
# about 400,000, 120,000 and 120,000. The five largest of specs have about 1.2 million.
SIZES = {
    "users": 20_000,
    "refresh_tokens": 60_000,
    "admin_roles": 12,
    "admin_users": 4_000,
    "admin_audit_logs": 40_000,
    "password_reset_requests": 15_000,
    "audit_logs": 150_000,
    "user_rules": 12_000,
    "projects": 20_000,
    "sessions": 60_000,
    "specifications": 200_000,
    "conflicts": 30_000,
    "generated_projects": 15_000,
    "generated_files": 80_000,
    "quality_metrics": 60_000,
    "user_behavior_patterns": 40_000,
    "question_effectiveness": 80_000,
    "knowledge_base_documents": 10_000,
    "teams": 3_000,
    "team_members": 15_000,
    "team_invitations": 12_000,
    "project_shares": 15_000,
    "project_collaborators": 30_000,
    "project_ownership_history": 12_000,
    "api_keys": 24_000,
    "llm_usage_tracking": 200_000,
    "subscriptions": 12_000,
    "invoices": 40_000,
    "analytics_metrics": 40_000,
    "feature_usage": 25_000,
    "activity_logs": 300_000,
    "project_invitations": 15_000,
    "maturity_tracking": 80_000,
    "test_results": 20_000,
}

_VARIABLE = re.compile(r"(?<![:\w]):([a-z_]+)\b")
_TABLES = """
select relname from pg_class
where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'schema_migrations'
order by relname
"""


def sizes(scale: float, *, floor: int = 0) -> dict[str, int]:
    """Return the rows per table at a scale (1 is full size); none is made smaller than ``floor`` rows."""
    return {table: max(round(rows * scale), min(rows, floor), 12) for table, rows in SIZES.items()}


def fill(connection: Connection, series: str, rows: dict[str, int], *, seed: int = 1) -> None:
    """Fill every table of an empty database, in one transaction; vacuum and analyze it. Writes; commits."""
    numbers = {**rows, "seed": seed}
    for name in ("functions", *FILES[series]):
        text = (Path(__file__).parent / "data" / f"{name}.sql").read_text(encoding="utf-8")
        connection.execute(_VARIABLE.sub(lambda found: str(numbers[found[1]]), text).encode())
    databases.vacuum(connection)


def tables(connection: Connection) -> list[str]:
    """Return the names of the tables, without the runner's ledger."""
    return [table for (table,) in connection.execute(_TABLES).fetchall()]


def count(connection: Connection) -> dict[str, int]:
    """Return the number of rows of each table."""
    return {table: count for table, (count, _) in _each(connection, "0").items()}


def checksums(connection: Connection) -> dict[str, tuple[int, int]]:
    """Return the number of rows and a checksum over all columns, for each table."""
    return _each(connection, "coalesce(sum(hashtextextended(t::text, 0)), 0)")


def _each(connection: Connection, expression: str) -> dict[str, tuple[int, int]]:
    found = {}
    for table in tables(connection):
        query = f"select count(*), {expression} from public.{table} as t"  # noqa: S608 - from the catalog
        row = connection.execute(query.encode()).fetchone()
        found[table] = (int(row[0]), int(row[1])) if row else (0, 0)
    return found
