"""status, plan and verify."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.types.json import Jsonb

from runner.cli import cli
from tests.cli import NEEDS, data, lines
from tests.project import TWO, Project, make, tables

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import CliRunner


def test_status_shows_each_file(runner: CliRunner, app: Project, url: str) -> None:
    """Applied with when, by whom and how long; the others with their state."""
    app.run(runner, "migrate", "--to", "0", APP_URL=url)
    app.write("app", {"002_needs.sql": NEEDS})
    shown = lines(app.run(runner, "status", APP_URL=url))
    assert re.fullmatch(r"000 one applied \d{4}-\d\d-\d\d \d\d:\d\d postgres \d+ ms", shown[2])
    assert shown[3:] == [
        "001 two pending",
        "002 needs skipped",
        "skipped (needs nowhere_to_be_found: this server does not offer it) app/002_needs.sql",
        "",
        "app: 1 applied, 1 pending, 1 skipped.",
    ]


def test_status_has_an_exit_code_for_pipelines(runner: CliRunner, app: Project, url: str) -> None:
    """With the option 3 for pending, 0 for nothing pending; always 4 for something wrong, which it tells."""
    assert app.run(runner, "status", APP_URL=url).exit_code == 0
    assert app.run(runner, "status", "--exit-code", APP_URL=url).exit_code == 3
    app.run(runner, "migrate", APP_URL=url)
    app.write("app", {"002_needs.sql": NEEDS})
    assert app.run(runner, "status", "--exit-code", APP_URL=url).exit_code == 0
    app.write("app", {"000_one.sql": "select 2;"})
    wrong = app.run(runner, "status", APP_URL=url)
    assert wrong.exit_code == app.run(runner, "status", "--exit-code", APP_URL=url).exit_code == 4
    assert "error CHECKSUM_MISMATCH: app/000_one.sql was edited" in wrong.stderr
    assert "  Restore the file as it was" in wrong.stderr
    assert lines(wrong)[-1] == "app: 1 applied, 1 skipped, 1 edited."
    assert app.run(runner, "status", "--json", APP_URL=url).exit_code == 4


def test_plan_lists_what_would_be_applied(runner: CliRunner, app: Project, url: str) -> None:
    """In order, and nothing is changed."""
    app.write("app", {"002_needs.sql": NEEDS})
    for _ in range(2):
        assert lines(app.run(runner, "plan", APP_URL=url))[1:] == [
            "pending app/000_one.sql (1 line)",
            "pending app/001_two.sql (1 line)",
            "skipped (needs nowhere_to_be_found: this server does not offer it) app/002_needs.sql (2 lines)",
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


def test_an_older_release_is_told_that_the_database_is_ahead(
    runner: CliRunner, app: Project, each_url: str
) -> None:
    """One line and exit 0 for each command; a state of its own in the table; with --strict exit 4."""
    app.run(runner, "migrate", APP_URL=each_url)
    (app.root / "app" / "001_two.sql").unlink()
    migrated = app.run(runner, "migrate", APP_URL=each_url)
    assert (migrated.exit_code, lines(migrated)[-1]) == (
        0,
        "nothing applied, app is ahead of these files: 001_two.",
    )
    assert lines(app.run(runner, "plan", APP_URL=each_url))[1:] == [
        "nothing to apply, ahead of these files: 001_two"
    ]
    [verified] = lines(app.run(runner, "verify", APP_URL=each_url))
    assert verified.endswith("1 applied files agree with the ledger; it is ahead of these files: 001_two.")
    shown = app.run(runner, "status", "--exit-code", APP_URL=each_url)
    assert (shown.exit_code, lines(shown)[3].split()[:3]) == (0, ["001", "two", "ahead"])
    assert lines(shown)[-1] == "app: 1 applied, 1 ahead."
    steps = data(app.run(runner, "status", "--json", APP_URL=each_url))["databases"][0]["steps"]
    assert [(step["state"], step["problem"]) for step in steps] == [("applied", None), ("ahead", None)]
    for command in ("migrate", "plan", "verify"):
        strict = app.run(runner, command, "--strict", APP_URL=each_url)
        assert (strict.exit_code, "error FILE_MISSING: app 001_two" in strict.stderr) == (4, True)


@pytest.mark.parametrize("left", [1, 0], ids=["an older release", "no file"])
def test_of_many_errors_with_one_remedy_a_few_are_shown(
    tmp_path: Path, runner: CliRunner, url: str, left: int
) -> None:
    """Thousands of the same filled the screen; the document has all of them."""
    app = make(tmp_path, app=tables(20))
    app.run(runner, "migrate", APP_URL=url)
    for file in sorted((app.root / "app").glob("*.sql"))[left:]:
        file.unlink()
    result = app.run(runner, "verify", "--strict", APP_URL=url)
    told = [line for line in result.stderr.splitlines() if line.startswith("error FILE_MISSING")]
    assert (result.exit_code, len(told)) == (4, 8)
    assert result.stderr.count(f"  … and {12 - left} more (--json has all)\n") == 1
    found = data(app.run(runner, "verify", "--strict", "--json", APP_URL=url))["databases"][0]
    assert len(found["problems"]) == 20 - left
    fleet = app.root / "fleet.env"
    fleet.write_text(f"one={url}\n")
    fleet.chmod(0o600)
    told = app.run(runner, "verify", "--strict", "--fleet", str(fleet)).stderr.splitlines()
    assert len([line for line in told if line.startswith("error FILE_MISSING")]) == 8


def test_another_branch_is_told_as_such(runner: CliRunner, app: Project, each_url: str) -> None:
    """A file with the number of another one is not told to take that one's name."""
    app.run(runner, "migrate", APP_URL=each_url)
    (app.root / "app" / "001_two.sql").unlink()
    app.write("app", {"001_zwei.sql": "select 2;"})
    for command in ("migrate", "plan", "verify"):
        result = app.run(runner, command, APP_URL=each_url)
        assert result.exit_code == 4
        assert "error FILE_RENAMED: Another file holds this number: 001_two was applied" in result.stderr
        assert "old name back" not in result.stderr


