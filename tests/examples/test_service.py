"""examples/service: a FastAPI application that migrates when it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

from tests import servers
from tests.project import ROOT
from tests.sql.psql import forward

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICE = ROOT / "examples" / "service"
FILES = {series: [file.stem for file in forward(series)] for series in ("auth", "specs")}


@contextmanager
def _serving(log: Path, *options: str, **environ: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start the service on a free port; its process and all workers end with the block."""
    with servers.free_port() as port, log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "main:app", "--port", str(port), *options],
            cwd=SERVICE,
            env={"PATH": os.environ["PATH"], **environ},
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process, port
        finally:
            process.terminate()
            process.wait(30)


def _health(port: int, process: subprocess.Popen[str]) -> dict[str, str]:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
                found: dict[str, str] = json.load(answer)
                return found
        except OSError:
            assert process.poll() is None, "it ended"
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(0.1)


def test_four_workers_apply_each_file_once(tmp_path: Path, url: str, other_url: str) -> None:
    """They start at the same time; each file is applied by one of them, and all of them serve."""
    log = tmp_path / "log"
    environ = {"DATABASE_URL_AUTH": url, "DATABASE_URL_SPECS": other_url}
    with _serving(log, "--workers", "4", **environ) as (process, port):
        assert _health(port, process) == {series: files[-1] for series, files in FILES.items()}
        deadline = time.monotonic() + 60
        while log.read_text().count("Application startup complete") < 4:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
    told = [line.split()[2] for line in log.read_text().splitlines() if " applied sql/" in line]
    assert len(told) == len(set(told)) == sum(map(len, FILES.values()))
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from schema_migrations").fetchone() == (
            len(FILES["auth"]),
        )


def test_a_failure_keeps_it_from_serving(tmp_path: Path, url: str, other_url: str) -> None:
    """The message with its name is in the log, and the process ends with a code of its own."""
    with psycopg.connect(other_url, autocommit=True) as connection:
        connection.execute("create table public.projects ()")
    log = tmp_path / "log"
    environ = {"DATABASE_URL_AUTH": url, "DATABASE_URL_SPECS": other_url}
    with _serving(log, **environ) as (process, _):
        assert process.wait(60) != 0
    said = log.read_text()
    assert "DATABASE_NOT_EMPTY: Database" in said
    assert "Application startup failed" in said


def test_a_failing_file_is_logged_with_its_place(tmp_path: Path, url: str, other_url: str) -> None:
    """Path, line and column, so that whoever reads the log finds the statement."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "create function public.set_updated_at() returns integer language sql as 'select 1'"
        )
    log = tmp_path / "log"
    environ = {"DATABASE_URL_AUTH": url, "DATABASE_URL_SPECS": other_url}
    with _serving(log, **environ) as (process, _):
        assert process.wait(60) != 0
    assert "SQL_FAILED: sql/auth/000_users.sql failed" in log.read_text()
    assert "(sql/auth/000_users.sql:" in log.read_text()
