"""Apply numbered plain-SQL files to PostgreSQL, in order, exactly once.

A program calls ``migrate``, ``status``, ``plan`` and ``verify``, which the command line is built on; see
docs/api.md. Nothing here prints, sets a signal handler or exits. Names are loaded when they are used.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # what type checkers take for true; importing typing takes longer than all the rest
if TYPE_CHECKING:
    from collections.abc import Callable

__version__ = "0.1.0"


def lazily(room: str, **modules: str) -> Callable[[str], object]:
    """Return a module's ``__getattr__`` that imports the names of a room when they are used (PEP 562).

    ``modules`` has the names that each module of the room offers, divided by blanks. A command that needs
    no server then loads no driver, although its module names what needs one.
    """
    homes = {name: module for module, names in modules.items() for name in names.split()}

    def get(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        module = f"{room}.{homes[name]}"
        __import__(module)
        found: object = getattr(sys.modules[module], name)
        setattr(sys.modules[room], name, found)  # asked for once
        return found

    return get


if TYPE_CHECKING:
    from runner.apply import Activity as Activity
    from runner.apply import Notice as Notice
    from runner.apply import Noticed as Noticed
    from runner.apply import Outcome as Outcome
    from runner.apply import Retrying as Retrying
    from runner.apply import Session as Session
    from runner.apply import Started as Started
    from runner.apply import Waiting as Waiting
    from runner.apply import Working as Working
    from runner.door import Checked as Checked
    from runner.door import Database as Database
    from runner.door import Event as Event
    from runner.door import migrate as migrate
    from runner.door import plan as plan
    from runner.door import status as status
    from runner.door import verify as verify
    from runner.errors import RunnerError as RunnerError
    from runner.fleet import Ending as Ending
    from runner.fleet import Visit as Visit
    from runner.fleet import migrate_fleet as migrate_fleet
    from runner.fleet import plan_fleet as plan_fleet
    from runner.fleet import status_fleet as status_fleet
    from runner.fleet import verify_fleet as verify_fleet
    from runner.model import Limits as Limits
    from runner.planning import State as State
    from runner.planning import Step as Step
else:
    __getattr__ = lazily(
        __name__,
        apply="Activity Notice Noticed Outcome Retrying Session Started Waiting Working",
        door="Checked Database Event migrate plan status verify",
        errors="RunnerError",
        fleet="Ending Visit migrate_fleet plan_fleet status_fleet verify_fleet",
        model="Limits",
        planning="State Step",
    )
