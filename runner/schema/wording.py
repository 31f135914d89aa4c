"""Tell whether two texts are one definition that servers worded differently.

PostgreSQL prints what it has parsed, and parses what it has printed into something else: after a dump and a
restore a check, a view, a policy or a partial index reads otherwise, and so it does on another major
version. Both texts are brought to one form: parsed and printed in the scratch database until that changes
nothing. What cannot be parsed there is another definition.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner import database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.database import Connection
    from runner.schema.difference import Difference

_ROUNDS = 5  # two are enough for all that was tried
# As a superuser, whom no trigger of a file's disturbs.
_APART = "set local role none; set local session_replication_role = 'replica'"
_NEW = "runner_wording"  # what the trial objects are called
_NAME = r'(?:"(?:[^"]|"")+"|[^\s."]+)'
_HEAD = rf"(?i)(create (?:(?:unique )?index |(?:constraint )?trigger |rule |statistics {_NAME}\.)){_NAME}"
_EXPRESSIONS = dict.fromkeys(("default", "generation expression", "using", "with check"), "expression")
_PRINTED = {
    "index": "pg_catalog.pg_get_indexdef(oid) from pg_catalog.pg_class where relname = ",
    "trigger": "pg_catalog.pg_get_triggerdef(oid) from pg_catalog.pg_trigger where tgname = ",
    "rule": "pg_catalog.pg_get_ruledef(oid) from pg_catalog.pg_rewrite where rulename = ",
    "statistics": "pg_catalog.pg_get_statisticsobjdef(oid) from pg_catalog.pg_statistic_ext where stxname = ",
    "constraint": "pg_catalog.pg_get_constraintdef(oid) from pg_catalog.pg_constraint where conname = ",
    "partitioning": "pg_catalog.pg_get_partkeydef(oid) from pg_catalog.pg_class where relname = ",
    "view": "pg_catalog.pg_get_viewdef(oid) from pg_catalog.pg_class where relname = ",
    "function": "pg_catalog.pg_get_functiondef(oid) from pg_catalog.pg_proc where oid = regprocedure ",
}


def really(
    connection: Connection, differences: Iterable[Difference], *, parents: dict[tuple[str, str], str | None]
) -> Iterator[Difference]:
    """Yield the differences that are more than wording; ``connection`` leads to the scratch database.

    ``parents`` names the relation that an object belongs to. Everything is rolled back.
    """
    begin = database.opening(connection, access="read write")
    database.run(connection, f"{begin} {_APART}")
    try:
        for one in differences:
            relation = parents.get(one.key)
            if not (one.expected and one.actual) or _settled(
                connection, one, one.expected, relation
            ) != _settled(connection, one, one.actual, relation):
                yield one
    finally:
        database.roll_back(connection)


def _settled(connection: Connection, one: Difference, text: str, relation: str | None) -> str:
    """Return a text in its final form; as it is when the server cannot parse it, or need not."""
    kinds = {**_EXPRESSIONS, "partitioning": "partitioning", "definition": one.kind}
    kind = kinds.get(one.attribute or "")
    if kind is None:
        return text
    for _ in range(_ROUNDS):
        makes = _makes(kind, one.name, relation, text.rstrip(";"))
        new = _worded(connection, makes, _printed(kind, one.name))
        if new is None or new == text:
            break
        text, kind = new, "view" if kind == "expression" else kind  # an expression is printed as a view's
    return text


def _makes(kind: str, name: str, relation: str | None, text: str) -> list[str]:
    """Return what makes the server parse a text of this kind, to be tried in turn."""
    match kind:
        case "view" | "materialized view" | "expression":
            origin = f" from {relation}" if relation else ""
            query = f"select ({text}) as it{origin}" if kind == "expression" else text
            return [f"create temporary view {_NEW} as {query}"]
        case "constraint":
            late = " NOT VALID" * (text.startswith("CHECK") and not text.endswith(("VALID", "ENFORCED")))
            return [
                f"alter {what} {relation} add constraint {_NEW} {text}{late}" for what in ("table", "domain")
            ]
        case "partitioning":
            return [f"create temporary table {_NEW} (like {name}) partition by {text}"]
        case "function" | "procedure":
            return [text]
        case "index" | "trigger" | "rule" | "statistics":
            head = re.match(_HEAD, text)
            return [f"{head[1]}{_NEW}{text[head.end() :]}"] if head else []
    return []


def _printed(kind: str, name: str) -> str:
    """Return what the server is asked, to print what it understood; a routine keeps its name."""
    is_routine = kind in ("function", "procedure")
    text = _PRINTED["function" if is_routine else kind if kind in _PRINTED else "view"]
    return text + database.fill("{name}", name=name if is_routine else _NEW)


def _worded(connection: Connection, makes: Iterable[str], printed: str) -> str | None:
    """Return what the server prints for the first text that it understands."""
    for make in makes:
        results = database.send(connection, f"savepoint trial; {make}; select {printed}")
        failed = database.failure(results)
        rows = [] if failed else database.rows(connection, results[-1])
        database.run(connection, "rollback to savepoint trial")
        if rows:
            return str(rows[0][0])
    return None
