"""What is told of a file that takes long: on a terminal, in a pipe, to a collector, by status."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import apply
from runner.apply import Activity, Session
from runner.cli import heartbeat, log, report
from runner.cli.progress import Progress
from runner.model import Migration
from tests.cli import Terminal, checked, lines
from tests.project import make

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import CliRunner

    from tests.project import Project

FILE = Migration("app", "000", "one", "app/000_one.sql", "select 1;", "sha256:0")
API = Session(123, "web", "api", "local", "idle in transaction", 180, "select 1")
WAITS = Activity(wants="an access exclusive lock on public.orders", blockers=(API,))
ORDERS = "waits for an access exclusive lock on public.orders"
SAID = f"{ORDERS} held by pid 123 (web, api, idle in transaction for 3 min)"
SLOW = {"000_slow.sql": "select pg_sleep(4);"}


@pytest.mark.parametrize(
    ("pause", "seconds"), [(30.0, [5, 35, 65]), (10.0, [5, 15, 25, 35, 45, 55, 65]), (2.0, None), (0.0, [])]
)
def test_a_line_comes_after_five_seconds_and_then_now_and_then(
    monkeypatch: pytest.MonkeyPatch, pause: float, seconds: list[int] | None
) -> None:
    """And sooner where that is asked for."""
    monkeypatch.setattr(report.settings, "heartbeat", pause)
    beat = heartbeat.Heartbeat()
    due = [at for at in range(1, 67) if beat.is_due(apply.Working(FILE, at + 0.01, WAITS))]
    assert due == (list(range(2, 67, 2)) if seconds is None else seconds)


def test_a_file_that_is_tried_again_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its seconds count from there."""
    monkeypatch.setattr(report.settings, "heartbeat", 30.0)
    beat = heartbeat.Heartbeat()
    assert [beat.is_due(apply.Working(FILE, at, WAITS)) for at in (4, 6, 7, 1, 6)] == [
        False,
        True,
        False,
        False,
        True,
    ]


def test_a_terminal_shows_it_below_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Live, and gone when the file is done; no line is left."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    with Progress([FILE.path]) as progress:
        progress.show(apply.Started(FILE))
        progress.show(apply.Working(FILE, 41.2, WAITS))
        bar = progress._bar
        assert bar
        assert bar.below == f"for 41 s: {SAID}"
        bar.refresh()
        progress.show(apply.Outcome(FILE, 42_000))
        assert bar.below == ""
    assert SAID in re.sub(r"\x1b\[[^A-Za-z]*[A-Za-z]", "", screen.getvalue())


def test_a_pipe_gets_lines_and_the_document_stays_alone(runner: CliRunner, tmp_path: Path, url: str) -> None:
    """On stderr; --quiet and 0 leave them out."""
    app = make(tmp_path, app=SLOW | {f"00{n}_more.sql": "select pg_sleep(2.5);" for n in (1, 2)})
    began = time.monotonic()
    result = app.run(runner, "migrate", "--heartbeat", "1", "--json", "--to", "0", APP_URL=url)
    told = [line for line in result.stderr.splitlines() if ".sql, for" in line]
    assert 2 <= len(told) <= time.monotonic() - began
    assert re.fullmatch(
        r"app/000_slow\.sql, for \d s: Timeout PgSleep", told[1]
    )  # the last may come too late
    assert checked(json.loads(result.stdout))["error"] is None
    for number, words in ((1, ["--heartbeat", "0"]), (2, ["--heartbeat", "1", "--quiet"])):
        quiet = app.run(runner, "migrate", *words, "--to", str(number), APP_URL=url)
        assert ".sql, for" not in quiet.output


def test_a_collector_gets_events(runner: CliRunner, tmp_path: Path, url: str) -> None:
    """One with each line, with the same facts; the variable is the option."""
    app = make(tmp_path, app=SLOW)
    began = time.monotonic()
    result = app.run(runner, "migrate", "--log", "json", APP_URL=url, RUNNER_HEARTBEAT="1")
    found = [json.loads(line) for line in result.stderr.splitlines()]
    working = [one for one in found if one["event"] == "working"]
    assert 2 <= len(working) <= time.monotonic() - began
    assert (working[1]["file"], working[1]["wait"]) == ("app/000_slow.sql", "Timeout PgSleep")
    assert working[1]["message"] == "Timeout PgSleep"
    assert {"series", "version", "seconds", "phase", "percent", "wants", "blockers"} <= working[1].keys()


def test_a_collector_reads_who_blocks(capsys: pytest.CaptureFixture[str]) -> None:
    """As an object with each fact."""
    log.choose(log.JSON)
    assert log.show(apply.Working(FILE, 5, WAITS))
    told = json.loads(capsys.readouterr().err)
    assert (told["message"], told["wants"]) == (SAID, WAITS.wants)
    assert told["blockers"] == [API._asdict()]


