"""How a snapshot names the roles that own things, may use them, or are meant by a policy."""

from __future__ import annotations

from runner import database
from runner.schema import catalog

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
