"""Lay out what ``--json`` prints of the locks of pending files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.cli.document import place

if TYPE_CHECKING:
    from runner.door import Database
    from runner.locks import Effect, Trace, Traced


def document(one: Database) -> dict[str, Any]:
    """Return what is known of each pending file of a database; nothing where it was not asked for."""
    return {} if one.locks is None else {"locks": [_trace(trace) for trace in one.locks]}


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
