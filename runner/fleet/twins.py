"""Find the members of a fleet that lead to one database by two names."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from runner import database, planning
from runner.errors import RunnerError, WrongDatabase
from runner.fleet import look
from runner.fleet.crew import Crew, Done

if TYPE_CHECKING:
    from threading import Event

    from runner.door import Database
    from runner.errors import Interrupted
    from runner.fleet.look import Files
    from runner.fleet.member import Member

_TAKE = "select pg_catalog.pg_try_advisory_xact_lock(%s)"


class Twins:
    """Remembers which database each member leads to. Two are asked only while ``stop`` is not set."""

    def __init__(self, files: Files, stop: Event) -> None:
        self._files = files
        self._stop = stop
        self._known: dict[str, list[Member]] = {}

    def problem(
        self, member: Member, found: Database | None, identity: str
    ) -> WrongDatabase | Interrupted | None:
        """Return what is wrong with a member that leads to the database of another one.

        ``Interrupted`` says that it was not found out before all was to end.
        """
        if not found:
            return None
        alike = self._known.setdefault(identity, [])
        for twin in alike:
            is_one = self._are_one(twin, member)
            if is_one is None:
                return look.interrupted(member)
            if is_one:
                told = f"{twin.name} and {member.name} lead to one database, {found.name}."
                return WrongDatabase(told, remedy="Take one of them out of the fleet.")
        alike.append(member)
        return None

    def _are_one(self, *pair: Member) -> bool | None:
        """Ask two members beside this thread, which a silent one would hold up; None when all is to end."""
        crew = Crew([pair], lambda pair, _: _share(self._files, *pair), jobs=1, stop=self._stop)
        answers = [news.result for news in crew.news() if isinstance(news, Done)]
        return answers[0] if answers else None


def _share(files: Files, first: Member, second: Member) -> bool:
    """Tell whether two members are one database: an advisory lock, which each has for itself, tells.

    Two servers that started in the same microsecond look alike otherwise, and so do clones. Who cannot be
    asked any more, or falls silent, is taken for the same.
    """
    key = secrets.randbits(62)
    try:
        with (
            database.heeding(look.silence(second)),
            planning.connect(files.target(first)) as one,
            planning.connect(files.target(second)) as other,
        ):
            database.run(one, "begin")
            database.query(one, _TAKE, key)
            [(is_free,)] = database.query(other, _TAKE, key)
            return not is_free
    except (RunnerError, database.Error):
        return True
