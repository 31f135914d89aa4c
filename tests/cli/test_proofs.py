"""prove, verify --drift, baseline and accept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.cli import data, lines
from tests.project import TWO, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import CliRunner

    from tests.project import Project

FILE = """create table if not exists public.one (
    id int primary key, word varchar(10) not null default 'x', constraint ck_one_id check (id > 0)
);
comment on table public.one is 'One.';
comment on column public.one.word is 'A word.';
create index if not exists idx_one_word on public.one (word);
create or replace function public.f() returns trigger language plpgsql as 'begin return new; end';
create or replace trigger trg before update on public.one for each row execute function public.f();
"""

# Changes to different objects, which are made together.
DRIFT = [
    {
        "drop index public.idx_one_word": "index public.idx_one_word is missing",
        "alter table public.one alter word type varchar(20)": (
            "column public.one.word is varchar(20), files say varchar(10)"
        ),
        "create table public.extra (id int)": "table public.extra is not in the files",
        "alter table public.one disable trigger trg": "trigger public.one.trg has firing disabled",
    },
    {
        "alter table public.one alter word set default 'y'": (
            "column public.one.word has default 'y'::character varying"
        ),
        "comment on column public.one.word is null": (
            "column public.one.word has comment none, files say A word."
        ),
        "update pg_index set indisvalid = false where indexrelid = 'public.idx_one_word'::regclass": (
            "index public.idx_one_word has validity invalid"
        ),
    },
]


@pytest.fixture
def one(tmp_path: Path) -> Project:
    """Return a project with one file that makes a little of everything."""
    return make(tmp_path, app={"000_one.sql": FILE})


@pytest.fixture
def db(url: str) -> Iterator[psycopg.Connection]:
    """Return a connection that changes things by hand."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def test_a_database_without_drift_is_green(runner: CliRunner, one: Project, url: str) -> None:
    """The live schema is what the applied files make; pending files do not count."""
    one.run(runner, "migrate", APP_URL=url)
    one.write("app", {"001_two.sql": TWO["001_two.sql"]})
    result = one.run(runner, "verify", "--drift", APP_URL=url)
    assert result.exit_code == 0
    assert lines(result)[0].endswith("1 applied files agree with the ledger and with the live schema.")


@pytest.mark.parametrize("changes", DRIFT, ids=["missing", "different"])
def test_a_change_by_hand_is_found_and_named(
    runner: CliRunner, one: Project, url: str, db: psycopg.Connection, changes: dict[str, str]
) -> None:
    """Exit 4, each object, what it is and what the files say, nothing else; no scratch database stays."""
    one.run(runner, "migrate", APP_URL=url)
    for change in changes:
        db.execute(change.encode())
    result = one.run(runner, "verify", "--drift", APP_URL=url)
    assert result.exit_code == 4
    assert "error DRIFT: Database " in result.stderr
    assert f" in {len(changes)} places." in result.stderr
    for told in changes.values():
        assert f"  {told}" in result.stderr
    assert db.execute("select count(*) from pg_database where datname ~ 'scratch'").fetchone() == (0,)


def test_an_invalid_index_is_an_error_without_drift_too(
    runner: CliRunner, one: Project, url: str, db: psycopg.Connection
) -> None:
    """Verify names the statement that drops it, and the one that validates a constraint."""
    one.run(runner, "migrate", APP_URL=url)
    db.execute("update pg_index set indisvalid = false where indexrelid = 'public.idx_one_word'::regclass")
    db.execute("alter table public.one add constraint ck_late check (word <> '') not valid")
    result = one.run(runner, "verify", APP_URL=url)
    assert result.exit_code == 4
    assert "drop index public.idx_one_word;" in result.stderr
    assert "alter table public.one validate constraint ck_late;" in result.stderr


def test_json_lists_the_problems(runner: CliRunner, one: Project, url: str, db: psycopg.Connection) -> None:
    """A pipeline reads the drift as data."""
    one.run(runner, "migrate", APP_URL=url)
    db.execute("drop index public.idx_one_word")
    [problem] = data(one.run(runner, "verify", "--drift", "--json", APP_URL=url))["databases"][0]["problems"]
    assert problem["name"] == "DRIFT"
    assert problem["notes"] == ["index public.idx_one_word is missing"]


# ------------------------------------------------------------------ prove


