"""Looks at a scratch database: each reads only what has changed, and misses nothing that has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import database, ledger
from runner.errors import LedgerUntrusted, RunnerError
from runner.schema.moment import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.database import Connection

# what happens behind the back of the runner -> what the next look sees
LEDGERS: dict[str, tuple[str, ...] | type[RunnerError]] = {
    "select 1": ("000",),
    "update public.schema_migrations set version = '001'": ("001",),
    "delete from public.schema_migrations": (),
    "truncate public.schema_migrations": (),
    "drop table public.schema_migrations": (),
    "alter table public.schema_migrations add x int": LedgerUntrusted,
    "create rule r as on delete to public.schema_migrations do nothing": LedgerUntrusted,
}


@pytest.fixture
def watched(url: str) -> Iterator[tuple[Connection, Watcher]]:
    """Return a session that writes, where the ledger records a file, and a watcher of it."""
    with database.connect(url, source="x") as working, database.connect(url, source="x") as watching:
        database.run(working, ledger.CREATE)
        database.run(
            working,
            "insert into public.schema_migrations (series, version, name, checksum, sql, execution_ms,"
            " runner_version) values ('', '000', 'a', 'sha256:', '', 0, '0')",
        )
        yield working, Watcher(watching, working)


@pytest.mark.parametrize(("statement", "expected"), LEDGERS.items())
def test_the_ledger_is_read_again_when_it_may_say_something_else(
    watched: tuple[Connection, Watcher], statement: str, expected: tuple[str, ...] | type[RunnerError]
) -> None:
    """Its rows, its shape and what stands on it; between two looks nothing else was written."""
    working, watcher = watched
    assert watcher.look().recorded == ("000",)
    database.run(working, statement)
    if isinstance(expected, tuple):
        assert watcher.look().recorded == expected
    else:
        with pytest.raises(expected):
            watcher.look()
