"""The options that name a fleet and choose among its members."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner import database, environment
from runner import fleet as fleets
from runner.cli import common, options, report, shell
from runner.errors import UrlMalformed, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.fleet import Member

_MEANT = "runner.fleet"  # where a command's context keeps these options
_URLS = "runner.fleet.urls"
_NAMING = ("user", "dbname", "host", "hostaddr", "port")  # options of libpq that what is told may name
_STDIN = "-"


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:  # noqa: ANN401 - whatever it is
    if value not in (None, (), False):
        ctx.meta.setdefault(_MEANT, {})[param.name] = value


def _option(*names: str, **more: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - as click takes it
    return click.option(*names, expose_value=False, callback=_keep, **more)


reading_options = options.together(
    _option(
        "--fleet", metavar="FILE",
        help="Many databases of one series: a line NAME=URL for each, as in .env; - is stdin.",
    ),
    _option("--only", multiple=True, metavar="GLOB", help="Of the fleet, those with such a name."),
    _option("--except", "but", multiple=True, metavar="GLOB", help="Of the fleet, not those."),
    _option("--jobs", type=click.IntRange(1), metavar="N", help="So many of the fleet at once [default: 4]."),
)  # fmt: skip
writing_options = options.together(
    reading_options,
    _option(
        "--canary", metavar="N|NAMES",
        help="The first N of the fleet, or those named (a,b), go first, one after the other; when one fails, "
        "nobody else is touched.",
    ),
    _option(
        "--keep-going", is_flag=True,
        help="Leave out of the fleet what may not be migrated, and go on when one fails.",
    ),
)  # fmt: skip


def do(command: str, series: Sequence[str], *, alone: dict[str, object], **terms: object) -> bool:
    """Do a command for a fleet, if --fleet was given; tell whether it was.

    Raises ``UsageError`` for what goes not together with it, of the options ``alone``.
    """
    meant = click.get_current_context().meta.get(_MEANT, {})
    if "fleet" not in meant:
        for name in meant:
            option = "except" if name == "but" else name.replace("_", "-")
            raise UsageError(f"--{option} is for a fleet.", remedy="Name its file with --fleet.")
        return False
    if wrong := [name for name, value in alone.items() if value is not None]:
        raise UsageError(f"--{wrong[0]} and --fleet do not go together.", remedy="Leave one of them out.")
    from runner.cli import fleet  # noqa: PLC0415 - start-up time, and it needs this module

    getattr(fleet, command)(series, **terms)
    return True


def chosen(*, is_reading: bool = False) -> dict[str, Any]:
    """Return what the functions of the library take in common; what is for ``migrate`` not if ``is_reading``.

    Raises ``UsageError`` when nobody, or no such canary, is in the fleet.
    """
    meant = dict(click.get_current_context().meta[_MEANT])
    found = _read(meant.pop("fleet"))
    members = fleets.choose(found, only=meant.pop("only", ()), but=meant.pop("but", ()))
    if "canary" in meant:
        meant["canary"] = _canary(meant["canary"])
        fleets.canaries(members, meant["canary"])
    if is_reading:  # a dry run of migrate
        meant = {name: value for name, value in meant.items() if name not in ("canary", "keep_going")}
    urls = click.get_current_context().meta[_URLS] = {one.name: one.url for one in members}
    return {"fleet": urls, **meant, "wait": common.waiting()}


def called(name: str) -> set[str]:
    """Return by which words of its URL what is told may name a member: role, database, host and port."""
    context = click.get_current_context(silent=True)
    url = context.meta.get(_URLS, {}).get(name, "") if context else ""
    try:
        options = database.parse(url, source=name)
    except UrlMalformed:
        return set()
    return {word for option in _NAMING for word in str(options.get(option) or "").split(",") if word}


def _read(file: str) -> tuple[Member, ...]:
    if file == _STDIN:
        text = sys.stdin.buffer.read().decode(**environment.DECODING)
        return fleets.parse(text, source="stdin", environ=os.environ)
    found = fleets.read(file, os.environ)
    if fleets.is_exposed(Path(file)):
        report.warning(f"others may read {file}, and URLs hold passwords: chmod 600 {shell.quote(file)}")
    return found


def _canary(text: str) -> int | tuple[str, ...]:
    return int(text) if text.isdecimal() else tuple(name.strip() for name in text.split(","))
