"""Say how rows of the ledger get back numbers that somebody wrote otherwise than files do: pure, no I/O."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.errors import LedgerUntrusted
from runner.ledger.faults import TABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

_REWRITE = "set version = to_char(version::int, 'fm999999000') where version ~ '^[0-9]{1,9}$';"


def refused(odd: Sequence[str], versions: Sequence[str]) -> LedgerUntrusted:
    """Return the problem of ``odd`` versions among all, as a tool makes them that takes 001 for 1."""
    is_cured = all(re.fullmatch("[0-9]{1,9}", one) for one in odd)
    is_cured &= len({one.lstrip("0").zfill(3) for one in versions}) == len(versions)
    return LedgerUntrusted(
        f"{TABLE} records a version that is no number: {odd[0]!r}, as files write it.",
        remedy="Somebody wrote it by hand: find out why, and "
        + (f"then: update {TABLE} {_REWRITE}" if is_cured else "delete the row."),
    )
