"""Find out whose server a data folder speaks of: its postmaster.pid may be a copy, or of an earlier life.

A checkout that is copied takes the file along, and with it the way to the original's server. The folder in
which the process works decides; the wheel looks at the number of the process alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.errors import EmbeddedUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psutil import Process

FILE = "postmaster.pid"
_PATIENCE = 60.0  # seconds, for a server that recovers, or that writes its last checkpoint
_NEIGHBOUR = 90.0  # seconds, for one that has to wait so long, and then starts its server
_ORPHANS = 10.0  # seconds
_HALF_WRITTEN = 1.0  # seconds, for a file that is being written
_LOCK = ".s.PGSQL.*.lock"  # beside a socket, with the lines of postmaster.pid
_COMPLETE = 8  # lines
_SOCKET = 4  # index of the line that names the socket's folder


class _Found(NamedTuple):
    process: Process
    folder: Path  # that of the file; the server may have been moved since
    ready: bool


@contextmanager
def held(lock: Any, path: Path) -> Iterator[None]:  # noqa: ANN401 - of an optional dependency
    """Hold the lock that keeps processes apart: it is one for all folders.

    Raises ``EmbeddedUnavailable`` where another process does not let go of it.
    """
    if not lock.acquire(timeout=_NEIGHBOUR):
        lock.lockfile.close()
        raise EmbeddedUnavailable(
            f"Another process has held {path} for {_NEIGHBOUR:.0f} seconds, "
            "as who starts an embedded PostgreSQL does for a moment.",
            remedy="Try again when it is done, or end it if it hangs; or set the variables (see --help).",
        )
    try:
        yield
    finally:
        lock.release()


def settle(folder: Path) -> None:
    """Leave postmaster.pid only if a server runs in ``folder`` that is ready. Writes.

    A file of another server, or of none, is removed; a server whose folder was moved while it ran is
    stopped, because its socket stayed behind. Raises ``EmbeddedUnavailable`` when it does not come to rest.
    """
    deadline = time.monotonic() + _PATIENCE
    while found := _find(folder):
        if found.folder != folder:
            _end(found, folder)
            return
        if found.ready:
            return
        if time.monotonic() > deadline:
            raise EmbeddedUnavailable(
                f"The embedded PostgreSQL in {folder} has been starting for {_PATIENCE:.0f} seconds.",
                remedy=f"Look at {folder / 'log'}, and try again.",
            )
        time.sleep(0.1)


def stop(folder: Path) -> bool:
    """Stop the server that runs in ``folder``; return whether there was one. Writes."""
    if found := _find(folder):
        _end(found, folder)
    return found is not None


def _find(folder: Path) -> _Found | None:
    """Return the server of ``folder``; without one, its postmaster.pid is removed."""
    lines = _lines(folder / FILE)
    if lines is None:
        return None
    process = _process(lines[0]) if lines else None
    if process is not None and len(lines) > 1:
        written = Path(lines[1]).resolve()
        if (_works_in(process) or written) == folder:
            return _Found(process, written, len(lines) >= _COMPLETE and lines[7].strip() == "ready")
    _outlive(folder)
    _clear(folder, lines)
    return None


def _clear(folder: Path, lines: list[str]) -> None:
    """Remove what says that a server runs here: the socket's lock file names a process as well.

    In a copy the file's own folders are those of the original, where nothing is touched.
    """
    locks = set(folder.glob(_LOCK))
    if len(lines) > _SOCKET and Path(lines[1]).resolve() == folder and lines[_SOCKET].strip():
        elsewhere = Path(lines[_SOCKET].strip()).glob(_LOCK)
        locks |= {lock for lock in elsewhere if (_lines(lock) or [])[1:2] == [lines[1]]}
    for lock in locks:
        lock.with_suffix("").unlink(missing_ok=True)
        lock.unlink(missing_ok=True)
    (folder / FILE).unlink(missing_ok=True)


def _outlive(folder: Path) -> None:
    """Wait for what a killed server has left: until it has noticed, no other one may start."""
    import psutil  # noqa: PLC0415 - as below

    deadline = time.monotonic() + _ORPHANS
    while time.monotonic() < deadline and any(
        _works_in(one) == folder for pid in psutil.pids() if (one := _process(str(pid)))
    ):
        time.sleep(0.05)


def _lines(file: Path) -> list[str] | None:
    """Return the lines of the file; one that is half written is given a moment."""
    deadline = time.monotonic() + _HALF_WRITTEN
    while True:
        try:
            lines = file.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return None
        if len(lines) > 1 or time.monotonic() > deadline:
            return lines
        time.sleep(0.05)


def _process(number: str) -> Process | None:
    import psutil  # noqa: PLC0415 - comes with the wheel

    try:
        process = psutil.Process(int(number))
        alive = process.status() != psutil.STATUS_ZOMBIE  # nobody reaps them in many a container
        return process if alive and process.name().startswith("postgres") else None
    except (psutil.Error, ValueError, OverflowError):
        return None


def _works_in(process: Process) -> Path | None:
    """Return the folder of a process, which is that of a server's data; ``None`` if it may not be seen."""
    import psutil  # noqa: PLC0415 - as above

    try:
        return Path(process.cwd())
    except psutil.Error:
        return None


def _ask_to_end(process: Process, folder: Path, *, mode: str = "fast") -> None:
    if sys.platform != "win32":
        os.kill(process.pid, signal.SIGINT if mode == "fast" else signal.SIGQUIT)
        return
    program = Path(process.exe()).with_name("pg_ctl")  # to kill is to crash there
    subprocess.run(  # noqa: S603 - beside the server's own program
        [program, "stop", f"--mode={mode}", "--no-wait", "-D", folder], check=False, capture_output=True
    )


def _end(found: _Found, folder: Path) -> None:
    """Stop a server as `pg_ctl stop` does: sessions end, what they had not committed is rolled back.

    One that does not stop, as it recovers again and again, is stopped at once: it recovers when it starts.
    """
    for mode in ("fast", "immediate"):
        with suppress(ProcessLookupError):
            _ask_to_end(found.process, folder, mode=mode)
        if _has_ended(found.process, folder):
            break
    else:
        raise EmbeddedUnavailable(
            f"The embedded PostgreSQL in {folder} (process {found.process.pid}) does not stop.",
            remedy=f"Look at {folder / 'log'}.",
        )
    if found.folder != folder:  # what it removes at its end lay where the folder was
        _clear(folder, [])


def _has_ended(process: Process, folder: Path) -> bool:
    """Tell whether it ends in time; the last thing it does is to remove its file."""
    deadline = time.monotonic() + _PATIENCE
    while (folder / FILE).exists() and _process(str(process.pid)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
