"""A witness, a proxy and a seed for every rehearsal."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.faults import bad
from tests.faults.proxy import Proxy
from tests.faults.stage import Witness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server


@pytest.fixture
def witness(url: str) -> Iterator[Witness]:
    """Return somebody who looks at the empty database ``url`` from outside."""
    with psycopg.connect(url, autocommit=True) as db:
        yield Witness(db)


@pytest.fixture
def proxy(url: str) -> Iterator[Proxy]:
    """Return a proxy before the server of ``url``."""
    with Proxy(_socket(url)) as running:
        yield running


@pytest.fixture
def far_url(url: str, proxy: Proxy) -> str:
    """Return the URL of the same database through the proxy."""
    return proxy.url(str(conninfo_to_dict(url)["dbname"]))


@pytest.fixture
def rng() -> random.Random:
    """Return random numbers; a failing test shows the seed, and FAULTS_SEED repeats them."""
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"repeat with FAULTS_SEED={seed}")  # noqa: T201 - pytest shows it when a test fails
    return random.Random(seed)  # noqa: S311 - not a secret


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[str]:
    """Return the URL of one database for all tests of a module."""
    with bad.database(server) as url:
        yield url


def _socket(url: str) -> str:
    return str(Path(str(conninfo_to_dict(url)["host"])) / ".s.PGSQL.5432")
