"""What follows from the files and the ledger together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from runner.errors import ChecksumMismatch, FileLate, FileMissing, PendingUnexpected, RunnerError, UsageError
from runner.model import Applied, Migration
from runner.planning import compare

if TYPE_CHECKING:
    from runner.planning import Step

WHEN = datetime(2025, 3, 9, tzinfo=UTC)


def _file(text: str) -> Migration:
    """Make a file from ``000 a``, ``000 a changed``, ``000 b as a`` (its text) or ``000 a +vector``."""
    version, name, *more = text.split()
    needs = tuple(word[1:] for word in more if word.startswith("+"))
    sql = "changed" if "changed" in more else more[more.index("as") + 1] if "as" in more else name
    return Migration("auth", version, name, f"sql/auth/{version}_{name}.sql", sql, f"sha256:{sql}", needs)


def _row(text: str) -> Applied:
    """Make a ledger row from ``000 a``."""
    version, name = text.split()
    return Applied("auth", version, name, f"sha256:{name}", WHEN, "deploy", 5)


def _steps(files: str, rows: str, extensions: str = "") -> tuple[Step, ...]:
    """Compare files and rows written as ``000 a, 001 b``."""
    return compare.compare(
        [_file(text) for text in files.split(", ") if text],
        [_row(text) for text in rows.split(", ") if text],
        lacking={name: f"no {name}" for name in ("vector", "postgis", "x") if name not in extensions.split()},
    )


@pytest.mark.parametrize(
    ("files", "rows", "extensions", "expected"),
    [
        pytest.param("", "", "", "", id="nothing at all"),
        pytest.param("000 a, 001 b", "", "", "000 pending, 001 pending", id="empty database"),
        pytest.param("000 a, 001 b", "000 a, 001 b", "", "000 applied, 001 applied", id="up to date"),
        pytest.param("000 a, 001 b", "000 a", "", "000 applied, 001 pending", id="one is new"),
        pytest.param("999 a, 1000 b", "999 a", "", "999 applied, 1000 pending", id="1000 follows 999"),
        pytest.param("1000 b, 999 a", "", "", "999 pending, 1000 pending", id="given in any order"),
        pytest.param("000 a changed", "000 a", "", "000 edited", id="edited"),
        pytest.param("000 b", "000 a", "", "000 renamed", id="renamed"),
        pytest.param("000 b changed", "000 a", "", "000 renamed", id="renamed and edited"),
        pytest.param("000 a", "000 a, 001 b", "", "000 applied, 001 ahead", id="ahead"),
        pytest.param(
            "000 a", "000 a, 001 b, 1000 z", "", "000 applied, 001 ahead, 1000 ahead", id="far ahead"
        ),
        pytest.param("999 a", "999 a, 1000 b", "", "999 applied, 1000 ahead", id="ahead as numbers go"),
        pytest.param(
            "000 a +x", "000 a, 001 b", "", "000 applied, 001 ahead", id="ahead without an extension"
        ),
        pytest.param("000 a +x", "001 b", "", "000 skipped, 001 ahead", id="ahead of what is skipped"),
        pytest.param(
            "000 a, 002 c", "000 a, 001 b, 002 c", "", "000 applied, 001 missing, 002 applied", id="a hole"
        ),
        pytest.param(
            "000 a, 002 c",
            "000 a, 001 b, 002 c, 003 d",
            "",
            "000 applied, 001 missing, 002 applied, 003 missing",
            id="a hole and more",
        ),
        pytest.param("000 a changed", "000 a, 001 b", "", "000 edited, 001 missing", id="edited, and more"),
        pytest.param("000 z changed", "000 a, 001 b", "", "000 renamed, 001 missing", id="another branch"),
        pytest.param("001 b", "000 a, 001 b", "", "000 missing, 001 applied", id="missing at the beginning"),
        pytest.param("", "000 a", "", "000 missing", id="missing altogether"),
        pytest.param("000 a, 001 b", "001 b", "", "000 late, 001 applied", id="late"),
        pytest.param("000 a", "001 b", "", "000 late, 001 missing", id="late and missing"),
        pytest.param("000 a +vector", "", "", "000 skipped", id="extension absent"),
        pytest.param("000 a +vector", "", "vector", "000 pending", id="extension there"),
        pytest.param("000 a +vector +x", "", "vector", "000 skipped", id="one of two extensions there"),
        pytest.param("000 a +vector, 001 b", "", "", "000 skipped, 001 pending", id="others go on"),
        pytest.param("000 a +vector, 001 b", "001 b", "", "000 skipped, 001 applied", id="stays skipped"),
        pytest.param(
            "000 a +vector, 001 b", "001 b", "vector", "000 pending, 001 applied", id="behind its successors"
        ),
        pytest.param("000 a +vector", "000 a", "", "000 applied", id="extension gone after the fact"),
    ],
)
def test_files_and_rows_give_states(files: str, rows: str, extensions: str, expected: str) -> None:
    """Each version has one state, in order of the numbers."""
    steps = _steps(files, rows, extensions)
    assert ", ".join(f"{step.version} {step.state}" for step in steps) == expected


def test_a_step_carries_its_file_and_its_row() -> None:
    """Whoever shows or applies a step needs no second look-up."""
    applied, skipped, missing = _steps("000 a, 001 b +vector", "000 a, 002 c")
    assert (applied.migration, applied.applied) == (_file("000 a"), _row("000 a"))
    assert (skipped.migration, skipped.applied) == (_file("001 b +vector"), None)
    assert (missing.migration, missing.applied, missing.label) == (None, _row("002 c"), "002_c")


def test_a_skipped_step_names_only_the_extensions_that_lack() -> None:
    """The DBA reads what to install."""
    [step] = _steps("000 a +vector +postgis +x", "", "postgis")
    assert (step.needs, step.why) == (("vector", "x"), "no vector; no x")
    assert step.problem is None


@pytest.mark.parametrize(
    ("files", "rows", "name", "words"),
    [
        ("000 a changed", "000 a", "CHECKSUM_MISMATCH", ("sql/auth/000_a.sql", "2025-03-09")),
        ("000 b", "000 a", "FILE_RENAMED", ("sql/auth/000_b.sql", "000_a", "Another file holds this number")),
        ("", "000 a", "FILE_MISSING", ("auth", "000_a")),
        ("000 a, 001 b", "001 b", "FILE_LATE", ("sql/auth/000_a.sql", "001")),
    ],
)
def test_a_problem_names_the_file_and_a_remedy(
    files: str, rows: str, name: str, words: tuple[str, ...]
) -> None:
    """The message says which file, the remedy what to do; nothing else is wrong."""
    [problem] = [step.problem for step in _steps(files, rows) if step.problem]
    assert (problem.name, problem.exit_code) == (name, 4)
    assert all(word in problem.message for word in words)
    assert problem.remedy


@pytest.mark.parametrize(
    ("file", "remedy"),
    [
        ("000 b", "another branch"),
        ("000 b as a", "Give it its old name back"),
        ("000 a changed", "Restore the file"),
    ],
)
def test_the_remedy_is_for_what_differs(file: str, remedy: str) -> None:
    """A file that has nothing but the number in common is not told to take an old name."""
    [step] = _steps(file, "000 a")
    assert step.problem is not None
    assert remedy in (step.problem.remedy or "")


def test_an_interrupted_file_gives_its_number_to_no_other() -> None:
    """It may be corrected, and run again; another branch's file would take over its row."""
    begun = _row("000 a")._replace(running=True)
    states = [
        compare.compare([_file(text)], [begun], lacking={})[0].state
        for text in ("000 a", "000 a changed", "000 b as a", "000 b")
    ]
    assert states == ["pending", "pending", "pending", "renamed"]


