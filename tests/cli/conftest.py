"""A test runner and a small project for the tests of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from runner.cli import log, report
from tests.project import TWO, Project, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _as_text() -> Iterator[None]:
    """Let no call decide how the next test is told."""
    yield
    log.choose("text")
    report.settings = report.Settings()


@pytest.fixture
def runner() -> CliRunner:
    """Return click's test runner."""
    return CliRunner()


@pytest.fixture
def app(tmp_path: Path) -> Project:
    """Return a project with two files."""
    return make(tmp_path, app=TWO)
