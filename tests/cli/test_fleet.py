"""--fleet on the command line: the file, what is shown, the document, the exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from psycopg.conninfo import make_conninfo

from runner import status
from runner.cli import standing, visits
from runner.errors import CommitUnknown, SqlFailed
from runner.fleet import Ending, Visit
from tests.cli import data
from tests.conftest import new_database
from tests.faults.stage import finished, until
from tests.fleet.conftest import at, run
from tests.project import ROOM

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import CliRunner

    from tests.project import Project
    from tests.servers import Server

SLOW = "create table public.two (id int); select pg_sleep(60);"


@pytest.fixture
def urls(server: Server) -> Iterator[list[str]]:
    """Return the URLs of three empty databases."""
    with ExitStack() as stack:
        yield [stack.enter_context(new_database(server)) for _ in range(3)]


@pytest.fixture
def file(tmp_path: Path, urls: list[str]) -> str:
    """Return the file of a fleet, which only its owner may read."""
    path = tmp_path / "fleet.env"
    path.write_text("".join(f"eu-{number}={url}\n" for number, url in enumerate(urls)))
    path.chmod(0o600)
    return str(path)


def test_migrate_tells_a_line_per_database(
    runner: CliRunner, app: Project, file: str, urls: list[str]
) -> None:
    """Names and counts, never URLs; the last line counts."""
    result = app.run(runner, "migrate", "--fleet", file)
    assert result.exit_code == 0, result.output
    lines = sorted(re.sub(r"\(.*\)", "", line).strip() for line in result.stdout.splitlines())
    assert lines == ["3 databases: 3 done.", *(f"eu-{n}  2 applied, at 001_two" for n in range(3))]
    assert result.stderr == ""
    assert [at(url) for url in urls] == [["000", "001"]] * 3
    assert "postgresql://" not in result.output


def test_the_document_has_an_entry_per_database_in_the_order_of_the_file(
    runner: CliRunner, app: Project, file: str, urls: list[str]
) -> None:
    """As for a single one, and with name, ending, seconds and error."""
    run(urls[1], "create table public.foreign_one (id int)")
    result = app.run(runner, "migrate", "--fleet", file, "--keep-going", "--json")
    document = data(result)
    assert (result.exit_code, document["error"]["name"]) == (4, "DATABASE_NOT_EMPTY")
    entries = document["databases"]
    assert [(entry["name"], entry["ending"]) for entry in entries] == [
        ("eu-0", "done"), ("eu-1", "refused"), ("eu-2", "done"),
    ]  # fmt: skip
    assert [len(entry["applied"]) for entry in entries] == [2, 0, 2]
    assert list(entries[0]) == [
        "series", "database", "applied", "skipped", "warnings", "name", "ending", "seconds", "error",
    ]  # fmt: skip
    assert entries[1]["error"]["name"] == "DATABASE_NOT_EMPTY"
    for command, key in (("status", "steps"), ("plan", "steps"), ("verify", "problems")):
        entries = data(app.run(runner, command, "--fleet", file, "--json"))["databases"]
        assert [entry["name"] for entry in entries] == ["eu-0", "eu-1", "eu-2"], command
        assert key in entries[0]


def test_status_groups_what_is_alike(runner: CliRunner, app: Project, file: str, urls: list[str]) -> None:
    """What is wrong comes first, then who is behind; with --exit-code that is 3, and wrong is always 4."""
    app.run(runner, "migrate", "--fleet", file, "--only", "eu-[12]")
    result = app.run(runner, "status", "--fleet", file, "--exit-code")
    assert result.stdout.splitlines() == [
        "  1 behind, 2 pending: eu-0",
        "  2 at 001_two, up to date: eu-1, eu-2",
        "3 databases: 3 done.",
    ]
    assert result.exit_code == 3
    run(urls[2], "update public.schema_migrations set checksum = 'sha256:0' where version = '001'")
    result = app.run(runner, "status", "--fleet", file)
    assert "error CHECKSUM_MISMATCH" in result.stderr
    assert result.stdout.splitlines()[0] == "  1 at 001_two, wrong: edited: eu-2"
    assert result.exit_code == 4


def test_status_warns_of_a_member_that_was_never_adopted(
    runner: CliRunner, app: Project, file: str, urls: list[str]
) -> None:
    """As of a single database: with exit code 0, and in the document, for a pipeline to read."""
    run(urls[0], "create table public.foreign_one (id int)")
    run(urls[2], "create table public.foreign_one (id int)")
    result = app.run(runner, "status", "--fleet", file)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "  2 not to be migrated: DATABASE_NOT_EMPTY: eu-0, eu-2",
        "  1 behind, 2 pending: eu-1",
        "3 databases: 3 done.",
    ]
    [warning] = result.stderr.splitlines()
    assert warning.startswith("warning: eu-0, eu-2: Database ")
    assert "has no ledger but is not empty: it holds public.foreign_one" in warning
    found = [
        *data(app.run(runner, "status", "--fleet", file, "--json"))["databases"],
        *data(app.run(runner, "status", "--json", APP_URL=urls[0]))["databases"],
    ]
    told = [[problem["name"] for problem in one["problems"]] for one in found]
    assert told == [["DATABASE_NOT_EMPTY"], [], ["DATABASE_NOT_EMPTY"], ["DATABASE_NOT_EMPTY"]]


def test_a_remedy_leads_to_the_member(runner: CliRunner, app: Project, file: str, urls: list[str]) -> None:
    """`accept` and `baseline` take no fleet: as they are they would act on what the variable leads to."""
    run(urls[1], "create table public.foreign_one (id int)")
    refused = app.run(runner, "migrate", "--fleet", file, "--keep-going").stderr
    assert "adopt this one with `baseline` (APP_URL set to the URL of eu-1). Schemas" in refused
    text = (app.root / "app" / "001_two.sql").read_text()
    app.write("app", {"001_two.sql": f"-- More.\n{text}"})
    for command in ("migrate", "plan", "verify"):
        told = app.run(runner, command, "--fleet", file, "--only", "eu-2").stderr
        assert "with `accept app 001` (APP_URL set to the URL of eu-2), or restore" in told, command
    done = app.run(runner, "accept", "app", "1", "--yes", APP_URL=urls[2])
    name = urls[2].partition("?")[0].rpartition("/")[2]
    assert done.stdout.splitlines()[-1] == f"app/001_two.sql is recorded as it is now in database {name}."


def test_plan_and_verify_group_as_well(runner: CliRunner, app: Project, file: str) -> None:
    """What would be applied, and that all agree."""
    planned = app.run(runner, "plan", "--fleet", file)
    assert app.run(runner, "migrate", "--dry-run", "--fleet", file).stdout == planned.stdout
    assert planned.stdout.splitlines()[0] == "  3 2 pending: 000_one, 001_two: eu-0, eu-1, eu-2"
    app.run(runner, "migrate", "--fleet", file)
    verified = app.run(runner, "verify", "--fleet", file)
    assert verified.stdout.splitlines()[0] == "  3 at 001_two, files agree with the ledger: eu-0, eu-1, eu-2"


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ([], "  3 2 pending: 000_one, 001_two: eu-0, eu-1, eu-2"),
        (["--to", "0"], "  3 1 pending: 000_one: eu-0, eu-1, eu-2"),
        (["--to", "0", "--expect", "1"], "  3 1 pending: 000_one: eu-0, eu-1, eu-2"),
        (["--to", "0", "--expect", "2"], "  3 refused: PENDING_UNEXPECTED: eu-0, eu-1, eu-2"),
        (
            ["--canary", "eu-1", "--keep-going", "--except", "eu-0"],
            "  2 2 pending: 000_one, 001_two: eu-1, eu-2",
        ),
    ],
)
def test_a_dry_run_answers_as_migrate_would(
    runner: CliRunner, app: Project, file: str, terms: list[str], said: str
) -> None:
    """With the same options: what would be applied, and the code that ``migrate`` ends with behind it."""
    dry = app.run(runner, "migrate", "--dry-run", "--fleet", file, *terms)
    assert dry.stdout.splitlines()[0] == said, dry.output
    planned = data(app.run(runner, "migrate", "--dry-run", "--fleet", file, *terms, "--json"))["databases"]
    done = app.run(runner, "migrate", "--fleet", file, *terms, "--json")
    assert dry.exit_code == done.exit_code
    if done.exit_code == 0:
        versions = [[step["version"] for step in entry["steps"]] for entry in planned]
        applied = [[step["version"] for step in entry["applied"]] for entry in data(done)["databases"]]
        assert versions == applied


@pytest.mark.parametrize("single", [False, True])
def test_what_is_behind_to_is_not_looked_at(
    runner: CliRunner, app: Project, file: str, urls: list[str], single: bool
) -> None:
    """A file that must not be sent refuses a dry run as little as it refuses to migrate only up to it."""
    app.write("app", {"001_two.sql": "commit;"})
    where = ["--url", urls[0]] if single else ["--fleet", file]
    assert app.run(runner, "migrate", "--dry-run", *where).exit_code == 1
    assert app.run(runner, "migrate", "--dry-run", "--to", "0", *where).exit_code == 0
    assert app.run(runner, "migrate", "--to", "0", *where).exit_code == 0


def test_a_failure_is_told_once_with_the_names(
    runner: CliRunner, app: Project, file: str, urls: list[str]
) -> None:
    """Three that fail alike are one error, with its place and remedy; the code is that of a failure."""
    app.write("app", {"001_two.sql": "select 1/0;"})
    result = app.run(runner, "migrate", "--fleet", file, "--keep-going")
    assert result.exit_code == 1
    assert result.stderr.count("error SQL_FAILED") == 1
    assert "eu-0, eu-1, eu-2:\nerror SQL_FAILED" in result.stderr
    assert "--> app/001_two.sql:1" in result.stderr
    assert [at(url) for url in urls] == [["000"]] * 3


def test_what_differs_only_in_the_name_is_told_once(
    runner: CliRunner, app: Project, file: str, urls: list[str]
) -> None:
    """A server that is down is one error, however many databases it has."""
    with open(file, "a", encoding="utf-8") as more:  # noqa: PTH123 - a text
        more.writelines(f"us-{n}=postgresql://postgres@127.0.0.1:1/d{n}\n" for n in range(3))
    result = app.run(runner, "status", "--fleet", file)
    assert result.exit_code == 5
    assert result.stderr.count("error CANNOT_CONNECT") == 1
    assert "us-0, us-1, us-2:\nerror" in result.stderr
    assert "  3 not reachable: CANNOT_CONNECT: us-0, us-1, us-2" in result.stdout
    assert at(urls[0]) == []


@pytest.mark.parametrize(
    ("option", "error"), [("user", "ROLE_MISSING"), ("dbname", "DATABASE_MISSING"), ("host", "HOST_UNKNOWN")]
)
def test_what_differs_only_in_a_name_of_the_url_is_told_once(
    runner: CliRunner, app: Project, url: str, option: str, error: str
) -> None:
    """Where each database has a role, a host, of its own, one cause is still one error."""
    file, names = app.root / "fleet.env", ("tenant", "tenant_b", "c")
    urls = [make_conninfo(url, **{option: f"{name}.invalid"}) for name in names]
    file.write_text("".join(f"eu-{n}='{each}'\n" for n, each in enumerate(urls)))
    result = app.run(runner, "migrate", "--fleet", str(file))
    assert re.findall(r"^(.*):\nerror (\w+)", result.stderr, re.MULTILINE) == [("eu-0, eu-1, eu-2", error)]


def test_what_is_told_of_members_whose_names_are_words_is_told_once(
    runner: CliRunner, app: Project, urls: list[str]
) -> None:
    """A name that stands by chance in what is said alike of all, or in an address, is no difference."""
    members = dict(zip(("0", "app", "file"), urls, strict=True))
    members |= {name: f"postgresql://postgres@127.0.0.1:1/d{name}" for name in ("7", "12")}
    file = app.root / "fleet.env"
    file.write_text("".join(f"{name}={url}\n" for name, url in members.items()))
    app.run(runner, "migrate", "--fleet", str(file), "--only", "[!17]*")
    app.write("app", {"000_one.sql": "select 'edited';"})
    result = app.run(runner, "status", "--fleet", str(file))
    assert re.findall(r"^(.*):\nerror (\w+)", result.stderr, re.MULTILINE) == [
        ("7, 12", "CANNOT_CONNECT"), ("0, app, file", "CHECKSUM_MISMATCH"),
    ]  # fmt: skip


def test_warnings_are_told_with_the_name_and_kept_for_the_document(
    runner: CliRunner, app: Project, file: str
) -> None:
    """A notice is told only where more is wanted."""
    said = "do $$ begin raise notice 'small'; raise warning 'great'; end $$;"
    app.write("app", {"000_one.sql": said, "001_two.sql": said})
    one = app.run(runner, "migrate", "--fleet", file, "--only", "eu-0")
    assert [line.partition(" great")[0] for line in one.stderr.splitlines()] == [
        "warning: eu-0: app/000_one.sql:1:7:", "warning: eu-0: app/001_two.sql:1:7:",
    ]  # fmt: skip
    more = app.run(runner, "migrate", "--fleet", file, "--only", "eu-1", "--verbose")
    assert "notice: eu-1: app/000_one.sql:1:7: small" in more.stderr
    [entry] = data(app.run(runner, "migrate", "--fleet", file, "--only", "eu-2", "--json"))["databases"]
    assert [(warning["version"], warning["message"]) for warning in entry["warnings"]] == [
        ("000", "great"), ("001", "great"),
    ]  # fmt: skip


def test_what_is_wrong_with_a_ledger_is_told_last(
    runner: CliRunner, app: Project, file: str, urls: list[str]
) -> None:
    """Its error is the longest, and the one to be read first on a screen."""
    app.run(runner, "migrate", "--fleet", file, "--only", "eu-0")
    run(urls[0], "update public.schema_migrations set checksum = 'sha256:0' where version = '001'")
    with open(file, "a", encoding="utf-8") as fleet:  # noqa: PTH123 - a text
        fleet.write("eu-9=postgresql://postgres@127.0.0.1:1/nowhere\n")
    result = app.run(runner, "migrate", "--fleet", file)
    names = re.findall(r"^error (\w+)", result.stderr, re.MULTILINE)
    assert names == ["CANNOT_CONNECT", "CHECKSUM_MISMATCH"]


@pytest.mark.parametrize("command", ["status", "verify", "migrate"])
def test_the_error_of_the_document_is_that_of_the_exit_code(
    runner: CliRunner, app: Project, file: str, urls: list[str], command: str
) -> None:
    """Not the first of the file, over which alone the code would be another."""
    app.run(runner, "migrate", "--fleet", file, "--only", "eu-2")
    run(urls[2], "update public.schema_migrations set checksum = 'sha256:0' where version = '001'")
    with open(file, encoding="utf-8") as fleet:  # noqa: PTH123 - a text
        text = fleet.read()
    with open(file, "w", encoding="utf-8") as fleet:  # noqa: PTH123 - a text
        fleet.write(f"eu-9=postgresql://postgres@127.0.0.1:1/nowhere\n{text}")
    result = app.run(runner, command, "--fleet", file, "--json")
    error = data(result)["error"]
    assert (result.exit_code, error["exit_code"], error["name"]) == (4, 4, "CHECKSUM_MISMATCH")


def test_the_log_has_the_events_of_each_member(runner: CliRunner, app: Project, file: str) -> None:
    """Started and applied, each with the name of its database."""
    result = app.run(runner, "migrate", "--fleet", file, "--log", "json")
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    for event in ("started", "applied"):
        told = sorted((one["member"], one["version"]) for one in lines if one["event"] == event)
        assert told == [(f"eu-{n}", version) for n in range(3) for version in ("000", "001")]


def test_a_canary_is_a_number_or_names(runner: CliRunner, app: Project, file: str, urls: list[str]) -> None:
    """Behind a canary that fails nobody is touched."""
    app.write("app", {"001_two.sql": "select 1/0;"})
    for canary, touched in (("1", [1, 0, 0]), ("eu-1", [1, 1, 0]), ("eu-2, eu-1", [1, 1, 1])):
        result = app.run(runner, "migrate", "--fleet", file, "--canary", canary)
        assert result.exit_code == 1, canary
        assert [len(at(url)) for url in urls] == touched


def test_a_file_that_others_may_read_gets_a_warning(runner: CliRunner, app: Project, file: str) -> None:
    """With what mends it; it is read all the same."""
    os.chmod(file, 0o644)  # noqa: PTH101 - a text
    result = app.run(runner, "status", "--fleet", file)
    assert result.exit_code == 0
    assert f"chmod 600 {file}" in result.stderr


def test_the_command_that_mends_its_mode_can_be_pasted(runner: CliRunner, app: Project, file: str) -> None:
    """With a blank in the path it names one file."""
    moved = os.path.join(os.path.dirname(file), "my fleet's\xa0.env")  # noqa: PTH118, PTH120 - a text
    os.rename(file, moved)  # noqa: PTH104 - as above
    os.chmod(moved, 0o644)  # noqa: PTH101 - as above
    told = app.run(runner, "status", "--fleet", moved).stderr
    [command] = re.findall(r"chmod 600 .*", told)
    subprocess.run(["sh", "-c", command], check=True)
    assert "chmod" not in app.run(runner, "status", "--fleet", moved).stderr


def test_stdin_is_a_fleet(runner: CliRunner, app: Project, urls: list[str]) -> None:
    """A secret store can pipe it in; the environment is expanded."""
    text = f"eu-0={urls[0].replace('postgres@', '${ROLE}@')}\n"
    command = ["migrate", "--config", str(app.file), "--fleet", "-"]
    from runner.cli import cli  # noqa: PLC0415 - the fixture has the name of the package

    result = runner.invoke(cli, command, input=text, env={"ROLE": "postgres"})
    assert result.exit_code == 0, result.output
    assert at(urls[0]) == ["000", "001"]
    assert "needs the variable ROLE" in runner.invoke(cli, command, input=text).stderr
    assert "UTF-8" in runner.invoke(cli, command, input=b"a=\xff").stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["migrate", "--only", "eu-*"], "--only is for a fleet"),
        (["migrate", "--keep-going"], "--keep-going is for a fleet"),
        (["status", "--except", "eu-*"], "--except is for a fleet"),
        (["verify", "--fleet", "FILE", "--url", "x"], "--url and --fleet do not go together"),
        (["plan", "--fleet", "FILE", "--sql", "-"], "--sql and --fleet do not go together"),
        (["migrate", "--fleet", "FILE", "--canary", "us-1"], "no database us-1"),
        (["migrate", "--fleet", "FILE", "--only", "us-*"], "matches us-*"),
        (["migrate", "--fleet", "nowhere.env"], "nowhere.env cannot be read"),
        (["migrate", "--fleet", "FILE", "--dry-run", "--to", "9"], "no file with number 009"),
        (["migrate", "--fleet", "FILE", "--dry-run", "--canary", "us-1"], "no database us-1"),
    ],
)
def test_what_does_not_fit_is_refused(
    runner: CliRunner, app: Project, file: str, arguments: list[str], said: str
) -> None:
    """Before anything is connected to, with exit code 2."""
    result = app.run(runner, *(file if one == "FILE" else one for one in arguments))
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_is_told_of_every_database(app: Project, file: str, urls: list[str], number: int) -> None:
    """Within two seconds and a bit for Python's own end: what ran is rolled back, what was done stays."""
    app.write("app", {"001_two.sql": SLOW})
    with app.process("migrate", "--fleet", file, "--jobs", "2") as process:
        until(lambda: at(urls[0]) == at(urls[1]) == ["000"])
        time.sleep(0.3)
        began = time.monotonic()
        process.send_signal(number)
        code, output = finished(process)
    assert time.monotonic() - began < 4 + ROOM
    assert code == 1, output
    assert output.count("INTERRUPTED, 1 applied, at 000_one") == 2, output
    assert "eu-2  not started" in output
    assert "3 databases: 2 failed, 1 not started." in output
    assert "Traceback" not in output
    assert [at(url) for url in urls] == [["000"], ["000"], []]


