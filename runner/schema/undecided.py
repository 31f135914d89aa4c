"""Tell which differences lie in what files do not decide, so that an administrator may."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner import ledger

if TYPE_CHECKING:
    from runner.schema.catalog import Item, Snapshot
    from runner.schema.difference import Difference

# What default privileges are said to be on, for what is no table or view.
_DEFAULTS = dict.fromkeys(("function", "procedure", "aggregate"), "functions") | {"sequence": "sequences"}
_DEFAULTS |= dict.fromkeys(("type", "domain", "enum", "range"), "types")

# What one version of the runner gives its ledger, and another does not.
_OF_A_VERSION = ("comment", "storage", "compression")


def is_left_alone(one: Difference, before: Snapshot, expected: Snapshot, actual: Snapshot) -> bool:
    """Tell whether a difference is in what no file speaks of, so that it is an administrator's.

    The schema public and the database itself are there before the first file: rights, settings and comments
    that files leave as they were they do not decide, nor what the scratch database was lent, such as the role
    it works as. Those of the database stay behind when it is copied, by a dump or as a template; then nobody
    has changed them.
    """
    key = (one.kind, one.name)
    if one.attribute is None or key not in before:
        return False
    copied = one.kind == "database" and _as_new(before[key]) == _as_new(actual[key])
    is_setting = one.kind == "database" and one.attribute.startswith("setting ")
    lent = is_setting and one.expected is not None and one.expected == before[key].facts.get(one.attribute)
    return (
        before[key] == expected.get(key)
        or copied
        or lent
        or (key, one.attribute) == (("schema", "public"), "owner")
    )


def _as_new(item: Item) -> dict[str, str]:
    return {name: value for name, value in item.facts.items() if name != "owner"}


def is_by_default(one: Difference, before: Snapshot, actual: Snapshot) -> bool:
    """Tell whether it is default privileges, or rights that those of a schema give which files made.

    They may be older than an object there or not: so it may have these rights or not. Where the schema was
    there before the files, they were given before these ran, and what files took back counts.
    """
    if one.kind == "default privileges":
        return True
    if one.attribute != "grants":
        return False
    if (item := actual.get((one.kind, one.name))) is None:
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
    return one.attribute in _OF_A_VERSION or (
        one.attribute == "grants" and _writers(one.expected) == _writers(one.actual)
    )


def _writers(grants: str | None) -> set[str]:
    return {one for one in _apart(grants) if not one.endswith("=select")}


def is_awaited(one: Difference, wanted: set[str]) -> bool:
    """Tell whether a left-over extension is one that a file not yet applied requires."""
    return (one.kind, one.expected, one.attribute) == ("extension", None, None) and one.name in wanted
