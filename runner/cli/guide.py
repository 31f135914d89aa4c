"""Help people find the command they mean: examples, what SERIES is, and what was perhaps meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

EXAMPLES = {
    "migrate": ("migrate", "migrate specs --to 004 --wait 60", "migrate --dry-run"),
    "status": ("status", "status auth --exit-code"),
    "plan": ("plan", "plan specs --sql specs.sql"),
    "verify": ("verify", "verify auth --drift"),
    "orphans": ("orphans", "orphans specs --json"),
    "prove": ("prove", "prove specs --from 008"),
    "rollback": ("rollback auth --to 001", "rollback auth --to base"),
    "init": ("init app",),
    "new": ("new specs project_tags",),
    "baseline": ("baseline auth --to 003",),
    "accept": ("accept auth 002",),
    "docs": ("docs",),
    "server": ("server start", "server psql auth"),
    "server start": ("server start",),
    "server stop": ("server stop",),
    "server psql": ("server psql auth", "server psql auth -c 'select 1'"),
    "server url": ("server url auth",),
}
_SERIES = "SERIES is the name of a database in pyproject.toml, such as auth"
_ELSEWHERE = {  # what other tools call it
    "migrate": ("up", "upgrade", "apply", "deploy"),
    "rollback": ("down", "downgrade", "revert", "undo"),
    "status": ("info", "history", "list"),
    "verify": ("diff", "drift", "check", "validate"),
    "prove": ("test",),
    "new": ("create", "add", "revision"),
    "baseline": ("stamp", "adopt"),
    "accept": ("repair",),
    "server psql": ("psql",),
    "server start": ("start",),
    "server stop": ("stop",),
    "server url": ("url",),
}


class Context(click.Context):
    """A call of a command, which an error of its options names, too: click forgets that of some."""

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> bool | None:
        """Leave it."""
        if isinstance(exc_value, click.UsageError) and exc_value.ctx is None:
            exc_value.ctx = self
        return super().__exit__(exc_type, exc_value, tb)


class Group(click.Group):
    """A group of commands that says which one was perhaps meant."""

    context_class = Context

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names."""
        word = args[0]  # click takes it off the list
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if found := near(word, self.list_commands(ctx)):
                raise click.UsageError(f"There is no command {word}. Did you mean {found}?", ctx) from error
            raise


def near(word: str, known: Iterable[str]) -> str | None:
    """Return the command that is written much like a word, or is called so elsewhere."""
    import difflib  # noqa: PLC0415 - errors only

    [*close] = difflib.get_close_matches(word, list(known), 1)
    return close[0] if close else next((name for name, words in _ELSEWHERE.items() if word in words), None)


def dressed(command: click.Command, name: str) -> click.Command:
    """Give a command the options that all have, and an end to its help: what SERIES is, and examples."""
    command.context_class = Context
    if command.epilog is None:
        if name != "server psql" and not isinstance(command, click.Group):  # psql has options of its own
            command = options.spoken(command)
        command.epilog = _epilog(command, name)
    for sub in command.commands.values() if isinstance(command, click.Group) else ():
        dressed(sub, f"{name} {sub.name}")
    return command


def _epilog(command: click.Command, name: str) -> str:
    lines = "\n".join(f"  socrates-migrate {example}" for example in EXAMPLES[name])
    series = next((one for one in command.params if one.name == "series"), None)
    numbered = any("NNN" in (one.metavar or "") for one in command.params)
    number = "NNN is the number of a file, such as 003." if numbered else ""
    meant = "" if series is None or name == "init" else f"{_SERIES}{'; none means all' * (series.nargs < 0)}."
    return f"{meant} {number}".strip() + f"\n\n\b\nExamples:\n{lines}"
