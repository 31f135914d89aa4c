"""Whether the table that is named like the ledger is the ledger, and what is said when it is not."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from runner import database, ledger
from runner.errors import LedgerUntrusted
from tests.project import TWO, make, statements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.database import Connection
    from tests.servers import Server

TABLE = "public.schema_migrations"
TRIGGER = "create trigger {} after delete on public.schema_migrations execute function unique_key_recheck()"

RULE = "create rule {} as on insert to public.schema_migrations do instead nothing"
KEY = "alter table public.schema_migrations drop constraint schema_migrations_pkey, add primary key"


@pytest.fixture
def db(each_url: str) -> Iterator[Connection]:
    """Return a connection to an empty database."""
    with database.connect(each_url, source="x") as connection:
        yield connection


def create(db: Connection) -> None:
    """Create an empty ledger."""
    database.run(db, "begin")
    ledger.create(db)
    database.run(db, "commit")


FAULTS = {
    "alter table public.schema_migrations add column more int": "column more integer is one too many",
    'alter table public.schema_migrations add column "Two it" text': 'column "Two it" text is one too many',
    "alter table public.schema_migrations alter column version type varchar(10)":
        "column version is character varying(10), not text",
    TRIGGER.format("t"): "trigger t",
    TRIGGER.format('"Audit ""it"'): 'trigger "Audit ""it"',
    RULE.format('"R"'): 'rule "R"',
    "alter table public.schema_migrations set unlogged": "it is unlogged, so a crash empties it",
    "alter table public.schema_migrations drop constraint schema_migrations_pkey":
        "its primary key is missing",
    'create table public."Child" () inherits (public.schema_migrations)':
        'table public."Child" inherits from it',
}  # fmt: skip


@pytest.mark.parametrize(("change", "fault"), FAULTS.items())
def test_a_fault_is_named_and_its_cure_can_be_pasted(db: Connection, change: str, fault: str) -> None:
    """Each thing that could falsify the ledger is refused by its name; the remedy makes it trusted again."""
    create(db)
    database.run(db, change)
    with pytest.raises(LedgerUntrusted, match="not the runner's ledger as it was made") as caught:
        ledger.read(db, series="app")
    assert caught.value.message.endswith(f"made: {fault}.")
    database.run(db, statements(caught.value.remedy))
    assert ledger.read(db, series="app") == ()


def test_all_faults_are_named_at_once(db: Connection) -> None:
    """Nobody cures one to be told the next."""
    create(db)
    for change in FAULTS:
        database.run(db, change)
    with pytest.raises(LedgerUntrusted) as caught:
        ledger.read(db, series="app")
    for fault in FAULTS.values():
        assert fault in caught.value.message
    database.run(db, statements(caught.value.remedy))
    assert ledger.read(db, series="app") == ()


@pytest.mark.parametrize(
    "harmless",
    [
        "alter table public.schema_migrations enable row level security",
        "alter table public.schema_migrations force row level security",
        f"{TRIGGER.format('t')}; alter table public.schema_migrations disable trigger t",
        f"{RULE.format('r')}; alter table public.schema_migrations disable rule r",
        "create index on public.schema_migrations (applied_at)",
        f"{KEY} (version, series)",
        f"{KEY} (series, version) include (name)",
        f"alter table {TABLE} drop series, add series text not null, add primary key (series, version)",
        "create table public.n (s text, v text, foreign key (s, v) references public.schema_migrations)",
    ],
)
def test_what_cannot_falsify_it_is_no_fault(db: Connection, harmless: str) -> None:
    """Row security for others, a trigger or rule that never fires, an index, a foreign key, a key as good."""
    create(db)
    database.run(db, harmless)
    assert ledger.read(db, series="app") == ()


def test_row_security_is_a_fault_for_whom_it_is_active(db: Connection, plain_url: str) -> None:
    """A role that would not see every row is refused, with the cure, before it takes few rows for all."""
    create(db)
    database.run(db, "alter table public.schema_migrations enable row level security")
    database.run(db, 'grant select on public.schema_migrations to "Plain-role"')
    with database.connect(plain_url, source="x") as connection:
        with pytest.raises(LedgerUntrusted, match='row security is active for "Plain-role"') as caught:
            ledger.read(connection, series="app")
        database.run(db, statements(caught.value.remedy))
        assert ledger.read(connection, series="app") == ()


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        ("create view public.schema_migrations as select 1", "a view"),
        ("create materialized view public.schema_migrations as select 1", "a materialized view"),
        ("create table public.schema_migrations (i int) partition by list (i)", "a partitioned table"),
        ("create sequence public.schema_migrations", "a sequence"),
        ("create type public.schema_migrations as (i int)", "a type"),
        ("create table public.t (i int); create index schema_migrations on public.t (i)", "an index"),
    ],
)
def test_what_is_no_table_is_named_and_moved_away(db: Connection, made: str, kind: str) -> None:
    """Whatever holds the name is said; the remedy clears it, and the ledger can be made."""
    database.run(db, made)
    with pytest.raises(LedgerUntrusted) as caught:
        ledger.read(db, series="app")
    assert caught.value.message == f"{TABLE} is not the runner's ledger: it is {kind}."
    database.run(db, statements(caught.value.remedy))
    create(db)
    assert ledger.read(db, series="app") == ()


@pytest.mark.parametrize(
    "made",
    ["domain public.schema_migrations as text", "type public.schema_migrations as enum ()",
     "type public.schema_migrations as range (subtype = int)"],
)  # fmt: skip
def test_a_type_without_columns_is_named_as_the_ledger_is_made(
    tmp_path: Path, db: Connection, each_url: str, made: str
) -> None:
    """A table brings a type of its name; no file is to blame, and the remedy clears the name."""
    database.run(db, f"create {made}")
    app = make(tmp_path, app=TWO)
    with pytest.raises(LedgerUntrusted, match="is not the runner's ledger: it is a type") as caught:
        app.migrate(each_url)
    database.run(db, statements(caught.value.remedy))
    assert len(app.migrate(each_url)) == 2


AUTO_RLS = "execute 'alter table public.schema_migrations enable row level security{}'"
EVENT = """
    create function public.on_ddl() returns event_trigger language plpgsql as $$
    begin
        if exists (
            select from pg_event_trigger_ddl_commands()
            where command_tag = 'CREATE TABLE' and object_identity = 'public.schema_migrations'
        ) then
            {};
        end if;
    end
    $$;
    create event trigger "On ddl" on ddl_command_end when tag in ('CREATE TABLE')
        execute function public.on_ddl();