def _at_work(app: Project, url: str, then: Callable[[], None]) -> None:
    """Do something while a file is at work in another process."""
    process = app.process("migrate", "--heartbeat", "0", APP_URL=url)
    with psycopg.connect(url, autocommit=True) as db:
        seen = (
            "select pid from pg_stat_activity where application_name ~ '000_slow' and wait_event = 'PgSleep'"
        )
        deadline = time.monotonic() + 30
        while not (found := db.execute(seen).fetchone()):
            assert process.poll() is None
            assert time.monotonic() < deadline
        then()
        db.execute("select pg_cancel_backend(%s)", found)
    process.communicate()


def test_status_says_who_is_at_work(runner: CliRunner, tmp_path: Path, url: str) -> None:
    """Who, on which file, since when, what it waits for; and nothing when nobody is."""
    app = make(tmp_path, app={"000_slow.sql": "select pg_sleep(60);"})

    def look() -> None:
        told = lines(app.run(runner, "status", APP_URL=url))[-1]
        assert re.fullmatch(
            r"app: at work is pid \d+ \(postgres, at app/000_slow\.sql for \d s\); Timeout PgSleep\.", told
        )
        [one] = checked(json.loads(app.run(runner, "status", "--json", APP_URL=url).stdout))["databases"]
        assert one["at_work"][0]["application"] == "runner:app/000_slow.sql"

    _at_work(app, url, look)
    assert "at work" not in app.run(runner, "status", APP_URL=url).output


@pytest.mark.parametrize("name", ["runner:app/001_i.sql", "psql"])
def test_a_file_outside_any_transaction_that_is_being_applied_is_not_called_interrupted(
    runner: CliRunner, tmp_path: Path, url: str, name: str
) -> None:
    """Nor one of a newer release; a runner at another file, or nobody, leaves it interrupted."""
    alone = "-- runner: no-transaction\ncreate index concurrently i on nowhere (id);"
    app = make(tmp_path, app={"000_one.sql": "select 1;", "001_i.sql": alone})
    assert app.run(runner, "migrate", APP_URL=url).exit_code == 1
    looks = (("status",), ("plan",), ("migrate", "--dry-run"))

    def words() -> list[str]:
        told = [app.run(runner, *look, APP_URL=url).stdout for look in looks]
        assert all(("interrupted" in one) is not ("pending (at work)" in one) for one in told), told
        return sorted({"pending (at work)" if "pending (at work)" in one else "interrupted" for one in told})

    key = "hashtextextended('public.schema_migrations', 0)"
    with psycopg.connect(url, autocommit=True) as db:
        assert words() == ["interrupted"]
        db.execute(f"select pg_advisory_lock({key}), set_config('application_name', '{name}', false)")
        assert words() == ["pending (at work)"]
        (app.root / "app" / "001_i.sql").unlink()
        for command in ("status", "verify", "migrate", "plan"):
            said = app.run(runner, command, APP_URL=url)
            assert "interrupted" not in said.output, said.output
            assert command == "status" or "ahead of these files: 001_i (at work)" in said.stdout
        (app.root / "fleet.env").write_text(f"one={url}\n")
        for command in ("verify", "migrate", "plan"):
            said = app.run(runner, command, "app", "--fleet", str(app.root / "fleet.env"))
            assert "ahead of these files: 001_i (at work)" in said.stdout, said.output
        app.write("app", {"001_i.sql": alone})
        db.execute("set application_name = 'runner:app/000_one.sql'")
        assert words() == ["interrupted"]


def test_status_of_a_role_without_rights_says_nothing_false(
    runner: CliRunner, tmp_path: Path, url: str
) -> None:
    """It sees who is at work on what, not since when."""
    app = make(tmp_path, app={"000_slow.sql": "select pg_sleep(60);"})
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("create role looker login")

    def look() -> None:
        result = app.run(runner, "status", APP_URL=url.replace("postgres@", "looker@"))
        told = lines(result)[-1]
        assert re.fullmatch(r"app: at work is pid \d+ \(postgres, at app/000_slow\.sql\)\.", told), (
            result.output
        )

    try:
        _at_work(app, url, look)
    finally:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("drop role looker")


def test_status_does_without_rights_that_a_server_takes_away(
    runner: CliRunner, app: Project, url: str
) -> None:
    """Somebody hardens his server: the files are told as ever."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("create role looker login")
        db.execute("revoke select on pg_catalog.pg_locks from public")
        try:
            result = app.run(runner, "status", APP_URL=url.replace("postgres@", "looker@"))
            assert (result.exit_code, lines(result)[-1]) == (0, "app: 2 pending.")
        finally:
            db.execute("grant select on pg_catalog.pg_locks to public; drop role looker")


def test_a_fleet_tells_whose_file_it_is(runner: CliRunner, tmp_path: Path, url: str) -> None:
    """A line of its own for each member."""
    app = make(tmp_path, app=SLOW)
    (app.root / "fleet.env").write_text(f"one={url}\n")
    fleet = ("--fleet", str(app.root / "fleet.env"))
    result = app.run(runner, "migrate", "app", *fleet, "--heartbeat", "1")
    assert result.exit_code == 0, result.output
    assert re.search(r"^one: app/000_slow\.sql, for \d s: Timeout PgSleep$", result.stderr, re.MULTILINE)
