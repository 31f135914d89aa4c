"""Tell which deletes have a condition: by what a statement says, and by the server's plan of it.

What is always true, such as ``2 > 1``, the planner leaves out. Nothing is run.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from runner import database

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.database import Connection
    from runner.files import Statement

_DELETES = re.compile(r"\bdelete\s+from\b", re.IGNORECASE)
_MERGE = re.compile(r"\bthen\s+delete\b", re.IGNORECASE)
_MERGE_ALL = re.compile(r"\bmatched(?:\s+by\s+source)?\s+then\s+delete\b", re.IGNORECASE)
_MADE = re.compile(r"create\s+(?:or\s+replace\s+)?(?:function|procedure|rule)\b", re.IGNORECASE)
_DELETING = ("delete", "with")
_UNCHOSEN = ("Append", "Seq Scan")  # nodes that take all there is, without one of the words below
_CHOICE = ("Filter", "Cond")
_BESIDE = ("InitPlan", "SubPlan")  # what does not feed the rows


def is_chosen(statement: Statement) -> bool:
    """Tell whether a statement says itself which rows it deletes, and of a merge only with a condition.

    What it leaves to others, as to a function, shows no condition: then it counts whether a row is left.
    """
    code = statement.code
    return bool(_DELETES.search(code) or (_MERGE.search(code) and not _MERGE_ALL.search(code)))


def is_only_kept(statement: Statement) -> bool:
    """Tell whether what a statement says is kept and not run, as the body of a function or of a rule."""
    return statement.word == "prepare" or bool(_MADE.match(statement.code))


def deleted(connection: Connection, word: str, text: str) -> list[list[str]]:
    """Return schema and name of what a statement, which begins with ``word``, deletes every row of."""
    question = f"explain (verbose, costs off, format json) {text}"
    if word not in _DELETING or not database.in_transaction(connection):
        return []  # not one that may begin with `explain`, or one without a savepoint
    answers = database.tried(connection, question)
    if not answers:
        return []
    found = json.loads(answers[0].get_value(0, 0) or "[]")
    plans = [node for one in found for node in _nodes(one.get("Plan", {}))]
    return [
        [one["Schema"], one["Relation Name"]]
        for one in plans
        if one.get("Operation") == "Delete" and "Relation Name" in one and _takes_all(one)
    ]


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _takes_all(plan: Mapping[str, Any]) -> bool:
    feeding = [one for one in plan.get("Plans", ()) if one["Parent Relationship"] not in _BESIDE]
    return bool(feeding) and all(_is_unchosen(node) for one in feeding for node in _nodes(one))


def _is_unchosen(node: Mapping[str, Any]) -> bool:
    return node["Node Type"] in _UNCHOSEN and not any(key.endswith(_CHOICE) for key in node)
