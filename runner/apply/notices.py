"""Tell what the server said while a file ran, with the place in the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.apply import disclosure, position
from runner.apply.course import FIRST
from runner.apply.event import Notice, Noticed
from runner.files import scan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.apply.course import Start
    from runner.database import Heard, Notices
    from runner.errors import Place
    from runner.files import Statement
    from runner.model import Migration

_RAISE = re.compile(r"\braise\b\s*\w*\s*(?:'((?:[^']|'')*)')?", re.IGNORECASE)


def told(migration: Migration, notices: Notices, *, start: Start = FIRST) -> Iterator[Noticed]:
    """Yield the event, if the server said anything; ``start`` is where the file began in its message."""
    if notices.kept:
        statements = scan(migration.sql).statements
        found = [_notice(heard, migration, statements, start) for heard in notices.kept]
        found += [Notice(severity, f"and {count} more") for severity, count in notices.more()]
        yield Noticed(migration, tuple(found))


def _notice(heard: Heard, migration: Migration, statements: Sequence[Statement], start: Start) -> Notice:
    told = disclosure.lines(heard, migration.sql, context=False)
    return Notice(
        heard.severity,
        heard.message_primary,
        heard.sqlstate,
        _place(heard, migration, statements, start),
        *told,
    )


def _place(heard: Heard, migration: Migration, statements: Sequence[Statement], start: Start) -> Place | None:
    """Return where in the file it was said; nothing when two statements may have said it."""
    if heard.statement_position:
        return position.given(heard, migration, start=start)
    if heard.statement < 0:  # a name that the server found too long when it parsed the text
        return position.of_text("".join(heard.names[:1]), migration)
    running = statements[heard.statement : heard.statement + (1 if heard.is_certain else 2)]
    if len(running) > 1:
        running = [one for one in running if _may_say(heard, one, migration.sql)]
    if len(running) != 1:
        return None
    at = statements.index(running[0], heard.statement)
    return position.of_statement(heard, migration, statements[: at + 1], start=start)


def _may_say(heard: Heard, statement: Statement, text: str) -> bool:
    """Tell whether a message fits a statement: the line of a body that raised it, or the names it quotes."""
    if inline := re.search(position.INLINE, position.context(heard)):
        at = position.line_of_body(text, statement, int(inline.group(1)))
        return at is not None and _fits(heard, text[at : statement.end].partition("\n")[0])
    own = text[statement.start : statement.end]
    return all(re.search(_written(name), own) for name in heard.names)


def _written(name: str) -> str:
    """Return the pattern of a name in a statement: without quotes it is told in small letters."""
    exact = re.escape(name)
    others = rf'|(?<![\w"])(?i:{exact})(?![\w"])' if name == name.lower() else ""
    return rf"(?<!\w){exact}(?!\w){others}"


def _fits(heard: Heard, line: str) -> bool:
    """Tell whether a line of a body may have raised a message: a raise with such a format, or a call."""
    if not position.context(heard).endswith("RAISE"):
        return bool(line)
    return any(_gives(form, heard.message_primary) for form in _RAISE.findall(line))


def _gives(form: str, message: str) -> bool:
    """Tell whether the format of a raise, with whatever for each %, gives a message; none gives any."""
    pattern = ".*".join(map(re.escape, form.replace("''", "'").split("%")))
    return not form or re.fullmatch(pattern, message, re.DOTALL) is not None
