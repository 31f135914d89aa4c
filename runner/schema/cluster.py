"""Keep a private PostgreSQL for as long as a block lasts: files may do there whatever they like.

Made from nothing in half a second, from the programs of the extra `embedded` or of a PostgreSQL installed on
this machine; reached through a Unix socket in a folder of its own, and gone at the end with all that is in
it. A shell watches over it: however this process ends, what runs there stops and the folder is removed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import TYPE_CHECKING, NamedTuple

from runner import embedded
from runner.errors import ServerUnusable
from runner.schema import watched

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

# The usual places of Debian, Red Hat and Homebrew; a PostgreSQL on PATH counts as well.
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
_SECONDS = 30  # for a start that takes a tenth of one
_ROOM = 103 - len("/runner-12345678/.s.PGSQL.5432")  # bytes of a path before it: a socket's has 103 on macOS
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "logical",
    "max_locks_per_transaction": "512",  # a file that the live server has taken may make thousands of objects
    "allow_in_place_tablespaces": "on",
}


class Programs(NamedTuple):
    """The programs of one PostgreSQL on this machine."""

    version: int  # major
    folder: Path
    extensions: frozenset[str]


def choose(version: int, extensions: Collection[str]) -> Programs | None:
    """Return the programs of ``version`` or newer, best with these extensions; the nearest version first."""
    found = [one for one in _found() if one.version >= version]
    wanted = set(extensions)
    return min(found, key=lambda one: (len(wanted - one.extensions), one.version), default=None)


def _found() -> Iterator[Programs]:
    """Yield what the extra brings first: of two that serve alike it is the one."""
    for version, folder in embedded.programs().items():
        yield Programs(version, folder, _extensions(folder))
    folders = {path for place in _PLACES for path in Path("/").glob(place[1:])}
    if program := shutil.which("initdb"):
        folders.add(Path(program).resolve().parent)
    for folder in sorted(folder for folder in folders if (folder / "initdb").is_file()):
        told = re.search(r"\) (\d+)", _answer(folder / "initdb", "--version"))
        if told:
            yield Programs(int(told[1]), folder, _extensions(folder))


def _extensions(folder: Path) -> frozenset[str]:
    share = Path(_answer(folder / "pg_config", "--sharedir").strip() or folder)
    return frozenset(path.stem for path in (share / "extension").glob("*.control"))


def _answer(program: Path, option: str) -> str:
    try:
        done = subprocess.run([program, option], capture_output=True, text=True, check=False)  # noqa: S603 - PostgreSQL's
    except OSError:
        return ""
    return done.stdout


@contextmanager
def running(programs: Programs, *, superuser: str) -> Iterator[str]:
    """Run a new server until the end of the block and yield the URL of its database template1.

    Raises ``ServerUnusable`` when it does not start.
    """
    embedded.check_ends(ServerUnusable, otherwise="name a server with --scratch URL")
    try:
        folder = Path(tempfile.mkdtemp(prefix="runner-", dir=_room()))
    except OSError as error:
        raise ServerUnusable(
            "The private PostgreSQL for the scratch database needs a temporary folder: none can be written.",
            remedy="Set TMPDIR to a folder that may be written, or name a server with --scratch URL.",
            notes=tuple(str(error).split("\n")),
        ) from error
    watch = None
    try:
        try:
            user = embedded.unprivileged(programs.folder, folder)
            if user:
                shutil.chown(folder, user)
            _make(programs, folder, superuser, user)
            watch = _served(programs, folder, user)
            _wait(watch, folder)
        except (OSError, LookupError, subprocess.SubprocessError) as error:  # no such user, no right
            raise _failed(programs, str(error)) from error
        yield embedded.Server(str(folder), programs.folder).url("template1", user=superuser)
    finally:
        if watch:
            watched.end(watch)
        shutil.rmtree(folder, ignore_errors=True)


def _room() -> Path:
    """Return the temporary folder, or where no socket can be in it the one of the system.

    Its path is too long, or has a comma, at which a client takes it for a list of hosts.
    """
    folder = Path(tempfile.gettempdir()).absolute()
    fits = len(os.fsencode(folder)) <= _ROOM and "," not in str(folder)
    return folder if fits else Path("/tmp")  # noqa: S108 - mkdtemp makes its own there


def _make(programs: Programs, folder: Path, superuser: str, user: str | None) -> None:
    options = ("-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions")
    command = [str(programs.folder / "initdb"), *options, "-U", superuser, "-D", str(folder / "data")]
    watch, told = watched.begin(command, folder, user), ""
    try:
        with watch.stdout or nullcontext() as output:
            output.read()  # type: ignore[union-attr] # a pipe
        told = watched.MADE
    finally:
        watched.end(watch, told)
    if watch.returncode:
        raise _failed(programs, _log(folder))


def _served(programs: Programs, folder: Path, user: str | None) -> subprocess.Popen[str]:
    settings = {**_SETTINGS, "unix_socket_directories": str(folder)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return watched.begin([programs.folder / "postgres", "-D", folder / "data", *options], folder, user)


def _wait(watch: subprocess.Popen[str], folder: Path) -> None:
    state = folder / "data" / "postmaster.pid"
    deadline = time.monotonic() + _SECONDS
    with watch.stdout or nullcontext() as output, DefaultSelector() as selector:
        selector.register(output, EVENT_READ)  # type: ignore[arg-type] # a pipe
        while not (state.is_file() and state.read_text().rstrip().endswith("ready")):
            if selector.select(0.01) or time.monotonic() > deadline:
                raise _unusable("does not start", _log(folder))


def _log(folder: Path) -> str:
    file = folder / "log"
    return file.read_text(errors="replace") if file.is_file() else ""


def _failed(programs: Programs, told: str) -> ServerUnusable:
    return _unusable(f"cannot be made with {programs.folder}", told.strip())


def _unusable(why: str, told: str) -> ServerUnusable:
    return ServerUnusable(
        f"The private PostgreSQL for the scratch database {why}.",
        remedy="Name a server for it: --scratch URL or RUNNER_SCRATCH_URL.",
        notes=tuple(told.splitlines()[-5:]),
    )