@pytest.mark.parametrize(
    ("files", "name", "said"),
    [
        (
            "000 b",
            "FILE_RENAMED",
            "number: 000_a was begun and never finished, and sql/auth/000_b.sql is not it.",
        ),
        (
            "001 b",
            "FILE_MISSING",
            "auth 000_a was begun and never finished, but its file is not in the folder.",
        ),
    ],
)
def test_an_interrupted_file_was_never_applied(files: str, name: str, said: str) -> None:
    """That is not said of it, and how its row is forgotten is."""
    begun = _row("000 a")._replace(running=True)
    problem = compare.compare([_file(files)], [begun], lacking={})[0].problem
    assert problem is not None
    assert (problem.name, said in problem.message, "applied" in problem.message) == (name, True, False)
    forget = "delete from public.schema_migrations where series = 'auth' and version = '000' and running;"
    assert forget in (problem.remedy or "")


@pytest.mark.parametrize(
    ("files", "rows", "to", "name"),
    [
        ("000 a, 001 b", "000 a, 001 b", -1, None),
        ("000 a, 001 b, 002 c", "000 a, 001 b", -1, None),
        ("000 a changed, 001 b", "000 a, 001 b", 1, None),
        ("000 a changed, 001 b", "000 a, 001 b", 0, "CHECKSUM_MISMATCH"),
        ("000 a, 001 b changed", "000 a, 001 b", 0, "CHECKSUM_MISMATCH"),
        ("000 a, 001 z", "000 a, 001 b", -1, "FILE_RENAMED"),
        ("000 a, 001 z as b", "000 a, 001 b", -1, "FILE_RENAMED"),
        ("000 a", "000 a, 001 b", 0, "FILE_MISSING"),
        ("000 a, 002 c", "000 a, 001 b, 002 c", 0, "FILE_MISSING"),
    ],
)
def test_what_is_rolled_back_must_be_what_was_applied(
    files: str, rows: str, to: int, name: str | None
) -> None:
    """From the target on, which stays: number, name and checksum of the rows are those of the files."""
    if name is None:
        compare.check_known(_steps(files, rows), to=to)
        return
    with pytest.raises(RunnerError) as caught:
        compare.check_known(_steps(files, rows), to=to)
    assert caught.value.name == name
    assert caught.value.notes == ("It cannot be rolled back with these files.",)


