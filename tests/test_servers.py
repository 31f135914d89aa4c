"""What the tests share with whatever else runs on the machine."""

from __future__ import annotations

import socket

import pytest

from tests import servers


def test_a_port_is_given_to_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two suites get different ones, and none that a program listens on, or that the kernel gives away."""
    assert max(servers._PORTS) < 32768
    with servers.free_port() as one, servers.free_port() as two, servers.free_port() as busy:
        assert len({one, two, busy}) == 3
        with socket.create_server(("127.0.0.1", busy)):
            monkeypatch.setattr(servers, "_PORTS", (one, two))
            with pytest.raises(OSError, match="every port is taken"), servers.free_port():
                pass
    with socket.create_server(("127.0.0.1", busy)):
        monkeypatch.setattr(servers, "_PORTS", (busy, one))
        with servers.free_port() as found:
            assert found == one
    with servers.free_port() as found, socket.create_server(("127.0.0.1", found)):
        assert found in servers._PORTS, "it can be listened on"
