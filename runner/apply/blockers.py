"""Write the line about each session that lets a file wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import database, ledger
from runner.apply.event import RUNNER

if TYPE_CHECKING:
    from runner.apply.event import Activity, Session


def blocked(session: Session) -> str:
    """Return the line about one who lets a file wait, with the statement that ends it."""
    if session.pid is None:
        return f"blocked by {_prepared(session)}"
    state = session.state or "state hidden from this role"
    since = "" if session.seconds is None else f" for {_clock(session.seconds)}"
    query = f", query: {session.query}" if session.query else ""
    return (
        f"blocked by pid {session.pid}: user {session.user}, application {session.application or 'unnamed'}, "
        f"client {session.client}, {state}{since}{query} -- {_end(session)}: "
        f"select pg_terminate_backend({session.pid});"
    )


def held(session: Session, activity: Activity) -> str:
    """Return the line about a runner that is at work, or what else has its lock."""
    if session.pid is None:
        return f"held by {_prepared(session)}"
    file = session.application.removeprefix(RUNNER)
    what = f"at {file}" if file != session.application else f"application {session.application or 'unnamed'}"
    since = "" if session.seconds is None else f" for {_clock(session.seconds)}"
    doing = str(activity)
    return f"held by pid {session.pid}, user {session.user}, {what}{since}{f': {doing}' if doing else ''}"


def _prepared(session: Session) -> str:
    return f"{session} -- {_end(session)}: {database.fill(ledger.ROLLBACK, gid=session.application)}"


def _end(session: Session) -> str:
    return f"to end it{'' if session.may_end else ledger.AS_OTHER}"


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