@pytest.mark.parametrize("command", ["migrate", "plan"])
def test_a_folder_without_a_file_is_mostly_the_wrong_one(
    runner: CliRunner, app: Project, each_url: str, command: str
) -> None:
    """Nothing to apply to a database that knows nothing is an error, unless it is asked for."""
    empty = make(app.root / "empty", app={})
    result = empty.run(runner, command, APP_URL=each_url)
    assert (result.exit_code, "error CONFIG_INVALID" in result.stderr) == (2, True)
    assert f"{empty.root / 'app'}, holds no migration" in result.stderr
    assert "--allow-empty" in result.stderr
    asked = empty.run(runner, command, "--allow-empty", APP_URL=each_url)
    assert (asked.exit_code, "nothing" in asked.stdout) == (0, True)
    if command == "plan":
        bundle = empty.run(runner, command, "--allow-empty", "--sql", "-", APP_URL=each_url)
        assert (bundle.exit_code, "\\echo app: done" in bundle.stdout) == (0, True)
    app.run(runner, "migrate", APP_URL=each_url)
    assert empty.run(runner, command, "--allow-empty", APP_URL=each_url).exit_code == 4, "files are missing"


@pytest.mark.parametrize("command", ["status", "verify"])
def test_who_looks_at_a_folder_without_a_file_is_warned(
    runner: CliRunner, app: Project, url: str, command: str
) -> None:
    """Such a series agrees with its database, but that is not what somebody wanted to know."""
    empty = make(app.root / "empty", app={})
    result = empty.run(runner, command, APP_URL=url)
    assert (result.exit_code, result.stderr) == (0, "warning: the folder of app holds no migration.\n")
    assert app.run(runner, command, APP_URL=url).stderr == ""


def test_a_second_problem_is_told_with_its_remedy(
    runner: CliRunner, tmp_path: Path, url: str, other_url: str
) -> None:
    """Also one of another database; the remedy of the first, which comes last, is not repeated."""
    both = make(tmp_path, auth=TWO, specs=TWO)
    urls = {"AUTH_URL": url, "SPECS_URL": other_url}
    assert both.run(runner, "migrate", **urls).exit_code == 0
    both.write("auth", {"000_one.sql": "select 1;", "001_two.sql": "select 2;"})
    (tmp_path / "specs" / "000_one.sql").rename(tmp_path / "specs" / "000_uno.sql")
    told = both.run(runner, "migrate", **urls).stderr
    assert "CHECKSUM_MISMATCH: auth/001_two.sql was edited after it was applied" in told
    assert "FILE_RENAMED: specs/000_uno.sql was applied as 000_one. Give it its old name back;" in told
    assert told.count("Restore the file as it was") == 1


def test_an_edited_comment_may_be_accepted(runner: CliRunner, app: Project, url: str) -> None:
    """Whoever changed nothing but a comment is told the command."""
    app.run(runner, "migrate", APP_URL=url)
    app.write("app", {"001_two.sql": f"-- More.\n{TWO['001_two.sql']}\n"})
    for command in ("migrate", "plan", "verify"):
        told = app.run(runner, command, APP_URL=url).stderr
        assert "Record it as it is now with `accept app 001`, or restore it as it was." in told, command
    app.write("app", {"001_two.sql": f"select 1;\n{TWO['001_two.sql']}\n"})
    assert "accept" not in app.run(runner, "verify", APP_URL=url).stderr


LOOKING = [
    ("migrate",),
    ("migrate", "--json"),
    ("plan",),
    ("verify",),
    ("verify", "--json"),
    ("accept", "app", "1"),
]


