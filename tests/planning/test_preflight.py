"""Everything is looked at before anything is changed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import config, ledger, planning
from runner.config import Target
from runner.errors import (
    ChecksumMismatch,
    DatabaseNotEmpty,
    FileRefused,
    RunnerError,
    UsageError,
    VersionGap,
    WrongDatabase,
)
from runner.planning import State, preflight
from tests.project import TWO, Project, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from runner.planning.site import Site


def look(project: Project, *urls: str) -> AbstractContextManager[tuple[Site, ...]]:
    """Look at the databases of a project, a URL for each series."""
    loaded = config.load(project.file)
    targets = [Target(one, url, one.variable) for one, url in zip(loaded.series, urls, strict=True)]
    return planning.look(planning.read(loaded, loaded.series), targets)


@pytest.fixture
def db(url: str) -> Iterator[psycopg.Connection]:
    """Return a connection that sees the database from outside."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def test_a_site_says_what_is_there(tmp_path: Path, each_url: str) -> None:
    """Before the first file there is no ledger, afterwards there is, and the steps follow."""
    app = make(tmp_path, app=TWO)
    with look(app, each_url) as [site]:
        assert site.shape is None
        assert [step.state for step in site.steps] == [State.PENDING, State.PENDING]
    app.migrate(each_url, to=0)
    with look(app, each_url) as [site]:
        assert site.shape
        assert [step.state for step in site.steps] == [State.APPLIED, State.PENDING]


def test_looking_writes_nothing(tmp_path: Path, each_url: str) -> None:
    """The database is the same afterwards: not even a ledger is made."""
    with psycopg.connect(each_url, autocommit=True) as db:
        count = "select count(*), max(oid::int) from pg_class"
        before = db.execute(count).fetchone()
        with look(make(tmp_path, app=TWO), each_url) as sites:
            preflight.check(sites)
        assert db.execute(count).fetchone() == before


def test_files_are_read_before_a_server_is_asked(tmp_path: Path) -> None:
    """A folder that cannot be trusted is reported even when no server answers."""
    gap = make(tmp_path, app={"001_two.sql": "select 1;"})
    with pytest.raises(VersionGap), look(gap, "postgresql://127.0.0.1:1/x"):
        pass


def test_two_series_need_two_databases(tmp_path: Path, url: str) -> None:
    """Both URLs leading to one empty database is found before the first file lands there."""
    both = make(tmp_path, auth=TWO, specs=TWO)
    with (
        look(both, url, url + "&application_name=other") as sites,
        pytest.raises(WrongDatabase, match="one database"),
    ):
        preflight.check(sites)


def _named(tmp_path: Path, **databases: str) -> Project:
    """Make a project whose series call their databases so."""
    made = make(tmp_path, **dict.fromkeys(databases, TWO))
    text = made.file.read_text()
    for series, name in databases.items():
        text = text.replace(f'database = "{series}"', f'database = "{name}"')
    made.file.write_text(text)
    return made


def test_exchanged_urls_are_found_before_the_first_file(tmp_path: Path, url: str, other_url: str) -> None:
    """Without a ledger and with the name of another series' database one is refused; the remedy is right."""
    auth, specs = (psycopg.conninfo.conninfo_to_dict(one)["dbname"] for one in (url, other_url))
    both = _named(tmp_path, auth=str(auth), specs=str(specs))
    with look(both, other_url, url) as sites:
        for chosen in (sites, sites[:1], sites[1:]):
            with pytest.raises(WrongDatabase, match="is the database of another series") as caught:
                preflight.check(chosen)
        assert "give the other series another `database` in pyproject.toml" in (caught.value.remedy or "")
    with look(both, url, other_url) as sites:
        preflight.check(sites)
    for case, names in {"exchanged": (specs, auth), "others": ("auth", "specs")}.items():
        with look(_named(tmp_path / case, auth=str(names[0]), specs=str(names[1])), other_url, url) as sites:
            preflight.check(sites)


def test_what_a_database_is_called_does_not_count_beside_its_ledger(
    tmp_path: Path, url: str, other_url: str
) -> None:
    """That says whose it is; nor does a name that both series give theirs, on two servers."""
    name = str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])
    with look(_named(tmp_path / "both", auth=name, specs=name), url, other_url) as sites:
        preflight.check(sites)
    make(tmp_path / "one", auth=TWO).migrate(url)
    with look(_named(tmp_path / "ledger", auth="auth", specs=name), url, other_url) as sites:
        preflight.check(sites)


def test_a_database_with_tables_but_no_ledger_is_refused(
    tmp_path: Path, url: str, db: psycopg.Connection
) -> None:
    """What is there was not made by this runner; the error names some of it."""
    db.execute("create table public.theirs (id int)")
    with (
        look(make(tmp_path, app=TWO), url) as sites,
        pytest.raises(DatabaseNotEmpty, match=r"public\.theirs"),
    ):
        preflight.check(sites)


