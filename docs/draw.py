"""Draw the picture in the README: what `make migrate` shows on a terminal, captured from a real run.

.venv/bin/python docs/draw.py        (or: make picture)
"""

from __future__ import annotations

import io
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "images" / "migrate.svg"
WIDTH = 84


def main() -> None:
    """Run the commands on an embedded server of their own and export what they showed."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "socrates")
        shutil.copytree(ROOT / "sql", home / "sql")
        shutil.copy(ROOT / "pyproject.toml", home)
        console = Console(record=True, width=WIDTH, file=io.StringIO())
        for title, command in (("make migrate", "migrate"), ("socrates-migrate status auth", "status auth")):
            console.print(f"[bold]$ {title}[/bold]")
            console.print(Text.from_ansi(captured(home, command)))
        console.print()
        captured(home, "server stop")
    PICTURE.parent.mkdir(exist_ok=True)
    fonts = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)  # rich would load them from elsewhere
    picture = fonts.sub("", console.export_svg(title="socrates-migrate")).replace(
        "Fira Code", "Menlo, Consolas"
    )
    PICTURE.write_text(picture, encoding="utf-8")


def captured(home: Path, command: str) -> str:
    """Return what a command shows on a terminal in the end, without the bars that came and went."""
    environ = os.environ | {
        "COLUMNS": str(WIDTH),
        "TERM": "xterm-256color",
        "PYTHONPATH": str(ROOT),
        "TZ": "UTC",
    }
    arguments = [sys.executable, "-m", "runner", *command.split(), "--config", str(home / "pyproject.toml")]
    terminal, screen = pty.openpty()
    process = subprocess.Popen(arguments, stdout=screen, stderr=screen, env=environ)  # noqa: S603 - ourselves
    os.close(screen)
    shown = "".join(iter(lambda: chunk(terminal), "")).replace("\r\n", "\n")
    if process.wait() != 0:
        raise SystemExit(shown)
    lines: list[str] = []
    for line in shown.split("\n"):
        if "\x1b[1A" in line:  # one line up, to erase the bar
            lines.pop()
        lines.append(re.split(r"\x1b\[2K|\r", line)[-1])
    return "\n".join(line for line in lines if re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).strip())


def chunk(terminal: int) -> str:
    """Return what comes next, nothing when the terminal's last program has ended."""
    try:
        return os.read(terminal, 65536).decode()
    except OSError:
        return ""


if __name__ == "__main__":
    main()
