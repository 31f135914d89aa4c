"""One fact that two snapshots do not share, what may differ all the same, and how a difference reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Of these one side may have nothing to say: they are facts about something that is there anyway.
LOOSE = {"not null", "database", "own function", "own relation", "own type", "own schema", "own language"}
_MADE_BY_ROWS = {"large object"}  # an application makes them; only those that files made are looked for
_BEING_BUILT = "being built"  # as parts.sql says it of an index


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that two snapshots do not share.

    ``attribute`` is ``None`` when the whole object is missing (``actual`` is ``None``) or left over
    (``expected`` is ``None``).
    """

    kind: str
    name: str
    attribute: str | None
    expected: str | None
    actual: str | None

    @property
    def subject(self) -> str:
        """What it is about: table public.users."""
        return f"{self.kind} {self.name}".rstrip()

    @property
    def is_hidden(self) -> bool:
        """Whether its values may be secrets, which are never shown."""
        return (self.attribute or "").startswith("hidden ")

    def told(self, *, expected: str, extra: str) -> str:
        """Return a sentence; ``expected`` introduces the expected value, ``extra`` tells of a left-over.

        A text of several lines is told as a unified diff, indented below the sentence.
        """
        if self.attribute is None:
            return f"{self.subject} is missing" if self.actual is None else f"{self.subject} {extra}"
        if self.is_hidden:
            what = self.attribute.removeprefix("hidden ")
            return f"{self.subject} has {'other' if what == 'options' else 'another'} {what}"
        if "\n" in (self.expected or "") + (self.actual or ""):
            changes = (f"    {line}" for line in diff(self.expected, self.actual, around=2))
            return "\n".join((f"{self.subject} has another {self.attribute} ({expected} -):", *changes))
        verb = "is" if self.attribute in ("definition", "type") else f"has {self.attribute}"
        return f"{self.subject} {verb} {self.actual or 'none'}, {expected} {self.expected or 'none'}"

    def __str__(self) -> str:
        return self.told(expected="files say", extra="is not in the files")


def diff(old: str | None, new: str | None, *, around: int) -> tuple[str, ...]:
    """Return how two texts differ, without a header; a carriage return is made visible."""
    from difflib import unified_diff  # noqa: PLC0415 - start-up time

    was, now = (
        text.removesuffix("\n").replace("\r", "\\r").split("\n") if text else [] for text in (old, new)
    )
    return tuple(unified_diff(was, now, lineterm="", n=around))[2:]


def ordered(expected: str | None, actual: str | None) -> tuple[str, str] | None:
    """Return the orders of the columns that both sides have, as text; a missing column is told by itself."""
    if expected is None or actual is None:
        return None
    names: tuple[list[str], list[str]] = (json.loads(expected), json.loads(actual))
    common = set(names[0]) & set(names[1])
    old, new = (", ".join(name for name in side if name in common) for side in names)
    return old, new


def is_passing(kind: str, facts: Mapping[str, str]) -> bool:
    """Tell whether what no file makes may be there: by an application, or an index that is being built."""
    return kind in _MADE_BY_ROWS or facts.get("validity") == _BEING_BUILT


def is_allowed(
    kind: str, attribute: str, before: str | None, after: str | None, old: Mapping[str, str]
) -> bool:
    """Tell whether a fact may differ.

    A not null constraint may have the name that PostgreSQL gave it; a materialized view that files leave
    empty is there to be refreshed; an extension whose version no file named is as new as its package; an
    index that is being built is not valid yet; who may not see the options of a user mapping cannot compare
    them.
    """
    match kind, attribute:
        case ("not null", "name"):
            return after is None
        case ("materialized view", "data") | ("index", "validity"):
            return after in ("there", _BEING_BUILT)
        case ("extension", "version"):
            return before == old.get("version of the package")
        case ("extension", "version of the package"):
            return True
        case ("user mapping", "hidden options"):
            return after is None
    return False
