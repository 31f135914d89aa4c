"""Tell what happens as lines of JSON on stderr, one each, for log collectors: ``--log json``."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

from runner import apply, config, environment
from runner.cli import annotation, document
from runner.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from logging import LogRecord

    from runner.apply import Event

VARIABLE = "RUNNER_LOG"
JSON = "json"
_LEVELS = {"warning": "warning", "retrying": "warning", "failed": "error"}
_state = {"format": "text"}  # of the run at hand


def begin(words: Sequence[str]) -> None:
    """Read off the words of a call how it is to be told, for click may stumble before it knows."""
    choose(_given(words, "--log") or os.environ.get(VARIABLE))


def look_up(words: Sequence[str]) -> None:
    """Read in .env how a call is to be told over which click has stumbled, unless the call itself says it."""
    if _given(words, "--log") is None and VARIABLE not in os.environ:
        file = _given(words, "--config")
        with suppress(RunnerError):  # there is one to be told already
            choose(environment.read(config.load(file or None).home, {}).get(VARIABLE))


def _given(words: Sequence[str], option: str) -> str | None:
    """Return what the words of a call give to an option; ``None`` where they do not name it."""
    given = [value for word, value in pairwise(words) if word == option]
    given += [word.partition("=")[2] for word in words if word.startswith(f"{option}=")]
    return given[-1] if given else None


def choose(form: str | None) -> None:
    """Tell as ``json`` or, whatever else it is, as text; also what a library logs and nobody listens to."""
    _state["format"] = form or "text"
    if is_on():
        import logging  # noqa: PLC0415 - --log json only

        if logging.lastResort:
            logging.lastResort.addFilter(_is_unsaid)


def _is_unsaid(record: LogRecord) -> bool:
    return not say("warning", record.getMessage())


def is_on() -> bool:
    """Tell whether stderr holds lines of JSON, and nothing else."""
    return _state["format"] == JSON


def say(event: str, message: str, **facts: object) -> bool:
    """Write one event, if events are wanted; return whether they are."""
    if is_on():
        import json  # noqa: PLC0415 - --log json only
        from datetime import UTC, datetime  # noqa: PLC0415 - as above

        head = {"time": datetime.now(UTC).isoformat(timespec="milliseconds")}
        line = {**head, "level": _LEVELS.get(event, "info"), "event": event, "message": message, **facts}
        sys.stderr.write(annotation.unheard(json.dumps(line), of=annotation.JSON) + "\n")
        sys.stderr.flush()
    return is_on()


def failed(problem: RunnerError) -> bool:
    """Write an error with all that the document has of it."""
    return is_on() and say("failed", **document.error(problem))


def show(event: Event, *, member: str = "") -> bool:
    """Write an event of a file, maybe in a ``member`` of a fleet, if events are wanted."""
    if not is_on():
        return False
    migration = event.migration
    about: dict[str, str] = {"member": member} if member else {}
    about |= {"series": migration.series, "version": migration.version, "file": migration.path}
    match event:
        case apply.Started():
            say("started", f"{migration.path} is next", **about)
        case apply.Waiting(holders=holders):
            say("waiting", "another runner is at work", **about, holders=list(holders))
        case apply.Working(seconds=seconds, activity=activity):
            doing = str(activity) or "at work"
            say("working", doing, **about, seconds=round(seconds, 1), **document.activity(activity))
        case apply.Retrying(reason=reason, seconds=seconds):
            facts = {"name": reason.name, "seconds": round(seconds, 1), "notes": list(reason.notes)}
            say("retrying", reason.message, **about, **facts)
        case apply.Noticed():
            for said in document.notices(event):
                said["file"] = said["file"] or migration.path
                say("warning" if said["severity"] == "WARNING" else "notice", **{**about, **said})
        case apply.Outcome(ms=ms):
            how = "is applied" if ms is not None else "was applied by another runner"
            say("applied", f"{migration.path} {how}", **about, ms=ms)
    return True