def visit(name: str, *, problem: str | None = None) -> Visit:
    """Return a member that is done or has failed."""
    error = SqlFailed(problem, sqlstate="22012", remedy="Mend it.") if problem else None
    return Visit(name, Ending.FAILED if error else Ending.DONE, None, error, 1.0)


def test_hundreds_alike_share_a_row_behind_the_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of a terminal has failures first, with their remedies, and one row for many."""
    drawn: list[tuple[str, ...]] = []
    monkeypatch.setattr(visits, "_draw", lambda headers, rows: drawn.extend([headers, *rows]))
    monkeypatch.setattr("runner.cli.common.wants_document", lambda: False)
    monkeypatch.setattr("runner.cli.report.is_terminal", lambda: True)
    visits.show_results([*(visit(f"eu-{n}") for n in range(400)), visit("us", problem="No.")])
    assert drawn == [
        ("database", "applied", "at", "time", "error"),
        ("us", "", "", "1.00 s", "SQL_FAILED: No. Mend it."),
        ("400 databases", "", "", "1.00 s", ""),
    ]
    drawn.clear()
    visits.show_results([visit(f"eu-{n}", problem=f"No answer of eu-{n}.") for n in range(21)])
    assert drawn[1:] == [("21 databases", "", "", "1.00 s", "SQL_FAILED: No answer of eu-0. Mend it.")]


def test_a_number_that_is_a_name_shares_no_row_of_another_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where three files went to member 3 and four to member 4, the words are not the same without names."""
    drawn: list[str] = []
    monkeypatch.setattr(visits, "_draw", lambda _, rows: drawn.extend(row[0] for row in rows))
    monkeypatch.setattr("runner.cli.common.wants_document", lambda: False)
    monkeypatch.setattr("runner.cli.report.is_terminal", lambda: True)
    monkeypatch.setattr(
        standing, "result", lambda one: standing.Row(2, "", f"{4 if one.name == '4' else 3} applied")
    )
    visits.show_results([visit(str(n)) for n in range(22)])
    assert drawn == ["21 databases", "4"]