"""


def test_an_event_trigger_that_enables_row_security_is_no_obstacle(
    tmp_path: Path, db: Connection, plain_url: str
) -> None:
    """The recipe published for Supabase: its owner is not subject to it, in the first run or a later one."""
    database.run(db, EVENT.format(AUTO_RLS.format("")))
    app = make(tmp_path, app=TWO)
    assert len(app.migrate(plain_url, to=0)) == 1
    assert len(app.migrate(plain_url)) == 1
    assert app.migrate(plain_url) == []


@pytest.mark.parametrize(
    ("effect", "fault"),
    [
        (
            f"{AUTO_RLS.format('')}; {AUTO_RLS.format(', force row level security')}",
            'row security is active for "Plain-role"',
        ),
        (f"execute '{TRIGGER.format('audit')}'", "trigger audit"),
        ("execute 'alter table public.schema_migrations add created_by text'", "column created_by text"),
        ("execute 'alter table public.schema_migrations owner to postgres'", "it belongs to postgres"),
    ],
)
def test_an_event_trigger_that_spoils_the_ledger_is_named_before_anything_stays(
    tmp_path: Path, db: Connection, plain_url: str, effect: str, fault: str
) -> None:
    """The shape is looked at in the transaction that makes the ledger; the remedy pasted, it goes on."""
    definer = " set search_path = ''" if "owner" not in effect else " security definer set search_path = ''"
    database.run(db, EVENT.format(effect).replace(" as $$", f"{definer} as $$"))
    app = make(tmp_path, app=TWO)
    alone = make(tmp_path / "alone", app={"000_one.sql": "-- runner: no-transaction\nvacuum;"})
    for project in (alone, app):
        with pytest.raises(LedgerUntrusted, match="event trigger changed the ledger") as caught:
            project.migrate(plain_url)
        assert fault in caught.value.message
    assert database.query(
        db, "select to_regclass('public.schema_migrations'), to_regclass('public.one')"
    ) == [(None, None)]
    database.run(db, statements(caught.value.remedy))
    assert len(app.migrate(plain_url)) == 2
    database.run(db, 'alter event trigger "On ddl" enable')
    assert app.migrate(plain_url) == []


OTHERS = """
    create event trigger at_drop on sql_drop execute function public.on_ddl();
    create event trigger asleep on ddl_command_end execute function public.on_ddl();
    alter event trigger asleep disable;
    create event trigger of_replicas on ddl_command_end execute function public.on_ddl();
    alter event trigger of_replicas enable replica;