def test_prove_reports_each_file(runner: CliRunner, one: Project, url: str) -> None:
    """A file without its rollback does not stand the proof; the document says which stage."""
    result = one.run(runner, "prove", APP_URL=url)
    assert result.exit_code == 4
    assert lines(result) == [
        "app (on a private PostgreSQL 18)",
        "failed app/000_one.sql: 1 finding", "undo (1)", "it has no rollback file",
        "app: 1 file: 1 failed.",
    ]  # fmt: skip
    assert "error PROOF_FAILED: 1 file did not stand the proof." in result.stderr
    document = data(one.run(runner, "prove", "--json", APP_URL=url))
    [file] = document["databases"][0]["files"]
    assert (file["proven"], file["findings"][0]["stage"]) == (False, "undo")
    assert document["error"]["name"] == "PROOF_FAILED"


def undoing(project: Project, drops: str) -> None:
    """Write the rollback of the only file."""
    (project.root / "app" / "rollback").mkdir(exist_ok=True)
    guard = (
        "if exists (select from public.schema_migrations where version > '000') then raise 'later'; end if;"
    )
    ledger = "delete from public.schema_migrations where series = 'app' and version = '000';"
    text = f"do $$ begin {guard} end $$;\n{drops}\n{ledger}\n"
    project.write("app/rollback", {"000_one.sql": text})


def test_many_findings_are_counted_first_and_cut_short(runner: CliRunner, tmp_path: Path, url: str) -> None:
    """Hundreds of lines would hide the next file; the document has them all."""
    text = "\n".join(f"create table if not exists public.t{number} ();" for number in range(30))
    project = make(tmp_path, app={"000_one.sql": text})
    undoing(project, "")
    found = lines(project.run(runner, "prove", APP_URL=url))
    assert found[1:3] == ["failed app/000_one.sql: 30 findings", "undo (30)"]
    assert found[-2:] == ["… and 22 more (--json has all)", "app: 1 file: 1 failed."]
    assert len(found) == 13
    document = data(project.run(runner, "prove", "--json", APP_URL=url))
    assert len(document["databases"][0]["files"][0]["findings"]) == 30


def test_a_changed_body_is_shown_as_a_diff(runner: CliRunner, tmp_path: Path, url: str) -> None:
    """Not as two bodies in one line."""
    body = "begin\n    perform 1;\n    perform 2;\n    perform {};\nend"
    create = "create or replace function public.f() returns void language plpgsql as $$" + body + "$$;"
    project = make(tmp_path, app={"000_one.sql": create.format(3), "001_two.sql": create.format(4)})
    undoing(project, "drop function public.f();")
    ledger = "delete from public.schema_migrations where series = 'app' and version = '001';"
    project.write("app/rollback", {"001_two.sql": ledger})
    found = project.run(runner, "prove", "--from", "1", APP_URL=url).stdout
    assert "function public.f() has another definition\n" in found
    assert "        -    perform 3;\n        +    perform 4;\n" in found
    assert "perform 1" not in found


def test_a_number_behind_all_files_is_refused(runner: CliRunner, one: Project, url: str) -> None:
    """In a pipeline it would prove nothing for ever, and be green."""
    result = one.run(runner, "prove", "--from", "9", APP_URL=url)
    assert (result.exit_code, "There is no file from number 009 on." in result.stderr) == (2, True)


def test_what_was_not_tried_is_counted(runner: CliRunner, one: Project, url: str) -> None:
    """A file that cannot be applied hides those behind it, which are not among the failed."""
    one.write("app", {"001_two.sql": "select nope;", **{f"00{n}_x.sql": "select 1;" for n in (2, 3, 4)}})
    result = one.run(runner, "prove", APP_URL=url)
    assert lines(result)[-2:] == [
        "app: 5 files: 2 failed, 3 not tried.", "not tried because 001_two cannot be applied"
    ]  # fmt: skip
    assert "2 files did not stand the proof, 3 were not tried." in result.stderr


def test_a_refusal_is_told_without_notices(runner: CliRunner, one: Project, url: str) -> None:
    """Of what psql says only the error matters."""
    undoing(one, "drop table if exists public.nope; do $$ begin raise notice 'hello'; end $$; select 1/0;")
    found = one.run(runner, "prove", APP_URL=url).stdout
    assert "division by zero" in found
    assert "NOTICE" not in found


def test_prove_changes_nothing_in_the_database_itself(
    runner: CliRunner, one: Project, url: str, db: psycopg.Connection
) -> None:
    """All happens in a scratch database beside it."""
    one.run(runner, "prove", APP_URL=url)
    assert db.execute(
        "select count(*) from pg_class where relnamespace = 'public'::regnamespace"
    ).fetchone() == (0,)


# ------------------------------------------------------------------ baseline


