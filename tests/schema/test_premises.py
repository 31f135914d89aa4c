"""A proof as a role that is no superuser: what it may do in the database itself, as live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner

from tests.project import make

if TYPE_CHECKING:
    from pathlib import Path

OTHERWISE = """
    create table if not exists public.t (id int default 1);
    do $$ begin if exists (select from public.schema_migrations) then
        alter table public.t alter id set default 2; end if; end $$;
"""


def test_what_a_second_run_changes_is_told_whoever_migrates(tmp_path: Path, plain_url: str) -> None:
    """To see whether only the words differ takes a superuser, which the role of the files is not."""
    app = make(tmp_path, app={"000_a.sql": OTHERWISE})
    told = app.run(CliRunner(), "prove", APP_URL=plain_url).stdout
    assert "      column public.t.id has default 2, before it was 1\n" in told
