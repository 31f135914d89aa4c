"""The guide for moving from an Alembic-managed database does what it says, command by command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from hashlib import md5
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests import servers
from tests.conftest import SERIES
from tests.project import ROOT
from tests.sql import catalog, contract
from tests.sql.rows import Rows

if TYPE_CHECKING:
    from pathlib import Path

    from psycopg import Connection

    from tests.servers import Server

GUIDE = (ROOT / "docs" / "alembic.md").read_text(encoding="utf-8")
SCRIPTS = "docs/alembic"
MAPPED = re.compile(r"^\| `(\w+)` \| `(\w+)` \| (.*?) \| .* \|$", re.MULTILINE)

# What 38 revisions may leave: other types, no rules, words and columns nobody wants any more.
AS_ALEMBIC = """
create schema built;
do $$
declare it record;
begin
    for it in
        select relname, string_agg(format(case format_type(atttypid, -1)
                when 'uuid' then '%1$I::varchar(36)' when 'jsonb' then '%1$I::json'
                when 'timestamp with time zone' then '%1$I at time zone ''UTC'' as %1$I'
                when 'inet' then '%1$I::text' else '%1$I' end, attname), ', ' order by attnum) as columns
        from pg_class c join pg_attribute a on attrelid = c.oid and attnum > 0 and not attisdropped
        where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'schema_migrations'
        group by relname
    loop
        execute format('create table built.%1$I as select %2$s from public.%1$I', it.relname, it.columns);
    end loop;
end $$;
drop schema public cascade;
alter schema built rename to public;
create table public.alembic_version (version_num varchar(32) primary key);
insert into public.alembic_version values ('0038_last');
"""
DEFECTS = {
    "AUTH": """
alter table public.users rename hashed_password to password_hash;
create type public.user_status as enum ('ACTIVE', 'DELETED');
alter table public.users add legacy_score int, alter status type user_status using 'DELETED'::user_status;
update public.users set name = 'Zoë Ωmega 🦉', legacy_score = 5, updated_at = null, role = 'moderator';
create table public.users_backup as table public.users;
alter table public.audit_logs alter id type int using 7;
update public.audit_logs set "timestamp" = '2024-07-01 12:00', ip_address = '10.0.0.1';
alter table public.admin_roles alter id type char(36), alter updated_at type date using '2024-02-03';
""",
    "SPECS": """
create schema billing;
alter table public.invoices set schema billing;
update public.knowledge_base_documents set embedding = '[' || rtrim(repeat('1, ', 384), ', ') || ']';
update public.llm_providers set name = repeat('é', 50), cost_per_1k_input = 0.1234567;
create domain public.ids as uuid[];
create type public.permission as enum ('view', 'edit');
alter table public.project_shares alter permission_level type public.permission using 'view';
update public.team_members set role = 'member';
update public.team_invitations set role = 'Member';
update public.conflicts set type = 'timeline', severity = 'Low', status = 'resolved';
update public.generated_projects set generation_status = 'in_progress';
update public.project_invitations set status = 'pending';
update public.sessions set status = 'ACTIVE';
alter table public.conflicts alter spec_ids type public.ids
    using array['00000000-0000-0000-0000-000000000001'::uuid];
""",
}
# The same rows as they have to arrive.
ARRIVED: dict[str, dict[str, object]] = {
    "users": {"name": "Zoë Ωmega 🦉", "role": "user", "status": "inactive", "is_active": False},
    "sessions": {"status": "active"},
    "audit_logs": {
        "id": str(UUID(md5(b"audit_logs 7", usedforsecurity=False).hexdigest())),
        "timestamp": "2024-07-01T10:00:00+00:00",
        "ip_address": "10.0.0.1",
    },
    "admin_roles": {"updated_at": "2024-02-03T00:00:00+00:00"},
    "knowledge_base_documents": {
        "embedding": str([1] * 384),
        "embedding_vec": str([1] * 384).replace(" ", ""),
    },
    "llm_providers": {"name": "é" * 50, "cost_per_1k_input": 0.123457},
    "conflicts": {
        "spec_ids": ["00000000-0000-0000-0000-000000000001"],
        "type": "TIMELINE",
        "severity": "LOW",
        "status": "RESOLVED",
    },
    "generated_projects": {"generation_status": "IN_PROGRESS"},
    "project_invitations": {"status": "PENDING"},
    "team_members": {"role": "developer"},
    "team_invitations": {"role": "developer"},
    "project_shares": {"permission_level": "read"},
}
# Tables that fit, for cases that each add one thing that does not.
OLD = """
create schema old;
create table old.users as select '00000000-0000-0000-0000-00000000000a' as id, 'ada' as username,
    'ada@example.org' as email, 'x' as hashed_password, '2024-01-01' as created_at;
