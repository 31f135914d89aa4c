"""Show people and programs what the library found: the one place besides ``cli`` that prints.

On a terminal rich draws (see ``table``, ``progress``) in colours (``NO_COLOR`` is honoured); in a pipe the
same words come as plain lines, and rich is not even imported. With ``--json`` one document is written to
stdout at the end. Warnings and errors go to stderr.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from runner.cli import excerpt
from runner.cli.text import visible

if TYPE_CHECKING:
    from rich.console import Console

    from runner.apply import Notice
    from runner.errors import RunnerError

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
    stream = sys.stderr if err else sys.stdout
    text = visible(text)
    if style and is_terminal(err=err):
        console(err=err).print(text, style=style, soft_wrap=True)
    else:
        print(text, file=stream, flush=True)


def raw(text: str) -> None:
    """Print a text as it is, in UTF-8 whatever the terminal speaks: it is for psql, not for a person."""
    getattr(sys.stdout, "reconfigure", dict)(encoding="utf-8")
    print(text, end="")


def dump(content: dict[str, Any]) -> None:
    """Print one JSON document."""
    import json  # noqa: PLC0415 - --json only

    speaks_utf8 = (sys.stdout.encoding or "").lower().startswith("utf")
    print(json.dumps(content, indent=2, ensure_ascii=not speaks_utf8))


def warning(text: str) -> None:
    """Show something that is not right but does not stop the command."""
    say(f"warning: {text}", style="yellow", err=True)


def notice(said: Notice, path: str) -> None:
    """Show what the server said while a file ran, behind the place, or at least the file."""
    style = "yellow" if said.severity == WARNING else None
    say(f"{said.severity.lower()}: {said.place or path}: {said.message}", style=style, err=True)
    for note in said.notes:
        say(f"  {note}", err=True)


def error(problem: RunnerError) -> None:
    """Show an error: its name, what happened, the lines around the place, and the remedy."""
    say(f"error {problem.name}: {problem.message}", style="bold red", err=True)
    if problem.place:
        say(f"  --> {problem.place}", err=True)
        for line in excerpt.lines(problem.place):
            say(line, err=True)
    for note in (*problem.notes, problem.remedy or ""):
        if note:
            say(f"  {note}", err=True)
