"""Lay out what ``--json`` prints: one document per command, absent facts as null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.errors import IntegrityError, RunnerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.apply import Activity, Noticed
    from runner.door import Database
    from runner.errors import Place
    from runner.locks import Effect, Trace, Traced
    from runner.planning import Step
    from runner.schema import Comparison, Orphans, Proof

_FAMILIES: dict[int, type[RunnerError]] = {2: UsageError, 4: IntegrityError}


def step(step: Step) -> dict[str, Any]:
    """Return one version of a series."""
    row = step.applied
    known = step.migration or row
    return {
        "version": step.version,
        "name": step.name,
        "state": str(step.state),
        "needs": list(step.needs),
        "reason": step.why,
        "checksum": known.checksum if known else None,
        "applied_at": row.applied_at.isoformat() if row else None,
        "applied_by": row.applied_by if row else None,
        "execution_ms": (row.execution_ms or None) if row else None,  # 0: a bundle took no time
        "problem": error(step.problem) if step.problem else None,
    }


def activity(activity: Activity) -> dict[str, Any]:
    """Return what the server says that a session is doing; null is what this role may not see."""
    return {**activity._asdict(), "blockers": [one._asdict() for one in activity.blockers]}


def standing(found: Database | None, problems: Sequence[RunnerError]) -> dict[str, Any]:
    """Return a series' versions, who holds the runners' lock, doing what, and why no file can be applied."""
    steps, working = (found.steps, found.at_work) if found else ((), ())
    busy = [{**session._asdict(), **activity(doing)} for session, doing in working]
    return {"steps": [step(one) for one in steps], "at_work": busy, "problems": list(map(error, problems))}


def planned(found: Database | None, *, to: int | None = None) -> dict[str, Any]:
    """Return what ``migrate`` would apply to a database, up to number ``to``, and its locks if asked for."""
    traces = found.locks if found else None
    locks = {} if traces is None else {"locks": [_trace(trace) for trace in traces]}
    return {"steps": [step(one) for one in found.todo(to=to)] if found else [], **locks}


def _trace(trace: Trace) -> dict[str, Any]:
    undo = trace.undo
    return {
        "version": trace.migration.version,
        "name": trace.migration.name,
        "alarms": list(trace.alarms),
        "untraced": trace.untraced,
        "statements": [_statement(one) for one in trace.statements],
        "rollback": {
            "missing": undo.is_missing,
            "error": undo.error,
            "loses": list(undo.takes),
            "loses_of_its_own": list(undo.loses),
        },
    }


def _statement(traced: Traced) -> dict[str, Any]:
    return {
        **place(traced.place),
        "text": traced.text,
        "alarms": list(traced.alarms),
        "tables": [_effect(effect) for effect in traced.effects],
        "destroys": [{"text": loss.text, "data": loss.is_data} for loss in traced.losses],
        "note": traced.note,
    }


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "name": effect.name,
        "kind": effect.kind,
        "table": effect.table,
        "lock": effect.mode,
        "held": effect.held,
        "blocks": str(effect.blocked),
        "work": [str(work) for work in effect.works],
        "meanwhile": list(effect.meanwhile),
        "alarms": list(effect.alarms),
        "bytes": effect.size.bytes if effect.size else None,
        "rows": effect.size.rows if effect.size else None,
    }


def migrated(found: Database | None) -> dict[str, Any]:
    """Return what ``migrate`` has applied and skipped; ``ms`` is null where another runner had applied it."""
    outcomes, skipped = (found.outcomes, found.skipped) if found else ((), ())
    applied = [{"version": o.migration.version, "name": o.migration.name, "ms": o.ms} for o in outcomes]
    return {"applied": applied, "skipped": [step(one) for one in skipped]}


def verified(found: Database | None) -> dict[str, Any]:
    """Return the versions of a series, what does not agree, and what it was compared with."""
    steps, problems = (found.steps, found.problems) if found else ((), ())
    told = {"steps": [step(one) for one in steps], "problems": [error(one) for one in problems]}
    return told | compared(found.comparison if found else None)


def compared(comparison: Comparison | None) -> dict[str, Any]:
    """Return what there is to say of a comparison, besides what it found."""
    return {"scratch": comparison.where, "ignored": comparison.ignored} if comparison else {}


def proof(proof: Proof) -> dict[str, Any]:
    """Return what was found of one file; ``untried`` says why it was not tried, if it was not."""
    return {
        "version": proof.migration.version,
        "name": proof.migration.name,
        "proven": proof.is_proven,
        "needs": list(proof.needs),
        "reason": proof.why,
        "findings": [{"stage": f.stage, "text": f.text, "diff": list(f.diff)} for f in proof.findings],
        "tables_without_rows": list(proof.empty),
        "rows_changed": list(proof.notes),
        "untried": proof.untried,
        "needs_superuser": proof.lacked,
    }


def notices(event: Noticed) -> list[dict[str, Any]]:
    """Return what the server said while a file ran."""
    return [
        {
            "version": event.migration.version,
            "severity": notice.severity,
            "message": notice.message,
            "sqlstate": notice.sqlstate,
            **place(notice.place),
            "notes": list(notice.notes),
        }
        for notice in event.notices
    ]


def orphans(found: Orphans) -> dict[str, Any]:
    """Return the rows of one column that point at nothing in another database."""
    return {
        "column": found.reference.label,
        "refers_to": str(found.reference.to),
        "rows": found.rows,
        "values": found.values,
        "examples": list(found.examples),
    }


def error(problem: RunnerError) -> dict[str, Any]:
    """Return an error with its stable name, its place and its exit code."""
    return {
        "name": problem.name,
        "exit_code": problem.exit_code,
        "message": problem.message,
        "remedy": problem.remedy,
        "sqlstate": getattr(problem, "sqlstate", None),
        **place(problem.place),
        "notes": list(problem.notes),
    }


def place(place: Place | None) -> dict[str, Any]:
    """Return where it is in a file."""
    return {
        "file": place.path if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
    }


def found(entries: Sequence[Mapping[str, Any]], code: int) -> dict[str, Any]:
    """Return the problem over which a command ends with ``code``: the first that has it, else the first."""
    problems: list[dict[str, Any]] = []
    for entry in entries:
        own = [entry["error"]] if entry.get("error") else []  # of a member of a fleet
        steps = [step["problem"] for step in entry.get("steps", ()) if step["problem"]]
        problems += map(dict, (*own, *entry.get("problems", ()), *steps))
    if problems:
        return next((one for one in problems if one["exit_code"] == code), problems[0])
    return error(_FAMILIES.get(code, RunnerError)("See what is told of each database."))