create table old.refresh_tokens as select 'f0000000-0000-0000-0000-00000000000a' as id, id as user_id,
    't' as token, '2024-01-01'::timestamp as expires_at from old.users;
"""
UNFIT = [
    ("update old.users set username = repeat('x', 51)", "users.username | 1 | would be cut or rounded to"),
    ("update old.users set created_at = 'soon'", "type timestamp with time zone: \"soon\""),
    ("alter table old.users drop id", "users.id | 1 | missing, and a new row needs it"),
    ("update old.users set hashed_password = null", "users.hashed_password | 1 | empty, and a new"),
    ("create table old.admin_roles as select id, 'boss' as name, json 'null' as permissions from old.users",
     "admin_roles.permissions | 1 | empty, and a new row needs it"),
    ("alter table old.users add role text default 'BOSS'", "users | 1 | breaks ck_users_role: ((role)"),
    ("update old.refresh_tokens set user_id = id", "refresh_tokens.user_id | 1 | points at no row of users"),
    ("create table old.stray as select 1 as one", "stray | 1 | no new table has this name"),
    ("insert into old.users select id, 'b', 'b@x.org', 'x', created_at from old.users", "came out different"),
    ("insert into old.users select replace(id, 'a', 'b'), 'b', upper(email), 'x', created_at from old.users",
     "Key (lower(email::text))=(ada@example.org) already exists"),
    ("insert into public.users (id, username, hashed_password) select id::uuid, 'eva', 'x' from old.users",
     "users | 1 | 1 | 1 | 1"),
]  # fmt: skip
# Words as the old database has them, and as they arrive; the script lists them in this order, auth first.
WORDS = (
    ("users.role", "moderator", "user"),
    ("users.status", "DELETED", "inactive"),
    ("conflicts.severity", "Low", "LOW"),
    ("conflicts.status", "resolved", "RESOLVED"),
    ("conflicts.type", "timeline", "TIMELINE"),
    ("generated_projects.generation_status", "in_progress", "IN_PROGRESS"),
    ("project_invitations.status", "pending", "PENDING"),
    ("project_shares.permission_level", "view", "read"),
    ("sessions.status", "ACTIVE", "active"),
    ("team_invitations.role", "Member", "developer"),
    ("team_members.role", "member", "developer"),
)
TURNED = re.compile(r"^ ([a-z_.]+) +\| (\w+) +\| (\w+) +\| +1 \|", re.MULTILINE)
ROLES = "-v owner=g_owner -v migrator=g_migrator -v app=g_app"
CROSSING = """
select attrelid::regclass::text, attname from pg_attribute
where col_description(attrelid, attnum) like '%(cross-database, no foreign key).'
"""


@dataclass(frozen=True)
class Move:
    """Somebody at a shell, moving two old databases into two new ones."""

    folder: Path
    environ: dict[str, str]
    arrives: dict[str, dict[str, object]] = field(default_factory=dict)

    def blocks(self, heading: str, language: str = "sh") -> list[str]:
        """Return the blocks of a section of the guide."""
        section = re.split(rf"^## {heading}.*$", GUIDE, flags=re.MULTILINE)[1].split("\n## ")[0]
        return re.findall(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)

    def save_decisions(self) -> None:
        """Write the two files of decisions as the guide shows them."""
        for text in self.blocks("3. ", "sql"):
            (self.folder / text.split()[1]).write_text(text, encoding="utf-8")

    def type(self, command: str, *, code: int = 0) -> str:
        """Run a block as it is written; return all it printed."""
        shell = ["bash", "-euo", "pipefail", "-c", command]
        done = subprocess.run(
            shell, cwd=self.folder, env=self.environ, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, done.stdout
        return done.stdout

    def query(self, name: str, statement: str, *values: str) -> list[tuple[object, ...]]:
        """Run a statement in one of the databases."""
        with psycopg.connect(self.environ[name], autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def rows(self, name: str) -> dict[str, dict[str, Any]]:
        """Return the row written first of each table that has one, as json with times in UTC."""
        found: dict[str, dict[str, Any]] = {}
        with psycopg.connect(self.environ[name], options="-c timezone=UTC") as connection:
            for table in catalog.read(connection).tables:
                query = sql.SQL("select to_jsonb(t) from public.{} as t order by ctid limit 1")
                if row := connection.execute(query.format(sql.Identifier(table.name))).fetchone():
                    found[table.name] = row[0]
        return found


@pytest.fixture
def move(tmp_path: Path, server: Server, url: str, other_url: str) -> Move:
    """Return a shell with psql, the runner and the scripts, and two new databases."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    command = tmp_path / "socrates-migrate"
    command.write_text(f'#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m runner "$@"\n')
    command.chmod(0o755)
    path = f"{tmp_path}:{servers.PROGRAMS[server.version]}:{os.environ['PATH']}"
    new = {"DATABASE_URL_AUTH": url, "DATABASE_URL_SPECS": other_url}
    return Move(tmp_path, {"PATH": path, "LC_ALL": "C.UTF-8", "COLUMNS": "120", **new})