FUNCTION = "create or replace function {}() returns int language sql as 'select 1';"


@pytest.mark.parametrize(
    ("there", "holds"),
    [
        (FUNCTION.format("public.mark"), "public.mark()"),
        ("create function public.mark() returns integer return 2", "public.mark()"),
        ("create function public.mark() returns text return ''", None),
        (FUNCTION.format("public.helper") + FUNCTION.format('public."Mark"'), None),
        ("create schema billing;" + FUNCTION.format("billing.mark") + FUNCTION.format("billing.own"), None),
        ("create extension vector", None),
    ],
)
def test_a_routine_that_a_file_would_replace_is_refused(
    tmp_path: Path, url: str, db: psycopg.Connection, there: str, holds: str | None
) -> None:
    """It may be another team's, whose triggers call it; what no file would replace is in nobody's way."""
    db.execute(there.encode())
    names = ("mark", "billing.own", "public.vector_norm")
    app = make(tmp_path, app={f"00{n}_f.sql": FUNCTION.format(name) for n, name in enumerate(names)})
    with look(app, url) as sites:
        if holds is None:
            preflight.check(sites)
            return
        with pytest.raises(DatabaseNotEmpty, match="has no ledger but is not empty") as caught:
            preflight.check(sites)
    assert f"it holds {holds}." in str(caught.value)
    assert "A file would replace the routine" in str(caught.value.remedy)


def test_a_routine_beside_a_ledger_is_replaced(tmp_path: Path, url: str, db: psycopg.Connection) -> None:
    """It is what an earlier run has made, and left as its rows were deleted."""
    app = make(tmp_path, app={"000_f.sql": FUNCTION.format("public.mark")})
    app.migrate(url)
    db.execute("delete from public.schema_migrations")
    with look(app, url) as sites:
        preflight.check(sites)


def test_tables_beside_an_empty_ledger_are_refused(tmp_path: Path, url: str, db: psycopg.Connection) -> None:
    """A ledger without a row says nothing of what is there: it may have been made by hand."""
    db.execute(ledger.CREATE.encode())
    with look(make(tmp_path, app=TWO), url) as sites:
        preflight.check(sites)
        db.execute("create table public.theirs (id int)")
        with pytest.raises(DatabaseNotEmpty, match=r"holds public\.theirs\.") as caught:
            preflight.check(sites)
    assert "has a ledger without a row but is not empty" in str(caught.value)
    assert str(caught.value.remedy).startswith("If it was restored without its data, restore that, too")


def test_what_an_extension_owns_does_not_count(tmp_path: Path, url: str, db: psycopg.Connection) -> None:
    """A database with an extension only is empty."""
    db.execute("create extension vector; create table public.t (); alter extension vector add table public.t")
    with look(make(tmp_path, app=TWO), url) as sites:
        preflight.check(sites)


def test_the_problems_of_the_second_database_stop_the_first(tmp_path: Path, url: str, other_url: str) -> None:
    """Nothing is applied to auth when specs must not be migrated."""
    both = make(tmp_path, auth=TWO, specs=TWO)
    with psycopg.connect(other_url, autocommit=True) as db:
        db.execute("create table public.theirs (id int)")
    with look(both, url, other_url) as sites, pytest.raises(DatabaseNotEmpty):
        preflight.check(sites)


def test_a_pending_file_is_scanned_and_an_applied_one_is_not(tmp_path: Path, url: str) -> None:
    """Only what would be sent has to pass."""
    app = make(tmp_path, app=TWO)
    app.migrate(url)
    app.write("app", {"002_three.sql": "select 1;\ncommit;"})
    with look(app, url) as sites, pytest.raises(FileRefused, match="controls the transaction") as caught:
        preflight.check(sites)
    assert str(caught.value.place) == "app/002_three.sql:2:1"
    with look(app, url) as sites:
        preflight.check(sites, to=1)


def test_all_files_that_need_to_stand_outside_a_transaction_are_named_at_once(
    tmp_path: Path, url: str, other_url: str
) -> None:
    """Of every database, before anything runs: whoever mends them need not start once for each."""
    procedure = "create procedure public.p() language plpgsql as $$ begin commit; end $$;"
    auth = TWO | {"002_index.sql": "create index concurrently i on public.one (id);", "003_p.sql": procedure}
    specs = {
        "000_block.sql": "select 1;\ndo $$ begin commit; end $$;",
        "001_right.sql": "-- runner: no-transaction\nvacuum;",
        "002_level.sql": "set transaction isolation level serializable; select 1;",
    }
    both = make(tmp_path, auth=auth | {"004_call.sql": "call public.p();"}, specs=specs)
    with look(both, url, other_url) as sites, pytest.raises(FileRefused, match="002_index") as caught:
        preflight.check(sites)
    named = re.findall(r"\(([^ ]*:\d+:\d+)\)", "\n".join(caught.value.notes))
    assert named == ["auth/004_call.sql:1:1", "specs/000_block.sql:2:1", "specs/002_level.sql:1:1"]
    assert ["lock table" in note for note in caught.value.notes] == [False, False, True]


