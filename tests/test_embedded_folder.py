"""Find the folder of the embedded PostgreSQL in other hands, or closed: what is true of it is told."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner import embedded, postmaster
from runner.errors import EmbeddedUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

SOMEBODY = 12345
ACTS = (embedded.start, embedded.stop, embedded.is_running)


@pytest.fixture
def home() -> Iterator[Path]:
    """Be somebody who is not root for as long as a test takes, with a folder of one's own; return that."""
    if sys.platform == "win32":
        pytest.skip("it has no such users")
    embedded.package()  # makes a folder for the user that the process has begun as
    before, folder = os.geteuid(), Path(tempfile.mkdtemp(prefix="closed-"))
    if before == 0:
        os.chown(folder, SOMEBODY, -1)
        os.seteuid(SOMEBODY)
    yield folder
    (folder / embedded.FOLDER).chmod(0o700)
    os.seteuid(before)
    shutil.rmtree(folder)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="root alone makes links of others")
def test_whoever_made_the_link_to_it_the_data_are_their_owners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server runs as the user that the folder belongs to, which is asked alone."""
    kept = tmp_path / "kept"
    kept.mkdir()
    os.chown(kept, SOMEBODY, -1)
    (tmp_path / embedded.FOLDER).symlink_to(kept)
    monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
    assert [embedded.is_running(tmp_path), embedded.stop(tmp_path)] == [False, False]
    os.chown(kept, 0, -1)
    with pytest.raises(EmbeddedUnavailable, match="belongs to root"):
        embedded.is_running(tmp_path)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="root alone is led astray")
def test_root_makes_nothing_where_the_link_of_another_leads(tmp_path: Path) -> None:
    """Nor before the first start, when there is nothing behind it yet."""
    link = tmp_path / embedded.FOLDER
    link.symlink_to(tmp_path / "new")
    os.chown(link, SOMEBODY, -1, follow_symlinks=False)
    for act in ACTS:
        with pytest.raises(
            EmbeddedUnavailable, match=f"{link} belongs to user {SOMEBODY}, and root follows no link"
        ):
            act(tmp_path)
    assert list(tmp_path.iterdir()) == [link]


def _check(home: Path, note: str) -> None:
    for act in ACTS:
        with pytest.raises(EmbeddedUnavailable) as caught:
            act(home)
        error = caught.value
        assert error.message == f"The embedded PostgreSQL in {home / embedded.FOLDER} cannot be reached."
        assert str(error.notes[0]).endswith(note)
        assert error.remedy == "Correct the cause, or set the variables (see --help)."


@pytest.mark.skipif(sys.platform == "win32", reason="links are not everybody's there")
@pytest.mark.parametrize(
    ("target", "note"),
    [
        (embedded.FOLDER, f"{embedded.FOLDER}: Too many levels of symbolic links"),
        ("file/data", f"{embedded.FOLDER}: Not a directory"),
    ],
)
def test_a_link_that_leads_nowhere_is_told(tmp_path: Path, target: str, note: str) -> None:
    """It is no failure of the runner's, and nothing to report."""
    (tmp_path / "file").touch()
    (tmp_path / embedded.FOLDER).symlink_to(target)
    _check(tmp_path, note)


@pytest.mark.parametrize("mode", [0o000, 0o600])
def test_a_folder_that_lets_nobody_in_is_told(home: Path, mode: int) -> None:
    """It may be one's own: whose it is can be seen, but not what is in it."""
    (home / embedded.FOLDER).mkdir(mode=mode)
    _check(home, "Permission denied")


def test_a_file_that_nobody_may_read_is_told(home: Path) -> None:
    """Whether a server runs, which only the file says, is not guessed."""
    folder = home / embedded.FOLDER
    folder.mkdir()
    (folder / postmaster.FILE).touch(mode=0)
    with pytest.raises(EmbeddedUnavailable) as caught:
        embedded.stop(home)
    assert caught.value.notes == (f"{folder / postmaster.FILE}: Permission denied",)
