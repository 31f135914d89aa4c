"""Tell what triggers do by themselves when rows change, which no rollback takes back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner import files

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from runner.schema.moment import Moment

_TIME = (  # and nothing more: a time some days from now is no note of a change
    r"\(?(?:pg_catalog\.)?(?:now\s*\(\s*\)|\w+_timestamp(?:\s*\(\s*\d*\s*\))?|localtimestamp"
    r"|current_(?:date|time)\b)(?:\s+at\s+time\s+zone\s+'[^']*')?(?:::\w+)?\)?"
    r"(?=\s*(?:[,;']|\Z|\b(?:where|from|returning)\b))"
)
_SET = re.compile(r"(?is)\bset\b(?:(?!\bwhere\b).)*")
_EXECUTE = re.compile(r"(?i)\bexecute\b(?!\s+(?:function|procedure)\b)")
_UPDATE = re.compile(
    r"(?s)\bBEFORE\b.*?\bUPDATE\b.*? ON .* EXECUTE FUNCTION (?P<function>.*)\((?P<given>.*)\)\Z"
)


def is_time(column: str, text: str) -> bool | None:
    """Tell whether files set a column to the time of the change and nothing else; None if not at all."""
    name = re.escape(column)
    given = re.findall(rf'(?i)(?:\bset|,)\s*"?{name}"?\s*=\s*({_TIME})?', text)
    if given:
        return all(given)
    # Behind a point stands what is read, as new.x and old.x are in a function that the file makes.
    named = re.compile(rf'(?i)(?<![."\w])"?{name}\b')
    return False if any(named.search(part) for part in _setting(text)) else None


def _setting(text: str) -> Iterator[str]:
    """Yield the parts of files that may set columns: up to a condition, and all of what is put together."""
    for statement in text.split(";"):
        yield from [statement] if _EXECUTE.search(statement) else _SET.findall(statement)


def is_kept(column: str, tables: Collection[str], moments: Sequence[Moment]) -> bool:
    """Tell whether a trigger gives a column of a table, by whichever of its names, a value at an update."""
    name = re.escape(column)
    assigned = rf'(?i)(?:;|\b(?:begin|then|else|loop|into)\b)\s*new\."?{name}"?\s*(?::?=|;|,|\bfrom\b)'
    return any(
        f"'{column}'" in given or re.search(assigned, body)
        for moment in moments
        for body, given in _bodies(moment, tables)
    )


def _bodies(moment: Moment, tables: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield what runs before a row of a table is updated: the text of the function, and what it is given."""
    for item in moment.schema.values():
        is_own = item.kind == "trigger" and item.parent in tables
        if is_own and (found := _UPDATE.search(item.facts["definition"])):
            function = moment.schema.get(("function", f"{found['function']}()"))
            yield files.blanked(function.facts["definition"]) if function else "", found["given"]


def may_write(table: str, last: Moment, after: Moment) -> bool:
    """Tell whether what was done between two moments may have fired a trigger that writes to a table."""
    moved = {one.name for one in last.tables.values() if one.oid in after.touched} - {table}
    moved |= {name for kind, name in last.schema if kind == "view"}
    return any(
        kind == "event trigger" or (kind in ("trigger", "rule") and item.parent in moved)
        for (kind, _), item in last.schema.items()
    )
