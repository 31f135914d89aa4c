"""Which databases a fleet has, and which of them are chosen."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runner.errors import ConfigError, UsageError
from runner.fleet import member
from runner.fleet.member import Member

if TYPE_CHECKING:
    from pathlib import Path

URL = "postgresql://app:secret@db.example/eu"
FLEET = tuple(Member(name, URL) for name in ("eu-1", "eu-2", "us-1"))


def parsed(text: str, **environ: str) -> dict[str, str]:
    """Return names and URLs of a text."""
    return {one.name: one.url for one in member.parse(text, source="fleet.env", environ=environ)}


def test_an_iterator_leaves_members_out_as_a_list_does() -> None:
    """It is used up by the first look at it: the member that was to be left out was migrated."""
    assert [one.name for one in member.choose(FLEET, but=iter(["eu-*"]))] == ["us-1"]  # type: ignore[arg-type] # as others call it
    assert [one.name for one in member.choose(FLEET, only=iter(["us-*"]))] == ["us-1"]  # type: ignore[arg-type] # as above
    assert [one.name for one in member.canaries(FLEET, iter(["us-1"]))] == ["us-1"]  # type: ignore[arg-type] # as above


def test_fewer_canaries_than_none_are_refused() -> None:
    """All but the last would be some."""
    with pytest.raises(UsageError, match="canary is -1"):
        member.canaries(FLEET, -1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"eu-1={URL}", {"eu-1": URL}),
        (
            f"# all\n\nexport eu_1 = '{URL}' # one\r\nus.1=\"{URL}?x=1\"\n",
            {"eu_1": URL, "us.1": f"{URL}?x=1"},
        ),
        ("a=postgresql://${USER}:${PW}@h/a", {"a": "postgresql://app:p@h/a"}),
        ("a=postgresql://h/${NAME:-a}", {"a": "postgresql://h/a"}),
        ("a=postgresql://h/$USER", {"a": "postgresql://h/$USER"}),
    ],
)
def test_a_line_names_a_database(text: str, found: dict[str, str]) -> None:
    """The syntax is that of .env, variables in braces come from the environment, the order is kept."""
    assert list(parsed(text, USER="app", PW="p").items()) == list(found.items())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "fleet.env names no database"),
        ("# nothing", "fleet.env names no database"),
        (f"a={URL}\nb", "fleet.env:2: b has no URL"),
        ("a=", "fleet.env:1: a has no URL"),
        (f"a={URL}\nb={URL}\na={URL}", "fleet.env:3 names a a second time, after line 1"),
        ("a=postgresql://x:${PW}@h/a", "fleet.env:1: the URL of a needs the variable PW, which is not set"),
        ("a='postgresql", "fleet.env:1 cannot be parsed"),
        (f"a={URL}\n{URL}", "fleet.env:2 does not begin with the name of a database"),
        (f"{URL}?sslmode=require", "fleet.env:1 does not begin with the name of a database"),
        (f"{URL}\n{URL}", "fleet.env:1 does not begin with the name of a database"),
        (f"a:{URL}?x=1", "fleet.env:1 does not begin with the name of a database"),
        ("'host=h password=secret'", "fleet.env:1 does not begin with the name of a database"),
        ("a=postgresql://x:1${secret!}@h/a", "fleet.env:1: the URL of a needs a variable, which is not set"),
    ],
)
def test_what_is_no_fleet_is_refused(text: str, said: str) -> None:
    """With the line, never with a URL."""
    with pytest.raises(ConfigError, match=said) as caught:
        parsed(text)
    assert "secret" not in f"{caught.value} {caught.value.remedy} {caught.value.__context__!r}"


def test_a_url_is_not_shown(tmp_path: Path) -> None:
    """A member has no repr of its URL; a file is read like a mapping."""
    file = tmp_path / "fleet.env"
    file.write_text(f"\ufeffeu-1={URL}\n", encoding="utf-8")
    assert member.read(file, {}) == member.read({"eu-1": URL}, {}) == (FLEET[0],)
    assert "secret" not in repr(FLEET[0])


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, or not UTF-8."""
    file = tmp_path / "fleet.env"
    with pytest.raises(ConfigError, match=r"fleet\.env cannot be read: No such file"):
        member.read(file, {})
    file.write_bytes(b"a=secret\xff")
    with pytest.raises(ConfigError, match="cannot be read as UTF-8") as caught:
        member.read(str(file), {})
    assert "secret" not in repr(caught.value.__context__)


@pytest.mark.parametrize(("mode", "exposed"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_others_may_read_it(tmp_path: Path, mode: int, exposed: bool) -> None:
    """A file with passwords is its owner's."""
    file = tmp_path / "fleet.env"
    file.touch()
    file.chmod(mode)
    assert member.is_exposed(file) is exposed


def test_a_pipe_is_nobody_elses(tmp_path: Path) -> None:
    """What a secret store hands out through a FIFO has no mode that matters."""
    os.mkfifo(tmp_path / "pipe", 0o644)
    assert not member.is_exposed(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("only", "but", "names"),
    [
        ([], [], ["eu-1", "eu-2", "us-1"]),
        (["eu-*"], [], ["eu-1", "eu-2"]),
        ([], ["eu-2"], ["eu-1", "us-1"]),
        (["eu-*", "us-*"], ["*-1"], ["eu-2"]),
        (["eu-[2-9]"], [], ["eu-2"]),
    ],
)
def test_patterns_choose(only: list[str], but: list[str], names: list[str]) -> None:
    """In the order of the file, whatever the order of the patterns."""
    assert [one.name for one in member.choose(FLEET, only=only, but=but)] == names


@pytest.mark.parametrize(
    ("only", "but", "said"),
    [(["EU-*"], [], "matches EU-"), ([], ["eu-9"], "matches eu-9"), (["eu-*"], ["*"], "is left")],
)
def test_a_slip_of_the_pen_is_refused(only: list[str], but: list[str], said: str) -> None:
    """A pattern without any database would leave out, or take in, what nobody meant."""
    with pytest.raises(UsageError, match=said):
        member.choose(FLEET, only=only, but=but)


def test_one_name_need_not_be_in_a_list() -> None:
    """Its letters are no patterns, though each is a database as well."""
    members = member.read({"a": "postgresql:///x", "b": "postgresql:///x", "ab": "postgresql:///x"}, {})
    assert [one.name for one in member.choose(members, only="ab")] == ["ab"]
    assert [one.name for one in member.choose(members, but="ab")] == ["a", "b"]
    assert [one.name for one in member.canaries(members, "ab")] == ["ab"]


def test_canaries_are_a_number_or_names() -> None:
    """The first ones, or those named, in that order."""
    assert member.canaries(FLEET, 2) == FLEET[:2]
    assert member.canaries(FLEET, 9) == FLEET
    assert member.canaries(FLEET, ("us-1", "us-1")) == FLEET[2:]
    assert member.canaries(FLEET, ("us-1", "eu-1")) == (FLEET[2], FLEET[0])
    with pytest.raises(UsageError, match="no database us-9"):
        member.canaries(FLEET, ("us-9",))