def test_a_procedure_that_is_applied_already_is_known(tmp_path: Path, url: str) -> None:
    """Its file says that it commits; a procedure of the same name in a comment does not count."""
    procedure = "create procedure public.p() language plpgsql as $$ begin commit; end $$;"
    app = make(tmp_path, app={"000_p.sql": procedure})
    app.migrate(url)
    app.write("app", {"001_call.sql": "call public.p();"})
    with look(app, url) as sites, pytest.raises(FileRefused, match="commits or rolls back"):
        preflight.check(sites)


def test_a_target_must_exist(tmp_path: Path, url: str) -> None:
    """`to` names a file."""
    with (
        look(make(tmp_path, app=TWO), url) as sites,
        pytest.raises(UsageError, match="no file with number 007"),
    ):
        preflight.check(sites, to=7)


@pytest.mark.parametrize(
    ("edited", "says"),
    [
        ("-- now with a comment\n" + TWO["000_one.sql"], "Only comments"),
        (TWO["000_one.sql"].replace("int", "bigint"), "+create table if not exists public.one (id bigint);"),
    ],
)
def test_an_edited_file_is_explained(tmp_path: Path, url: str, edited: str, says: str) -> None:
    """The error says how the file differs from the text that was applied."""
    app = make(tmp_path, app=TWO)
    app.migrate(url)
    app.write("app", {"000_one.sql": edited})
    with look(app, url) as sites, pytest.raises(ChecksumMismatch) as caught:
        preflight.check(sites)
    assert any(says in note for note in caught.value.notes)


def test_another_checksum_of_the_same_text_is_no_edit(
    tmp_path: Path, url: str, db: psycopg.Connection
) -> None:
    """The file is not to blame, and what differs is not said to be comments."""
    app = make(tmp_path, app=TWO)
    app.migrate(url)
    db.execute("update public.schema_migrations set checksum = 'md5:abc' where version = '000'")
    with look(app, url) as sites, pytest.raises(ChecksumMismatch) as caught:
        preflight.check(sites)
    assert (
        caught.value.message == "app/000_one.sql is what was applied, but its checksum in the ledger is not."
    )
    assert "Somebody changed the ledger" in (caught.value.remedy or "")
    assert not any("comments" in note for note in caught.value.notes)


def test_line_ends_are_no_edit(tmp_path: Path, url: str) -> None:
    """A checkout on another system is the same file."""
    app = make(tmp_path, app={"000_one.sql": "create table public.one (\n    id int\n);\n"})
    app.migrate(url)
    app.write("app", {"000_one.sql": "create table public.one (\r\n    id int  \r\n);\r\n\r\n"})
    with look(app, url) as sites:
        preflight.check(sites)
        assert [step.state for step in sites[0].steps] == [State.APPLIED]


def test_a_file_that_needs_an_extension_waits_for_it(tmp_path: Path, each_url: str) -> None:
    """Skipped where the server lacks the extension, pending where it has it."""
    needs = {"000_a.sql": "-- runner: requires-extension vector\nselect 1;",
             "001_b.sql": "-- runner: requires-extension nowhere_to_be_found\nselect 1;"}  # fmt: skip
    with look(make(tmp_path, app=needs), each_url) as [site]:
        has_vector = site.facts.version > 160000
        assert site.steps[0].state is (State.PENDING if has_vector else State.SKIPPED)
        assert site.steps[1].state is State.SKIPPED
        assert site.steps[1].needs == ("nowhere_to_be_found",)
        assert len(site.steps) == 2


def test_select_is_enough_to_look_but_not_to_migrate(
    tmp_path: Path, url: str, db: psycopg.Connection
) -> None:
    """A role that may only read the ledger gets status and plan; migrate is refused before it writes."""
    app = make(tmp_path, app=TWO)
    app.migrate(url, to=0)
    db.execute("create role t_reader login; grant select on public.schema_migrations to t_reader")
    try:
        with look(app, url.replace("postgres@", "t_reader@")) as sites:
            preflight.check(sites)
            with pytest.raises(RunnerError, match="t_reader is not a member"):
                preflight.check_writable(sites)
    finally:
        db.execute("drop owned by t_reader; drop role t_reader")


def test_a_procedure_that_ends_its_transaction_later_refuses_no_file_before(tmp_path: Path, url: str) -> None:
    """A fresh database gets the files in the order in which they were written."""
    made = "create or replace procedure public.tidy() language plpgsql as 'begin {}; end';"
    files = {"000_t.sql": made.format("null"), "001_call.sql": "call public.tidy();"}
    app = make(tmp_path, app=files | {"002_t.sql": made.format("commit")})
    assert len(app.migrate(url)) == 3
    app.write("app", {"003_call.sql": "call public.tidy();"})
    with pytest.raises(FileRefused, match=r"003_call.sql commits or rolls back"):
        app.migrate(url)
