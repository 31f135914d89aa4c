"""Read rows that hold bytes of another encoding than ours, each such byte as U+FFFD.

What belongs to the whole server, the name of a role or the statement of a session, stands there as the
database wrote it that it comes from, and the server passes it on as it is.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from psycopg.adapt import AdaptersMap, Loader
from psycopg.types.json import set_json_loads

from runner.database import attention

if TYPE_CHECKING:
    from psycopg.abc import Buffer

    from runner.database.message import Connection

_TEXTS = (0, "bpchar", "name", "text", "varchar", '"char"')  # as psycopg; 0 is any type that it does not know


class Reader:
    """What psycopg reads the rows of a connection by, where they hold such bytes."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.adapters = _adapters()


class _Text(Loader):
    def load(self, data: Buffer) -> str:
        return _text(data)


@cache
def _adapters() -> AdaptersMap:
    found = AdaptersMap(attention.own_adapters())
    for kind in _TEXTS:
        found.register_loader(kind, _Text)
    set_json_loads(_json, found)
    return found


def _json(data: str | bytes) -> Any:  # noqa: ANN401 - whatever it holds
    return json.loads(data if isinstance(data, str) else _text(data))


def _text(data: Buffer) -> str:
    return str(data, "utf-8", errors="replace")
