"""Show people and programs what the library found: the one place besides ``cli`` that prints.

On a terminal rich draws (see ``table``, ``progress``) in colours (``NO_COLOR`` is honoured); in a pipe the
same words come as plain lines, and rich is not even imported. With ``--json`` one document is written to
stdout at the end. Warnings and errors go to stderr.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from runner.cli import annotation, excerpt, log
from runner.cli.text import visible

if TYPE_CHECKING:
    from rich.console import Console

    from runner.apply import Notice
    from runner.errors import Place, RunnerError

WARNING = "WARNING"  # severity, as PostgreSQL writes it


def is_terminal(*, err: bool = False) -> bool:
    """Tell whether a person looks at stdout, or at stderr."""
    stream = sys.stderr if err else sys.stdout
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def console(*, err: bool = False) -> Console:
    """Return a rich console for a terminal. Text is never read as markup."""
    from rich.console import Console  # noqa: PLC0415 - start-up time: a pipe needs no rich

    stream = sys.stderr if err else sys.stdout
    return Console(file=stream, highlight=False, markup=False, emoji=False)


def say(text: str, *, style: str | None = None, err: bool = False) -> None:
    """Print a line, coloured on a terminal."""
    if log.say("note", text.strip()) if err else sys.stdout is sys.stderr:  # as --json has it
        return
    stream = sys.stderr if err else sys.stdout
    text = visible(text)
    if style and is_terminal(err=err):
        console(err=err).print(text, style=style, soft_wrap=True)
    else:
        print(text, file=stream, flush=True)


def raw(text: str) -> None:
    """Print a text as it is, in UTF-8 whatever the terminal speaks: it is for psql, not for a person."""
    getattr(sys.stdout, "reconfigure", dict)(encoding="utf-8", newline="\n")
    print(text, end="")


def dump(content: dict[str, Any]) -> None:
    """Print one JSON document."""
    import json  # noqa: PLC0415 - --json only

    speaks_utf8 = (sys.stdout.encoding or "").lower().startswith("utf")
    print(json.dumps(content, indent=2, ensure_ascii=not speaks_utf8))


def warning(text: str) -> None:
    """Show something that is not right but does not stop the command."""
    if not log.say("warning", text):
        say(f"warning: {text}", style="yellow", err=True)
        _annotate("warning", text, title="warning")


def notice(said: Notice, path: str) -> None:
    """Show what the server said while a file ran, behind the place, or at least the file."""
    style = "yellow" if said.severity == WARNING else None
    say(f"{said.severity.lower()}: {said.place or path}: {said.message}", style=style, err=True)
    for note in said.notes:
        say(f"  {note}", err=True)
    if said.severity == WARNING:
        _annotate("warning", said.message, title=said.sqlstate or WARNING, place=said.place)


def error(problem: RunnerError) -> None:
    """Show an error: its name, what happened, the lines around the place, and the remedy."""
    if log.failed(problem):
        return
    say(f"error {problem.name}: {problem.message}", style="bold red", err=True)
    if problem.place:
        say(f"  --> {problem.place}", err=True)
        for line in excerpt.lines(problem.place):
            say(line, err=True)
    for note in (*problem.notes, problem.remedy or ""):
        if note:
            say(f"  {note}", err=True)
    message = "\n".join(filter(None, (problem.message, problem.remedy)))
    _annotate("error", message, title=problem.name, place=problem.place)


def _annotate(kind: str, message: str, *, title: str, place: Place | None = None) -> None:
    """Tell GitHub, too, if it is there."""
    if line := annotation.line(kind, message, title=title, place=place):
        print(visible(line), file=sys.stderr, flush=True)