@pytest.fixture
def old(move: Move, server: Server, auth_18: Connection, specs_18: Connection) -> Move:
    """Add two old databases as Alembic leaves them, with a row in each of the 43 tables."""
    for name, connection in (("AUTH", auth_18), ("SPECS", specs_18)):
        for later in catalog.read(connection).plain_tables():
            if later.name not in contract.load(name.lower())["tables"]:
                connection.execute(sql.SQL("drop table {}").format(sql.Identifier(later.name)))
        Rows(connection, catalog.read(connection)).insert_everywhere()
        connection.commit()
        move.environ[f"OLD_{name}_URL"] = server.url(connection.info.dbname)
        move.arrives.update(move.rows(f"OLD_{name}_URL"))
        connection.execute((AS_ALEMBIC + DEFECTS[name]).encode())
        connection.commit()
    for table, values in ARRIVED.items():
        move.arrives[table] |= values
    move.arrives["users"]["updated_at"] = move.arrives["users"]["created_at"]
    return move


def test_the_table_of_the_guide_names_each_table_once() -> None:
    """All 43 that were designed, parents first, with their json columns."""
    listed = MAPPED.findall(GUIDE)
    names = [table for table, _, _ in listed]
    tables = {table: facts for series in SERIES for table, facts in contract.load(series)["tables"].items()}
    assert len(names) == 43
    assert sorted(names) == sorted(tables)
    for table, _, told in listed:
        columns = tables[table]["columns"]
        assert re.findall(r"`(\w+)`", told) == [c["name"] for c in columns if c["type"] == "jsonb"], table
        keys = [c["references"] for c in columns if "references" in c]
        targets = [key["target"].partition(".")[0] for key in keys if not key.get("cross_database")]
        assert all(names.index(target) <= names.index(table) for target in targets), table


def test_the_guide_moves_everything(old: Move) -> None:
    """Typed from top to bottom: refused until decided, then each row there, value for value."""
    look, freeze = old.blocks("1. ")
    assert old.type(look).split() == ["0038_last"] * 2
    old.type(freeze)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        old.query("OLD_AUTH_URL", "update public.users set name = 'late'")
    for block in old.blocks("2. "):
        old.type(block)
    load, turn, copy, decide = old.blocks("3. ")
    old.type(load)
    turned = old.type(turn)
    assert TURNED.findall(turned) == list(WORDS)
    assert old.type(turn).count("(0 rows)") == 2, "once is enough"
    auth, specs = (old.type(block, code=3) for block in copy.splitlines())
    [example] = old.blocks("3. ", "text")
    assert example in re.sub(" +\n", "\n", auth)
    assert "users_backup |    1 | no new table has this name\n(1 row)" in specs
    assert (old.rows("DATABASE_URL_AUTH"), old.rows("DATABASE_URL_SPECS")) == ({}, {}), "nothing is copied"
    old.save_decisions()
    old.type(decide)
    old.type(copy)
    once = old.rows("DATABASE_URL_AUTH"), old.rows("DATABASE_URL_SPECS")
    old.type(copy)
    assert (old.rows("DATABASE_URL_AUTH"), old.rows("DATABASE_URL_SPECS")) == once, "twice changes nothing"

    orphans, finish = old.blocks("4. ")
    told = r"public\.(\w+)\.(\w+) -> auth\.users\.id: 1 row, 1 value: (\S{36})$"
    said = re.findall(told, old.type(orphans, code=4), re.MULTILINE)
    assert {(table, column) for table, column, _ in said} == {
        (table, column) for table, column in old.query("DATABASE_URL_SPECS", CROSSING)
        if old.arrives[str(table)][str(column)]
    }  # fmt: skip
    for account in {account for _, _, account in said}:
        insert = "insert into public.users (id, username, hashed_password) values (%s, %s, 'x')"
        old.query("DATABASE_URL_AUTH", insert, account, account)
    assert "no row points at nothing" in old.type(orphans)
    old.type(finish)
    arrived = old.rows("DATABASE_URL_AUTH") | old.rows("DATABASE_URL_SPECS")
    assert len(arrived) == 43
    for table, row in old.arrives.items():
        assert arrived[table] == row, table

    [back] = old.blocks("5. ")
    old.type(back)
    old.query("OLD_AUTH_URL", "update public.users set name = 'again'")