def test_baseline_adopts_a_database_that_has_the_objects(
    runner: CliRunner, one: Project, url: str, db: psycopg.Connection
) -> None:
    """Nothing is run; afterwards status and verify are green and migrate goes on from there."""
    db.execute(FILE.encode())
    assert "adopt this one with `baseline`" in one.run(runner, "migrate", APP_URL=url).stderr
    one.write("app", {"001_two.sql": TWO["001_two.sql"]})
    result = one.run(runner, "baseline", "app", "--to", "0", APP_URL=url)
    assert result.exit_code == 0, result.output
    assert lines(result) == ["app: 1 files recorded without running them, at 000_one."]
    assert f"database {db.info.dbname} compared with what the files make on " in result.stderr
    assert one.run(runner, "verify", "--drift", APP_URL=url).exit_code == 0
    assert lines(one.run(runner, "migrate", APP_URL=url))[-1] == "1 applied, app is at 001_two."
    again = one.run(runner, "baseline", "app", "--to", "0", APP_URL=url)
    assert (again.exit_code, "is at 001_two already" in again.stderr) == (4, True)


def test_baseline_shows_the_drift_first(
    runner: CliRunner, one: Project, url: str, db: psycopg.Connection
) -> None:
    """With differences nothing is recorded, unless that is asked for."""
    db.execute(FILE.encode())
    db.execute("drop index public.idx_one_word; create table public.old ()")
    result = one.run(runner, "baseline", "app", "--to", "0", APP_URL=url)
    assert result.exit_code == 4
    assert "  index public.idx_one_word is missing\n  table public.old is not in the files\n" in result.stderr
    assert db.execute("select to_regclass('public.schema_migrations')").fetchone() == (None,)
    result = one.run(runner, "baseline", "app", "--to", "0", "--despite-drift", APP_URL=url)
    assert result.exit_code == 0
    assert "warning: index public.idx_one_word is missing" in result.stderr


# ------------------------------------------------------------------ accept


def test_accept_records_an_edited_file_after_showing_it(
    runner: CliRunner, one: Project, url: str, db: psycopg.Connection
) -> None:
    """It asks first; afterwards verify is green, and when and by whom it was applied has stayed."""
    one.run(runner, "migrate", APP_URL=url)
    row = "select applied_at, applied_by, execution_ms from public.schema_migrations"
    before = db.execute(row).fetchone()
    one.write("app", {"000_one.sql": f"-- a comment more\n{FILE}"})
    asked = one.run(runner, "accept", "app", "0", APP_URL=url)  # no answer comes
    assert asked.exit_code == 1
    assert "Only comments or empty lines differ." in asked.stdout
    assert one.run(runner, "verify", APP_URL=url).exit_code == 4
    assert one.run(runner, "accept", "app", "0", "--yes", APP_URL=url).exit_code == 0
    assert one.run(runner, "verify", APP_URL=url).exit_code == 0
    assert db.execute(row).fetchone() == before
    text = db.execute("select sql from public.schema_migrations").fetchone()
    assert text == (f"-- a comment more\n{FILE}",)


def test_accept_is_for_edited_files_only(runner: CliRunner, one: Project, url: str) -> None:
    """An applied or a pending file is refused, and so is a number that no file has."""
    assert "000_one is pending, not edited" in one.run(runner, "accept", "app", "0", APP_URL=url).stderr
    one.run(runner, "migrate", APP_URL=url)
    result = one.run(runner, "accept", "app", "0", APP_URL=url)
    assert (result.exit_code, "000_one is applied, not edited" in result.stderr) == (2, True)
    assert one.run(runner, "accept", "app", "7", APP_URL=url).exit_code == 2


def test_a_runner_at_work_is_not_disturbed(
    runner: CliRunner, one: Project, url: str, db: psycopg.Connection
) -> None:
    """Baseline and accept take the same lock, without waiting."""
    db.execute(FILE.encode())
    db.execute("select pg_advisory_lock(hashtextextended('public.schema_migrations', 0))")
    result = one.run(runner, "baseline", "app", "--to", "0", APP_URL=url)
    assert (result.exit_code, "error LOCK_HELD" in result.stderr) == (5, True)
    assert f"pid {db.info.backend_pid}" in result.stderr


def test_prove_warns_of_a_default_that_stands_still(runner: CliRunner, app: Project, url: str) -> None:
    """The file is proven all the same: it does what it says, if not what it means."""
    app.write("app", {"001_two.sql": "create table if not exists public.two (t timestamptz default 'now');"})
    result = app.run(runner, "prove", APP_URL=url)
    assert "warning: app/001_two.sql:1:54: default 'now' is the time at which the file runs" in result.stderr
    assert "warning: app/000_one.sql" not in result.stderr
