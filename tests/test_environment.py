"""The environment and .env together."""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from runner import environment
from runner.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _folder(file: Path) -> None:
    file.mkdir()


def _socket(file: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(file))


def _device(file: Path) -> None:
    file.symlink_to("/dev/null")


def _dangling(file: Path) -> None:
    file.symlink_to("nowhere")


def _circle(file: Path) -> None:
    file.symlink_to(file.name)


@pytest.mark.parametrize("make", [_folder, _socket, _device, _dangling, _circle])
def test_what_is_there_and_cannot_be_read_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """Passed over, its variables would count as not set."""
    make(tmp_path / ".env")
    with pytest.raises(ConfigError, match=r"\.env cannot be read: ") as caught:
        environment.read(tmp_path, {})
    assert caught.value.remedy


def test_what_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights are the system's; root has them all, so the refusal is made here."""
    (tmp_path / ".env").touch(mode=0o000)
    if os.geteuid() == 0:
        monkeypatch.setattr("pathlib.Path.open", _denied)
    with pytest.raises(ConfigError, match="cannot be read: Permission denied"):
        environment.read(tmp_path, {})


def _denied(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_no_file_is_no_error(tmp_path: Path) -> None:
    """Most deploys have none; a folder that is not there has none either."""
    assert environment.read(tmp_path, {"A": "1"}) == {"A": "1"}
    assert environment.read(tmp_path / "absent", {"A": "1"}) == {"A": "1"}


def test_a_fifo_is_read_once(tmp_path: Path) -> None:
    """As password managers mount it: the writer comes late, writes once, and is not asked again."""
    os.mkfifo(tmp_path / ".env")
    writer = threading.Timer(0.2, (tmp_path / ".env").write_text, ["A=fifo\nB=2\n"])
    writer.start()
    assert environment.read(tmp_path, {"A": "environment"}) == {"A": "environment", "B": "2"}
    writer.join()
    assert environment.read(tmp_path, {}) == {"A": "fifo", "B": "2"}


def test_a_file_is_read_anew(tmp_path: Path) -> None:
    """A program that runs for long sees what was changed."""
    for value in ("1", "2"):
        (tmp_path / ".env").write_text(f"A={value}\n")
        assert environment.read(tmp_path, {}) == {"A": value}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16"])
def test_a_file_in_utf_16_is_refused(tmp_path: Path, encoding: str) -> None:
    """Without its mark it can be read as UTF-8, with a NUL between letters: no name would be found."""
    (tmp_path / environment.FILE).write_bytes("DATABASE_URL=postgresql://h/d\n".encode(encoding))
    with pytest.raises(ConfigError, match="cannot be read as UTF-8 text"):
        environment.read(tmp_path, {})
