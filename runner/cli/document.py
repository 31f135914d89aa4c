"""Lay out what ``--json`` prints: one document per command, absent facts as null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.errors import IntegrityError, RunnerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.apply import Notice, Outcome
    from runner.planning import Step
    from runner.schema import Orphans, Proof

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


def outcome(outcome: Outcome) -> dict[str, Any]:
    """Return one committed file; ``ms`` is null when another runner had applied it."""
    return {"version": outcome.migration.version, "name": outcome.migration.name, "ms": outcome.ms}


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


def notice(version: str, notice: Notice) -> dict[str, Any]:
    """Return what the server said while the file of a version ran."""
    place = notice.place
    return {
        "version": version,
        "severity": notice.severity,
        "message": notice.message,
        "sqlstate": notice.sqlstate,
        "file": place.path if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "notes": list(notice.notes),
    }


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
    place = problem.place
    return {
        "name": problem.name,
        "exit_code": problem.exit_code,
        "message": problem.message,
        "remedy": problem.remedy,
        "sqlstate": getattr(problem, "sqlstate", None),
        "file": place.path if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "notes": list(problem.notes),
    }


def found(entries: Sequence[Mapping[str, Any]], code: int) -> dict[str, Any]:
    """Return the first problem that the entries tell of, for a command that ends with ``code`` over it."""
    for entry in entries:
        steps = [step["problem"] for step in entry.get("steps", ()) if step["problem"]]
        own = [entry["error"]] if entry.get("error") else []  # of a member of a fleet
        for problem in (*own, *entry.get("problems", ()), *steps):
            return dict(problem)
    return error(_FAMILIES.get(code, RunnerError)("See what is told of each database."))
