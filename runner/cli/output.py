"""Keep a run going when what it prints cannot be written: a full disk, a closed pipe, a terminal gone.

Nor does it stumble where nobody is to be asked: stdin may be closed.
"""

from __future__ import annotations

import codecs
import errno
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from runner.errors import OutputLost

if TYPE_CHECKING:
    from collections.abc import Callable


DRAWN = "…⠋"  # what bars and cut texts are made of


def spells(stream: TextIO, letters: str) -> bool:
    """Tell whether a stream has these letters; what it lacks is written out, wider than measured."""
    try:
        letters.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _spelt(error: UnicodeError) -> tuple[str | bytes, int]:
    """Return what stands for the first letter that an encoding lacks: dots, else it is written out."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    error.end = error.start + 1
    return ("...", error.end) if error.object[error.start] == "…" else codecs.backslashreplace_errors(error)


class Output:
    """A stream like the one it stands for, but what cannot be written is remembered and raises nothing.

    From then on the stream leads nowhere, so that Python does not stumble over the rest at the end. Without a
    stream, as Python has it where the descriptor was closed, the first text is lost.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.trouble: OSError | None = None
        self._is_writing = False
        self._is_closed = stream is None
        self._stream = stream or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - no path; kept open
        if hasattr(self._stream, "reconfigure"):
            codecs.register_error("runner", _spelt)
            self._stream.reconfigure(errors="runner")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a stream has
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, or remember why not."""
        if self._is_closed and self.trouble is None:
            self.trouble = OSError(errno.EBADF, os.strerror(errno.EBADF))
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Flush, or remember why not."""
        self._try(self._stream.flush)

    def _try(self, do: Callable[..., object], *given: str) -> None:
        self._is_writing = True
        try:
            do(*given)
        except OSError as error:
            self._lose(error)
        finally:
            self._is_writing = False

    def give_up(self) -> bool:
        """Lead nowhere if a signal finds the program here: its write is repeated then, and ends (PEP 475)."""
        if self._is_writing:
            self._lose(TimeoutError(errno.ETIMEDOUT, "nobody reads it"))
        return self._is_writing

    def _lose(self, error: OSError) -> None:
        self.trouble = self.trouble or error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


def guard() -> None:
    """Let no failure to print end the program; ``lost`` tells of it at the end. A closed stdin is empty."""
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - as above
    sys.stdout, sys.stderr = Output(sys.stdout), Output(sys.stderr)


def give_up() -> bool:
    """Give up the stream that the program waits for; tell whether it does."""
    return any(isinstance(stream, Output) and stream.give_up() for stream in (sys.stdout, sys.stderr))


def lost() -> OutputLost | None:
    """Return why something that went to stdout is lost; not when a reader, such as ``head``, had enough."""
    sys.stdout.flush()
    trouble = sys.stdout.trouble if isinstance(sys.stdout, Output) else None
    if trouble is None or trouble.errno == errno.EPIPE:
        return None
    return OutputLost(
        f"The output could not be written: {trouble.strerror}. What the command did in a database stands."
    )
