"""Know the statements that PostgreSQL refuses inside a transaction, and those that end one.

The list is what ``PreventInTransactionBlock`` guards in PostgreSQL 15 to 18. What depends on the database
and not on the text (``cluster`` or ``reindex`` of a partitioned table, ``drop subscription if exists``) is
left to the server.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.files.lexer import statements
from runner.files.tokens import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.files.lexer import Statement

# Patterns are compiled when a file first needs them: that takes longer than to read most files.
_OPTIONS = r"(?:\([^)]*\)\s*)?"
_OFF = r"\s*=?\s*'?(?:false|off|0)\b"
_DATABASE = {"create or drop database": r"\s+database\b", "create or drop tablespace": r"\s+tablespace\b"}
_REFUSED = {  # what follows the first word
    "vacuum": {"vacuum": ""},
    "cluster": {"cluster without a table": r"\s*(?:\([^)]*\)\s*|verbose\s*)?$"},
    "create": {
        "create index concurrently": r"\s+(?:unique\s+)?index\s+concurrently\b",
        **_DATABASE,
        "create subscription": r"\s+subscription\b",
    },
    "drop": {
        "drop index concurrently": r"\s+index\s+concurrently\b",
        **_DATABASE,
        "drop subscription": r"\s+subscription\b(?!\s+if\s+exists\b)",
    },
    "reindex": {
        "reindex concurrently": (
            rf"\s*{_OPTIONS}\w+\s+concurrently\b|\s*\((?=[^)]*\))[^)]*\bconcurrently\b(?!{_OFF})"
        ),
        "reindex schema, database or system": rf"\s*{_OPTIONS}(?:schema|database|system)\b",
    },
    "alter": {
        "detach partition concurrently": r"\s+table\b(?=.*?\bdetach\s+partition\b).*\bconcurrently\s*$",
        "alter database set tablespace": r"\s+database\s+\S+\s+set\s+tablespace\b",
        "alter system": r"\s+system\b",
        "alter subscription": (
            r"\s+subscription\s+\S+\s+(?:refresh|(?:set|add|drop)\s+publication)\b"
            rf"|\s+subscription\s+\S+\s+set\s*\(.*\b(?:failover\b|two_phase{_OFF})"
        ),
    },
    "discard": {"discard all": r"\s+all\b"},
}
WORDS = _REFUSED.keys()  # by which such a statement begins, besides `do` and `call`
_WITHOUT_SERVER = rf"(?i)\b(?:create_slot|connect|refresh){_OFF}"  # of a publisher
_WITHOUT_SLOT = r"(?i)\bslot_name\s*=\s*none\b"

NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_CALL = rf"(?i)call\s+(?:{NAME}\s*\.\s*)*({NAME})\s*\("
_PROCEDURE = rf"(?i)create\s+(?:or\s+replace\s+)?procedure\s+(?:({NAME})\s*\.\s*)?({NAME})\s*\("
# In a body, which may end behind it, and may hold escapes: also of letters.
_MAY_END = r"(?i)(?:commit|rollback)(?:\s+and\b|\s*(?:[;'$\\]|--|/\*))|\\[xu+0-9]"
_ENDS = r"(?is)(?:.*\b(?:begin|then|else|loop)\s+)?(?:commit|rollback)(?:\s+and\s+(?:no\s+)?chain)?\s*"

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
    kind = _kind(statement)
    if kind == "drop subscription":
        return None if re.search(_WITHOUT_SLOT, blanked(text[: statement.start])) else kind
    said = blanked(text[statement.start : statement.end]) if kind else ""
    if kind == "reindex concurrently":
        return None if re.match(rf"(?i)\w+\s*\([^)]*\bconcurrently{_OFF}", said) else kind
    options = re.search(r"(?i)\bwith\s*\(", statement.code) if said else None
    if kind and options and kind.endswith("subscription"):
        return None if re.compile(_WITHOUT_SERVER).search(said, options.end()) else kind
    return kind


def _kind(statement: Statement) -> str | None:
    word = statement.word
    for kind, rest in _REFUSED.get(word, {}).items():
        if re.compile(rest, re.IGNORECASE | re.DOTALL).match(statement.code, len(word)):
            return kind
    return None


def commits(statement: Statement, text: str, committing: Iterable[str]) -> bool:
    """Tell whether a ``do`` block, or a procedure that is called, ends the transaction it runs in."""
    if statement.word == "do":
        return _has_end(statement, text)
    said = blanked(text[statement.start : statement.end]) if statement.word == "call" else ""
    called = re.match(_CALL, said)
    return bool(called and plain(called[1]) in committing)


def blanked(text: str) -> str:
    """Return what ``hidden.blanked`` does."""
    from runner.files import hidden  # noqa: PLC0415 - start-up time: few files hold such statements

    return hidden.blanked(text)


def procedures(
    texts: Iterable[str], *, known: dict[str, dict[str | None, bool]] | None = None
) -> frozenset[str]:
    """Return the names, without schema, of the procedures that commit or roll back, behind files in order.

    One that was made anew is as it was made last; of those of one name in several schemas all must end their
    transaction: else the server knows which one is called. ``known`` takes what is found, by name and schema,
    and holds what files before these have made.
    """
    known = {} if known is None else known
    for text in texts:
        if re.search(r"\bprocedure\b", text, re.IGNORECASE):
            for schema, name, commits_itself in _made(text):
                known.setdefault(name, {})[schema] = commits_itself
    return frozenset(name for name, made in known.items() if all(made.values()))


def _made(text: str) -> Iterator[tuple[str | None, str, bool]]:
    """Yield schema and name of each procedure that a file makes, and whether it ends its transaction."""
    for statement in statements(text):
        said = blanked(text[statement.start : statement.end]) if statement.word == "create" else ""
        made = re.match(_PROCEDURE, said)
        if made:
            yield made[1] and plain(made[1]), plain(made[2]), _has_end(statement, text)


def _has_end(statement: Statement, text: str) -> bool:
    """Tell whether a body in this statement holds ``commit`` or ``rollback`` as a statement of its own."""
    if not re.compile(_MAY_END).search(text, statement.start, statement.end):
        return False  # most hold no such thing: they are not taken apart
    from runner.files.literal import strings  # noqa: PLC0415 - start-up time: as above

    bodies = strings(text[statement.start : statement.end])
    return any(re.fullmatch(_ENDS, one.code) for inner in bodies for one in statements(inner))


def before(text: str, word: str, blanks: str) -> Iterator[int]:
    """Yield where the ``blanks`` before each ``word`` begin; a pattern would take ten times as long."""
    at = text.find(word)
    while at >= 0:
        yield back(text, at, blanks)
        at = text.find(word, at + 1)


def back(text: str, end: int, blanks: str) -> int:
    """Return where the ``blanks`` before ``end`` begin."""
    while end and text[end - 1] in blanks:
        end -= 1
    return end


def may_call(text: str) -> bool:
    """Tell whether ``call`` stands where a statement may begin, and so may call a procedure."""
    text = text.lower()
    return any(end == 0 or text[end - 1] in "\n;/" for end in before(text, "call", " \t"))


def plain(name: str) -> str:
    """Return a name as the catalog holds it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
