"""Read a query that lies in this package as a file of its own."""

from __future__ import annotations

from functools import cache


@cache  # some are asked again and again
def packaged(room: str, file: str) -> bytes:
    """Return a file of a room, also where the package is run from within a zip."""
    from importlib.resources import files  # noqa: PLC0415 - start-up time: few commands need it

    return files(room).joinpath(file).read_bytes()
