"""plan --locks: what a person sees, and what a pipeline gets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner.locks import ALARMS
from tests.cli import data, lines
from tests.conftest import new_database
from tests.project import ROOT, Project, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import CliRunner

    from tests.servers import Server

FIRST = "create table if not exists public.orders (id int primary key, total int, note text);"
HURTS = """-- Makes it hurt.
alter table public.orders add column if not exists flag boolean not null default false;
alter table public.orders alter column total type bigint;
create index if not exists idx_orders_total on public.orders (total);
alter table public.orders drop column if exists note;
update public.orders set total = 1;
"""


@pytest.fixture(scope="module")
def shop_url(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a database with a table of 100 000 rows, which a plan leaves as it is."""
    with new_database(server) as url:
        make(tmp_path_factory.mktemp("shop") / "p", app={"000_orders.sql": FIRST}).migrate(url)
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("insert into public.orders select n, n, 'x' from generate_series(1, 100000) as n")
            db.execute("analyze public.orders")
        yield url


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """Return a project with the file of that table, and one that changes it."""
    return make(tmp_path, app={"000_orders.sql": FIRST, "001_hurts.sql": HURTS})


def test_the_locks_of_each_file_are_shown(shop: Project, runner: CliRunner, shop_url: str) -> None:
    """First what hurts most, with the size of the live table, in eighty columns; nothing is changed."""
    result = shop.run(runner, "plan", "--locks", APP_URL=shop_url)
    assert (result.exit_code, result.stderr) == (0, "")
    assert max(map(len, result.stdout.splitlines())) <= 80
    shown = lines(result)
    rows = [n for n, line in enumerate(shown) if re.match(r"(everybody|writers|DDL|nobody) ", line)]
    assert shown[rows[0]] == "everybody AccessExclusiveLock rewrites 4 MB of public.orders, about"
    assert shown[rows[0] + 1] == "100,000 rows"
    assert shown[rows[0] + 2] == "app/001_hurts.sql:3: alter table public.orders alter column total…"
    assert "destroys: line 5 drops column public.orders.note" in shown
    assert "rollback: there is none" in shown
    with psycopg.connect(shop_url) as db:
        assert db.execute("select count(*) from public.schema_migrations").fetchone() == (1,)


def test_a_pipeline_fails_on_what_it_names(shop: Project, runner: CliRunner, shop_url: str) -> None:
    """With a code of its own, behind the whole table; what it does not name passes."""
    result = shop.run(runner, "plan", "--fail-on", "untraced,rewrite,data-loss", APP_URL=shop_url)
    assert result.exit_code == 6
    assert "error PLAN_ALARM: Pending files that do what --fail-on names: 1." in result.stderr
    assert "app/001_hurts.sql: rewrite, data-loss" in result.stderr
    assert "who waits" in result.stdout
    assert shop.run(runner, "plan", "--locks", "--fail-on", "untraced", APP_URL=shop_url).exit_code == 0
    document = data(shop.run(runner, "plan", "--fail-on", "destructive", "--json", APP_URL=shop_url))
    assert (document["error"]["name"], document["error"]["exit_code"]) == ("PLAN_ALARM", 6)


def test_a_drop_of_what_the_server_does_not_have_is_no_alarm(
    shop: Project, runner: CliRunner, shop_url: str
) -> None:
    """Its roles and event triggers are looked up there, as tables are."""
    lacks = "drop role if exists r_nowhere; drop event trigger if exists e_nowhere;"
    with psycopg.connect(shop_url, autocommit=True) as db:
        db.execute("create role r_alarm")
        try:
            for text, code in {lacks: 0, f"{lacks} drop role if exists r_nowhere, r_alarm": 6}.items():
                shop.write("app", {"001_hurts.sql": text})
                result = shop.run(runner, "plan", "--fail-on", "destructive", APP_URL=shop_url)
                assert result.exit_code == code, result.output
        finally:
            db.execute("drop role r_alarm")


def test_an_unknown_class_is_a_usage_error(shop: Project, runner: CliRunner, shop_url: str) -> None:
    """With the names that there are."""
    for value in ("rewrites", "", "rewrite,,"):
        result = shop.run(runner, "plan", "--fail-on", value, APP_URL=shop_url)
        assert result.exit_code == 2
        assert all(name in result.stderr for name in ALARMS)


