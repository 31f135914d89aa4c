"""A TCP proxy that makes the network slow and counts round trips and bytes.

Each direction of a connection has a thread that reads and a thread that writes what is due: bytes stay in
order, and the delay is that of a long wire, not of a narrow one. A round trip is an answer of the server to
something the client sent. Opening the connection is neither delayed nor counted.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_CHUNK = 1 << 18
_Due = SimpleQueue[tuple[float, bytes]]  # when to write what; no bytes at the end


@dataclass(slots=True)
class _Link:
    """Whether the client of a connection waits for an answer."""

    waits: bool = False


@dataclass
class Proxy:
    """Pass everything on to ``port`` of this machine, ``delay`` seconds late each way, and count."""

    to_port: int
    delay: float
    trips: int = 0
    traffic: int = 0  # bytes, both ways
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Return the port on which the proxy listens."""
        return int(self._listener.getsockname()[1])

    def reset(self) -> None:
        """Count from zero again."""
        with self._lock:
            self.trips = self.traffic = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)  # close alone would not wake the thread that accepts
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                self._start(self._serve, self._listener.accept()[0])

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self.to_port)) as server:
            link, there, back = _Link(), _Due(), _Due()
            for side in (client, server):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threads = [
                self._start(self._read, client, there, link, True),
                self._start(_write, server, there),
                self._start(self._read, server, back, link, False),
                self._start(_write, client, back),
            ]
            for thread in threads:
                thread.join()

    def _read(self, source: socket.socket, due: _Due, link: _Link, is_client: bool) -> None:
        data = b"?"
        while data:
            try:
                data = source.recv(_CHUNK)
            except OSError:
                data = b""
            if data:  # counted first: what has been passed on may be answered at once
                self._count(link, len(data), is_client=is_client)
            due.put((time.perf_counter() + self.delay, data))

    def _count(self, link: _Link, size: int, *, is_client: bool) -> None:
        with self._lock:
            self.traffic += size
            self.trips += link.waits and not is_client
            link.waits = is_client


def _write(target: socket.socket, due: _Due) -> None:
    with contextlib.suppress(OSError):  # the other side is gone
        while True:
            when, data = due.get()
            time.sleep(max(0.0, when - time.perf_counter()))
            if not data:
                break
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
