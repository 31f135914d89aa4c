"""Somebody presses Ctrl-C again while a run finds out what the first one has left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.stage import PROMPT, SLEEPY, Witness, files, finished
from tests.project import ROOT, make

if TYPE_CHECKING:
    from pathlib import Path

    from tests.project import Project

# What is called behind the first signal alone sends another one, and may be stuck then.
_AGAIN = """
import os, signal, sys, time
from runner import cli, ledger
from runner.apply import fate
from runner.cli import screen, visits
from runner.database import attention

def press_again(module, name):
    do = getattr(module, name)
    def pressed(*given, **more):
        os.kill(os.getpid(), signal.{number})
        time.sleep({stuck})
        return do(*given, **more)
    setattr(module, name, pressed)

press_again({place})
cli.main()
"""
PLACES = ["attention, 'cancel'", "ledger, 'make_durable'", "fate, 'broken_off'", "screen.Screen, 'fail'"]


@pytest.fixture
def app(tmp_path: Path) -> Project:
    """Return a project of quick files, whose commits are not waited for, and one that takes a minute."""
    return make(tmp_path, app=files(4) | {"003_t3.sql": SLEEPY.format(n=3)})


def _interrupted_again(
    app: Project, url: str, witness: Witness, *options: str, **again: object
) -> tuple[int, str, float]:
    """Press Ctrl-C in the last file and send another signal at a place; return what came of it, and when."""
    (app.root / "probe.py").write_text(_AGAIN.format(**({"number": "SIGINT", "stuck": 0} | again)))
    with subprocess.Popen(
        [sys.executable, "-m", "probe", "migrate", "--config", str(app.file), *options],
        cwd=app.root,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "APP_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if "--json" in options else subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            witness.caught_sleeping(process, "003")
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            return *finished(process), time.monotonic() - began
        finally:
            process.kill()


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("place", PLACES)
def test_a_second_signal_hides_nothing(
    app: Project, url: str, witness: Witness, place: str, number: str
) -> None:
    """Wherever it comes: what is committed is told, and the file at hand is known to be rolled back."""
    code, output, _ = _interrupted_again(app, url, witness, place=place, number=number)
    assert witness.agree() == ["000", "001", "002"]
    assert output.count("\n  applied  ") == 3, output
    assert "3 applied, app is at 002_t2." in output
    assert "error INTERRUPTED: Interrupted in app/003_t3.sql, which was rolled back." in output
    assert code == 1


def test_a_second_signal_ends_what_is_stuck(app: Project, url: str, witness: Witness) -> None:
    """Within two seconds of the first; what is committed is not known then, and nobody says that it is."""
    code, output, took = _interrupted_again(app, url, witness, place=PLACES[0], stuck=20)
    assert took < PROMPT
    assert "nothing applied" not in output
    assert "is applied to app is not known." in output
    assert "error COMMIT_UNKNOWN: Interrupted before it was known what app has committed." in output
    assert code == 5
    witness.lock_gets_free()
    assert witness.agree() == ["000", "001", "002"]


def test_a_second_signal_hides_nothing_of_a_fleet(app: Project, url: str, witness: Witness) -> None:
    """Nor does a member hide it that is stuck: in two seconds each is told of, as far as is known."""
    (app.root / "fleet").write_text(f"eu-1={url}\n")
    for stuck, code, told in (
        (0, 1, "eu-1  failed: INTERRUPTED, 3 applied, at 002_t2  ("),
        (20, 5, "eu-1  failed: COMMIT_UNKNOWN  ("),
    ):
        witness.db.execute("drop schema public cascade; create schema public")
        found = _interrupted_again(app, url, witness, "--fleet", "fleet", place=PLACES[0], stuck=stuck)
        assert (found[0], told in found[1]) == (code, True), found[1]
        assert found[2] < PROMPT
        witness.lock_gets_free()
        assert witness.agree() == ["000", "001", "002"]


def test_a_second_signal_hides_nothing_while_a_fleet_is_told_of(
    app: Project, url: str, witness: Witness
) -> None:
    """Hundreds of members take seconds, and were cut short two seconds behind the first signal."""
    (app.root / "fleet").write_text(f"eu-1={url}\n")
    code, output, took = _interrupted_again(
        app, url, witness, "--fleet", "fleet", place="visits, 'show_results'", stuck=2.5
    )
    assert took > 2.5, output
    assert "error INTERRUPTED: Interrupted in app/003_t3.sql, which was rolled back." in output
    assert output.endswith("1 database: 1 failed.\n")
    assert code == 1


def test_a_document_says_so(app: Project, url: str, witness: Witness) -> None:
    """As the text does."""
    code, output, _ = _interrupted_again(app, url, witness, "--json", place=PLACES[0], stuck=20)
    document: dict[str, Any] = json.loads(output)
    assert (code, document["error"]["name"]) == (5, "COMMIT_UNKNOWN")
