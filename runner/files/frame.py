"""Read what a rollback file says of itself, as the frame does that ``create`` writes around it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.model import Migration

_DELETES_ROW = r'(?i)\bdelete\s+from\s+(?:only\s+)?(?:"?public"?\s*\.\s*)?"?schema_migrations\b'
_SAYS = r"(?im)^[ \t]*this_(series|version|name)\s+constant\s+text\s*:=\s*'([^']*)'"


def deletes_row(rollback: Path) -> bool:
    """Tell whether a rollback file deletes its row from the ledger, as those of ``create`` do.

    Of one that cannot be read nothing is told against it: psql says that.
    """
    from runner.files import hidden  # noqa: PLC0415 - start-up time

    text = _read(rollback)
    return text is None or re.search(_DELETES_ROW, hidden.blanked(text)) is not None


def misnamed(migration: Migration) -> str | None:
    """Say what the rollback of a file takes for series, number or name and is not, as after a new number.

    Such a rollback, made as those of ``create``, finds another row than its own, or none, and undoes nothing.
    Where it says what is right, too, the other may stand in a comment.
    """
    found = re.findall(_SAYS, (migration.rollback and _read(Path(migration.rollback))) or "")
    said = [(word.lower(), has) for word, has in found]
    right = {"series": migration.series, "version": migration.version, "name": migration.name}
    wrong = [(word, has) for word, has in said if (word, right[word]) not in said]
    return ", ".join(f"this_{word} is '{has}', not '{right[word]}'" for word, has in wrong) or None


def _read(rollback: Path) -> str | None:
    try:
        return rollback.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
