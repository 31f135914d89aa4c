"""The command line: parse, call the library, show, exit. Each module holds the commands of one theme."""

from __future__ import annotations

import atexit
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import click

from runner import __version__
from runner.cli import ending, guide, output, stopping

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = {
    "migrate": "migrate",
    "status": "status",
    "plan": "databases",
    "verify": "databases",
    "orphans": "orphans",
    "prove": "proofs",
    "rollback": "files",
    "init": "files",
    "new": "files",
    "baseline": "recording",
    "accept": "recording",
    "docs": "docs",
    "server": "server",
}
_CHANGING = {"migrate", "init", "new", "baseline", "accept", "docs"}


class Commands(guide.Group):
    """Load a command's module when it is used, and let ``ending`` see how it ends."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order a newcomer meets them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import the module of a command."""
        from importlib import import_module  # noqa: PLC0415 - start-up time

        if (module := _COMMANDS.get(cmd_name)) is None:
            return None
        command: click.Command = getattr(import_module(f"runner.cli.{module}"), f"{cmd_name}_command")
        return guide.dressed(command, cmd_name)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002 - click's signature
        **extra: Any,  # noqa: ANN401 - click's signature
    ) -> NoReturn:
        """Run the words of a call and exit; what click would show by itself, ``ending`` does."""
        words = list(sys.argv[1:] if args is None else args)
        run = partial(super().main, words, prog_name, complete_var, standalone_mode=False, **extra)
        sys.exit(ending.end(words, lambda told: run(obj=told)))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:  # noqa: ANN401 - click's signature
        """Return the command, and let the document name it, whatever becomes of it."""
        found = super().resolve_command(ctx, args)
        told = ending.current()
        told.document["command"] = found[0]
        told.changes = found[0] in _CHANGING
        stopping.check()
        return found

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run the command; a Ctrl-C is an error like others, but waits while click reads the words."""
        try:
            stopping.release()
            return super().invoke(ctx)
        except click.exceptions.Exit:  # of --help
            ending.current().changes = False
            raise
        except KeyboardInterrupt as error:
            raise stopping.interrupted() from error


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="A database is found through the variable its series names in pyproject.toml, such as "
    "DATABASE_URL_AUTH, in the environment or in .env. With none of them set, a private PostgreSQL "
    "under .postgres/ is used, unless RUNNER_EMBEDDED is off. Exit codes: 0 done, 1 failed, 2 usage or "
    "configuration, 3 pending, 4 files and database do not agree, 5 try again, 6 a file "
    "does what plan --fail-on names.",
)
@click.version_option(__version__, prog_name="socrates-migrate")
def cli() -> None:
    """Apply numbered plain-SQL files to PostgreSQL, in order, exactly once.

    Each file runs in a transaction that also records it, with its checksum, in public.schema_migrations.
    """


def main() -> None:
    """Run the command line and exit. SIGTERM and SIGHUP end it as Ctrl-C does: cancelled, rolled back."""
    output.guard()
    name = "python -m runner" if sys.argv[0].endswith("__main__.py") else "socrates-migrate"
    stopping.handle(stopping.at_once)
    if "_SOCRATES_MIGRATE_COMPLETE" in os.environ:
        stopping.release()  # it ends before a command is run
        _complete_as_called()
    try:
        cli(prog_name=name)
    except SystemExit as end:
        _leave(end.code)


def _complete_as_called() -> None:
    """Let a shell complete what is called by its path, also with a ``~``: click's scripts find none of it."""
    import shlex  # noqa: PLC0415 - completion only
    from pathlib import Path  # noqa: PLC0415 - as above

    from click.shell_completion import BashComplete, FishComplete, ZshComplete  # noqa: PLC0415 - as above

    mine = shlex.quote(str(Path(sys.argv[0]).absolute())).replace("%", "%%")  # in a template
    for shell, wrong, right in (
        (BashComplete, "=bash_complete $1", '=bash_complete "${1/#\\~/$HOME}"'),
        (FishComplete, "(commandline -t) %(prog_name)s", f"(commandline -t) {mine}"),
        (ZshComplete, "(( ! $+commands[%(prog_name)s] )) && return 1", ""),
        (ZshComplete, "=zsh_complete %(prog_name)s", f"=zsh_complete {mine}"),
    ):
        shell.source_template = shell.source_template.replace(wrong, right)


def _leave(code: Any) -> NoReturn:  # noqa: ANN401 - as sys.exit takes it
    """Exit as Python does, but leave it to the system to free what was loaded: that is some of a short run.

    What others have registered is done; ``atexit`` has no public name for that.
    """
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(code or 0))
