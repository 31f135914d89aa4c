"""Every change by hand that a DBA would care about is named, and nothing else is.

The table says for each which facts follow: all of them, or the first with an ellipsis where a rename shows in
much else; ``-`` for none, with the reason where somebody might expect one. On one server each by turns, which
takes twenty seconds; DRIFT=all tries each on every server that knows it.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import database
from tests import servers
from tests.schema import exotic
from tests.servers import OLDEST, SYSTEM_15

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.schema.difference import Difference
    from tests.schema.exotic import Change, Live
    from tests.servers import Server

TABLE = {version: exotic.changes(version) for version in (15, 18)}


def chosen(version: int) -> list[Change]:
    """Return the changes to try: of those for several servers each has every other one."""
    found = [one for one in TABLE[version] if version != OLDEST or SYSTEM_15.is_dir() or " " in one.servers]
    if os.environ.get("DRIFT") == "all":
        return found
    return [one for n, one in enumerate(found) if " " not in one.servers or n % 2 == (version == OLDEST)]


@contextmanager
def oldest() -> Iterator[Server]:
    """Run Debian's server, which has extensions, unlike that of the wheel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(servers.PROGRAMS, OLDEST, SYSTEM_15)
        with servers.running(OLDEST) as server:
            yield server


@pytest.fixture(scope="module", params=TABLE, ids=lambda version: f"pg{version}")
def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Return the database that is changed, on the oldest and the newest server."""
    version = request.param
    root = tmp_path_factory.mktemp("exotic")
    with ExitStack() as stack:
        folders = ["common", f"pg{version}"]
        if version != OLDEST:
            server = request.getfixturevalue(f"server_{version}")
        elif SYSTEM_15.is_dir():
            server = stack.enter_context(oldest())
        else:
            server, folders = request.getfixturevalue("server_15"), ["common"]
        yield stack.enter_context(exotic.living(server, f"exotic_{version}", root, *folders))


def fact(one: Difference) -> str:
    """Return a difference without its values."""
    whole = "left over" if one.expected is None else "missing"
    return f"{one.subject}: {one.attribute or whole}"


def after(live: Live, change: Change) -> list[Difference]:
    """Make a change in a transaction that is rolled back, or in a clone where it runs in none."""
    with (
        suppress(psycopg.errors.ActiveSqlTransaction),
        database.connect(live.server.url(live.name), source="x") as connection,
    ):
        database.run(connection, f"begin; {change.sql}")
        return live.differences(connection)
    return in_clone(live, change)


def in_clone(live: Live, change: Change) -> list[Difference]:
    """Make a change in a copy of the database."""
    with database.connect(live.server.url("postgres"), source="x") as connection:
        database.run(connection, f"create database clone template {live.name} strategy file_copy")
        try:
            with database.connect(live.server.url("clone"), source="x") as clone:
                for text in change.sql.split("; "):
                    database.run(clone, text)
                return live.differences(clone)
        finally:
            database.run(connection, "drop database clone with (force)")


def test_nothing_differs_before(live: Live) -> None:
    """What the runner made is what the files make elsewhere."""
    with database.connect(live.server.url(live.name), source="x") as connection:
        assert live.differences(connection) == []


def test_each_change_is_named_and_nothing_else(live: Live) -> None:
    """All are tried before anything is said, as one database serves them all."""
    wrong = {}
    tried = chosen(live.server.version)
    for change in tried:
        told = [fact(one) for one in after(live, change)]
        wanted = [] if change.facts.startswith("-") else change.facts.split("; ")
        more = set(told) - set(wanted) if "…" not in wanted else set()
        if set(wanted) - {"…"} - set(told) or more:
            wrong[f"{change.kind}: {change.change}"] = (wanted, told)
    assert wrong == {}
    assert len(tried) > 150
