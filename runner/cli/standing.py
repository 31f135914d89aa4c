"""Say in a few words how a member of a fleet stands, and what a command made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner import planning
from runner.cli import common
from runner.errors import CommitUnknown
from runner.fleet import Ending

if TYPE_CHECKING:
    from runner.fleet import Visit

_OUT_OF_REACH = (2, 5)  # exit codes: the URL leads nowhere, or nobody answers there


class Row(NamedTuple):
    """What is said of one database, or of many that are alike, apart from its name."""

    order: int  # what is wrong comes first
    at: str
    state: str


def result(visit: Visit) -> Row:
    """Return what ``migrate`` made of a member."""
    count = len(visit.database.outcomes) if visit.database else 0
    place = at(visit)
    if isinstance(visit.problem, CommitUnknown):  # so is where it is
        return Row(0, "", f"{_trouble(visit)}{f', {count} applied or more' if count else ''}")
    applied = f"{count} applied" if count else "nothing applied"
    where = f", at {place}" if place else ""
    if place and common.has_waited(visit.problem):
        where = f", was at {place} when it was last looked at"
    if visit.problem:
        return Row(0, place, f"{_trouble(visit)}, {applied}{where}")
    if visit.ending is Ending.NOT_STARTED:
        return Row(1, place, f"{visit.ending}{where}")
    return Row(2, place, f"{applied}{where}{_ahead(visit)}")


def at(visit: Visit) -> str:
    """Return the newest file that is recorded in a member; empty without any."""
    return (visit.database.at or "") if visit.database else ""


def _ahead(visit: Visit) -> str:
    words = common.ahead(visit.database) if visit.database else ""
    return f", {words}" if words else ""


def standing(visit: Visit) -> Row:
    """Return how a member stands: out of reach, wrong, behind, ahead or up to date."""
    place = at(visit)
    if visit.problem or visit.database is None:
        return _unread(visit)
    if wrong := sorted({str(step.state) for step in visit.database.steps if step.problem}):
        return Row(1, place, f"wrong: {', '.join(wrong)}")
    if visit.warnings:
        return Row(1, place, f"not to be migrated: {', '.join(one.name for one in visit.warnings)}")
    if pending := visit.database.pending:
        return Row(2, place, f"behind, {len(pending)} pending")
    if visit.database.ahead:
        return Row(3, place, "ahead of these files")
    skipped = f", {len(visit.database.skipped)} skipped" if visit.database.skipped else ""
    return Row(4, place, f"up to date{skipped}")


def intended(visit: Visit, *, to: int | None = None) -> Row:
    """Return what ``migrate`` would apply to a member, up to number ``to``."""
    if visit.problem or visit.database is None:
        return _unread(visit)
    labels = [step.label for step in planning.pending(visit.database.steps, to=to)]
    if not labels:
        return Row(4, at(visit), f"nothing to apply{_ahead(visit)}")
    return Row(2, at(visit), f"{len(labels)} pending: {', '.join(labels)}")


def verified(visit: Visit) -> Row:
    """Return whether a member agrees with its files."""
    if visit.problem or visit.database is None:
        return _unread(visit)
    if names := sorted({problem.name for problem in visit.database.problems}):
        return Row(1, at(visit), ", ".join(names))
    both = " and with the live schema" if visit.database.comparison else ""
    return Row(4, at(visit), f"files agree with the ledger{both}{_ahead(visit)}")


def _unread(visit: Visit) -> Row:
    if visit.problem is None or visit.ending is Ending.NOT_STARTED:
        return Row(0, "", str(Ending.NOT_STARTED))
    return Row(0, at(visit), _trouble(visit))


def _trouble(visit: Visit) -> str:
    """Return in a few words why a member was not read or not migrated."""
    if visit.problem is None:
        return str(visit.ending)
    is_out_of_reach = visit.database is None and visit.problem.exit_code in _OUT_OF_REACH
    return f"{'not reachable' if is_out_of_reach else visit.ending}: {visit.problem.name}"
