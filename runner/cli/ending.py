"""End a command: tell what went wrong, print the one document of ``--json``, return the exit code.

Whatever happens passes here: errors of the library, of click, of the driver, Ctrl-C, and what nobody foresaw.
That a document is wanted is read off the words of the call, for click may stumble before it sees ``--json``.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runner import database
from runner.cli import document, log, output, report, secrets, stopping
from runner.errors import LEFT_OUT, Interrupted, RunnerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.apply import Notice, Noticed

_FINE = (0, 3)  # exit codes that need no error: done, and something is pending

Revealable = TypeVar("Revealable", "RunnerError", "Notice")


class Told:
    """What a run has for programs: its document, if one is wanted, and where the errors go.

    ``changes`` says that the command does more than tell.
    """

    changes = False

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self.options = self.words[: words.index("--") if "--" in words else None]  # behind it psql's follow
        self.wants_document = any(word.partition("=")[0] == "--json" for word in self.options)
        self.document: dict[str, Any] = {"command": None, "databases": [], "error": None}

    def name(self, ctx: click.Context) -> None:
        """Note which command it is, such as ``server start``, as click knows, and what .env gives it."""
        self.words += tuple((ctx.default_map or {}).values())
        names: list[str] = []
        while ctx.parent:
            names.insert(0, str(ctx.info_name))
            ctx = ctx.parent
        self.document["command"] = " ".join(names) or None

    def fail(self, problem: RunnerError) -> int:
        """Show an error and return its exit code."""
        problem = revealed(secrets.hidden(problem, self.words))
        report.error(problem)
        self.document["error"] = document.error(problem)
        return problem.exit_code

    def close(self, code: int) -> None:
        """Print the document; what a command has found and shown is its error, if nothing else is."""
        if code not in _FINE and self.document["error"] is None:
            self.document["error"] = document.found(self.document["databases"], code)
        report.dump(self.document)


def end(words: Sequence[str], run: Callable[[Told], Any]) -> int:
    """Run click with these words, show what went wrong, print the document, and return the exit code.

    With a document, whatever else goes to stdout goes to stderr: the help, too.
    """
    told = Told(words)
    log.begin(told.options)
    try:
        with redirect_stdout(sys.stderr if told.wants_document else sys.stdout):
            code = _code(told, run)
        if told.wants_document:
            told.close(code)
        return _last_word(code, told)
    finally:
        forget()


def _last_word(code: int, told: Told) -> int:
    """Say that output was lost. Of a command that changes something the code stays: it tells what was done.

    One that only tells has failed then.
    """
    if problem := output.lost():
        report.error(problem)
        return code or (0 if told.changes else problem.exit_code)
    return code


def forget() -> None:
    """Leave nothing of how this call is told to what the process does next."""
    log.choose(None)
    report.settings = report.Settings()


def _code(told: Told, run: Callable[[Told], Any]) -> int:
    """Return the exit code of a run, whatever became of it."""
    try:
        return _ran(told, run)
    except SystemExit as left:
        return int(left.code or 0)
    except click.exceptions.NoArgsIsHelpError as asked:
        return _help(told, asked)
    except (Exception, KeyboardInterrupt) as error:
        if context := getattr(error, "ctx", None):
            told.name(context)
        return told.fail(_problem(error))


def _ran(told: Told, run: Callable[[Told], Any]) -> int:
    """Return the exit code of a run that ends well; no signal changes what is told of its end, be it bad."""
    try:
        return int(run(told) or 0)
    except click.ClickException:
        log.look_up(told.options)
        raise
    finally:
        stopping.settle()
        stopping.release()


def _help(told: Told, asked: click.exceptions.NoArgsIsHelpError) -> int:
    """Show the help to who gave no command; a log collector is told that there is none."""
    if log.is_on():
        return told.fail(_of_click(click.UsageError("Missing command.", asked.ctx)))
    asked.show()
    return asked.exit_code


def _problem(error: Exception | KeyboardInterrupt) -> RunnerError:
    """Return an error as the library would have it, with a name and a remedy."""
    if isinstance(error, RunnerError):
        return error
    if isinstance(error, click.ClickException):
        return _of_click(error)
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return Interrupted("Interrupted: nothing was done.", remedy="Run again to go on.")
    driver = sys.modules.get("psycopg")  # which is not imported for that
    if driver and isinstance(error, driver.Error):
        return database.refused(error)
    return _unforeseen(error)


def _of_click(refused: click.ClickException) -> UsageError:
    context: click.Context | None = getattr(refused, "ctx", None)
    path = context.command_path if context else "socrates-migrate"
    return UsageError(refused.format_message(), remedy=f"See `{path} --help`.")


def _unforeseen(error: Exception) -> RunnerError:
    if stopping.was_asked():  # an import makes another error of what a signal raised within it
        return stopping.interrupted()
    if isinstance(error, ImportError):
        return _not_installed(error)
    import traceback  # noqa: PLC0415 - for the worst case

    return RunnerError(
        f"The runner itself failed: {type(error).__name__}: {error}",
        remedy="Please report it, with the lines above.",
        notes=tuple("".join(traceback.format_exception(error)).splitlines()),
    )


def _not_installed(error: ImportError) -> RunnerError:
    remedy = "Run `make install`, then .venv/bin/socrates-migrate; or install this package anew with pip."
    message = f"{sys.executable} cannot load what the runner needs."
    return RunnerError(message, remedy=remedy, notes=tuple(str(error).splitlines()))


def revealed(told: Revealable) -> Revealable:
    """Return an error or a notice with the lines that may hold values of rows, if --verbose was given."""
    if not (report.settings.verbose and told.private):
        return told
    notes = tuple(note for note in told.notes if note != LEFT_OUT) + told.private
    if isinstance(told, RunnerError):
        told.notes = notes
        return told
    return told._replace(notes=notes)


def chosen(event: Noticed) -> Noticed:
    """Leave of what a server said only warnings, unless --verbose was given."""
    verbose = report.settings.verbose
    notices = (revealed(one) for one in event.notices if verbose or one.severity == report.WARNING)
    return event._replace(notices=tuple(notices))


def current() -> Told:
    """Return what the command at hand has for programs; without one, as for completion, it leads nowhere."""
    context = click.get_current_context(silent=True)
    found: Told | None = context.find_object(Told) if context else None
    return found or Told(())