def test_what_somebody_made_in_public_does_not_keep_a_database_from_being_frozen(move: Move) -> None:
    """Else a row that is written behind the dump would be lost."""
    name = "DATABASE_URL_AUTH"
    thaw = "create function public.format(text, name) returns text language sql as $$ select 'select 1' $$"
    move.query(name, thaw)
    move.type(f'psql -X -q -f docs/alembic/freeze.sql "${name}"')
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        move.query(name, "create table public.late (id int)")


def test_the_old_database_itself_is_refused(old: Move) -> None:
    """By migrate as the guide prints it, and by baseline, which shows the drift and records nothing."""
    old.environ["DATABASE_URL_AUTH"] = old.environ["OLD_AUTH_URL"]
    said = " ".join(old.type("socrates-migrate migrate auth", code=4).split())
    [shown] = old.blocks("2. ", "text")
    name = conninfo_to_dict(old.environ["OLD_AUTH_URL"])["dbname"]
    assert " ".join(shown.split()).replace("Database auth", f"Database {name}") in said
    assert "DRIFT" in old.type("socrates-migrate baseline auth --to 003", code=4)
    assert old.query("OLD_AUTH_URL", "select to_regclass('public.schema_migrations')") == [(None,)]


def test_one_old_database_is_parted_by_a_role_that_is_no_superuser(old: Move) -> None:
    """Accounts go to one, the rest to the other; a file that was cut off loads nothing."""
    old.query(
        "OLD_AUTH_URL", "create table public.teams as select id, 'T' as name, id as created_by from users"
    )
    old.type(f"psql -X -q -1 -f docs/roles.sql {ROLES} $DATABASE_URL_AUTH")
    administrator = old.environ["DATABASE_URL_AUTH"]
    try:
        old.environ["DATABASE_URL_AUTH"] = administrator.replace("postgres@", "g_migrator@")
        for block in old.blocks("2. "):
            old.type(block)
        load, turn, copy, decide = old.blocks("3. ")
        old.type(load.replace(' "$OLD_SPECS_URL";', ";"))
        old.query("DATABASE_URL_SPECS", "create table old.llm_providers (cost_per_1k_input float)")
        old.save_decisions()
        old.type(turn + decide + copy)
        assert len(old.rows("DATABASE_URL_AUTH")) == 8
        assert list(old.rows("DATABASE_URL_SPECS")) == ["teams"]
        old.type(
            'psql -X -q -c "drop schema old cascade" "$DATABASE_URL_AUTH"; head -n 20 old_auth.sql > cut.sql'
        )
        old.type('psql -X -q -f cut.sql "$DATABASE_URL_AUTH"')
        assert old.query("DATABASE_URL_AUTH", "select to_regnamespace('old')") == [(None,)]
    finally:
        old.environ["DATABASE_URL_AUTH"] = administrator
        for role in ("g_app", "g_migrator", "g_owner"):
            old.query("DATABASE_URL_AUTH", f"drop owned by {role} cascade; drop role {role}")


