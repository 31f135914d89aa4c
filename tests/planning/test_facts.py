"""What is known of a database before it is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import database
from runner.errors import ServerUnusable
from runner.planning import facts

if TYPE_CHECKING:
    from tests.servers import Server


def test_objects_are_those_of_the_schemas_that_count(each_url: str) -> None:
    """Tables and views count, the ledger does not, nor what is in a schema of somebody else."""
    with database.connect(each_url, source="x") as connection:

        def found(*schemas: str, besides: str = "public.mine", adopted: bool = True) -> tuple[str, ...]:
            question = facts.objects(besides=besides, schemas=schemas, adopted=adopted)
            [result] = database.ask(connection, question)
            return facts.names(connection, result)

        assert found("public", "s") == ()
        connection.execute("create table public.mine (); create schema s; create view s.v as select 1")
        assert found("public", "s") == ("s.v",)
        assert found("public") == ()
        assert found("public", besides="public.nope", adopted=False) == ("public.mine",)
        assert found("public", "s", adopted=False) == (), "another runner has begun"


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ("create schema s", False),
        ("create sequence public.q; create function public.f() returns int language sql return 1", False),
        ("create schema theirs; create table theirs.t ()", False),
        ("create table public.t ()", True),
        ("create view public.v as select 1", True),
        ("create materialized view public.m as select 1", True),
        ("create schema s; create table s.t (a int) partition by list (a)", True),
    ],
)
def test_whether_anything_is_there_is_asked_first(each_url: str, made: str, expected: bool) -> None:
    """Tables and views in the schemas that count, whoever owns them; what they are is asked only then."""
    with database.connect(each_url, source="x") as connection:
        connection.execute(made.encode())
        [result] = database.ask(connection, facts.anything(schemas=("public", "s")))
        assert database.rows(connection, result) == [(expected,)]


def test_facts_say_what_the_catalogs_know_of_extensions(each_url: str, each_server: Server) -> None:
    """Those that are absent are named, with a reason where this role cannot create them."""
    with database.connect(each_url, source="x") as connection:
        found = facts.read(connection, extensions=["vector", "nope", "plpgsql"])
    vector = None if each_server.version > 15 else facts.UNKNOWN
    assert found.absent == {"vector": vector, "nope": facts.UNKNOWN}
    assert found.version // 10000 == each_server.version
    assert (found.role, found.has_public, found.is_free, found.is_direct) == ("postgres", True, True, True)
    assert found.notices_loss, "these servers do not run on Windows"
    assert not found.standby
    assert not found.read_only


def test_an_extension_only_a_superuser_may_make_is_not_available(url: str) -> None:
    """A role that cannot create the extension does not stumble over it, unless somebody installed it."""
    with database.connect(url, source="x") as connection:
        connection.execute("create role plain login; grant create on database postgres to plain")
        try:
            as_plain = url.replace("postgres@", "plain@")
            with database.connect(as_plain, source="x") as plain:
                [(name, reason)] = facts.read(plain, extensions=["vector"]).absent.items()
                assert (name, reason) == ("vector", facts.ADMINISTRATOR)
                assert not facts.read(plain, extensions=[]).is_free
                connection.execute("create extension vector")
                assert facts.read(plain, extensions=["vector"]).absent == {}
        finally:
            connection.execute("drop owned by plain; revoke create on database postgres from plain")
            connection.execute("drop role plain")


def test_identity_tells_two_databases_apart(url: str, other_url: str) -> None:
    """Two connections to one database have one identity, however the URL is written."""
    identities = []
    for one in (url, url + "&application_name=x", other_url):
        with database.connect(one, source="x") as connection:
            identities.append(facts.read(connection, extensions=[]).identity)
    assert identities[0] == identities[1] != identities[2]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"standby": True}, "is a standby"),
        ({"read_only": True}, "default_transaction_read_only"),
        ({"version": 140012}, "is PostgreSQL 14"),
    ],
)
def test_a_server_that_takes_no_changes_is_refused(url: str, change: dict[str, object], reason: str) -> None:
    """Standby, read-only and too old servers are named as such."""
    with database.connect(url, source="x") as connection:
        found = facts.read(connection, extensions=[])
    facts.check_writable(found, source="APP_URL")
    with pytest.raises(ServerUnusable, match=reason):
        facts.check_writable(found._replace(**change), source="APP_URL")  # type: ignore[arg-type] # table of cases


def test_a_read_only_default_is_seen(url: str) -> None:
    """The setting a DBA made for the database reaches the facts."""
    with database.connect(url, source="x") as connection:
        name = connection.info.dbname
        connection.execute(f"alter database {name} set default_transaction_read_only = on".encode())
    with database.connect(url, source="x") as connection:
        assert facts.read(connection, extensions=[]).read_only
