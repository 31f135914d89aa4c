"""A signal ends a command at once, or where it can tell what it has done."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from runner import database
from runner.cli import ending, report, screen, stopping, visits
from runner.errors import CannotConnect
from tests.cli import checked, data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event

    from click.testing import CliRunner

    from runner.cli.ending import Told
    from tests.project import Project


@pytest.fixture(autouse=True)
def _no_alarm() -> Iterator[None]:
    """Leave no timer behind that calls somebody in another test."""
    former = signal.getsignal(signal.SIGALRM)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, former)


@pytest.fixture
def _at_once() -> Iterator[None]:
    """Let signals end a command, as where it is the whole program."""
    former = stopping.handle(stopping.at_once)
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


def test_the_first_signal_is_noted_and_the_second_is_as_without() -> None:
    """Behind the block either is."""
    with stopping.noted() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_second_word_of_a_terminal_that_is_gone_cuts_nothing_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell that ends passes it on, and so does the system."""
    monkeypatch.setitem(stopping._state, "asked", False)  # as it was, behind the test
    before = signal.signal(signal.SIGHUP, stopping.at_once)
    try:
        with stopping.noted() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert stop.is_set()
            signal.raise_signal(signal.SIGHUP)
        with pytest.raises(stopping.Stopped):
            signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_that_comes_before_all_are_listened_for_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the one for Ctrl-C and that for the end of a process."""
    listen = signal.signal

    def listen_and_hear(number: signal.Signals, handler: Any) -> object:  # noqa: ANN401 - as signal.signal
        monkeypatch.undo()
        former = listen(number, handler)
        signal.raise_signal(number)
        return former

    monkeypatch.setattr(signal, "signal", listen_and_hear)
    with stopping.noted() as stop:
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_run_ends_where_it_waits_and_once() -> None:
    """What cleans up behind that waits for servers, too."""
    with stopping.between_results():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(stopping.Stopped):
            database.pause(5)
        database.pause(1.2)  # the timer comes meanwhile


def test_what_waits_for_no_server_is_ended_a_second_later() -> None:
    """Whatever it is: a file that is a pipe, a server that is being started."""
    began = time.monotonic()
    with pytest.raises(stopping.Stopped):
        _sleep_through_a_signal()
    assert 0.9 < time.monotonic() - began < 9


def _sleep_through_a_signal() -> None:
    with stopping.between_results():
        signal.raise_signal(signal.SIGINT)
        time.sleep(10)


def test_a_driver_that_loads_slowly_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked of a server meanwhile; the run ends as soon as it would ask."""
    load = database.interruption

    def slowly(stop: Event, kind: type[KeyboardInterrupt]) -> Callable[[float], None]:
        signal.raise_signal(signal.SIGINT)
        time.sleep(1.2)
        return load(stop, kind)

    monkeypatch.setattr(database, "interruption", slowly)
    with stopping.between_results(), pytest.raises(stopping.Stopped):
        database.pause(5)


def test_a_signal_too_late_for_a_run_ends_nothing_behind_it() -> None:
    """All is done and told: there is nothing to end."""
    with stopping.between_results():
        signal.raise_signal(signal.SIGINT)
    time.sleep(1.2)
    database.pause(0.01)


def test_who_is_ignored_stays_so() -> None:
    """As a shell starts what runs in the background."""
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stopping.noted() as stop:
            signal.raise_signal(signal.SIGINT)
            assert not stop.is_set()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, former)


def _fail(_: Told) -> NoReturn:
    raise CannotConnect("Nobody answers.")