def test_a_password_is_in_no_difference(runner: CliRunner, app: Project, url: str) -> None:
    """Neither of a file that was edited, nor of a body that somebody changed by hand."""
    made = "create or replace function f() returns void language plpgsql as $$ begin\n    {};\n{}end $$;\n"
    text = (
        made.format("perform 'host=db password=hunter2'", "")
        + "comment on schema public is 'password=hunter2';"
    )
    app.write("app", {"001_two.sql": text})
    app.run(runner, "migrate", APP_URL=url)
    with psycopg.connect(url) as db:
        db.execute(made.format("perform 'host=db password=hunter2'", "    -- by hand\n").encode())
    drift = app.run(runner, "verify", "--drift", APP_URL=url)
    assert "+    -- by hand" in drift.stderr
    app.write("app", {"001_two.sql": f"{text}\nselect 2;"})
    said = [app.run(runner, *words, APP_URL=url).output for words in LOOKING]
    assert all("password=*******" in one for one in said)
    assert "hunter2" not in "".join((drift.output, *said))


@pytest.mark.parametrize(("answer", "said"), [("n\n", "the answer was no"), ("", "nobody answered")])
def test_accept_records_nothing_unless_somebody_says_yes(
    runner: CliRunner, app: Project, url: str, answer: str, said: str
) -> None:
    """To run again would not help: the error says what does."""
    app.run(runner, "migrate", APP_URL=url)
    app.write("app", {"001_two.sql": f"-- More.\n{TWO['001_two.sql']}\n"})
    arguments = ["accept", "app", "1", "--config", str(app.file)]
    result = runner.invoke(cli, arguments, env={"APP_URL": url}, input=answer)
    assert (result.exit_code, f"app/001_two.sql is not recorded anew: {said}." in result.stderr) == (1, True)
    assert "--yes" in result.stderr
    assert runner.invoke(cli, arguments, env={"APP_URL": url}, input="y\n").exit_code == 0


@pytest.mark.parametrize("spoilt", ["missing", "a file"])
@pytest.mark.parametrize("command", ["migrate", "status", "plan", "verify"])
def test_a_folder_that_cannot_be_listed_is_named(
    runner: CliRunner, app: Project, url: str, command: str, spoilt: str
) -> None:
    """Before anything else is said of it."""
    (app.root / "app").rename(app.root / "elsewhere")
    if spoilt == "a file":
        (app.root / "app").touch()
    result = app.run(runner, command, APP_URL=url)
    assert result.exit_code == (2 if spoilt == "missing" else 4)
    told = {"missing": "The folder app does not exist.", "a file": "app cannot be listed: Not a directory."}
    assert told[spoilt] in result.stderr


@pytest.mark.parametrize("command", ["migrate", "status", "plan", "verify"])
def test_what_an_editor_left_is_a_warning(runner: CliRunner, app: Project, url: str, command: str) -> None:
    """The command does its work all the same; hidden files are not worth a word."""
    for name in ("000_one.sql~", "README.md", ".DS_Store"):
        (app.root / "app" / name).touch()
    result = app.run(runner, command, APP_URL=url)
    assert result.exit_code == 0
    assert "warning: app/000_one.sql~ and 1 more: not named like a migration, left out." in result.stderr
    (app.root / "app" / "002_Name.SQL").touch()
    assert app.run(runner, command, APP_URL=url).exit_code == 4


def test_a_name_keeps_to_its_line(runner: CliRunner, app: Project, url: str) -> None:
    """Whatever a row of the ledger, a role or a file beside the others is called: a line is one thing."""
    app.run(runner, "migrate", APP_URL=url)
    (app.root / "app" / "RE\nAD\x1b[2J.md").touch()
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(
            "insert into public.schema_migrations select (jsonb_populate_record(m, %s)).*"
            " from public.schema_migrations as m where m.version = '000'",
            (Jsonb({"version": "002", "name": "x\n\ty\x1b[2J", "applied_by": "a\nb"}),),
        )
    result = app.run(runner, "status", APP_URL=url)
    [row] = [line for line in result.stdout.splitlines() if line.startswith("  002")]
    assert (r"x\n\ty\x1b[2J" in row, r"a\nb" in row) == (True, True), result.output
    assert r"warning: app/RE\nAD\x1b[2J.md: not named like a migration, left out." in result.stderr


def test_many_errors_of_one_database_hide_none_of_another(
    tmp_path: Path, runner: CliRunner, url: str, other_url: str
) -> None:
    """The few that are shown are those of each."""
    project = make(tmp_path, app=tables(10), audit=tables(10))
    variables = {"APP_URL": url, "AUDIT_URL": other_url}
    project.run(runner, "migrate", **variables)
    for file in (*(project.root / "app").glob("*.sql"), project.root / "audit" / "003_t3.sql"):
        file.write_text("select 1;")
    told = project.run(runner, "status", **variables).stderr.splitlines()
    assert len([line for line in told if line.startswith("error CHECKSUM_MISMATCH: app/")]) == 8
    assert [line for line in told if line.startswith("error CHECKSUM_MISMATCH: audit/003")]
