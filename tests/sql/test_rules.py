"""The rules every table follows, on every server, and a violation of each that is found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from runner import config
from tests.project import make
from tests.sql import check, rules
from tests.sql.planted import FAR, FIRST, PLANTED, index, table
from tests.sql.rule import EXCEPTIONS, Broken

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server
    from tests.sql.catalog import Catalog, Thing
    from tests.sql.clone import Clone
    from tests.sql.rule import Rule

    CatalogRule = Rule[Catalog, Thing]

each_rule = pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.name)


@each_rule
def test_a_rule_holds(clone: Clone, rule: CatalogRule) -> None:
    """Nothing in the schema breaks it."""
    assert rules.broken(rule, clone.catalog) == [], f"{rule.what} {rule.remedy} make check names the file."


def test_the_files_of_the_project_break_no_rule(server: Server) -> None:
    """What `make check` finds in sql/ and in the example: nothing."""
    for root in check.PROJECTS:
        found = check.findings(config.load(root / config.FILE), server.url("postgres"))
        assert [str(broken) for broken in found] == []


@pytest.fixture(scope="module")
def planted(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str]]]:
    """Return rule and object of what is found, by file."""
    names = {"good": FIRST, **{name: sql for name, (sql, _) in PLANTED.items()}}
    files = {
        f"{n:03}_{name}.sql": sql if sql.startswith("--") else f"-- It.\n{sql}"
        for n, (name, sql) in enumerate(names.items())
    }
    project = make(tmp_path_factory.mktemp("planted"), app=files)
    found: dict[str, list[tuple[str, str]]] = {}
    for broken in check.catalogs(config.load(project.file), server.url("postgres")):
        found.setdefault(broken.file[len("app/000_") : -len(".sql")], []).append((broken.rule, broken.object))
    return found


@pytest.mark.parametrize("name", PLANTED)
def test_a_violation_is_found(planted: dict[str, list[tuple[str, str]]], name: str) -> None:
    """File, object and rule are named, and nothing else is said about the file."""
    assert sorted(planted.get(name, [])) == sorted(PLANTED[name][1])


def test_a_file_without_fault_is_left_alone(planted: dict[str, list[tuple[str, str]]]) -> None:
    """What the first file made is found only in the file that spoilt it."""
    assert "good" not in planted


def test_an_index_that_failed_is_found(clone: Clone) -> None:
    """No file leaves one, so it is marked by hand."""
    [rule] = [rule for rule in rules.RULES if rule.name == "index-valid"]
    first, *others = clone.catalog.indexes
    spoilt = replace(clone.catalog, indexes=(replace(first, valid=False), *others))
    assert rules.broken(rule, spoilt) == [f"index {first.name}"]


def test_every_rule_has_its_violation() -> None:
    """No rule is one that cannot fail."""
    tried = {rule for _, said in PLANTED.values() for rule, _ in said}
    assert {rule.name for rule in rules.RULES} | {check.CHANGES.name} == tried | {"index-valid"}


def test_every_exception_is_needed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is excused would be found otherwise; a reason is given for each."""
    excused = dict(EXCEPTIONS)
    for key in excused:
        monkeypatch.delitem(EXCEPTIONS, key)
    found = {
        (broken.rule, broken.object)
        for root in check.PROJECTS
        for broken in check.findings(config.load(root / config.FILE), server.url("postgres"))
        if isinstance(broken, Broken)
    }
    assert found == excused.keys()
    assert all(excused.values())


def test_a_sentence_that_names_nothing_in_the_other_series_is_found(server: Server, tmp_path: Path) -> None:
    """Another series, table or column, its own series, no uuid: once it is applied a file must mend it."""
    names = ("auth.users.uid", "auth.user.id", "authx.users.id", "app.far.id", "auth.users.email")
    columns = [f"c{number} uuid" for number in range(len(names) + 1)]
    comments = [
        FAR.format(f"far.c{number}").replace("auth.users.id", name)
        for number, name in enumerate((*names, "auth.users.id"))
    ]
    indexes = [index(f"idx_far_c{number}", f"public.far (c{number})") for number in range(len(columns))]
    project = make(
        tmp_path,
        auth={"000_a.sql": "-- It.\n" + table("users", "email text")},
        app={"000_f.sql": "\n".join(("-- It.", table("far", *columns), *comments, *indexes))},
    )
    found = check.catalogs(config.load(project.file), server.url("postgres"))
    assert {(one.rule, one.object) for one in found} == {
        ("cross-database-target", f"column far.c{number}") for number in range(len(names))
    }
    assert {one.file for one in found} == {"app/000_f.sql"}
