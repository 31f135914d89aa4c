"""The tools, a module each: how an ordinary user of the tool would keep and apply the same files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.runner.install import NO_TOOLS, Tools, install
from benchmarks.runner.model import Failed
from benchmarks.runner.peers import (
    alembic,
    dbmate,
    floor,
    node_pg_migrate,
    own,
    psql,
    sqitch,
    yoyo,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from benchmarks.runner.model import Peer
    from benchmarks.runner.server import Server

_MAKERS: dict[str, Callable[[Server, Tools], Peer]] = {
    own.NAME: own.peer,
    floor.NAME: floor.peer,
    floor.AT_ONCE: floor.at_once,
    floor.GUARDED: floor.guarded,
    "psql": psql.peer,
    "dbmate": dbmate.peer,
    "alembic": alembic.peer,
    "yoyo": yoyo.peer,
    "node-pg-migrate": node_pg_migrate.peer,
    "sqitch": sqitch.peer,
}
NAMES = tuple(_MAKERS)
_ALWAYS_THERE = {own.NAME, floor.NAME, floor.AT_ONCE, floor.GUARDED, "psql"}


def find(server: Server, names: Collection[str]) -> tuple[tuple[Peer, ...], dict[str, str]]:
    """Return the tools that are there, and for each absent one the reason. May install some."""
    tools = NO_TOOLS if _ALWAYS_THERE.issuperset(names) else install()
    found, absent = [], {}
    for name in NAMES:
        if name in names:
            try:
                found.append(_MAKERS[name](server, tools))
            except Failed as error:
                absent[name] = str(error)
    return tuple(found), absent
