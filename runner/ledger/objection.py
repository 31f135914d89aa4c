"""Tell what has spoken against a file in the transaction that was to apply it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.ledger import within

if TYPE_CHECKING:
    from runner.database import Error

_NO_NUMBER = "22P02"
_UNKNOWN = "26000"  # invalid_sql_statement_name
_OURS = r"(?<![a-z0-9_])runner_"  # in the quotes of any language


def is_held(error: Error) -> bool:
    """Tell whether somebody else holds the advisory lock."""
    return error.sqlstate == _NO_NUMBER and within.HELD in (error.diag.message_primary or "")


def is_stale(error: Error) -> bool:
    """Tell whether the message came so long ago that what is left of it shall be sent anew."""
    return error.sqlstate == _NO_NUMBER and within.STALE in (error.diag.message_primary or "")


def is_forgotten(error: Error) -> bool:
    """Tell whether a file has made the server forget what was prepared."""
    return error.sqlstate == _UNKNOWN and bool(re.search(_OURS, error.diag.message_primary or ""))


def is_outdated(error: Error) -> bool:
    """Tell whether the ledger has changed since the plan was made."""
    return error.sqlstate == _NO_NUMBER and within.OUTDATED in (error.diag.message_primary or "")


def is_swallowed(error: Error) -> bool:
    """Tell whether a trigger or a rule lets no row be written to the ledger."""
    return error.sqlstate == _NO_NUMBER and within.SWALLOWED in (error.diag.message_primary or "")