def test_the_newest_that_cannot_be_rolled_back_is_named() -> None:
    """Rollbacks begin with it; the others are told of when it is mended."""
    with pytest.raises(ChecksumMismatch, match="001_b"):
        compare.check_known(_steps("000 a changed, 001 b changed", "000 a, 001 b"), to=-1)


def test_an_interrupted_file_that_was_changed_is_not_rolled_back() -> None:
    """Its row says what began, and the rollback is of something else."""
    begun = _row("000 a")._replace(running=True)
    steps = compare.compare([_file("000 a changed")], [begun], lacking={})
    with pytest.raises(ChecksumMismatch):
        compare.check_known(steps, to=-1)


@pytest.mark.parametrize(("files", "ahead"), [("000 a", ["001"]), ("000 a, 001 b", []), ("000 z", [])])
def test_what_is_ahead_is_missing_for_the_strict(files: str, ahead: list[str]) -> None:
    """One step either way; only the strict take it for a problem."""
    steps = _steps(files, "000 a, 001 b")
    assert [step.version for step in compare.ahead(steps)] == ahead
    strict = compare.not_ahead(steps)
    assert [step.version for step in strict] == [step.version for step in steps]
    assert compare.ahead(strict) == ()
    assert [step.problem.name for step in strict if step.problem and step.version in ahead] == [
        "FILE_MISSING"
    ] * len(ahead)


def test_a_good_plan_passes_the_check() -> None:
    """Applied, pending and skipped steps are no problem."""
    compare.check(_steps("000 a, 001 b +vector, 002 c", "000 a"))


def test_the_first_problem_is_raised_and_lists_the_others() -> None:
    """One run shows everything that has to be mended."""
    steps = _steps("000 a, 001 b changed, 003 d", "001 b, 002 c, 003 d")
    with pytest.raises(FileLate) as caught:
        compare.check(steps)
    assert caught.value.message.startswith("sql/auth/000_a.sql is pending")
    assert [note.partition(" ")[0] for note in caught.value.notes] == ["CHECKSUM_MISMATCH:", "FILE_MISSING:"]


def test_what_is_to_be_done_about_several_is_said_once() -> None:
    """Those that follow tell only what is wrong."""
    with pytest.raises(ChecksumMismatch) as caught:
        compare.check(_steps("000 a changed, 001 b changed", "000 a, 001 b, 002 c, 003 d"))
    edited, missing, another = caught.value.notes
    assert str(caught.value.remedy) not in edited
    assert ("Restore the file" in missing, "Restore the file" in another) == (True, False)


