"""Run the command line, as ``python -m runner`` and as the script."""

from __future__ import annotations

import gc
import os
import signal
import sys

TYPE_CHECKING = False  # as in the package
if TYPE_CHECKING:
    from collections.abc import Callable

_HELD = [signal.SIGINT, signal.SIGTERM, *(one for one in signal.Signals if one.name == "SIGHUP")]


def main() -> None:
    """Run it and exit.

    A run is short and leaves no cycles. To look for them takes a tenth of the time with many files, and a
    tenth of what the modules take to load. Who has started it may ignore the end of processes: it inherits
    that, and so would the programs that it runs, of which nobody would learn whether they failed.
    A signal that comes while the command line is loaded waits until that can tell of it (stopping.release).
    """
    gc.disable()
    if sys.platform != "win32" and signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, _end)
    try:
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
        _loaded()()
    finally:
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)


def _loaded() -> Callable[[], None]:
    try:
        from runner.cli import main as run  # noqa: PLC0415 - when signals are held
    except ModuleNotFoundError as error:  # of another Python than that which it was installed for
        remedy = "Run `make install`, then .venv/bin/socrates-migrate."
        sys.exit(f"error: {sys.executable} has no {error.name}. {remedy}")
    return run


def _end(number: int, _: object) -> None:
    """End before anything is begun: the first process of a container ignores what it has no handler for."""
    os._exit(128 + number)


if __name__ == "__main__":
    main()
