"""Run the command line, as ``python -m runner`` and as the script."""

import gc
import os
import sys
from importlib.util import find_spec

# Psycopg brings asyncio, which brings TLS of Python's own, and two kinds of archives. No command uses them:
# a connection's TLS is libpq's. They would take some twentieth of what the modules take to load.
_SPARED = ("ssl", "bz2", "lzma")


def main() -> None:
    """Run it and exit.

    A run is short and leaves no cycles. To look for them takes a tenth of the time with many files, and a
    tenth of what the modules take to load.
    """
    gc.disable()
    _spare()
    from runner.cli import main as run  # noqa: PLC0415 - behind the lines above

    run()


def _spare() -> None:
    """Let this process do without modules that a Python may be built without: ``None`` says so.

    That is how the language has it (its reference, "The module cache"). What is loaded stays, and where
    psycopg reaches a libpq of the system through Python it needs ``ssl`` itself.
    """
    if find_spec("psycopg_binary") and os.environ.get("PSYCOPG_IMPL", "binary") == "binary":
        for name in _SPARED:
            sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # typeshed knows no None there


if __name__ == "__main__":
    main()
