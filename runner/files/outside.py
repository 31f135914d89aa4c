"""Know the statements that PostgreSQL refuses inside a transaction, and those that end one themselves.

The list is what ``PreventInTransactionBlock`` guards in PostgreSQL 15 to 18. What depends on the database
and not on the text (``cluster`` or ``reindex`` of a partitioned table, ``drop subscription if exists``) is
left to the server.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.files.lexer import Refusal, scan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.files.lexer import Statement

_OPTIONS = r"(?:\([^)]*\)\s*)?"
_OFF = r"\s*=?\s*'?(?:false|off|0)\b"
_REFUSED = {
    "vacuum": r"vacuum\b",
    "cluster without a table": r"cluster\s*(?:\([^)]*\)\s*|verbose\s*)?$",
    "create index concurrently": r"create\s+(?:unique\s+)?index\s+concurrently\b",
    "drop index concurrently": r"drop\s+index\s+concurrently\b",
    "reindex concurrently": (
        rf"reindex\s*{_OPTIONS}\w+\s+concurrently\b|reindex\s*\([^)]*\bconcurrently\b(?!{_OFF})[^)]*\)"
    ),
    "reindex schema, database or system": rf"reindex\s*{_OPTIONS}(?:schema|database|system)\b",
    "detach partition concurrently": r"alter\s+table\b.*\bdetach\s+partition\b.*\bconcurrently\s*$",
    "create or drop database": r"(?:create|drop)\s+database\b",
    "create or drop tablespace": r"(?:create|drop)\s+tablespace\b",
    "alter database set tablespace": r"alter\s+database\s+\S+\s+set\s+tablespace\b",
    "alter system": r"alter\s+system\b",
    "discard all": r"discard\s+all\b",
    "create subscription": r"create\s+subscription\b",
    "drop subscription": r"drop\s+subscription\b(?!\s+if\s+exists\b)",
    "alter subscription": (
        r"alter\s+subscription\s+\S+\s+(?:refresh|(?:set|add|drop)\s+publication)\b"
        rf"|alter\s+subscription\s+\S+\s+set\s*\(.*\b(?:failover\b|two_phase{_OFF})"
    ),
}
_OUTSIDE = re.compile("|".join(f"({one})" for one in _REFUSED.values()), re.IGNORECASE | re.DOTALL)
_WITHOUT_SERVER = re.compile(rf"\b(?:create_slot|connect|refresh){_OFF}", re.IGNORECASE)  # of a publisher
_WITHOUT_SLOT = re.compile(r"\bslot_name\s*=\s*none\b", re.IGNORECASE)

NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_DROPPED = re.compile(
    rf"\s*drop\s+index\s+concurrently\s+(?:if\s+exists\s+)?((?:{NAME}\s*\.\s*)*{NAME})", re.IGNORECASE
)
_BUILT = re.compile(
    r"\s*create\s+(?:unique\s+)?index\s+concurrently\s+(?:if\s+not\s+exists\s+)?"
    rf"(?:(?!on\s)({NAME})\s*)?on\s+(?:only\s+)?((?:{NAME}\s*\.\s*)*)({NAME})",
    re.IGNORECASE,
)
_CALL = re.compile(rf"call\s+(?:{NAME}\s*\.\s*)*({NAME})\s*\(", re.IGNORECASE)
_PROCEDURE = re.compile(
    rf"create\s+(?:or\s+replace\s+)?procedure\s+(?:{NAME}\s*\.\s*)*({NAME})\s*\(", re.IGNORECASE
)
_STRING = re.compile(r"(\$(?:[^\W\d]\w*)?\$)(?P<dollar>.*?)\1|'(?P<plain>(?:[^']|'')*)'", re.DOTALL)
_ENDS = re.compile(
    r"(?:.*\b(?:begin|then|else|loop)\s+)?(?:commit|rollback)(?:\s+and\s+(?:no\s+)?chain)?\s*",
    re.IGNORECASE | re.DOTALL,
)

ALONE = "Put this statement alone into a file whose header says `-- runner: no-transaction`."
_NEEDLESS = "Remove it: the runner puts back all that a file leaves behind."


def check(statement: Statement, text: str, committing: Iterable[str]) -> None:
    """Raise ``Refusal`` for a statement of ``text`` that cannot run in a transaction.

    ``committing`` names the procedures that end their transaction.
    """
    if kind := refused(statement, text):
        remedy = _NEEDLESS if kind == "discard all" else ALONE
        raise Refusal(statement.start, f"holds {kind}, which cannot run in a transaction", remedy)
    if commits(statement, text, committing):
        raise Refusal(statement.start, "commits or rolls back while it runs, as no transaction allows", ALONE)


def refused(statement: Statement, text: str) -> str | None:
    """Return what PostgreSQL calls impossible inside a transaction, in words; ``None`` for all the rest."""
    match = _OUTSIDE.match(statement.code)
    if match is None or match.lastindex is None:
        return None
    kind = list(_REFUSED)[match.lastindex - 1]
    if kind == "drop subscription":
        return None if _WITHOUT_SLOT.search(text, 0, statement.start) else kind
    options = re.compile(r"\bwith\s*\(", re.IGNORECASE).search(statement.code)
    if options and kind.endswith("subscription"):
        return None if _WITHOUT_SERVER.search(text, statement.start + options.end(), statement.end) else kind
    return kind


def waits_for_others(text: str) -> bool:
    """Tell whether a file without a transaction waits for others on purpose, and would leave a wreck."""
    return any((refused(one, text) or "").endswith("concurrently") for one in scan(text).statements)


def indexes(text: str) -> tuple[str | None, str | None]:
    """Return the index that a file builds or drops concurrently, and the table it is built on.

    As SQL writes them; ``None`` for what the file does not say.
    """
    for start, end in scan(text).comments:
        text = f"{text[:start]}{' ' * (end - start)}{text[end:]}"
    if dropped := _DROPPED.match(text):
        return dropped[1], None
    if built := _BUILT.match(text):
        index, schema, table = built.groups()
        return index and f"{schema or ''}{index}", f"{schema or ''}{table}"
    return None, None


def commits_itself(text: str) -> bool:
    """Tell whether the statement of such a file may have committed a part when it fails."""
    return any(re.match(r"(?:do|call)\b", one.code, re.IGNORECASE) for one in scan(text).statements)


def commits(statement: Statement, text: str, committing: Iterable[str]) -> bool:
    """Tell whether a ``do`` block, or a procedure that is called, ends the transaction it runs in."""
    if re.match(r"do\b", statement.code, re.IGNORECASE):
        return _has_end(statement, text)
    called = _CALL.match(text, statement.start)
    return bool(called and folded(called[1]) in committing)


def procedures(texts: Iterable[str]) -> Iterator[str]:
    """Yield the names, without schema, of the procedures that files make and that commit or roll back."""
    for text in texts:
        if re.search(r"\bprocedure\b", text, re.IGNORECASE):
            yield from _committing(text)


def _committing(text: str) -> Iterator[str]:
    try:
        statements = scan(text).statements
    except Refusal:
        return  # told when that file is checked
    for statement in statements:
        made = _PROCEDURE.match(text, statement.start)
        if made and _has_end(statement, text):
            yield folded(made[1])


def _has_end(statement: Statement, text: str) -> bool:
    """Tell whether a body in this statement holds ``commit`` or ``rollback`` as a statement of its own."""
    position = 0
    while quote := re.compile("[$']").search(statement.code, position):
        body = _STRING.match(text, statement.start + quote.start())
        if body is None:
            position = quote.end()
            continue
        try:
            inner = scan(body["dollar"] or body["plain"] or "").statements
        except Refusal:
            inner = ()
        if any(_ENDS.fullmatch(one.code) for one in inner):
            return True
        position = body.end() - statement.start
    return False


def folded(name: str) -> str:
    """Return a name as the catalog holds it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
