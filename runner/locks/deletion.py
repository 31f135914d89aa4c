"""Tell by the text of a statement whether it says itself which rows it deletes.

What it leaves to others, as to a function, shows no condition: then it counts whether a row is left.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.files import Statement

_DELETE = re.compile(r"\bdelete\s+from\b", re.IGNORECASE)
_MADE = re.compile(r"create\s+(?:or\s+replace\s+)?(?:function|procedure|rule)\b", re.IGNORECASE)
_MERGE = re.compile(r"\bthen\s+delete\b", re.IGNORECASE)
_MERGE_ALL = re.compile(r"\bmatched(?:\s+by\s+source)?\s+then\s+delete\b", re.IGNORECASE)


def is_chosen(statement: Statement) -> bool:
    """Tell whether a statement deletes by its own text, and of a merge only with a condition."""
    code = statement.code
    return bool(_DELETE.search(code) or (_MERGE.search(code) and not _MERGE_ALL.search(code)))


def is_only_kept(statement: Statement) -> bool:
    """Tell whether what a statement says is kept and not run, as the body of a function or of a rule."""
    return statement.word == "prepare" or bool(_MADE.match(statement.code))
