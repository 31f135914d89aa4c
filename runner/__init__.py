"""Apply numbered plain-SQL files to PostgreSQL, in order, exactly once."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

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
        found: object = getattr(import_module(f"{room}.{homes[name]}"), name)
        setattr(sys.modules[room], name, found)  # asked for once
        return found

    return get
