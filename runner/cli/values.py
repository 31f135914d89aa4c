"""What may be given to options and arguments: numbers, seconds, series; and what a shell offers for them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from runner import config
from runner.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.shell_completion import CompletionItem

    from runner.config import Series


def number(wanted: str, *, also: str | None = None) -> Callable[[int | str], int | str]:
    """Return a type for a whole number from 0 on; who gives another text is told what is ``wanted``."""

    def convert(value: int | str) -> int | str:
        if isinstance(value, int) or value == also:
            return value
        if not (value.isascii() and value.isdigit()):
            raise click.BadParameter(f"{value!r} is not {wanted}.")
        return int(value)

    return convert


def seconds(value: float | str) -> float:
    """Return a time from 0 on."""
    with suppress(ValueError):
        if 0 <= float(value) < float("inf"):
            return float(value)
    raise click.BadParameter(f"{value!r} is not a number of seconds from 0 on, such as 2.5.")


VERSION = number("the number of a file, such as 003")
COUNT = number("a number of files, such as 2")


def _series(ctx: click.Context) -> list[Series]:
    """Return the series of the project at hand, those named first if any are."""
    try:
        project = config.load(ctx.params.get("file"))
        return list(config.choose(project, ctx.params.get("series") or ()))
    except RunnerError:
        return []


def complete_version(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 - click's signature
    """Offer the numbers of the files of the series, each with its name."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - completion only

    names = {
        file.name for series in _series(ctx) if series.folder.is_dir() for file in series.folder.iterdir()
    }
    found = (name.removesuffix(".sql").partition("_") for name in sorted(names) if name.endswith(".sql"))
    return [CompletionItem(number, help=name) for number, _, name in found if number.startswith(incomplete)]


def complete_series(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - click's
    """Offer the series that are not named yet."""
    taken = ctx.params.pop("series", None) or ()
    return [one.name for one in _series(ctx) if one.name.startswith(incomplete) and one.name not in taken]
