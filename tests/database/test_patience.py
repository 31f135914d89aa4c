"""What the runner sets for every connection, and who may set it otherwise."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from runner import database
from runner.database.attention import Attentive
from runner.errors import CannotConnect
from tests.project import ROOM

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUILT_IN = {"connect_timeout": "10", "keepalives_idle": "30", "tcp_user_timeout": "60000"}


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Return a server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of services that libpq reads."""
    file = tmp_path / "services"
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    return file


def _options(url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what psycopg is told to connect with."""
    asked: list[str] = []

    def note(conninfo: str, **_: object) -> None:
        asked.append(conninfo)

    with monkeypatch.context() as patch:
        patch.setattr(Attentive, "connect", note)
        database.connect(url, source="x")
    return psycopg.conninfo.conninfo_to_dict(asked[0])


def test_nobody_says_anything(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that vanished is noticed within a minute."""
    options = _options(url, monkeypatch)
    assert BUILT_IN.items() <= options.items()


def test_the_url_wins(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it names is taken, the rest is built in."""
    options = _options(f"{url}&connect_timeout=3&keepalives_idle=5", monkeypatch)
    assert {**BUILT_IN, "connect_timeout": "3", "keepalives_idle": "5"}.items() <= options.items()


def test_a_variable_wins(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PGCONNECT_TIMEOUT is libpq's own."""
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "4")
    assert _options(url, monkeypatch)["connect_timeout"] == "4"


@pytest.mark.parametrize("by", ["the URL", "PGSERVICE"])
def test_a_service_wins(url: str, services: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    """Whoever names the service, what its file says is not overridden."""
    services.write_text("[mine]\nconnect_timeout=6\nkeepalives_idle=7\ntcp_user_timeout=8\n")
    if by == "PGSERVICE":
        monkeypatch.setenv("PGSERVICE", "mine")
    options = _options(url if by == "PGSERVICE" else f"{url}&service=mine", monkeypatch)
    assert options["connect_timeout"] == "6"
    assert not {"keepalives_idle", "tcp_user_timeout"} & options.keys()


@pytest.mark.parametrize("by", ["the URL", "the environment", "a service"])
def test_a_silent_server_is_given_up_when_somebody_says_so(
    silent: socket.socket, services: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """The time to connect holds, wherever it is written; three seconds here."""
    url = f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/db"
    services.write_text("[mine]\nconnect_timeout=3\n")
    if by == "the environment":
        monkeypatch.setenv("PGCONNECT_TIMEOUT", "3")
    more = {"the URL": "?connect_timeout=3", "a service": "?service=mine"}.get(by, "")
    started = time.monotonic()
    with pytest.raises(CannotConnect):
        database.connect(url + more, source="x")
    assert time.monotonic() - started < 3 + ROOM
    silent.setblocking(False)
    silent.accept()[0].close()
    with pytest.raises(BlockingIOError):
        silent.accept()  # it was waited for twice


@pytest.mark.parametrize("by", ["the URL", "PGSERVICE"])
def test_psql_connects_as_the_runner_does(
    url: str, services: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """A service would win over variables: what the URL says still counts first."""
    services.write_text("[mine]\nhost=/nowhere\nuser=somebody\nsslmode=require\npassword=s3cr3t\n")
    if by == "PGSERVICE":
        monkeypatch.setenv("PGSERVICE", "mine")
    given = url if by == "PGSERVICE" else f"{url}&service=mine"
    environ, _ = database.environment(given, source="x")
    assert "PGSERVICE" not in environ
    assert environ["PGHOST"] == psycopg.conninfo.conninfo_to_dict(url)["host"]
    assert environ["PGUSER"] == "postgres"
    assert (environ["PGSSLMODE"], environ["PGPASSWORD"]) == ("require", "s3cr3t")


def test_a_secret_of_a_service_is_handed_on_byte_by_byte(url: str, services: Path) -> None:
    """Libpq does not ask in which encoding a password is written, and neither does the runner."""
    services.write_bytes(b"[mine]\npassword=s\xe9cr3t\n")
    variables, _ = database.environment(f"{url}&service=mine", source="x")
    assert os.fsencode(variables["PGPASSWORD"]) == b"s\xe9cr3t"
