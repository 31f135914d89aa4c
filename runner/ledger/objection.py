"""Tell what has spoken against a file in the transaction that was to apply it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.ledger import faults, within

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.database import Error

_NO_NUMBER = "22P02"
_UNKNOWN = "26000"  # invalid_sql_statement_name
_OURS = r"(?<![a-z0-9_])runner_"  # in the quotes of any language


def _says(words: str) -> Callable[[Error], bool]:
    """Return what tells whether an error is one of those that are no number."""
    return lambda error: error.sqlstate == _NO_NUMBER and words in (error.diag.message_primary or "")


is_held = _says(within.HELD)  # somebody else holds the advisory lock
is_stale = _says(within.STALE)  # the message came so long ago that what is left of it shall be sent anew
is_outdated = _says(within.OUTDATED)  # the ledger has changed since the plan was made
is_swallowed = _says(within.SWALLOWED)  # a trigger or a rule lets no row be written to the ledger


def is_harmed(error: Error) -> bool:
    """Tell whether a file has spoiled the ledger itself."""
    return error.sqlstate == faults.HARMED


def is_forgotten(error: Error) -> bool:
    """Tell whether a file has made the server forget what was prepared."""
    return error.sqlstate == _UNKNOWN and bool(re.search(_OURS, error.diag.message_primary or ""))