@pytest.mark.usefixtures("_at_once")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_does_not_change_what_is_told_already(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    """The error is certain, and somebody reads it slowly: document and exit code are those of the error."""
    monkeypatch.setattr(report, "error", lambda _: signal.raise_signal(number))
    assert ending.end(["status", "--json"], _fail) == CannotConnect.exit_code
    assert checked(json.loads(capsys.readouterr().out))["error"]["name"] == "CANNOT_CONNECT"


@pytest.mark.usefixtures("_at_once")
def test_a_signal_does_not_change_what_became_of_a_file(
    runner: CliRunner, app: Project, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is drawn what the database has in the end."""
    draw = screen.Screen.leave_all

    def leave(own: screen.Screen) -> None:
        signal.raise_signal(signal.SIGTERM)
        draw(own)

    monkeypatch.setattr(screen.Screen, "leave_all", leave)
    app.write("app", {"001_two.sql": "select nope;"})
    result = app.run(runner, "migrate", "--json", APP_URL=url)
    document = data(result)
    assert (result.exit_code, document["error"]["name"]) == (1, "SQL_FAILED")
    assert len(document["databases"][0]["applied"]) == 1


@pytest.mark.usefixtures("_at_once")
def test_a_signal_does_not_change_what_became_of_a_fleet(
    runner: CliRunner, app: Project, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the results are shown."""
    monkeypatch.setattr(visits, "show_results", lambda _: signal.raise_signal(signal.SIGTERM))
    (app.root / "fleet.env").write_text(f"eu-1={url}\n")
    result = app.run(runner, "migrate", "--json", "--fleet", str(app.root / "fleet.env"))
    assert (result.exit_code, data(result)["databases"][0]["ending"]) == (0, "done")


@pytest.mark.parametrize("command", ["migrate", "status"])
def test_a_signal_that_an_import_swallows_is_heeded_behind_it(
    runner: CliRunner, app: Project, url: str, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Python only writes that it ignores what is raised in a callback of its own."""
    monkeypatch.setitem(stopping._state, "asked", True)
    assert data(app.run(runner, command, "--json", APP_URL=url))["error"]["name"] == "INTERRUPTED"


_LOADING = """
import os, signal, sys, types
room = types.ModuleType("runner.cli")
room.main = lambda: os.kill(os.getpid(), signal.SIGTERM)
sys.modules["runner.cli"] = room  # as while it is loaded
from runner.__main__ import main
main()
"""


@pytest.mark.parametrize("is_first", [False, True])
def test_a_sigterm_while_the_command_line_is_loaded_ends_it(*, is_first: bool) -> None:
    """Also as the first process of a container, which has no default action for signals."""
    alone = ["unshare", "--pid", "--fork"] if is_first else []
    if is_first and (not shutil.which("unshare") or subprocess.run([*alone, "true"], check=False).returncode):
        pytest.skip("only root makes a namespace of processes, on Linux")
    done = subprocess.run([*alone, sys.executable, "-c", _LOADING], check=False)
    assert done.returncode == (143 if is_first else -signal.SIGTERM)


_SIGNALLED = """
import os, signal, sys
def see(event, given):
    if (event, given[0] if given else "") == ("import", "runner.cli.guide"):
        os.kill(os.getpid(), signal.{name})
sys.addaudithook(see)
sys.argv = ["socrates-migrate", "status", "--json", "--config", "none.toml"]
from runner.__main__ import main
{before}
main()
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_while_the_command_line_is_loaded_has_a_document(name: str) -> None:
    """It is told of once that can be, and nothing is begun; one that is ignored stays so."""
    for before, told in [
        ("", (1, "status", "INTERRUPTED")),
        (f"signal.signal(signal.{name}, signal.SIG_IGN)", (2, "status", "CONFIG_INVALID")),
    ]:
        script = _SIGNALLED.format(name=name, before=before)
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        document = checked(json.loads(done.stdout))
        assert (done.returncode, document["command"], document["error"]["name"]) == told
        assert "Traceback" not in done.stderr


def test_a_signal_while_the_words_are_read_is_an_event() -> None:
    """Click would begin a line for it, which is no JSON."""
    script = _SIGNALLED.format(name="SIGINT", before=_READING).replace("--json", "--log=json")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    [event] = map(json.loads, done.stderr.splitlines())
    assert (done.returncode, event["event"], event["name"]) == (1, "failed", "INTERRUPTED")


_READING = """
import click
read = click.Group.make_context
def interrupted(*given, **more):
    os.kill(os.getpid(), signal.SIGINT)
    return read(*given, **more)
click.Group.make_context = interrupted
"""


def test_whatever_an_import_makes_of_a_signal_is_an_interruption(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The compiler makes a SyntaxError of it."""
    monkeypatch.setitem(stopping._state, "asked", True)

    def stumble(_: Told) -> NoReturn:
        raise SyntaxError

    assert ending.end(["status"], stumble) == 1
    assert capsys.readouterr().err.startswith("error INTERRUPTED")
