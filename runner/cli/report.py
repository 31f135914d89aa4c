"""Show people and programs what the library found: the one place besides ``cli`` that prints.

A terminal gets colours and what fits into its width (see ``table``, ``progress``, ``excerpt``); a pipe gets
the same words as plain lines, whole. ``--color``, NO_COLOR and FORCE_COLOR decide otherwise. With ``--json``
one document is written to stdout at the end. Warnings and errors go to stderr.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from runner.cli import annotation, excerpt, log, output
from runner.cli.text import harmless, inline, rows, shortened, visible, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rich.console import Console

    from runner.apply import Notice
    from runner.errors import Place, RunnerError

WARNING = "WARNING"  # severity, as PostgreSQL writes it
NARROWEST = 40  # columns; a terminal that says less mostly does not know
_STYLES: dict[str, dict[str, Any]] = {
    "bold": {"bold": True},
    "bold red": {"fg": "red", "bold": True},
    **{colour: {"fg": colour} for colour in ("red", "green", "yellow", "cyan", "magenta")},
}


class Settings:  # a data class takes longer to define
    """How a person wants to be told: what --color, --quiet, --verbose and --heartbeat say."""

    def __init__(self, *, color: str = "auto") -> None:
        self.color = color
        self.quiet = False
        self.verbose = False
        self.heartbeat = 30.0  # seconds between two lines about a file at work; 0 is never
        self.config: Path | None = None  # what --config names


settings = Settings()


def is_terminal(*, err: bool = False) -> bool:
    """Tell whether a person looks at stdout, or at stderr, where what is drawn can be shown."""
    stream = sys.stderr if err else sys.stdout
    return stream.isatty() and os.environ.get("TERM") != "dumb" and output.spells(stream, output.DRAWN)


def is_coloured(*, err: bool = False) -> bool:
    """Tell whether colours are wanted: the option, else NO_COLOR, else FORCE_COLOR, else on a terminal."""
    if settings.color != "auto":
        return settings.color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    forced = os.environ.get("FORCE_COLOR")
    return forced != "0" if forced else is_terminal(err=err)


def width(*, err: bool = False) -> int | None:
    """Return the columns of a terminal; ``None`` elsewhere, where nothing has to fit."""
    return max(shutil.get_terminal_size().columns, NARROWEST) if is_terminal(err=err) else None


def console() -> Console:
    """Return a rich console for a terminal, which follows its width. Text is never read as markup."""
    from rich.console import Console  # noqa: PLC0415 - start-up time: only a bar needs rich

    fixed = NARROWEST if width() == NARROWEST else None
    return Console(
        file=sys.stdout, highlight=False, markup=False, emoji=False, no_color=not is_coloured(), width=fixed
    )


def styled(text: str, style: str | None, *, err: bool = False) -> str:
    """Return a text in its colour, where colours are wanted."""
    return click.style(text, **_STYLES[style]) if style and is_coloured(err=err) else text


def line(text: str, *, err: bool = False) -> None:
    """Print a line as it is: what it holds is visible, and fits. With --json stdout is for the document."""
    if not err and sys.stdout is sys.stderr:
        return
    click.echo(annotation.unheard(text), file=sys.stderr if err else sys.stdout, color=is_coloured(err=err))


def say(text: str, *, style: str | None = None, err: bool = False) -> None:
    """Print a line that tells what happens, unless --quiet was given."""
    if not settings.quiet and not (err and log.say("note", text.strip())):
        line(styled(visible(text), style, err=err), err=err)


def drawn(text: str) -> None:
    """Print a line of a drawing, whose colours are in it, unless --quiet was given."""
    if not settings.quiet:
        line(text)


def heading(text: str, *, err: bool = False) -> None:
    """Print the heading of a database, in one line."""
    say(shortened(inline(text), width(err=err)), style="bold", err=err)


def sentence(text: str, *, style: str | None = None, indent: str = "  ") -> None:
    """Print a sentence behind ``indent``: in several lines on a narrow terminal, but not for a name in it."""
    for row in wrapped(indent + text.replace("\n", r"\n"), width(), indent=indent):
        say(row, style=style)


def answer(text: str) -> None:
    """Print what a command was asked for, also with --quiet: somebody may copy it."""
    line(harmless(text))


def raw(text: str) -> None:
    """Print a text as it is, in UTF-8 whatever the terminal speaks: it is for psql, not for a person."""
    getattr(sys.stdout, "reconfigure", dict)(encoding="utf-8", newline="\n")
    print(text, end="")


def dump(content: dict[str, Any]) -> None:
    """Print one JSON document, in which what a terminal obeys is escaped as JSON allows."""
    import json  # noqa: PLC0415 - --json only

    speaks_utf8 = (sys.stdout.encoding or "").lower().startswith("utf")
    text = harmless(json.dumps(content, indent=2, ensure_ascii=not speaks_utf8), of=annotation.JSON)
    print(annotation.unheard(text, of=annotation.JSON))


def warning(text: str) -> None:
    """Show something that is not right but does not stop the command."""
    if not log.say("warning", text):
        _tell(f"warning: {text}", style="yellow")
        _annotate("warning", text, title="warning")


def notice(said: Notice, path: str, *, whose: str = "") -> None:
    """Show what the server said while a file ran, maybe in ``whose`` database, behind the place or file."""
    style = "yellow" if said.severity == WARNING else None
    where = f"{f'{whose}: ' if whose else ''}{said.place or path}"
    _tell(f"{said.severity.lower()}: {where}: {said.message}", style=style)
    _notes(said.notes)
    if said.severity == WARNING:
        _annotate("warning", said.message, title=said.sqlstate or WARNING, place=said.place)


def note(text: str) -> None:
    """Show on stderr what happens meanwhile, unless --quiet was given."""
    if not settings.quiet and not log.say("note", text.strip()):
        _tell(text)


def error(problem: RunnerError) -> None:
    """Show an error: its name, what happened, the lines around the place, and the remedy."""
    if log.failed(problem):
        return
    _tell(f"error {problem.name}: {problem.message}", style="bold red")
    if problem.place:
        line(inline(f"  --> {problem.place}"), err=True)
        for row in excerpt.lines(problem.place, width=width(err=True)):
            line(row, err=True)
    _notes(problem.notes)
    if problem.remedy:
        _tell(f"  {problem.remedy}")
    message = "\n".join(filter(None, (problem.message, problem.remedy)))
    _annotate("error", message, title=problem.name, place=problem.place)


def _annotate(kind: str, message: str, *, title: str, place: Place | None = None) -> None:
    """Write the annotation of a problem to stderr, where GitHub reads it; nowhere else."""
    if found := annotation.line(kind, message, title=title, place=place, project=settings.config):
        sys.stderr.write(visible(found) + "\n")


def difference(notes: Iterable[str], *, err: bool = False) -> None:
    """Show the lines of a diff, in its colours."""
    columns = width(err=err)
    for row, style in excerpt.difference(notes, width=columns and columns - 2):
        line(f"  {styled(row, style, err=err)}", err=err)


def _notes(notes: tuple[str, ...]) -> None:
    has_diff = any(one.startswith("@@ ") for one in notes)
    for one in filter(None, notes):
        if has_diff and one[0] in excerpt.SIGNS:
            difference([one], err=True)
        else:
            _tell(f"  {one}")


def _tell(text: str, *, style: str | None = None) -> None:
    """Print a sentence to stderr, also with --quiet."""
    indent = "    " if text.startswith("  ") else "  "
    for row in rows(text, indent=indent):
        for one in wrapped(row, width(err=True), indent=indent):
            line(styled(one, style, err=True), err=True)
