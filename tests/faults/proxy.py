"""A small TCP proxy in front of a server, which loses, delays and cuts what passes through it."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Self

_READY = b"Z\x00\x00\x00\x05"  # ReadyForQuery: the server has answered a message completely
_CHUNK = 65536


class Fault(Enum):
    """What happens to a connection when the client sends the pattern."""

    CUT = auto()  # the pattern is not passed on, both sides are closed
    LOSE_ANSWER = auto()  # the message is passed on, its answer is not, then both sides are closed
    HOLE = auto()  # from here on nothing passes, on any connection, and nothing is closed
    SLOW = auto()  # from here on every answer takes `delay` seconds


@dataclass(eq=False)
class _Link:
    """One client and its connection to the server."""

    client: socket.socket
    server: socket.socket
    tail: bytes = b""  # the last bytes of the client, as a pattern may come in two pieces
    fault: Fault | None = None
    swallowed: bytes = b""
    sent: int = 0
    received: int = 0

    def other(self, side: socket.socket) -> socket.socket:
        return self.server if side is self.client else self.client


@dataclass
class Proxy:
    """Pass everything on to the Unix socket ``path``, until the fault that a test has planted.

    A fault strikes once. ``cut_sent`` and ``cut_received`` cut a connection behind that many bytes of the
    client or the server; ``sent`` and ``received`` are the totals of the first connection.
    """

    path: str
    delay: float = 0.0
    cut_sent: int | None = None
    cut_received: int | None = None
    reset: bool = False  # cut with a TCP reset in place of an orderly end
    keeps: bool = False  # a cut is the client's: the server's side stays open
    refuse: bool = False  # close new connections at once
    lingers: bool = False  # what the server closes stays open on the client's side
    refuse_after_fault: bool = False
    struck: threading.Event = field(default_factory=threading.Event)
    first: _Link | None = None
    _silent: bool = False
    _cut_all: threading.Event = field(default_factory=threading.Event)
    _pattern: bytes = b""
    _fault: Fault | None = None

    def plant(self, fault: Fault, when: bytes) -> None:
        """Let ``fault`` strike the connection whose client sends ``when``."""
        self._pattern, self._fault = when, fault

    @property
    def sent(self) -> int:
        """Return how many bytes the first client sent."""
        return self.first.sent if self.first else 0

    @property
    def received(self) -> int:
        """Return how many bytes the first client received."""
        return self.first.received if self.first else 0

    def url(self, database: str) -> str:
        """Return the URL of a database, through the proxy."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"

    def silence(self) -> None:
        """Let nothing pass any more, on any connection, and close none."""
        self._silent = True
        if self.first:
            self.first.fault = Fault.HOLE

    def cut_now(self) -> None:
        """Cut every connection there is, and end a silence."""
        self._silent = False
        self._cut_all.set()

    # -------------------------------------------------------------- life

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port: int = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._thread.join()

    def _serve(self) -> None:
        links: list[_Link] = []
        while not self._end.is_set():
            if self._cut_all.is_set():
                self._cut_all.clear()
                for link in links:
                    self._cut(link)
            for key, _ in self._selector.select(0.02):
                if key.fileobj is self._listener:
                    self._accept(links)
                elif isinstance(key.fileobj, socket.socket) and key.fileobj.fileno() >= 0:
                    self._pass(key.data, key.fileobj)  # still open, whatever came before this event
        for link in links:
            link.client.close()
            link.server.close()
        self._selector.close()
        self._listener.close()

    def _accept(self, links: list[_Link]) -> None:
        client, _ = self._listener.accept()
        server = socket.socket(socket.AF_UNIX)
        try:
            if self.refuse:
                raise ConnectionRefusedError
            server.connect(self.path)
        except OSError:
            client.close()
            server.close()
            return
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        links.append(link := _Link(client, server))
        link.fault = Fault.HOLE if self._silent else None
        self.first = self.first or link
        for side in (client, server):
            self._selector.register(side, selectors.EVENT_READ, link)

    # -------------------------------------------------------------- traffic

    def _pass(self, link: _Link, source: socket.socket) -> None:
        try:
            data = source.recv(_CHUNK)
        except ConnectionError:
            data = b""
        if link.fault is Fault.HOLE or (self.lingers and source is link.server and not data):
            if not data:  # its own end stays unknown to the other side
                self._selector.unregister(source)
            return
        if not data:
            self._cut(link)
            return
        try:
            (self._from_client if source is link.client else self._from_server)(link, data)
        except ConnectionError:
            self._cut(link)

    def _from_client(self, link: _Link, data: bytes) -> None:
        at = (link.tail + data).find(self._pattern) - len(link.tail) if self._fault else -1
        hit = self._fault is not None and self._pattern in link.tail + data
        link.tail = (link.tail + data)[-len(self._pattern) :] if self._pattern else b""
        if hit:
            link.fault, self._fault = self._fault, None
            self.refuse = self.refuse or self.refuse_after_fault
            self._silent = link.fault is Fault.HOLE
            self.struck.set()
            if link.fault in (Fault.CUT, Fault.HOLE):
                data = data[: max(at, 0)]
        if self.cut_sent is not None and link is self.first:
            data = data[: self.cut_sent - link.sent]
        link.sent += len(data)
        link.server.sendall(data)
        if hit and link.fault is Fault.CUT:
            self._cut(link)
        if link is self.first and link.sent == self.cut_sent:
            self._cut(link)

    def _from_server(self, link: _Link, data: bytes) -> None:
        if link.fault is Fault.LOSE_ANSWER:
            link.swallowed += data
            if _READY in link.swallowed:
                self._cut(link)
            return
        if link.fault is Fault.SLOW:
            time.sleep(self.delay)
        if self.cut_received is not None and link is self.first:
            data = data[: self.cut_received - link.received]
        link.received += len(data)
        link.client.sendall(data)
        if link is self.first and link.received == self.cut_received:
            self._cut(link)

    def _cut(self, link: _Link) -> None:
        if self.reset and link.client.fileno() >= 0:
            link.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for side in (link.server, link.client):
            with contextlib.suppress(KeyError, ValueError):  # closed already, or silent
                self._selector.unregister(side)
            if side is link.client or not self.keeps:
                side.close()
