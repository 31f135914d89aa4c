"""Show what became of a fleet: a row per database, or one for many that are alike."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

from runner.cli import common, document, ending, members, report, standing
from runner.cli.text import counted, inline
from runner.errors import IntegrityError
from runner.fleet import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runner.cli.standing import Row
    from runner.errors import RunnerError
    from runner.fleet import Visit

Item = TypeVar("Item")
_MANY = 20  # names, or rows alike, that are still listed one by one


def show_results(found: Sequence[Visit]) -> None:
    """Show on a terminal the table of what ``migrate`` did, failures first; in a pipe each has its line."""
    if common.wants_document() or not report.is_terminal():
        return
    rows = [
        (
            name,
            str(len(one.database.outcomes)) if one.database else "",
            standing.at(one),
            f"{one.seconds:.2f} s",
            _error(one),
        )
        for name, one in _few(found)
    ]
    _draw(("database", "applied", "at", "time", "error"), rows)


def _few(found: Sequence[Visit]) -> list[tuple[str, Visit]]:
    """Return a name and a visit for each row: many that are alike share one, with the longest time."""
    ordered = sorted(found, key=lambda one: standing.result(one).order)
    rows = []
    for group in _alike((one, one, standing.result(one), _error(one)) for one in ordered):
        if len(group) > _MANY:
            rows.append((counted(len(group), "database"), max(group, key=lambda row: row[1].seconds)[1]))
        else:
            rows += group
    return rows


def _error(one: Visit) -> str:
    if one.problem is None:
        return str(one.ending) if one.ending is Ending.NOT_STARTED else ""
    return " ".join(filter(None, (f"{one.problem.name}:", one.problem.message, one.problem.remedy)))


def show_groups(found: Sequence[Visit], words: Callable[[Visit], Row]) -> None:
    """Show how many members stand alike, what is wrong first, and which; of very many only how many."""
    if common.wants_document():
        return
    groups: dict[Row, list[str]] = {}
    for one in found:
        groups.setdefault(words(one), []).append(one.name)
    rows = [
        (str(len(names)), row.at, row.state, _names(names, all_well=row.order > 3))  # noqa: PLR2004 - as above
        for row, names in sorted(groups.items(), key=lambda group: group[0].order)
    ]
    if report.is_terminal():
        _draw(("databases", "at", "state", "which"), rows)
        return
    for count, place, state, names in rows:
        where = f"at {place}, " if place else ""
        report.sentence(f"{count} {where}{state}{f': {names}' if names else ''}")


def _names(names: Sequence[str], *, all_well: bool) -> str:
    if all_well and len(names) > _MANY:
        return ""
    more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
    return ", ".join(names[:_MANY]) + more


def _draw(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich import box  # noqa: PLC0415 - start-up time
    from rich.table import Table  # noqa: PLC0415 - start-up time
    from rich.text import Text  # noqa: PLC0415 - start-up time

    drawn = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for header in headers:
        drawn.add_column(header, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(inline(cell)) for cell in row))
    report.console().print(drawn)


def _ways(words: str, one: Visit) -> list[str]:
    """Return words as they are, and without the names of a member, its database, and others in its URL.

    Once but where they are parts of others, as 1 is, and once everywhere: eu is a part of db.eu.example.com.
    """
    known = {one.name, *members.called(one.name), *([one.database.name] if one.database else ())}
    names = "|".join(map(re.escape, sorted(known, key=len, reverse=True)))
    patterns = rf"(?<![\w./:-])({names})(?![\w/-])", names
    return [words, *(re.sub(pattern, "", words) for pattern in patterns)]


def _alike(said: Iterable[tuple[Visit, Item, object, str]]) -> list[list[tuple[str, Item]]]:
    """Return in groups of whom the same is said, and in the same words apart from names.

    There each name stands with what is told.
    """
    known: dict[tuple[object, str], list[tuple[str, Item]]] = {}
    groups: list[list[tuple[str, Item]]] = []
    for one, item, fact, words in said:
        ways = [(fact, way) for way in _ways(words, one)]
        group = next(filter(None, map(known.get, ways)), [])
        if not group:
            groups.append(group)
        group.append((one.name, item))
        known |= dict.fromkeys(ways, group)
    return groups


def _each_once(
    found: Sequence[Visit], problems: Callable[[Visit], Sequence[RunnerError]]
) -> list[tuple[RunnerError, list[str]]]:
    """Return each problem once, with the names of those that have it."""
    told = ((one, problem) for one in found for problem in _shown(problems(one)))
    groups = _alike((one, problem, problem.name, str(document.error(problem))) for one, problem in told)
    return [(group[0][1], [name for name, _ in group]) for group in groups]


def _shown(problems: Sequence[RunnerError]) -> Iterable[RunnerError]:
    return map(ending.revealed, common.first_few(problems))


def show_warnings(found: Sequence[Visit]) -> None:
    """Show once what members are warned of, behind their names."""
    _show(_each_once(found, lambda one: one.warnings), _warning)


def show_problems(found: Sequence[Visit]) -> None:
    """Show each problem once, behind the names of those that have it; of very many members the first ones."""
    alike = _each_once(found, lambda one: one.problems)
    _show(sorted(alike, key=lambda pair: isinstance(pair[0], IntegrityError)), _problem)


def _show(
    alike: Sequence[tuple[RunnerError, list[str]]], show: Callable[[RunnerError, list[str]], None]
) -> None:
    """Show all that the first members have of one error, and of how many others there is more."""
    firsts: defaultdict[str, set[str]] = defaultdict(set)
    left: defaultdict[str, set[str]] = defaultdict(set)
    for problem, names in alike:
        first, known = names[0], firsts[problem.name]
        if first in known or len(known) < _MANY:
            known.add(first)
            show(problem, names)
        else:
            left[problem.name].update(names)
    for name, names_ in left.items():
        report.say(f"… and {counted(len(names_), 'more database')} with {name} (--json has all)", err=True)


def _warning(problem: RunnerError, names: Sequence[str]) -> None:
    report.warning(f"{_names(names, all_well=False)}: {problem.message} {problem.remedy}")


def _problem(problem: RunnerError, names: Sequence[str]) -> None:
    report.say(inline(f"{_names(names, all_well=False)}:"), style="bold", err=True)
    report.error(problem)
