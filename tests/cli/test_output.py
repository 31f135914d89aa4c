"""What is printed may be lost; what was done is not, and the exit code tells it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner.cli.output import Output
from tests.project import ROOT, TWO, make

if TYPE_CHECKING:
    from pathlib import Path

    from tests.project import Project

LOST = "error OUTPUT_LOST: The output could not be written: {}. What the command did in a database stands.\n"
FULL, CLOSED = LOST.format("No space left on device"), LOST.format("Bad file descriptor")
MANY = {f"{number:03}_t.sql": f"create table public.t{number} ();" for number in range(20)}


def shell(app: Project, line: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which $RUN is the runner and $APP names the project."""
    return subprocess.run(
        ["sh", "-c", line],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "RUN": f"{sys.executable} -m runner", "APP": str(app.file), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def applied(url: str) -> int:
    """Return how many files are recorded."""
    with psycopg.connect(url) as db:
        [(count,)] = db.execute("select count(*) from public.schema_migrations").fetchall()
    return int(count)


@pytest.mark.parametrize("option", ["", "--json"])
@pytest.mark.parametrize(
    ("to", "stderr"),
    [
        ("> /dev/full", FULL),
        (">&-", CLOSED),
        ("> /dev/full 2> /dev/full", ""),
        (">&- 2>&-", ""),
        ("2>&-", ""),
        ("| true", ""),
    ],
)
def test_migrate_goes_on_whatever_becomes_of_its_output(
    tmp_path: Path, url: str, option: str, to: str, stderr: str
) -> None:
    """Every file is applied, one line says that the output is lost, and the code says what was done."""
    app = make(tmp_path, app=MANY)
    (tmp_path / "app" / "rollback").mkdir()
    for name in MANY:
        (tmp_path / "app" / "rollback" / name).touch()
    line = f"{{ $RUN migrate --config $APP {option}; echo $? > {tmp_path}/code; }} {to}"
    done = shell(app, line, APP_URL=url)
    assert done.stderr == stderr
    assert (tmp_path / "code").read_text() == "0\n"
    assert applied(url) == len(MANY)


def test_the_code_is_that_of_the_run(tmp_path: Path, url: str) -> None:
    """What failed is told by its own code, lost output or not."""
    app = make(tmp_path, app=TWO)
    assert shell(app, "$RUN migrate --config $APP --json > /dev/full", APP_URL=url).returncode == 0
    app.write("app", {"002_bad.sql": "select nope;", "000_one.sql": TWO["000_one.sql"]})
    done = shell(app, "$RUN migrate --config $APP > /dev/full", APP_URL=url)
    assert (done.returncode, "SQL_FAILED" in done.stderr) == (1, True)
    assert done.stderr.endswith(FULL)
    app.write("app", {"000_one.sql": "select 1;"})
    assert shell(app, "$RUN verify --config $APP > /dev/full", APP_URL=url).returncode == 4


@pytest.mark.parametrize(
    "command",
    [
        *("status", "plan", "verify", "status --json", "plan app --sql -"),
        *("migrate --dry-run", "migrate --dry-run --json", "migrate --help", "init --help"),
    ],
)
def test_a_command_that_only_tells_has_failed_when_nobody_is_told(
    tmp_path: Path, url: str, command: str
) -> None:
    """A pipeline must not take half an answer for one; who has seen enough is another thing."""
    app = make(tmp_path, app=MANY)
    done = shell(app, f"$RUN {command} --config $APP > /dev/full", APP_URL=url)
    assert done.returncode == 1
    assert done.stderr.endswith(FULL)
    piped = shell(app, f"$RUN {command} --config $APP | head -1", APP_URL=url)
    assert "Traceback" not in piped.stderr
    assert "OUTPUT_LOST" not in piped.stderr


def test_a_log_collector_is_told_that_output_is_lost(tmp_path: Path, url: str) -> None:
    """On a line of JSON, as all else."""
    app = make(tmp_path, app=TWO)
    done = shell(app, "$RUN status --config $APP > /dev/full", APP_URL=url, RUNNER_LOG="json")
    assert [json.loads(line)["name"] for line in done.stderr.splitlines()] == ["OUTPUT_LOST"]


def test_a_letter_that_the_terminal_lacks_is_written_out(tmp_path: Path, url: str) -> None:
    """In ASCII a word with an accent is shown, not a traceback; JSON stays JSON, a bundle UTF-8."""
    app = make(tmp_path, app={"000_a.sql": "select nope /* é */;\n"})
    ascii_only = {"APP_URL": url, "PYTHONIOENCODING": "ascii"}
    shown = shell(app, "$RUN migrate --config $APP", **ascii_only)
    assert (shown.returncode, "/* \\xe9 */" in shown.stderr) == (1, True)
    document = shell(app, "$RUN migrate --config $APP --json 2> /dev/null", **ascii_only)
    assert '"name": "SQL_FAILED"' in document.stdout
    bundle = shell(app, "$RUN plan app --sql - --config $APP 2> /dev/null", **ascii_only)
    assert "select nope /* é */;" in bundle.stdout


@pytest.mark.parametrize(
    ("encoding", "written"),
    [("ascii", rb"a...\xe9\u65e5..."), ("latin-1", b"a...\xe9\\u65e5..."), ("utf-8", "a…é日…".encode())],
)
def test_what_was_cut_is_marked_by_dots(encoding: str, written: bytes) -> None:
    """Whatever else the encoding lacks is written out."""
    stream = io.BytesIO()
    out = Output(io.TextIOWrapper(stream, encoding=encoding))
    out.write("a…é日…")
    out.flush()
    assert stream.getvalue() == written


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("accept app 1", 1, "error INTERRUPTED: app/001_two.sql is not recorded anew: nobody answered."),
        ("status --fleet -", 2, "error CONFIG_INVALID: stdin names no database."),
        ("migrate --fleet -", 2, "error CONFIG_INVALID: stdin names no database."),
    ],
)
def test_a_closed_stdin_is_an_empty_one(tmp_path: Path, url: str, command: str, code: int, said: str) -> None:
    """As a service manager leaves it: nobody answers, and no database is named."""
    app = make(tmp_path, app=TWO)
    shell(app, "$RUN migrate --config $APP", APP_URL=url)
    app.write("app", {"001_two.sql": "-- anew\n" + TWO["001_two.sql"]})
    line = f"$RUN {command} --config $APP"
    closed, empty = (shell(app, f"{line} {stdin}", APP_URL=url) for stdin in ("<&-", "</dev/null"))
    assert (closed.returncode, said in closed.stderr) == (code, True), closed.stderr
    assert (closed.stdout, closed.stderr) == (empty.stdout, empty.stderr)


def test_what_others_left_for_the_end_is_done_and_seen(tmp_path: Path) -> None:
    """A program that measures what ran, such as coverage, writes it down then."""
    code = (
        "import atexit; from runner.__main__ import main;"
        "atexit.register(print, 'at the end'); print('at the beginning'); main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "new", "nope", "x", "--config", str(make(tmp_path, app=TWO).file)],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"},  # whoever runs the tests may want nothing buffered
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "at the beginning\nat the end\n")
    assert "SERIES_UNKNOWN" in done.stderr