@pytest.mark.parametrize("kind", ["integer", "text[]", "old.state"])
def test_words_are_looked_for_in_text_alone(
    move: Move, server: Server, auth_18: Connection, kind: str
) -> None:
    """What a column of another type holds is left to the list of what does not fit."""
    move.environ["DATABASE_URL_AUTH"] = server.url(auth_18.info.dbname)
    moderator = "create table old.users (role text, status {}); insert into old.users values ('moderator')"
    state = "create schema old; create type old.state as enum ('Deleted');"
    move.query("DATABASE_URL_AUTH", f"{state} {moderator.format(kind)}")
    said = move.type(f'psql -X -q -f {SCRIPTS}/words.sql "$DATABASE_URL_AUTH"')
    assert "users.role" in said
    assert move.query("DATABASE_URL_AUTH", "select role from old.users") == [("user",)]


@pytest.mark.parametrize("column", ["", ", 1 as is_active", ", 'yes' as is_active", ", true as is_active"])
def test_a_deleted_account_arrives_inactive(
    move: Move, server: Server, auth_18: Connection, column: str
) -> None:
    """Also where the old table has no such column, or one of another type; all others stay as they are."""
    move.environ["DATABASE_URL_AUTH"] = server.url(auth_18.info.dbname)
    users = f"""
        create schema old;
        create table old.users as select md5(n::text)::uuid as id, 'name' || n as username,
            'x' as hashed_password, (array['Deleted', 'active'])[n] as status, now() as created_at {column}
        from generate_series(1, 2) as n;
    """  # noqa: S608 - from above
    move.query("DATABASE_URL_AUTH", users)
    said = move.type(f'psql -X -q -f {SCRIPTS}/words.sql "$DATABASE_URL_AUTH"')
    assert "cannot sign in, and is_active is false" in said
    move.type(f'psql -X -q -v zone=UTC -f {SCRIPTS}/copy.sql "$DATABASE_URL_AUTH"')
    arrived = move.query("DATABASE_URL_AUTH", "select status, is_active from public.users order by username")
    assert arrived == [("inactive", False), ("active", True)]


@pytest.mark.parametrize("value", ["1.0::numeric(3,1)", "'enabled'::text", "2::smallint"])
def test_a_word_that_is_no_boolean_is_named_before_anything_is_turned(
    move: Move, server: Server, auth_18: Connection, value: str
) -> None:
    """Who is deleted could sign in otherwise, once the word that says so is gone."""
    move.environ["DATABASE_URL_AUTH"] = server.url(auth_18.info.dbname)
    users = f"create schema old; create table old.users as select 'deleted' as status, {value} as is_active;"
    move.query("DATABASE_URL_AUTH", users)
    said = move.type(f'psql -X -q -f {SCRIPTS}/words.sql "$DATABASE_URL_AUTH"', code=3)
    assert "old.users.is_active is not turned" in said
    assert "Say with an update who may sign in" in said
    assert move.query("DATABASE_URL_AUTH", "select status from old.users") == [("deleted",)]


@pytest.mark.parametrize("value", ["2::integer", "1.0::numeric(3,1)"])
def test_a_number_that_is_no_boolean_is_turned_by_the_hint(
    move: Move, server: Server, auth_18: Connection, value: str
) -> None:
    """An update with true or false fails there, and 1 in a column with decimals stays 1.0."""
    move.environ["DATABASE_URL_AUTH"] = server.url(auth_18.info.dbname)
    users = f"create schema old; create table old.users as select 'deleted' as status, {value} as is_active;"
    move.query("DATABASE_URL_AUTH", f"{users} alter table old.users alter is_active set default 1")
    said = move.type(f'psql -X -q -f {SCRIPTS}/words.sql "$DATABASE_URL_AUTH"', code=3)
    move.query("DATABASE_URL_AUTH", said.partition("Then: ")[2].partition(";")[0])
    assert move.query("DATABASE_URL_AUTH", "select is_active from old.users") == [(True,)]
    move.type(f'psql -X -q -f {SCRIPTS}/words.sql "$DATABASE_URL_AUTH"')
    assert move.query("DATABASE_URL_AUTH", "select status, is_active from old.users") == [("inactive", False)]


