"""How a snapshot names the roles that own things, may use them, or are meant by a policy."""

from __future__ import annotations

import psycopg
import pytest

from runner import database
from runner.schema import catalog
from tests import servers
from tests.servers import OLDEST, SYSTEM_15

MADE = """
    create role "1"; create role "Mi""x"; create role t_gone;
    create table public.t (id int);
    alter table public.t owner to "1";
    grant select on public.t to "Mi""x" with grant option;
    grant select on public.t to public, t_gone;
    create policy p on public.t to "Mi""x", "1", "Mi""x";
    create policy q on public.t;
    alter default privileges for role "1" grant usage on sequences to "Mi""x", t_gone;
    delete from pg_catalog.pg_authid where rolname = 't_gone';
"""


def test_roles_are_named_in_quotes_and_once_and_one_that_is_gone_is_not(each_url: str) -> None:
    """What is left of a dropped role gives nobody a right; its number is no name, that of another may be."""
    with database.connect(each_url, source="x") as connection:
        database.run(connection, database.opening(connection, access="read write") + MADE)
        found = catalog.snapshot(connection, besides=None, server=False)
        database.roll_back(connection)
    table = found["table", "public.t"].facts
    assert (table["owner"], table["grants"]) == ('"1"', '"Mi""x"=select*, public=select')
    policies = [found["policy", f"public.t.{name}"].facts["roles"] for name in "pq"]
    assert policies == ['"1", "Mi""x"', "public"]
    default = found["default privileges", 'for "1" on sequences'].facts["rights"]
    assert default == '"1"=select, "1"=update, "1"=usage, "Mi""x"=usage'


SEVERAL = """
    create role t_a; create role t_a_z; create role "t_B";
    create table public.t (id int);
    grant select on public.t to t_a, t_a_z, "t_B";
    create policy p on public.t to t_a, t_a_z, "t_B";
    alter default privileges grant select on tables to t_a, t_a_z, "t_B";
"""


@pytest.mark.skipif(not SYSTEM_15.is_dir(), reason="the servers of the wheels sort by bytes alone")
def test_several_roles_have_one_order_however_a_database_sorts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scratch database of bytes and a live one of words do not differ in who has which rights."""
    monkeypatch.setitem(servers.PROGRAMS, OLDEST, SYSTEM_15)
    with servers.running(OLDEST) as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as db:
            db.execute("create database words template template0 locale_provider icu icu_locale 'en-US'")
        with database.connect(server.url("words"), source="x") as connection:
            database.run(connection, database.opening(connection, access="read write") + SEVERAL)
            found = catalog.snapshot(connection, besides=None, server=False)
    assert found["table", "public.t"].facts["grants"] == '"t_B"=select, t_a=select, t_a_z=select'
    assert found["policy", "public.t.p"].facts["roles"] == '"t_B", t_a, t_a_z'
    default = found["default privileges", "for postgres on tables"].facts["rights"]
    assert default.startswith('"t_B"=select, ')
    assert default.endswith(", t_a=select, t_a_z=select")
