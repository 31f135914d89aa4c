"""A test runner and a small project for the tests of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tests.project import TWO, Project, make

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def runner() -> CliRunner:
    """Return click's test runner."""
    return CliRunner()


@pytest.fixture
def app(tmp_path: Path) -> Project:
    """Return a project with two files."""
    return make(tmp_path, app=TWO)