@pytest.mark.parametrize(
    ("needs", "drop"),
    [
        (
            "alter table old.users add constraint n check (is_active in (0, 1))",
            "alter table old.users drop constraint n",
        ),
        (
            "alter table old.users add constraint n check (coalesce(is_active, 0) = 1)",
            "alter table old.users drop constraint n",
        ),
        ("create index n on old.users (status) where is_active = 1", "drop index old.n"),
        ("create view old.n as select is_active from old.users", "drop view old.n"),
    ],
)
def test_what_needs_a_number_to_stay_one_is_to_be_dropped(
    move: Move, server: Server, auth_18: Connection, needs: str, drop: str
) -> None:
    """The column is named, and nothing is turned until then."""
    move.environ["DATABASE_URL_AUTH"] = server.url(auth_18.info.dbname)
    users = "create schema old; create table old.users as select 'deleted' as status, 1 as is_active;"
    move.query("DATABASE_URL_AUTH", f"{users} {needs}")
    said = move.type(f'psql -X -q -f {SCRIPTS}/words.sql "$DATABASE_URL_AUTH"', code=3)
    assert "old.users.is_active is not turned" in said
    assert "Drop what needs it as it is" in said
    assert move.query("DATABASE_URL_AUTH", "select status from old.users") == [("deleted",)]
    move.query("DATABASE_URL_AUTH", drop)
    move.type(f'psql -X -q -f {SCRIPTS}/words.sql "$DATABASE_URL_AUTH"')
    assert move.query("DATABASE_URL_AUTH", "select status, is_active from old.users") == [("inactive", False)]


@pytest.mark.parametrize(("statement", "told"), UNFIT, ids=lambda value: value[:40])
def test_what_does_not_fit_is_told(
    move: Move, server: Server, auth_18: Connection, statement: str, told: str
) -> None:
    """Each thing by name, and nothing is copied."""
    move.environ["DATABASE_URL_AUTH"] = server.url(auth_18.info.dbname)
    move.query("DATABASE_URL_AUTH", OLD + statement)
    before = move.rows("DATABASE_URL_AUTH")
    said = move.type(f'psql -X -q -v zone=UTC -f {SCRIPTS}/copy.sql "$DATABASE_URL_AUTH"', code=3)
    assert told in " ".join(said.split())
    assert move.rows("DATABASE_URL_AUTH") == before
    assert move.query("DATABASE_URL_AUTH", "select to_regnamespace('copying')") == [(None,)]


@pytest.mark.parametrize("kind", ["timestamp", "timestamptz", "text", "date"])
def test_an_hour_that_a_date_would_lose_is_told(
    move: Move, server: Server, specs_18: Connection, kind: str
) -> None:
    """Midnight becomes its day, whatever the type was; an hour is to be decided."""
    move.environ["DATABASE_URL_SPECS"] = server.url(specs_18.info.dbname)
    row = "md5('a')::uuid as id, 'a' as metric_type, 'a' as metric_name, 1 as value, now() as created_at"
    metrics = f"create table old.analytics_metrics as select {row}, '2024-02-03'::{kind} as date"
    move.query("DATABASE_URL_SPECS", f"set timezone = 'UTC'; create schema old; {metrics}")
    copy = f'psql -X -q -v zone=UTC -f {SCRIPTS}/copy.sql "$DATABASE_URL_SPECS"'
    if kind != "date":
        change = "update old.analytics_metrics set date = '2024-02-03 {}'"
        move.query("DATABASE_URL_SPECS", f"set timezone = 'UTC'; {change.format('17:30')}")
        said = " ".join(move.type(copy, code=3).split())
        assert "analytics_metrics.date | 1 | has an hour, which would be cut off to date" in said
        move.query("DATABASE_URL_SPECS", f"set timezone = 'UTC'; {change.format('00:00')}")
    move.type(copy)
    assert move.query("DATABASE_URL_SPECS", "select date::text from public.analytics_metrics") == [
        ("2024-02-03",)
    ]


@pytest.mark.parametrize(
    ("option", "told"),
    [("", "say in which zone"), ("-v zone=UTC+2", "pg_timezone_names")],
    ids=["none", "offset"],
)
def test_the_zone_is_said_by_its_name(move: Move, option: str, told: str) -> None:
    """None is assumed, and UTC+2 would mean two hours west."""
    assert told in move.type(f'psql -X -q {option} -f {SCRIPTS}/copy.sql "$DATABASE_URL_AUTH"', code=3)
