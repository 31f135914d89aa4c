"""Throw-away databases."""

from __future__ import annotations

from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import embedded
from runner.embedded import Server as Embedded
from runner.errors import EmbeddedUnavailable, ServerUnusable
from runner.schema import scratch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Server


def databases(server: Server) -> list[str]:
    """Return the scratch databases of a server."""
    with psycopg.connect(server.url("postgres")) as connection:
        found = connection.execute("select datname from pg_database where datname ~ '^runner_scratch_'")
        return [name for (name,) in found]


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_it_goes_whatever_ends_the_block(each_server: Server, error: type[BaseException] | None) -> None:
    """Dropped after success, an error and Ctrl-C, with somebody still connected to it."""
    with (
        ExitStack() as stack,
        suppress(ValueError, KeyboardInterrupt),
        scratch.scratch_database(each_server.url("postgres"), source="x") as url,
    ):
        stack.enter_context(closing(psycopg.connect(url)))
        assert len(databases(each_server)) == 1
        if error:
            raise error
    assert databases(each_server) == []


def test_it_is_empty_whatever_template1_holds(server: Server) -> None:
    """What an administrator put into template1 is no part of the files."""
    with psycopg.connect(server.url("template1"), autocommit=True) as template:
        template.execute("create table public.everywhere (id int)")
    try:
        with (
            scratch.scratch_database(server.url("postgres"), source="x") as url,
            psycopg.connect(url) as connection,
        ):
            assert connection.execute("select to_regclass('public.everywhere')").fetchone() == (None,)
    finally:
        with psycopg.connect(server.url("template1"), autocommit=True) as template:
            template.execute("drop table public.everywhere")


@pytest.fixture
def plain(url: str) -> Iterator[str]:
    """Return the URL of a database for a role that may not create one."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create role t_plain login")
        yield url.replace("postgres@", "t_plain@")
        connection.execute("drop role t_plain")


def test_a_role_that_may_create_databases_uses_its_own_server(url: str, tmp_path: Path) -> None:
    """The expected side is built by the same server, so that both print alike."""
    assert scratch.scratch_server(url, source="APP_URL", home=tmp_path) == (url, "APP_URL")


def test_another_role_uses_the_embedded_server(
    plain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is started for that."""
    monkeypatch.setattr(embedded, "start", lambda home: Embedded(home / "socket", home))
    url, source = scratch.scratch_server(plain, source="APP_URL", home=tmp_path)
    assert source == "the embedded server"
    assert "socket" in url


def test_without_either_it_says_what_to_do(
    plain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The remedy is to grant createdb or to install the extra."""

    def missing(home: Path) -> None:
        raise EmbeddedUnavailable(f"not in {home}")

    monkeypatch.setattr(embedded, "start", missing)
    with pytest.raises(ServerUnusable, match="APP_URL may not create the scratch database") as caught:
        scratch.scratch_server(plain, source="APP_URL", home=tmp_path)
    assert "createdb" in (caught.value.remedy or "")
