"""Make small projects of migration files for tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner import apply, config, planning
from runner.apply.event import Outcome
from runner.cli import cli
from runner.config import Target
from runner.errors import LockTimeout
from runner.model import Limits
from runner.planning import compare, preflight

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from click.testing import CliRunner, Result

    from runner.apply.event import Event


ROOT = Path(__file__).parent.parent
ROOM = 4.0  # seconds: so much longer than what is promised a busy machine may take
TWO = {"000_one.sql": "create table if not exists public.one (id int);",
       "001_two.sql": "create table if not exists public.two (id int);"}  # fmt: skip


def tables(count: int, **others: str) -> dict[str, str]:
    """Return files that make a table each, and cannot run twice; ``others`` replace some: t7="..."."""
    made = {f"{n:03}_t{n}.sql": f"create table public.t{n} (id int);\n" for n in range(count)}
    return made | {f"{int(name[1:]):03}_{name}.sql": text for name, text in others.items()}


def told(events: Sequence[Event]) -> list[int]:
    """Return the numbers of the files that were told as committed."""
    return [event.migration.number for event in events if isinstance(event, Outcome)]


def given_up(
    app: Project, url: str, lock_timeout: float, *, by: int | None
) -> tuple[list[Event], LockTimeout]:
    """Migrate while session ``by`` holds a lock, None for whichever; return what was told, and the error.

    Who blocks is looked for at half of the timeout, on a busy machine too late: then all is tried again.
    """
    deadline = time.monotonic() + 60
    while True:
        events: list[Event] = []
        with pytest.raises(LockTimeout) as caught:
            events.extend(app.events(url, lock_timeout=lock_timeout))
        if by is None or str(by) in "".join(caught.value.notes) or time.monotonic() > deadline:
            return events, caught.value


def statements(remedy: str | None) -> str:
    """Return the SQL in a remedy, as somebody would paste it."""
    return " ".join(re.findall(r"\b(?:alter|create|drop|grant)\s[^;]*;", remedy or ""))


@dataclass(frozen=True)
class Project:
    """A folder with a pyproject.toml and one folder of files per series."""

    root: Path

    @property
    def file(self) -> Path:
        """Return the configuration."""
        return self.root / config.FILE

    def write(self, series: str, files: Mapping[str, str]) -> None:
        """Add or replace files of a series."""
        for name, text in files.items():
            (self.root / series / name).write_text(text, encoding="utf-8", newline="")

    def run(self, runner: CliRunner, *arguments: str, **environ: str) -> Result:
        """Run a command of the command line on this project."""
        command, *rest = arguments
        return runner.invoke(cli, [command, "--config", str(self.file), *rest], env=environ)

    def process(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "runner", *arguments, "--config", str(self.file)],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def migrate(self, url: str, *, to: int | None = None, wait_lock: float = 5) -> list[Outcome]:
        """Apply what is pending in the only series, with the library alone."""
        return [event for event in self.events(url, to=to, wait_lock=wait_lock) if isinstance(event, Outcome)]

    def events(
        self, url: str, *, to: int | None = None, wait_lock: float = 5, lock_timeout: float = 5
    ) -> Generator[Event, None, None]:
        """Apply what is pending in the only series, yielding every event."""
        loaded = config.load(self.file)
        files = planning.read(loaded, loaded.series)
        with planning.look(files, [Target(loaded.series[0], url, "APP_URL")]) as [site]:
            preflight.check([site], to=to)
            preflight.check_writable([site])
            limits = Limits(wait_lock=wait_lock, lock_timeout=lock_timeout, retry_pause=0.1)
            pending = [step.file for step in compare.pending(site.steps, to=to)]
            yield from apply.apply(site.access, pending, site.before, limits)


def make(root: Path, **series: Mapping[str, str]) -> Project:
    """Write a project with these files; the series `app` reads its URL from APP_URL."""
    lines = []
    for name, files in series.items():
        (root / name).mkdir(parents=True)
        lines += [f"[tool.runner.databases.{name}]", f'sql = "{name}"', f'database = "{name}"']
        lines += [f'url = "{name.upper()}_URL"']
        Project(root).write(name, files)
    (root / config.FILE).write_text("\n".join(lines), encoding="utf-8")
    return Project(root)


def few_threads(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Let no more than so many threads be started from here on, as a limit of processes does."""
    start, left = threading.Thread.start, iter(range(most))

    def limited(thread: threading.Thread) -> None:
        if next(left, None) is None:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
