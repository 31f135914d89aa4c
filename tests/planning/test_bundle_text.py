"""What a reviewer sees in a bundle, and that nothing in a file can be taken for something else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import config, planning
from runner.config import Target
from runner.files import scan
from tests.planning.test_bundle import psql, write
from tests.project import ROOT, TWO, Project, make

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import CliRunner

    from tests.servers import Server


def _around(text: str, path: str) -> list[str]:
    """Return the lines of the part of a file besides its text."""
    part = text.partition(f" {path}\n\n")[2].partition("\n-- -----")[0]
    return re.sub(r"(?s)\$file\$.*\$file\$", "", part).splitlines()


@pytest.mark.parametrize("series", ["auth", "specs"])
def test_it_begins_with_its_contents_and_holds_each_text_once(
    runner: CliRunner, url: str, tmp_path: Path, series: str
) -> None:
    """A line for each file leads to it; its text stands there as it is, and nowhere else."""
    environ = {"DATABASE_URL_AUTH": url, "DATABASE_URL_SPECS": url}
    text = write(runner, Project(ROOT), series, tmp_path / "b.sql", **environ).read_text(encoding="utf-8")
    shown = text.splitlines()
    assert shown[2].split() == ["--", "line", "file", "statements", "lines"]
    contents = [line.split()[1:] for line in shown[3 : shown.index("--", 3)]]
    assert len(contents) > 3
    for line, path, statements, count in contents:
        sql = (ROOT / path).read_text(encoding="utf-8")
        assert shown[int(line) - 1].endswith(f" {path}")
        assert (int(statements), int(count)) == (len(scan(sql).statements), len(sql.splitlines()))
        assert text.count(sql) == 1
        assert len(_around(text, path)) < 15, "what is new is to be seen at a glance"
    overhead = len(shown) - sum(int(count) for *_, count in contents)
    assert overhead < 260 + 15 * len(contents), "what surrounds the files stands there once"


def test_the_contents_tell_locks_that_are_known(url: str, tmp_path: Path) -> None:
    """Behind the file that takes them."""
    app = make(tmp_path / "p", app=TWO)
    loaded = config.load(app.file)
    target = Target(loaded.series[0], url, "APP_URL")
    with planning.look(planning.read(loaded, loaded.series), [target]) as [site]:
        text = planning.write_bundle(site, locks={"001": "public.two: AccessExclusiveLock"})
    assert [line.split(maxsplit=5)[2:] for line in text.splitlines()[2:5]] == [
        ["file", "statements", "lines", "locks"],
        ["app/000_one.sql", "1", "1"],
        ["app/001_two.sql", "1", "1", "public.two: AccessExclusiveLock"],
    ]


ODD = {
    "tags": "select $file$a$file$, $file_$b$file_$, ':sql', 'it''s \\ \\n {text} %s';\n",
    "words of psql": """\
create table public.t ("a:sql" text);
-- :sql :'sql' :begin \\quit ' " $frame$ {tag}
""",
    "windows": "do $runner$ begin perform 1; end $runner$;\r\nselect $frame$ \\gset $frame$;\r\n",
    "settings": "set local runner.xid = '1'; set local runner.recorded = 'x';\nreset all;\nselect 1;",
    "names": "select 1 as sql, 2 as recorded, 3 as begin; select 'x' as xid;",
    "colons": "select (array[1, 2, 3])[1:2], '{1,2}'::int[], 'é 漢 \\x41';",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_text_reaches_server_and_ledger_to_the_letter(
    runner: CliRunner, each_server: Server, each_url: str, tmp_path: Path, odd: str
) -> None:
    """Whatever psql, the quotes around it or the making of the bundle could see in it."""
    app = make(tmp_path / "p", app=TWO | {"002_odd.sql": odd, "003_last.sql": "create table public.last ();"})
    done = psql(each_server, write(runner, app, "app", tmp_path / "b.sql", APP_URL=each_url), each_url)
    assert (done.returncode, done.stderr) == (0, "")
    with psycopg.connect(each_url) as db:
        rows = db.execute("select sql from public.schema_migrations order by version").fetchall()
    assert rows[2] == (odd,)
    assert app.run(runner, "verify", APP_URL=each_url).exit_code == 0
    assert "nothing applied" in app.run(runner, "migrate", APP_URL=each_url).stdout


def test_an_error_names_the_line_of_the_file(
    runner: CliRunner, each_server: Server, each_url: str, tmp_path: Path
) -> None:
    """The line before it is psql's, of the bundle; PostgreSQL's is that of the file, which is sent whole."""
    app = make(tmp_path / "p", app=TWO | {"002_bad.sql": "select 1;\n\nselect nope;\n"})
    done = psql(each_server, write(runner, app, "app", tmp_path / "b.sql", APP_URL=each_url), each_url)
    assert done.returncode == 3
    assert "LINE 3: select nope;" in done.stderr
    assert "app/002_bad.sql" in done.stdout


def test_a_folder_may_have_a_name_that_psql_would_read(
    runner: CliRunner, server: Server, url: str, tmp_path: Path
) -> None:
    """Quotes, blanks and backticks: the name is shown, and runs nothing."""
    app = make(tmp_path / "p", app=TWO)
    folder = "it's `touch x` :sql here"
    (app.root / "app").rename(app.root / folder)
    app.file.write_text(app.file.read_text().replace('sql = "app"', f'sql = "{folder}"'))
    done = psql(server, write(runner, app, "app", tmp_path / "b.sql", APP_URL=url), url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "app: done"
    assert f"{folder}/000_one.sql" in done.stdout.splitlines()


def test_a_file_that_ends_its_transaction_is_not_recorded(
    runner: CliRunner, each_server: Server, each_url: str, tmp_path: Path
) -> None:
    """By a way that the scanner does not see: somebody has edited the bundle."""
    app = make(tmp_path / "p", app=TWO)
    bundle = write(runner, app, "app", tmp_path / "b.sql", APP_URL=each_url)
    edited = bundle.read_text().replace(TWO["001_two.sql"], "commit; begin; " + TWO["001_two.sql"])
    bundle.write_text(edited)
    done = psql(each_server, bundle, each_url)
    assert done.returncode == 3
    assert "the file ended its transaction" in done.stderr
    with psycopg.connect(each_url) as db:
        assert db.execute("select version from public.schema_migrations").fetchall() == [("000",)]


def test_a_bundle_stops_over_an_index_that_a_statement_does_not_name(
    runner: CliRunner, server: Server, url: str, tmp_path: Path
) -> None:
    """What was valid before it and is invalid behind it counts, though nothing was invalid before."""
    spoil = "update pg_catalog.pg_index set indisvalid = false where indexrelid = 'public.i'::regclass"
    files = {
        "000_one.sql": "create table public.one (id int); create index i on public.one (id);",
        "001_spoil.sql": f"-- runner: no-transaction\ndo $$ begin {spoil}; end $$;",
    }
    app = make(tmp_path / "p", app=files)
    done = psql(server, write(runner, app, "app", tmp_path / "b.sql", APP_URL=url), url)
    assert (done.returncode, "an index is invalid: public.i" in done.stderr) == (3, True), done.stderr
    assert app.run(runner, "status", APP_URL=url).stdout.count("interrupted") == 1
    app.write("app", {"001_spoil.sql": "drop index public.i;"})  # corrected, and now within a transaction
    done = psql(server, write(runner, app, "app", tmp_path / "c.sql", APP_URL=url), url)
    assert done.returncode == 0, done.stderr
    assert "2 applied files agree with the ledger" in app.run(runner, "verify", APP_URL=url).stdout
