"""Let initdb run once for a whole run of the tests: every further server begins with a copy of what it made.

The same bytes for a tenth of the processor's time: hundreds of tests start a server. pytest-xdist's workers
share what is made; the process that started them removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
import zlib
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.schema import cluster

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from runner.schema.cluster import Programs

_VARIABLE = "TESTS_CLUSTERS"  # the shared folder; without one, initdb runs each time
# A private server is small and short-lived: with these it starts in two thirds of the processor's time.
_SMALL = "shared_buffers = 16MB\n"
_SMALL_18 = "io_method = sync\n"  # no process for it


def share(config: pytest.Config, new_folder: Callable[[], Path]) -> None:
    """Make the folder where clusters are kept until the run ends, unless this is a worker of it."""
    if _VARIABLE not in os.environ:
        os.environ[_VARIABLE] = str(folder := new_folder())
        config.add_cleanup(partial(_remove, folder))


def _remove(folder: Path) -> None:
    del os.environ[_VARIABLE]
    shutil.rmtree(folder)


def environment() -> dict[str, str]:
    """Return what a process must be told to begin its servers with copies, too."""
    return {name: os.environ[name] for name in (_VARIABLE,) if name in os.environ}


def place(
    folder: Path, make: Callable[[Path], object], *, programs: Path, kind: str, user: str | None
) -> None:
    """Have a folder's ``data`` made as ``make`` does it, or a copy of what it made before.

    ``kind`` tells apart what the same programs make; ``user`` is who runs the server, ``None`` for this one.
    """
    if _VARIABLE not in os.environ:
        make(folder)
        return
    made = Path(os.environ[_VARIABLE], f"{kind}-{zlib.crc32(bytes(programs))}")
    with Path(f"{made}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two workers one makes it, the other waits
        if not made.exists():
            new = Path(tempfile.mkdtemp(dir=made.parent))
            shutil.chown(new, user or os.geteuid())
            make(new)
            _thin(new / "data")
            new.rename(made)
    subprocess.run(["cp", "-R", made / "data", folder], check=True, user=user)


def _thin(data: Path) -> None:
    """Leave out the maps of free space and of visibility, which PostgreSQL makes anew where it needs them.

    They are a quarter of the files, and who makes and drops a database takes a quarter less time without.
    """
    for kind in ("fsm", "vm"):
        for file in data.glob(f"base/*/*_{kind}"):
            file.unlink()


def copy_private(patch: pytest.MonkeyPatch) -> None:
    """Let the private servers of the runner begin with a copy, too."""
    make = cluster._make

    def small(programs: Programs, superuser: str, user: str | None, folder: Path) -> None:
        make(programs, folder, superuser, user)
        data = folder / "data"
        subprocess.run(
            [programs.folder / "pg_resetwal", "--wal-segsize=1", "-D", data],
            check=True,
            stdout=subprocess.DEVNULL,
            user=user,
        )
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(_SMALL + _SMALL_18 * (programs.version >= 18))

    def copy(programs: Programs, folder: Path, superuser: str, user: str | None) -> None:
        made = partial(small, programs, superuser, user)
        place(folder, made, programs=programs.folder, kind=f"private-{superuser}", user=user)

    patch.setattr(cluster, "_make", copy)
    patch.setattr(cluster, "_answer", cache(cluster._answer))  # a program says the same each time
