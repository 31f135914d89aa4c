"""Every change by hand that a DBA would care about is named, and nothing else is.

The table says for each which facts follow: all of them, or the first with an ellipsis where a rename shows in
much else; ``-`` for none, with the reason where somebody might expect one. Changes to different objects are
made together and compared once; a group that gives anything else is halved until it is known which it was.
"""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager
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

MOST = 12  # changes that are made together


def chosen(version: int) -> list[Change]:
    """Return the changes for a server; where only the wheel has the oldest, those without extensions."""
    found = exotic.changes(version)
    return [one for one in found if version != OLDEST or SYSTEM_15.is_dir() or " " in one.servers]


def concerned(change: Change) -> set[str]:
    """Return the objects whose facts follow from a change: schema and name, without what belongs to them."""
    names = re.findall(r"\w+\.[\w\"]+|\w+(?=: )", change.facts)
    return set(names) if names else {change.kind}


def groups(changes: list[Change]) -> list[list[Change]]:
    """Return changes in groups of which no two concern the same object; what shows in much else is alone."""
    found: list[tuple[set[str], list[Change]]] = []
    for change in changes:
        names = concerned(change)
        fits = (
            one for one in found
            if "…" not in change.facts and len(one[1]) < MOST and not one[0] & {*names, "…"}
        )  # fmt: skip
        group = next(fits, None)
        if group is None:
            found.append(group := (set(), []))
        group[0].update(names, "…" * ("…" in change.facts))
        group[1].append(change)
    return [changes for _, changes in found]


@contextmanager
def oldest() -> Iterator[Server]:
    """Run Debian's server, which has extensions, unlike that of the wheel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(servers.PROGRAMS, OLDEST, SYSTEM_15)
        with servers.running(OLDEST) as server:
            yield server


@pytest.fixture(scope="module", params=(15, 18), ids=lambda version: f"pg{version}")
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


def wrong(live: Live, changes: list[Change]) -> dict[str, tuple[set[str], set[str]]]:
    """Make changes together; return which of them gave other facts than they should, and those."""
    wanted = {name for one in changes for name in one.facts.split("; ") if not one.facts.startswith("-")}
    try:
        told = {fact(one) for one in after(live, changes)}
    except database.Error:
        if len(changes) == 1:
            raise
        told = set()
    if told == wanted or ("…" in wanted and told >= wanted - {"…"}):
        return {}
    if len(changes) == 1:
        return {f"{changes[0].kind}: {changes[0].change}": (wanted, told)}
    half = len(changes) // 2
    return wrong(live, changes[:half]) | wrong(live, changes[half:])


def after(live: Live, changes: list[Change]) -> list[Difference]:
    """Make changes in a transaction that is rolled back, or one in a clone where it runs in none."""
    try:
        with database.connect(live.server.url(live.name), source="x") as connection:
            database.run(connection, "; ".join(["begin", *(change.sql for change in changes)]))
            return live.differences(connection)
    except psycopg.errors.ActiveSqlTransaction:
        if len(changes) > 1:
            raise
        return in_clone(live, changes[0])


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
    tried = chosen(live.server.version)
    found: dict[str, tuple[set[str], set[str]]] = {}
    for group in groups(tried):
        found |= wrong(live, group)
    assert found == {}
    assert len(tried) > 300
