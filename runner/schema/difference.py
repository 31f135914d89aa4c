"""One fact that two snapshots do not share, what may differ all the same, and how a difference reads."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner import files, ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.schema.catalog import Item, Snapshot

# Of these one side may have nothing to say: they are facts about something that is there anyway.
LOOSE = {"not null", "database", "own function", "own relation", "own column", "own type", "own schema"}
LOOSE |= {"own language", "own foreign data wrapper", "own foreign server"}
_MADE_BY_ROWS = {"large object"}  # an application makes them; only those that files made are looked for
_BEING_BUILT = "being built"  # as parts.sql says it of an index

# What default privileges are said to be on, for what is no table or view.
_DEFAULTS = dict.fromkeys(("function", "procedure", "aggregate"), "functions") | {"sequence": "sequences"}
_DEFAULTS |= dict.fromkeys(("type", "domain", "enum", "range"), "types")

# What one version of the runner gives its ledger, and another does not.
_OF_A_VERSION = ("comment", "storage", "compression")
_GIVEN = re.compile(r"_not_null\d*$")
_NUMBERED = re.compile(r"_not_null\d+$")  # by the server, where a table that was renamed keeps the name


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
    def key(self) -> tuple[str, str]:
        """Where it stands in a snapshot."""
        return self.kind, self.name

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
        now, was = (files.masked(side or "none") for side in (self.actual, self.expected))
        if now == was and self.actual and self.expected:
            return f"{self.subject} has another {self.attribute}. {files.SECRETS_DIFFER}"
        return f"{self.subject} {verb} {now}, {expected} {was}"

    def __str__(self) -> str:
        return self.told(expected="files say", extra="is not in the files")


def diff(old: str | None, new: str | None, *, around: int) -> tuple[str, ...]:
    """Return how two texts differ, without a header or passwords; a carriage return is made visible."""
    texts = [files.masked(text or "") for text in (old, new)]
    if texts[0] == texts[1]:
        return (files.SECRETS_DIFFER,)
    was, now = (text.removesuffix("\n").replace("\r", "\\r").split("\n") if text else [] for text in texts)
    return files.changes(was, now, around=around)


def ordered(expected: str | None, actual: str | None) -> tuple[str, str]:
    """Return the orders of the columns that both sides have, as text; a missing column is told by itself."""
    was, now = (json.loads(side or "[]") for side in (expected, actual))
    common = set(was) & set(now)
    old, new = (", ".join(name for name in side if name in common) for side in (was, now))
    return old, new


def is_passing(kind: str, facts: Mapping[str, str]) -> bool:
    """Tell whether what no file makes may be there: by an application, or an index that is being built."""
    return kind in _MADE_BY_ROWS or facts.get("validity") == _BEING_BUILT


def is_allowed(kind: str, attribute: str, after: str | None) -> bool:
    """Tell whether a fact may differ.

    A not null constraint may have the name that PostgreSQL gave it; a materialized view that files leave
    empty is there to be refreshed; which version of an extension a package offers is the server's; an index
    that is being built is not valid yet; who may not see the options of a user mapping cannot compare them.
    """
    match kind, attribute:
        case ("not null", "name"):
            return after is None
        case ("materialized view", "data") | ("index", "validity"):
            return after in ("there", _BEING_BUILT)
        case ("extension", "version of the package"):
            return True
        case ("user mapping", "hidden options"):
            return after is None
    return False


def is_given(one: Difference) -> bool:
    """Tell whether it is the name that the server gave a not null constraint, by that of its table then."""
    names = (one.expected or "_not_null", one.actual or "_not_null")
    return (one.kind, one.attribute) == ("not null", "name") and all(map(_GIVEN.search, names))


def is_left_alone(one: Difference, before: Snapshot, expected: Snapshot, actual: Snapshot) -> bool:
    """Tell whether a difference is in what no file speaks of, so that it is an administrator's.

    The schema public and the database itself are there before the first file: rights, settings and comments
    that files leave as they were they do not decide, nor what the scratch database was lent, such as the role
    it works as. Those of the database stay behind when it is copied, by a dump or as a template; then nobody
    has changed them.
    """
    if one.attribute is None or (was := before.get(one.key)) is None:
        return False
    copied = one.kind == "database" and _as_new(was) == _as_new(actual[one.key])
    is_setting = one.kind == "database" and one.attribute.startswith("setting ")
    lent = is_setting and one.expected is not None and one.expected == was.facts.get(one.attribute)
    is_owner = (*one.key, one.attribute) == ("schema", "public", "owner")
    return was == expected.get(one.key) or copied or lent or is_owner


def _as_new(item: Item) -> dict[str, str]:
    return {name: value for name, value in item.facts.items() if name != "owner"}


def is_by_default(one: Difference, before: Snapshot, actual: Snapshot) -> bool:
    """Tell whether it is default privileges, or rights that those of a schema give which files made.

    They may be older than an object there or not: so it may have these rights or not. Where the schema was
    there before the files, they were given before these ran, and what files took back counts.
    """
    if one.kind == "default privileges":
        return True
    if one.attribute != "grants" or (item := actual.get(one.key)) is None:
        return False
    owner = item.facts.get("owner")
    found = re.match(r'"(?:[^"]|"")+"|[^."]+', one.name)
    schema = found[0] if found else ""
    if ("schema", schema) in before:
        return False
    name = f"for {owner} in {schema} on {_DEFAULTS.get(one.kind, 'tables')}"
    default = actual.get(("default privileges", name))
    old, new = _apart(one.expected), _apart(one.actual)
    return old < new and default is not None and new - old <= _apart(default.facts["rights"])


def _apart(grants: str | None) -> set[str]:
    return set((grants or "").split(", ")) - {""}


def is_of_the_ledger(one: Difference, parent: str | None) -> bool:
    """Tell whether it is what the ledger may have: other readers, or what another version makes of it."""
    if ledger.TABLE not in (one.name, parent):
        return False
    if (one.kind, one.attribute, one.expected) == ("not null", "name", None):
        return bool(_NUMBERED.search(one.actual or ""))
    return one.attribute in _OF_A_VERSION or (
        one.attribute == "grants" and _writers(one.expected) == _writers(one.actual)
    )


def _writers(grants: str | None) -> set[str]:
    return {one for one in _apart(grants) if not one.endswith("=select")}


def is_awaited(one: Difference, wanted: set[str]) -> bool:
    """Tell whether a left-over extension is one that a file not yet applied requires."""
    return (one.kind, one.expected, one.attribute) == ("extension", None, None) and one.name in wanted
