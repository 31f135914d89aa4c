"""Start a tool as a process anew and measure it from spawn to exit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.runner.model import Failed, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.runner.model import Command

LIMIT = 180.0  # seconds
_LAUNCHER = Path(__file__).with_name("launch.py")
_PER_MIB = 2**20 if sys.platform == "darwin" else 2**10  # macOS counts bytes, Linux KiB


def run(commands: Sequence[Command], folder: Path, *, limit: float = LIMIT) -> Run:
    """Run processes one after the other. Raises ``Failed`` when one fails or takes more than ``limit``.

    Output goes to files in ``folder``, which is also the working folder.
    """
    runs = [_run(command, folder, limit) for command in commands]
    return Run(sum(run.seconds for run in runs), max(run.peak_mib for run in runs))


def _run(command: Command, folder: Path, limit: float) -> Run:
    took, output = folder / "took", folder / "output"
    arguments: list[str | Path] = [
        sys.executable,
        "-I",
        "-S",
        _LAUNCHER,
        took,
        command.program,
        *command.arguments,
    ]
    with output.open("wb") as stream:
        process = subprocess.Popen(
            arguments,
            cwd=folder,
            env=command.environ,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _wait(process, limit)
    seconds, peak, code = took.read_text().split()
    if code != "0":
        raise Failed(f"{command.program.name} ended with {code}: {_last_words(output)}")
    return Run(float(seconds), int(peak) / _PER_MIB)


def _wait(process: subprocess.Popen[bytes], limit: float) -> None:
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        raise Failed(f"stopped after {limit:.0f} s") from None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _last_words(output: Path) -> str:
    text = output.read_text(errors="replace").strip()
    return " / ".join(line.strip() for line in text.splitlines()[-3:])[-300:]
