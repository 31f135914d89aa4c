"""Say where scratch databases are made, and for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Place(NamedTuple):
    """A server for scratch databases, how messages name it, and what a project says of its series.

    ``schemas`` are those that count, ``own`` is a folder of own rows, ``role`` runs the files, else whoever
    connects.
    """

    url: str
    source: str
    schemas: tuple[str, ...] = ()
    own: Path | None = None
    role: str | None = None
