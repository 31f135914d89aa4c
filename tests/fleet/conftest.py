"""A few empty databases, and who looks at them from outside."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.conftest import new_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server


@pytest.fixture
def fleet(server: Server) -> Iterator[dict[str, str]]:
    """Return four empty databases, by name."""
    with ExitStack() as stack:
        yield {f"eu-{n}": stack.enter_context(new_database(server)) for n in range(4)}


def at(url: str) -> list[str]:
    """Return the versions that a ledger records; none without a ledger."""
    with psycopg.connect(url) as db:
        if db.execute("select to_regclass('public.schema_migrations')").fetchone() == (None,):
            return []
        return [
            version for (version,) in db.execute("select version from public.schema_migrations order by 1")
        ]


def run(url: str, text: str) -> None:
    """Run a statement in a database, as somebody else would."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(text.encode())
