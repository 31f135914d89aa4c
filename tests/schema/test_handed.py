"""What verify --drift makes of owners where an event trigger may have handed tables over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
from click.testing import CliRunner

from tests.project import make

if TYPE_CHECKING:
    from pathlib import Path

WATCHER = """
    create role "t Alice" login in role "Plain-role";
    grant create on schema public to "t Alice";
    create function public.tell() returns event_trigger language plpgsql as
        $$ begin notify pgrst, 'reload schema'; end $$;
    create event trigger t_tell on ddl_command_end execute function public.tell();
"""
IGNORED = '\nignore = ["event trigger t_tell", "function public.tell()"]\n'


def test_an_owner_who_has_applied_a_file_was_not_given_the_ledger(tmp_path: Path, plain_url: str) -> None:
    """A watcher that only notifies, as PostgREST's does, hides no table that another one has made."""
    one, two = (f"create table if not exists public.{name} (id int);" for name in ("one", "two"))
    app = make(tmp_path, app={"000_one.sql": one, "001_two.sql": two})
    app.file.write_text(app.file.read_text() + IGNORED)
    urls = [plain_url.replace("Plain-role", name) for name in ("Plain-role", "t%20Alice")]
    with psycopg.connect(plain_url.replace("Plain-role", "postgres"), autocommit=True) as admin:
        admin.execute(WATCHER)
        try:
            for version, url in enumerate(urls):
                app.migrate(url, to=version)
            told = app.run(CliRunner(), "verify", "--drift", "--json", APP_URL=urls[0])
        finally:
            admin.execute("drop event trigger t_tell")
            admin.execute('drop owned by "t Alice" cascade; drop role "t Alice"')
    assert json.loads(told.stdout)["error"]["notes"] == [
        'table public.two has owner "t Alice", files say "Plain-role"'
    ]