"""


def test_only_event_triggers_that_may_have_done_it_are_named(tmp_path: Path, url: str) -> None:
    """Whoever disables and enables what is told does not wake one that somebody has put to sleep."""
    spoils = "execute 'alter table public.schema_migrations add created_by text'"
    with database.connect(url, source="x") as connection:
        database.run(connection, EVENT.format(spoils) + OTHERS)
    with pytest.raises(LedgerUntrusted) as caught:
        make(tmp_path, app=TWO).migrate(url)
    assert statements(caught.value.remedy).split(";")[:-1] == ['alter event trigger "On ddl" disable']


def test_a_setting_that_quotes_every_name_is_no_change(tmp_path: Path, url: str) -> None:
    """Types are then written otherwise, and no event trigger is to blame for that."""
    with database.connect(url, source="x") as connection:
        database.run(connection, EVENT.format("perform 1"))
        database.run(connection, f"alter database {connection.info.dbname} set quote_all_identifiers = on")
    assert len(make(tmp_path, app=TWO).migrate(url)) == 2


def test_baseline_and_the_bundle_are_held_to_it_as_well(
    tmp_path: Path, db: Connection, each_server: Server, plain_url: str
) -> None:
    """They make the same ledger, and refuse it in the same words, with nothing left."""
    database.run(db, EVENT.format(f"execute '{TRIGGER.format('audit')}'"))
    database.run(db, 'alter role "Plain-role" createdb')
    app = make(tmp_path, app=TWO)
    bundle = tmp_path / "b.sql"
    written = app.run(CliRunner(), "plan", "app", "--sql", str(bundle), APP_URL=plain_url)
    assert written.exit_code == 0, written.output
    psql = [each_server.psql, "-X", "-f", str(bundle), plain_url]
    said = subprocess.run(psql, capture_output=True, text=True, check=False)
    assert (said.returncode, "event trigger changed the ledger" in said.stderr) == (3, True)
    done = app.run(CliRunner(), "baseline", "app", "--to", "0", "--despite-drift", APP_URL=plain_url)
    assert (done.exit_code, "LEDGER_UNTRUSTED: An event trigger changed" in done.stderr) == (4, True)
    assert database.query(db, "select to_regclass('public.schema_migrations')") == [(None,)]


def test_a_ledger_whose_owner_got_lost_is_given_back(tmp_path: Path, db: Connection, plain_url: str) -> None:
    """After pg_restore --no-owner by an administrator the remedy is an owner, not a right to select."""
    app = make(tmp_path, app=TWO)
    app.migrate(plain_url, to=0)
    database.run(db, "alter table public.schema_migrations owner to postgres")
    database.run(db, 'revoke all on public.schema_migrations from "Plain-role"')
    with pytest.raises(LedgerUntrusted, match='"Plain-role" is not a member of it') as caught:
        app.migrate(plain_url)
    assert 'alter table public.schema_migrations owner to "Plain-role";' in (caught.value.remedy or "")
    database.run(db, 'grant select on public.schema_migrations to "Plain-role"')
    with pytest.raises(LedgerUntrusted, match='belongs to postgres, and "Plain-role" is not') as caught:
        app.migrate(plain_url)
    database.run(db, statements(caught.value.remedy))
    assert len(app.migrate(plain_url)) == 1


def test_a_superuser_trusts_who_owns_the_database_or_can_become_him(
    tmp_path: Path, db: Connection, each_url: str, plain_url: str
) -> None:
    """Of every other role he is a member as well, and that says nothing."""
    app = make(tmp_path, app=TWO)
    app.migrate(plain_url, to=0)
    with pytest.raises(LedgerUntrusted, match='belongs to "Plain-role", and postgres is not a member'):
        app.migrate(each_url)
    [(database_,)] = database.query(db, "select pg_catalog.quote_ident(pg_catalog.current_database())")
    for trusting, ending in (
        ('grant postgres to "Plain-role"', 'revoke postgres from "Plain-role"'),
        (
            f'alter database {database_} owner to "Plain-role"',
            f"alter database {database_} owner to postgres",
        ),
    ):
        database.run(db, trusting)
        with database.connect(each_url, source="x") as connection:
            [result] = database.ask(connection, ledger.SHAPE)
            found = ledger.shape(connection, result)
        database.run(db, ending)
        assert found
        assert found.trusted


def test_a_role_that_may_not_use_the_schema_is_told_so(db: Connection, plain_url: str) -> None:
    """The grant it lacks is named, and enough."""
    create(db)
    database.run(db, "revoke all on schema public from public")
    database.run(db, 'revoke all on schema public from "Plain-role"')
    with database.connect(plain_url, source="x") as connection:
        with pytest.raises(LedgerUntrusted, match="may not read") as caught:
            ledger.read(connection, series="app")
        grants = [part for part in statements(caught.value.remedy).split(";") if "grant" in part]
        database.run(db, ";".join(grants))
        assert ledger.read(connection, series="app") == ()


@pytest.fixture
def mere_member(db: Connection, plain_url: str) -> Iterator[str]:
    """Return the URL of a role that is a member of another one and does not inherit its rights."""
    database.run(db, 'create role "The owner"; alter role "Plain-role" noinherit')
    database.run(db, 'grant "The owner" to "Plain-role"; grant create on schema public to "The owner"')
    yield plain_url
    database.run(db, 'drop owned by "The owner"; drop role "The owner"')


@pytest.mark.parametrize("by", ["the URL", "the role"])
def test_a_member_that_does_not_inherit_is_told_to_begin_as_the_owner(
    tmp_path: Path, db: Connection, mere_member: str, by: str
) -> None:
    """A right to select would not let it migrate: each of the two ways that are named does."""
    app = make(tmp_path, app=TWO)
    app.migrate(f"{mere_member}&options=-crole%3DThe%5C%20owner", to=0)
    with pytest.raises(
        LedgerUntrusted, match='a member of its owner, "The owner", and does not inh'
    ) as caught:
        app.migrate(mere_member)
    cure = caught.value.remedy or ""
    if by == "the role":
        database.run(db, statements(cure.partition(" or ")[0]))
        assert len(app.migrate(mere_member)) == 1
    else:
        assert len(app.migrate(f"{mere_member}&{cure.partition('URL, ')[2].partition(' ')[0]}")) == 1


TOOLS = {
    "golang-migrate": "create table public.schema_migrations (version bigint not null primary key,"
    " dirty boolean not null); insert into public.schema_migrations values (7, false);",
    "Ecto": "create table public.schema_migrations (version bigint not null, inserted_at timestamp(0),"
    " primary key (version)); insert into public.schema_migrations values (20240101000000, now());",
    "Rails": "create table public.schema_migrations (version character varying not null primary key);"
    " create table public.ar_internal_metadata (key varchar primary key, value varchar);"
    " insert into public.schema_migrations values ('20240101000000');",
    "dbmate": "create table public.schema_migrations (version varchar(128) primary key);"
    " insert into public.schema_migrations values ('20240101000000');",
    "Sequel": "create table public.schema_migrations (filename text primary key);",
    "a table that another tool or somebody made": "create table public.schema_migrations (x xml);",
}


@pytest.mark.parametrize("tool", TOOLS)
def test_the_ledger_of_another_tool_is_recognised_and_moved_away(db: Connection, tool: str) -> None:
    """The tool is named; the remedy keeps its rows, clears the name, and the ledger can be made."""
    database.run(db, TOOLS[tool])
    with pytest.raises(LedgerUntrusted, match="not the runner's ledger") as caught:
        ledger.read(db, series="app")
    assert tool in caught.value.message
    assert "baseline" in (caught.value.remedy or "")
    database.run(db, statements(caught.value.remedy))
    create(db)
    assert ledger.read(db, series="app") == ()
    assert database.query(db, "select to_regclass('before_runner.schema_migrations') is not null") == [
        (True,)
    ]


@pytest.mark.parametrize("tool", list(TOOLS)[:4])
def test_a_mere_new_name_is_enough_for_the_ledger_to_be_made(db: Connection, tool: str) -> None:
    """The old table keeps its key, schema_migrations_pkey: ours takes the next free name."""
    database.run(db, TOOLS[tool])
    database.run(db, "alter table public.schema_migrations rename to old_migrations")
    create(db)
    assert ledger.read(db, series="app") == ()
    [(comment,)] = database.query(
        db,
        "select obj_description(indexrelid) from pg_index"
        " where indrelid = 'public.schema_migrations'::regclass",
    )
    assert comment == "rows of one series in order, and one row by version"
