"""The commands migrate, status, plan and verify for a fleet: the same for many databases."""

from __future__ import annotations

import sys
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from runner import config, fleet
from runner.cli import common, document, members, report, standing, stopping, visits
from runner.cli.board import Board
from runner.cli.status import PENDING
from runner.cli.text import counted
from runner.fleet import Ending, worst

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from runner.fleet import Visit


def migrate(series: Sequence[str], *, file: Path | None, dry_run: bool, **options: Any) -> None:  # noqa: ANN401 - as of migrate
    """Migrate a fleet, show what happens, and exit with the worst code."""
    if dry_run:
        del options["limits"]
        plan(series, file=file, **options)
        return
    chosen = members.chosen()
    board = Board(chosen["fleet"], to=options["to"])
    with stopping.noted(patience=2) as stop, board:  # all of them end before
        found = fleet.migrate_fleet(
            series=series, config=file, stop=stop, on_event=board.show, **chosen, **options
        )
        ordered = _gathered(found, chosen["fleet"], board.leave)
    stopping.settle()  # they are told of, however long that takes
    _tell(
        ordered, series, file,
        lambda one: document.migrated(one.database) | {"warnings": board.said.get(one.name, [])},
    )  # fmt: skip
    visits.show_results(ordered)
    _end(ordered)


def status(series: Sequence[str], *, file: Path | None, exit_code: bool) -> None:
    """Show which members are behind, ahead, wrong or out of reach."""
    ordered = _read(fleet.status_fleet, series, file)
    _tell(ordered, series, file, lambda one: document.standing(one.database, one.warnings))
    visits.show_groups(ordered, standing.standing)
    visits.show_warnings(ordered)
    behind = exit_code and any(one.database and one.database.pending for one in ordered)
    _end(ordered, [PENDING] if behind else [])


def plan(
    series: Sequence[str],
    *,
    file: Path | None,
    to: int | None = None,
    **options: Any,  # noqa: ANN401 - as of plan
) -> None:
    """List what ``migrate`` would apply to each member, up to number ``to``."""
    ordered = _read(fleet.plan_fleet, series, file, to=to, **options)
    _tell(ordered, series, file, lambda one: document.planned(one.database, to=to))
    visits.show_groups(ordered, partial(standing.intended, to=to))
    _end(ordered)


def verify(series: Sequence[str], *, file: Path | None, **options: Any) -> None:  # noqa: ANN401 - as of verify
    """Check each member against its files."""
    ordered = _read(fleet.verify_fleet, series, file, **options)
    _tell(ordered, series, file, lambda one: document.verified(one.database))
    visits.show_groups(ordered, standing.verified)
    _end(ordered)


def _read(
    call: Callable[..., Iterable[Visit]], series: Sequence[str], file: Path | None, **options: object
) -> list[Visit]:
    chosen = members.chosen(is_reading=True)
    with stopping.noted() as stop, Board(chosen["fleet"]) as board:
        found = call(series=series, config=file, stop=stop, **chosen, **options)
        return _gathered(found, chosen["fleet"], board.count)


def _gathered(found: Iterable[Visit], names: Iterable[str], note: Callable[[Visit], None]) -> list[Visit]:
    """Return all visits, in the order of the file; ``note`` each as it comes."""
    known = {}
    for visit in found:
        note(visit)
        known[visit.name] = visit
    return [known[name] for name in names if name in known]


def _tell(
    found: Sequence[Visit], series: Sequence[str], file: Path | None, facts: Callable[[Visit], dict[str, Any]]
) -> None:
    """Add each member to the document, if one is wanted: as a single database, with what became of it."""
    if not common.wants_document():
        return
    [chosen] = config.choose(config.load(file), series)
    for one in found:
        more = {
            "name": one.name,
            "ending": str(one.ending),
            "seconds": round(one.seconds, 3),
            "error": document.error(one.problem) if one.problem else None,
        }
        name = one.database.name if one.database else None
        common.add_entry(chosen.name, name, **facts(one), **more)


def _end(found: Sequence[Visit], more: Sequence[int] = ()) -> None:
    """Say how many ended how, and exit with the worst code."""
    visits.show_problems(found)
    counts = Counter(one.ending for one in found)
    told = ", ".join(f"{counts[ending]} {ending}" for ending in Ending if counts[ending])
    report.say(f"{counted(len(found), 'database')}: {told}.", err=common.wants_document())
    if code := worst([*more, *(one.exit_code for one in found)]):
        sys.exit(code)
