"""Make sure that a file leaves the ledger as it was made, where it may change tables that it does not name.

To ask that behind every file would take the server as long as all else that is done for a small one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.ledger.faults import INTACT

if TYPE_CHECKING:
    from runner.model import Migration

# A function that is called where a line begins, or in a block; a text that is executed there, unless one sees
# that it alters and makes nothing. What remains unseen, as what a trigger does, the next run finds.
_CALLS = ("\nselect", "\ncall")
_IN_A_BLOCK = r"""(?x) execute\s+ (?! (?:function|procedure|on)\b
    | (?: (?:pg_catalog\.)?format\s*\(\s* )? '\s*(?!alter|create|drop)[a-z] )"""
_LONG = 32768  # characters: to look for these takes longer than the question


def intact_message(migration: Migration) -> str:
    """Return what fails, as ``is_harmed`` tells, if a file spoils the ledger; nothing if it cannot."""
    return INTACT if len(migration.sql) > _LONG or _may_harm(f"\n{migration.sql.lower()}") else ""


def _may_harm(text: str) -> bool:
    if "$" in text and ("perform" in text or re.search(_IN_A_BLOCK, text)):
        return True
    return any(word in text for word in _CALLS)