def test_of_many_with_one_remedy_a_few_are_told() -> None:
    """One cause is behind them: an older checkout, a folder that is not there. What differs stands there."""
    rows = [_row(f"{number:03} a") for number in range(1, 1000)]
    with pytest.raises(FileMissing) as caught:
        compare.check(compare.compare([], rows, lacking={}))
    *named, last = caught.value.notes
    assert [note.split()[2] for note in named] == [f"{number:03}_a" for number in range(2, 9)]
    assert last == "… and 991 more: `status` shows all."


def test_a_single_problem_has_no_notes() -> None:
    """A problem is not listed below itself."""
    with pytest.raises(ChecksumMismatch) as caught:
        compare.check(_steps("000 a changed, 001 b", "000 a"))
    assert caught.value.notes == ()


@pytest.mark.parametrize(
    ("to", "expected"), [(None, ["001", "003", "1000"]), (3, ["001", "003"]), (2, ["001"]), (0, [])]
)
def test_pending_steps_end_with_the_target(to: int | None, expected: list[str]) -> None:
    """The target is included; skipped and applied steps are not to do."""
    steps = _steps("000 a, 001 b, 002 c +vector, 003 d, 1000 e", "000 a")
    assert [step.version for step in compare.pending(steps, to=to)] == expected


@pytest.mark.parametrize(("to", "expected"), [(-1, ["002", "001", "000"]), (0, ["002", "001"]), (2, [])])
def test_a_rollback_undoes_the_newest_first(to: int, expected: list[str]) -> None:
    """What is recorded above the target is undone, also when its file is gone; the target stays."""
    steps = _steps("000 a, 001 b, 003 d", "000 a, 001 b, 002 c")
    assert [step.version for step in compare.behind(steps, to=to)] == expected


@pytest.mark.parametrize("to", [None, 0, 1])
def test_a_target_with_a_file_is_accepted(to: int | None) -> None:
    """Any number of a file may be the target, applied or not; so may none."""
    compare.check_target(_steps("000 a, 001 b", "000 a"), to=to)


@pytest.mark.parametrize("to", [-1, 2, 3])
def test_a_target_without_a_file_is_refused(to: int) -> None:
    """A typo in --to must not end in doing nothing, nor in doing everything."""
    with pytest.raises(UsageError, match=f"{to:03}"):
        compare.check_target(_steps("000 a, 001 b", "000 a, 001 b, 002 c"), to=to)


@pytest.mark.parametrize(
    ("count", "expect", "applied"),
    [(0, None, 0), (7, None, 0), (0, 0, 0), (2, 2, 0), (2, 2, 9), (0, 2, 2), (0, 2, 9), (2, 3, 1), (1, 3, 2)],
)
def test_the_expected_number_passes(count: int, expect: int | None, applied: int) -> None:
    """Without an expectation any number is right; 0 is one. What was applied before makes up for the rest."""
    compare.check_expected(count, expect=expect, applied=applied)


@pytest.mark.parametrize(
    ("count", "expect", "applied"),
    [(1, 0, 0), (0, 1, 0), (3, 2, 0), (3, 2, 9), (0, 3, 2), (1, 3, 1), (1, 0, 9)],
)
def test_another_number_than_expected_is_refused(count: int, expect: int, applied: int) -> None:
    """More than was reviewed is never applied, nor is anything where files must be lacking."""
    with pytest.raises(PendingUnexpected, match=rf"pending: {count}\..*--expect: {expect}\."):
        compare.check_expected(count, expect=expect, applied=applied)


@pytest.mark.parametrize(
    ("rows", "expected"), [("", None), ("000 a", "000_a"), ("000 a, 001 b, 1000 z", "1000_z")]
)
def test_the_newest_step_is_the_highest_recorded_one(rows: str, expected: str | None) -> None:
    """A pending file above it does not count; a recorded one without a file does."""
    newest = compare.newest(_steps("000 a, 001 b, 002 c", rows))
    assert (newest.label if newest else None) == expected
