"""The application's queries, read from ``queries/<series>/*.sql``.

Before each stands who waits for it and its name, what it is for, and where its values come from:

    -- person live_tokens: a person's live tokens, longest-lived first
    -- values: refresh_tokens(user_id)
    select ... where user_id = $1;
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "queries"

_QUERY = re.compile(
    r"^-- (?P<waits>person|staff|job) (?P<name>\w+): (?P<purpose>.+)\n"
    r"(?:-- values: (?P<table>\w+)\((?P<columns>[\w, ]+)\)(?: where (?P<where>.+))?\n)?"
    r"(?P<sql>(?:(?!--).+\n)+)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Source:
    """The columns of a table that hold the values a query is asked with."""

    table: str
    columns: tuple[str, ...]
    where: str | None


@dataclass(frozen=True, slots=True)
class Query:
    """One query of the application, with placeholders ``$1``, ``$2``."""

    series: str
    file: str
    name: str
    waits: str
    purpose: str
    source: Source | None
    sql: str

    @property
    def writes(self) -> bool:
        """Tell whether it changes rows, so that foreign keys are at work too."""
        return not self.sql.startswith("select")


@cache
def load() -> tuple[Query, ...]:
    """Return all queries, in the order of their files."""
    return tuple(
        _query(path, found)
        for path in sorted(FOLDER.glob("*/*.sql"))
        for found in _QUERY.finditer(path.read_text(encoding="utf-8"))
    )


def _query(path: Path, found: re.Match[str]) -> Query:
    source = None
    if found["table"]:
        source = Source(found["table"], tuple(found["columns"].split(", ")), found["where"])
    sql = found["sql"].strip().removesuffix(";")
    return Query(path.parent.name, path.stem, found["name"], found["waits"], found["purpose"], source, sql)
