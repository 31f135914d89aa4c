"""A file is written whole, or what was there before stays."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from runner import files
from runner.errors import FileUnwritable

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(os.name == "nt", reason="a pipe with a name is Unix's")
def test_what_is_no_file_stays_where_its_reader_goes_away(tmp_path: Path) -> None:
    """A pipe or a device that somebody named is not the runner's to remove."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: pipe.open("rb").close())
    reader.start()
    with pytest.raises(FileUnwritable, match="Broken pipe"):
        files.write(pipe, "x" * 10_000_000)
    reader.join()
    assert pipe.is_fifo()
