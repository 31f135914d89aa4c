"""Know PostgreSQL's table locks, and say in words whom each keeps waiting.

The manual's section 13.3.1 has the table of conflicts. Among programs that read and write rows only four
cases can be told apart.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Blocked(StrEnum):
    """Who waits while a lock is held."""

    NOBODY = "nobody"  # as beside any program that reads or writes rows; only DDL that locks out others waits
    DDL = "DDL"  # other DDL, vacuum, analyze
    WRITERS = "writers"  # insert, update, delete, and of the strongest of them select for update
    EVERYBODY = "everybody"

    @property
    def rank(self) -> int:
        """Order from nobody, 0, to everybody, 3."""
        return list(Blocked).index(self)


_BLOCKS = {  # as pg_locks names them, from the weakest to the strongest
    "AccessShareLock": Blocked.NOBODY,
    "RowShareLock": Blocked.NOBODY,
    "RowExclusiveLock": Blocked.NOBODY,
    "ShareUpdateExclusiveLock": Blocked.DDL,
    "ShareLock": Blocked.WRITERS,
    "ShareRowExclusiveLock": Blocked.WRITERS,
    "ExclusiveLock": Blocked.WRITERS,
    "AccessExclusiveLock": Blocked.EVERYBODY,
}
MODES = tuple(_BLOCKS)


def blocked(mode: str | None) -> Blocked:
    """Return who waits for whoever holds a lock; ``None`` is no lock."""
    return _BLOCKS[mode] if mode else Blocked.NOBODY


def strongest(modes: Iterable[str | None]) -> str | None:
    """Return the strongest of some locks, ``None`` for none at all."""
    return max((mode for mode in modes if mode), key=MODES.index, default=None)