def test_a_problem_is_told_once_where_a_name_is_a_part_of_what_it_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As of databases that are called after their members."""
    visits.show_problems([visit(f"{n:03}", problem=f"No database tenant_{n:03}.") for n in range(3)])
    assert [line for line in capsys.readouterr().err.splitlines() if line.endswith(":")] == ["000, 001, 002:"]


def test_of_one_error_in_ever_other_words_the_first_ones_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As of a key that is there twice, with its values: nobody reads thousands of lines."""
    twice = [visit(f"eu-{n}", problem=f"Key {'x' * n} is there twice.") for n in range(25)]
    lost = Visit("us", Ending.FAILED, None, CommitUnknown("No answer came."))
    visits.show_problems([*twice, lost])
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if line.endswith(":")] == [*(f"eu-{n}:" for n in range(20)), "us:"]
    assert told[-1] == "… and 5 more databases with SQL_FAILED (--json has all)"


def test_all_that_one_member_has_is_told_and_of_many_that_of_the_first_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As of constraints that were never validated, each with a remedy of its own."""

    def warned(name: str, *numbers: int) -> Visit:
        warnings = (SqlFailed(f"{'x' * n} stands.", sqlstate="", remedy=f"Mend {n}.") for n in numbers)
        return Visit(name, Ending.DONE, warnings=tuple(warnings))

    visits.show_warnings([warned("eu", *range(25)), *(warned(f"us-{n}", n, n + 25) for n in range(22))])
    *told, rest = capsys.readouterr().err.splitlines()
    assert len(told) == 25 + 19
    assert "us-18" in told[-1]
    assert rest == "… and 3 more databases with SQL_FAILED (--json has all)"


def test_of_a_commit_that_is_unknown_nothing_is_claimed(app: Project, urls: list[str]) -> None:
    """Neither that nothing was applied, nor where the database is."""
    [found] = status(config=app.file, url=urls[0])
    lost = Visit("eu-0", Ending.FAILED, found, CommitUnknown("No answer came."))
    assert standing.result(lost) == (0, "", "failed: COMMIT_UNKNOWN")


def test_very_many_names_are_counted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of hundreds that are well nobody reads the names; of those that are not, the first ones are there."""
    monkeypatch.setattr("runner.cli.common.wants_document", lambda: False)
    many = [visit(f"eu-{n}") for n in range(412)] + [visit(f"us-{n}", problem="No.") for n in range(30)]
    visits.show_groups(many, lambda one: standing.Row(0 if one.problem else 4, "009_x", "x"))
    assert capsys.readouterr().out.splitlines() == [
        f"  30 at 009_x, x: {', '.join(f'us-{n}' for n in range(20))} and 10 more",
        "  412 at 009_x, x",
    ]


def test_on_a_terminal_groups_have_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong comes first, long cells are folded and not cut, and no name moves the cursor."""
    monkeypatch.setattr("runner.cli.common.wants_document", lambda: False)
    monkeypatch.setattr("runner.cli.report.is_terminal", lambda *, err=False: not err)
    monkeypatch.setenv("COLUMNS", "60")
    found = [visit("eu-0"), visit("us-\x1b[2J", problem="No."), visit("eu-1")]
    states = {True: standing.Row(0, "", "failed: SQL_FAILED"), False: standing.Row(4, "009_x", "up to date")}
    visits.show_groups(found, lambda one: states[one.problem is not None])
    told = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line.strip(" ─")]
    assert told == [
        "databases at state which",
        "1 failed: SQL_FAILED us-\\x1b[2J",
        "2 009_x up to date eu-0, eu-1",
    ]
