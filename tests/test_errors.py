"""The tree of errors is a contract: names and exit codes stand in scripts of other people."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import TYPE_CHECKING

import pytest

from runner import errors
from runner.errors import Place, RunnerError, SqlFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

CLASSES = [
    value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, RunnerError)
]
_DRAWN = re.compile(r"^    (?P<lead>[│├└─ ]*)(?P<name>\w+) +(?P<code>\d) +(?P<stable>[A-Z_]+)$", re.MULTILINE)


def _drawn() -> Iterator[tuple[str, str | None, int, str]]:
    """Yield (class, parent, exit code, name) of each line of the tree in the docstring."""
    above: list[str] = []
    for line in _DRAWN.finditer(errors.__doc__ or ""):
        depth = len(line["lead"]) // 4
        above[depth:] = [line["name"]]
        yield line["name"], above[depth - 1] if depth else None, int(line["code"]), line["stable"]


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    """Each class is drawn once, under its parent, with its exit code and its name."""
    real = [
        (c.__name__, None if c is RunnerError else c.__bases__[0].__name__, c.exit_code, c.name)
        for c in CLASSES
    ]
    assert sorted(_drawn(), key=str) == sorted(real, key=str)
    assert len(CLASSES) > 20


def test_the_tree_is_drawn_in_the_order_of_the_module() -> None:
    """A reader finds the classes where the tree puts them."""
    assert [name for name, *_ in _drawn()] == [c.__name__ for c in CLASSES]


def test_names_are_unique() -> None:
    """A program that reads a name knows the class."""
    names = [c.name for c in CLASSES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("error", CLASSES, ids=lambda c: c.__name__)
def test_every_class_says_what_it_means(error: type[RunnerError]) -> None:
    """Each class has a docstring of its own and a documented exit code."""
    assert error.__dict__.get("__doc__")
    assert inspect.cleandoc(error.__doc__ or "").endswith(".")
    assert error.exit_code in {1, 2, 4, 5, 6}


def test_an_error_carries_its_parts() -> None:
    """Message, remedy, place and notes stay apart for whoever renders them."""
    place = Place("a.sql", 1, 2)
    error = RunnerError("It broke.", remedy="Mend it.", place=place, notes=("DETAIL: x",))
    assert (str(error), error.message, error.remedy, error.place, error.notes) == (
        "It broke.", "It broke.", "Mend it.", place, ("DETAIL: x",),
    )  # fmt: skip


def test_a_failed_file_keeps_its_sqlstate() -> None:
    """Scripts tell a duplicate from a syntax error by the SQLSTATE."""
    error = SqlFailed("It broke.", sqlstate="42601", remedy="Mend it.", notes=("DETAIL: x",))
    assert (error.sqlstate, error.remedy, error.notes, error.exit_code) == (
        "42601", "Mend it.", ("DETAIL: x",), 1,
    )  # fmt: skip


@pytest.mark.parametrize("error", CLASSES, ids=lambda one: one.__name__)
def test_an_error_comes_through_pickle_and_copy_whole(error: type[RunnerError]) -> None:
    """As from a pool of processes; also that of a file, which has an SQLSTATE more."""
    problem = error("It failed.", remedy="Run again.", place=Place("a.sql", 1, 2), notes=("so",))
    if isinstance(problem, SqlFailed):
        problem.sqlstate = "42601"
    for again in (pickle.loads(pickle.dumps(problem)), copy.copy(problem), copy.deepcopy(problem)):  # noqa: S301 - our own
        assert (type(again), str(again), vars(again)) == (error, "It failed.", vars(problem))
