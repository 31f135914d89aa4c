"""Pages have their order from names alone, not from how a database sorts text or when a role was made."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import config, planning, schema
from runner.reference import build, shelf
from tests import servers
from tests.project import make
from tests.servers import OLDEST, SYSTEM_15

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("t1", "t_1", '"Za"', '"aZ"')  # every other order of the world has them the other way round
FILES = {
    "000_a.sql": "".join(
        f"create table public.{name} (id int); create function public.{name}() returns int return 1; "
        for name in NAMES
    )
    + "create policy p on public.t1 to r_z, r_a;",
    "001_b.sql": "".join(f"alter table public.{name} add x int; " for name in NAMES),
}


@pytest.mark.skipif(not SYSTEM_15.is_dir(), reason="the servers of the wheels sort by bytes alone")
def test_every_database_gives_the_same_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people whose servers speak other languages do not change each other's pages."""
    monkeypatch.setitem(servers.PROGRAMS, OLDEST, SYSTEM_15)
    project = config.load(make(tmp_path / "p", app=FILES).file)
    [series] = project.series
    with servers.running(OLDEST) as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as db:
            db.execute("create role r_z")
            db.execute("create role r_a")
            db.execute(
                "create database sorted template template0 locale_provider icu icu_locale 'en-US' "
                "locale 'C.UTF-8'"
            )

        @contextmanager
        def scratch(*_: object, **__: object) -> Iterator[str]:
            yield server.url("sorted")

        monkeypatch.setattr(schema, "scratch_database", scratch)
        files = planning.read(project, [series])["app"]
        page = shelf.pages([build.describe(series, files, "", source="the test")])["app.md"]
    assert '|  | ["Za"](#za), ["aZ"](#az), [t1](#t1), [t_1](#t_1) |' in page
    assert [line.split("`")[1] for line in page.splitlines() if "returns integer" in line] == [
        'public."Za"()',
        'public."aZ"()',
        "public.t1()",
        "public.t_1()",
    ]
    assert "| `p` | all, to `r_a`, `r_z` |" in page