def test_the_classes_are_those_of_the_guide_and_of_the_help(runner: CliRunner, app: Project) -> None:
    """Written once for people."""
    guide = (
        (ROOT / "docs" / "writing.md")
        .read_text(encoding="utf-8")
        .partition("| class |")[2]
        .partition("\n\n")[0]
    )
    assert dict(re.findall(r"^\| `([\w-]+)` \| (.+) \|$", guide, re.MULTILINE)) == ALARMS
    shown = " ".join(app.run(runner, "plan", "--help").stdout.split()).replace("- ", "-")
    assert ", ".join(ALARMS) in shown


def _keys(kind: str) -> list[str]:
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    [row] = re.findall(rf"^\| {kind} \| (.+) \|$", text, re.MULTILINE)
    return re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", row))


def test_the_document_has_everything(shop: Project, runner: CliRunner, shop_url: str) -> None:
    """With the documented keys: each statement, each table, what it destroys, and the rollback."""
    shop.write("app", {"002_again.sql": "reindex index public.orders_pkey;"})
    document = data(shop.run(runner, "plan", "--locks", "--json", APP_URL=shop_url))
    [entry] = document["databases"]
    assert list(entry) == ["series", "database", "steps", "locks"]
    trace, again = entry["locks"]
    assert list(trace) == _keys("trace")
    assert trace["alarms"] == [
        "rewrite",
        "exclusive-scan",
        "exclusive",
        "destructive",
        "data-loss",
        "rollback",
    ]
    assert [one["line"] for one in trace["statements"]] == [2, 3, 4, 5, 6]
    assert all(list(one) == _keys("statement") for one in trace["statements"])
    [table] = trace["statements"][1]["tables"]
    assert list(table) == _keys("locked")
    assert (table["name"], table["held"], table["blocks"], table["work"][0], table["rows"]) == (
        "public.orders", "AccessExclusiveLock", "everybody", "rewrites", 100000,
    )  # fmt: skip
    [changed] = trace["statements"][4]["tables"]
    assert "changes rows" in changed["work"]  # there are rows in the scratch database
    [index] = [one for one in again["statements"][0]["tables"] if one["kind"] == "index"]
    assert (index["name"], index["table"], index["rows"]) == ("public.orders_pkey", "public.orders", 100000)
    assert trace["statements"][3]["destroys"] == [{"text": "drops column public.orders.note", "data": True}]
    assert list(trace["rollback"]) == _keys("undo")


def test_the_bundle_says_it_too(shop: Project, runner: CliRunner, shop_url: str) -> None:
    """In its table of contents, where the locks were asked for."""
    bundle = shop.run(runner, "plan", "--sql", "-", "--locks", APP_URL=shop_url).stdout
    assert "everybody waits: rewrites public.orders" in bundle
    assert (
        "waits" not in shop.run(runner, "plan", "--sql", "-", APP_URL=shop_url).stdout.partition("begin;")[0]
    )


def test_without_the_option_nothing_is_measured(shop: Project, runner: CliRunner, shop_url: str) -> None:
    """Plan stays as quick, and its document as it was."""
    [entry] = data(shop.run(runner, "plan", "--json", APP_URL=shop_url))["databases"]
    assert "locks" not in entry


def test_what_fails_in_the_scratch_database_is_untraced(
    shop: Project, runner: CliRunner, shop_url: str
) -> None:
    """It is said why, and that nothing is known of what comes behind it."""
    shop.write("app", {"001_hurts.sql": "select 1;\nselect nowhere;", "002_more.sql": "select 1;"})
    result = shop.run(runner, "plan", "--locks", APP_URL=shop_url)
    assert result.exit_code == 0
    assert 'untraced: app/001_hurts.sql:2:1: column "nowhere" does not exist' in lines(result)
    assert "untraced: 001_hurts could not be applied before it" in lines(result)


@pytest.mark.parametrize("project", [ROOT, ROOT / "examples" / "todo"], ids=["contract", "todo"])
def test_the_projects_own_files_give_no_alarm_on_an_empty_database(
    runner: CliRunner, url: str, other_url: str, project: Path
) -> None:
    """Every class at once."""
    variables = {"DATABASE_URL_AUTH": url, "DATABASE_URL_SPECS": other_url, "DATABASE_URL": url}
    result = Project(project).run(runner, "plan", "--fail-on", ",".join(ALARMS), **variables)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("nobody has to wait") >= 2
