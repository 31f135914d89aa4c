"""Run a program below a shell that ends it, and removes its folder, however this process ends."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_WATCH = """
folder=$1; shift
"$@" 3>&1 </dev/null >"$folder/log" 2>&1 &
exec >/dev/null
trap '' TERM
read -r line
if [ "$line" ]; then wait $!; exit; fi
kill -QUIT $!
kill -TERM 0
wait $!
rm -rf "$folder"
"""
MADE = "made"  # what the shell is told for the folder to stay


def begin(command: Sequence[str | Path], folder: Path, user: str | None) -> subprocess.Popen[str]:
    """Start a program below a shell that ends it when this process says so, or is no more.

    The program alone, with those that it starts, holds what the shell had for its output: when that ends, so
    has the program.
    """
    environ = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return subprocess.Popen(  # noqa: S603 - a script of this module
        ["/bin/sh", "-c", _WATCH, "sh", folder, *command],
        user=user,
        env=environ | {"LC_ALL": "C"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # a Ctrl-C is for this process, which then ends the program
    )


def end(watch: subprocess.Popen[str], told: str = "") -> None:
    """Let the shell end its program, and wait for it; told that something is made, it lets it be."""
    if watch.stdin:
        with suppress(OSError), watch.stdin as line:
            line.write(f"{told}\n")  # a fork of this process may hold the pipe open
    watch.wait()
