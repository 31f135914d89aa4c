"""Show what became of a fleet: a row per database, or one for many that are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.cli import common, document, report
from runner.cli.text import visible
from runner.errors import IntegrityError
from runner.fleet import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runner.errors import RunnerError
    from runner.fleet import Visit

_OUT_OF_REACH = (2, 5)  # exit codes: the URL leads nowhere, or nobody answers there
_MANY = 20  # names, or rows alike, that are still listed one by one


class Row(NamedTuple):
    """What is said of one database, or of many that are alike, apart from its name."""

    order: int  # what is wrong comes first
    at: str
    state: str


# ------------------------------------------------------------------ in words


def many(count: int) -> str:
    """Return how many databases."""
    return f"{count} database{'s' * (count != 1)}"


def result(visit: Visit) -> Row:
    """Return what ``migrate`` made of a member."""
    count = len(visit.database.outcomes) if visit.database else 0
    place = _at(visit)
    applied = f"{count} applied" if count else "nothing applied"
    where = f", at {place}" if place else ""
    if visit.problem:
        return Row(0, place, f"{_trouble(visit)}, {applied}{where}")
    if visit.ending is Ending.NOT_STARTED:
        return Row(1, place, f"{visit.ending}{where}")
    return Row(2, place, f"{applied}{where}{_ahead(visit)}")


def _at(visit: Visit) -> str:
    return (visit.database.at or "") if visit.database else ""


def _ahead(visit: Visit) -> str:
    words = common.ahead(visit.database) if visit.database else ""
    return f", {words}" if words else ""


def standing(visit: Visit) -> Row:
    """Return how a member stands: out of reach, wrong, behind, ahead or up to date."""
    place = _at(visit)
    if visit.problem or visit.database is None:
        return _unread(visit)
    if wrong := sorted({str(step.state) for step in visit.database.steps if step.problem}):
        return Row(1, place, f"wrong: {', '.join(wrong)}")
    if pending := visit.database.pending:
        return Row(2, place, f"behind, {len(pending)} pending")
    if visit.database.ahead:
        return Row(3, place, "ahead of these files")
    skipped = f", {len(visit.database.skipped)} skipped" if visit.database.skipped else ""
    return Row(4, place, f"up to date{skipped}")


def intended(visit: Visit) -> Row:
    """Return what ``migrate`` would apply to a member."""
    if visit.problem or visit.database is None:
        return _unread(visit)
    labels = [step.label for step in visit.database.pending]
    if not labels:
        return Row(4, _at(visit), f"nothing to apply{_ahead(visit)}")
    return Row(2, _at(visit), f"{len(labels)} pending: {', '.join(labels)}")


def verified(visit: Visit) -> Row:
    """Return whether a member agrees with its files."""
    if visit.problem or visit.database is None:
        return _unread(visit)
    if names := sorted({problem.name for problem in visit.database.problems}):
        return Row(1, _at(visit), ", ".join(names))
    both = " and with the live schema" if visit.database.comparison else ""
    return Row(4, _at(visit), f"files agree with the ledger{both}{_ahead(visit)}")


def _unread(visit: Visit) -> Row:
    if visit.problem is None or visit.ending is Ending.NOT_STARTED:
        return Row(0, "", str(Ending.NOT_STARTED))
    return Row(0, _at(visit), _trouble(visit))


def _trouble(visit: Visit) -> str:
    """Return in a few words why a member was not read or not migrated."""
    if visit.problem is None:
        return str(visit.ending)
    is_out_of_reach = visit.database is None and visit.problem.exit_code in _OUT_OF_REACH
    return f"{'not reachable' if is_out_of_reach else visit.ending}: {visit.problem.name}"


# ------------------------------------------------------------------ at the end


def show_results(found: Sequence[Visit]) -> None:
    """Show on a terminal the table of what ``migrate`` did, failures first; in a pipe each has its line."""
    if common.wants_document() or not report.is_terminal():
        return
    rows = [
        (
            name,
            str(len(one.database.outcomes)) if one.database else "",
            _at(one),
            f"{one.seconds:.2f} s",
            _error(one),
        )
        for name, one in _few(found)
    ]
    _draw(("database", "applied", "at", "time", "error"), rows)


def _few(found: Sequence[Visit]) -> list[tuple[str, Visit]]:
    """Return a name and a visit for each row: many that are alike share one, with the longest time."""
    alike: dict[tuple[Row, str], list[Visit]] = {}
    for one in sorted(found, key=lambda one: result(one).order):
        alike.setdefault((result(one), _error(one)), []).append(one)
    rows = []
    for group in alike.values():
        if len(group) > _MANY:
            rows.append((many(len(group)), max(group, key=lambda one: one.seconds)))
        else:
            rows += [(one.name, one) for one in group]
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
        report.say(f"  {count} {where}{state}{f': {names}' if names else ''}")


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
        drawn.add_row(*(Text(visible(cell)) for cell in row))
    report.console().print(drawn)


def show_problems(found: Sequence[Visit]) -> None:
    """Show each problem once, behind the names of those that have it."""
    alike: dict[str, tuple[RunnerError, list[str]]] = {}
    for one in found:
        for problem in one.problems:
            alike.setdefault(str(document.error(problem)), (problem, []))[1].append(one.name)
    for problem, names in sorted(alike.values(), key=lambda pair: isinstance(pair[0], IntegrityError)):
        report.say(f"{_names(names, all_well=False)}:", style="bold", err=True)
        report.error(problem)
