"""docs/api.md: every example runs, and does what the page says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import pytest

import runner
from tests.project import ROOT
from tests.sql.psql import forward

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
EXAMPLES = {
    title: re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for title, text in SECTIONS.items()
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, url: str, other_url: str) -> Callable[[str], dict[str, Any]]:
    """Return what runs an example in a checkout whose variables lead to two empty databases."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DATABASE_URL_AUTH", url)
    monkeypatch.setenv("DATABASE_URL_SPECS", other_url)

    def execute(text: str) -> dict[str, Any]:
        names: dict[str, Any] = {"__name__": "example"}
        exec(compile(text, "docs/api.md", "exec"), names)  # noqa: S102 - an example of ours
        return names

    return execute


def test_a_program_migrates_when_it_starts(
    run: Callable[[str], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The first example applies everything, a second time nothing."""
    [start] = EXAMPLES["Migrate when a program starts"]
    run(start)
    auth, specs = (forward(series)[-1].stem for series in ("auth", "specs"))
    assert capsys.readouterr().out.splitlines()[0].startswith(f"auth is at {auth} and got ['000")
    run(start)
    assert (
        capsys.readouterr().out == f"auth is at {auth} and got nothing\nspecs is at {specs} and got nothing\n"
    )


def test_an_error_says_all(run: Callable[[str], dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """Name, exit code, place and remedy."""
    run(EXAMPLES["When it fails"][0])
    assert capsys.readouterr().out.startswith("CANNOT_CONNECT 5 None ")


def test_events_are_logged(run: Callable[[str], dict[str, Any]], caplog: pytest.LogCaptureFixture) -> None:
    """How many are pending, then each file."""
    caplog.set_level("INFO", logger="migrations")
    run(EXAMPLES["What happens meanwhile"][0])
    files = forward("auth")
    assert caplog.messages[0] == f"{len(files)} files are pending"
    assert [message.split()[0] for message in caplog.messages[1:]][-1] == files[-1].stem


def test_the_name_of_all_events_is_a_type_when_a_program_runs() -> None:
    """Frameworks read annotations; so do those that a listener is handed to."""

    def tell(event: runner.Event | None) -> runner.Activity | runner.Session | None:
        return event.activity if isinstance(event, runner.Working) else None

    classes = {runner.Checked, runner.Started, runner.Waiting, runner.Working, runner.Retrying}
    hints = get_type_hints(tell)
    assert set(get_args(hints["event"])) == {*classes, runner.Noticed, runner.Outcome, type(None)}
    assert set(get_args(hints["return"])) == {runner.Activity, runner.Session, type(None)}
    assert isinstance(runner.Checked(()), runner.Event)
    assert not isinstance("checked", runner.Event)


def test_a_program_looks_and_refuses_to_start(run: Callable[[str], dict[str, Any]]) -> None:
    """While files are pending it is told what they lock, and the program ends; behind migrate it goes on."""
    look, foresee, refuse = EXAMPLES["Look without touching"]
    assert run(foresee)["database"].locks
    with pytest.raises(SystemExit, match="behind this release"):
        run(refuse)
    runner.migrate()
    run(refuse)
    assert run(look)["problems"] == []


def test_a_fleet_is_migrated(
    monkeypatch: pytest.MonkeyPatch, url: str, other_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The canary first, then the other; each visit says what it has."""
    monkeypatch.chdir(ROOT)
    [text] = EXAMPLES["Many databases of one series"]
    exec(compile(text, "docs/api.md", "exec"), {"EU_1": url, "US_1": other_url})  # noqa: S102 - an example of ours
    assert capsys.readouterr().out.splitlines() == [
        "eu-1 done 003_account_security ",
        "us-1 done 003_account_security ",
    ]


def test_the_private_server_may_be_refused(
    run: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a variable the callback ends it."""
    monkeypatch.delenv("DATABASE_URL_AUTH")
    monkeypatch.delenv("DATABASE_URL_SPECS")
    with pytest.raises(RuntimeError, match="set DATABASE_URL_AUTH"):
        run(EXAMPLES["Never a private server by surprise"][0])


def test_every_example_is_run_by_a_test() -> None:
    """Seven here, and the conftest in test_testing.py."""
    assert [len(found) for found in EXAMPLES.values()] == [1, 1, 1, 3, 1, 1, 1]
    assert list(EXAMPLES)[-1] == "Tests of an application"


@pytest.mark.parametrize(
    "name",
    ["migrate", "status", "plan", "verify", "migrate_fleet", "status_fleet", "plan_fleet", "verify_fleet"],
)
def test_the_table_names_every_parameter(name: str) -> None:
    """The first column is the signature."""
    [row] = re.findall(rf"^\| `runner\.{name}\(([^`]*)\)` ", PAGE, re.MULTILINE)
    code = getattr(runner, name).__code__
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    assert tuple(part.partition("=")[0] for part in row.split(", ") if part != "*") == parameters
