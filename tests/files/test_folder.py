"""Reading the folder of a series, and rejecting one that cannot be trusted."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner import files
from runner.errors import (
    ConfigError,
    FileMissing,
    FileName,
    FileRefused,
    FileUnreadable,
    RunnerError,
    VersionDuplicate,
    VersionGap,
)
from runner.files import folder, source
from runner.files.checksum import checksum

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.model import Migration

FOLDERS = Path(__file__).parent.parent / "folders"
SQL = "create table if not exists public.a (id int);\n"

# Folders that load, with the labels in order.
GOOD = {
    "good": ["000_a", "001_b"],
    "hidden": ["000_a"],
    "missing_rollback": ["000_a", "001_b"],
    "bom_first": ["000_a"],
    "crlf": ["000_a"],
    "lone_cr": ["000_a"],
    "requires_extension": ["000_a"],
}

# Folders that are rejected: error, words of the message, place, words of the remedy.
REJECTED: dict[str, tuple[type[RunnerError], str, str | None, str]] = {
    "gap": (VersionGap, "Number 001 is missing before 002_c.sql", None, "restore the file"),
    "first_missing": (VersionGap, "Number 000 is missing before 001_b.sql", None, "from 000"),
    "duplicate": (VersionDuplicate, "001_b.sql and 001_c.sql carry the same", None, "next free number"),
    "wrong_name": (FileName, "wrong_name/001-b.sql is not named", None, "NNN_name.sql"),
    "wrong_rollback_name": (FileName, "rollback/000_a.down.sql is not named", None, "NNN_name.sql"),
    "needless_zeros": (FileName, "0000_a.sql writes its number with needless", None, "as 000"),
    "timestamps": (FileName, "20240101120000_x.sql has a timestamp for a number", None, "to 000_x.sql"),
    "timestamp_behind": (FileName, "1700000000_b.sql has a timestamp", None, "this one to 001_b.sql"),
    "stray_rollback": (FileMissing, "stray_rollback/001_b.sql is missing", None, "Restore it"),
    "nul": (FileUnreadable, "nul/000_a.sql holds a NUL", "nul/000_a.sql:2:10", "Remove"),
    "bom_inside": (FileUnreadable, "holds a byte order mark in line 2", "bom_inside/000_a.sql:2:1", "Remove"),
    "bom_twice": (FileUnreadable, "holds a byte order mark in line 1", "bom_twice/000_a.sql:1:1", "Remove"),
    "not_utf8": (FileUnreadable, "is not UTF-8: byte 0xe9 in line 2", "not_utf8/000_a.sql:2:7", "as UTF-8"),
    "cut_utf8": (FileUnreadable, "is not UTF-8: byte 0xc3 in line 2", "cut_utf8/000_a.sql:2:7", "as UTF-8"),
    "unknown_directive": (FileRefused, "cannot follow: no-locks", "unknown_directive/000_a.sql:2:1", "known"),
    "directive_late": (FileRefused, "cannot follow: req", "directive_late/000_a.sql:2:1", "header"),
    "directive_in_body": (FileRefused, "cannot follow: req", "directive_in_body/000_a.sql:3:1", "header"),
}

# Folders that load, but whose last file must not be sent: words of the message, and the place.
REFUSED = {
    "empty": ("holds no statement", "1:1"),
    "comment_only": ("holds no statement", "1:1"),
    "directive_only": ("holds no statement", "1:1"),
    "commit_inside": ("controls the transaction (commit)", "2:1"),
    "begin_inside": ("controls the transaction (begin)", "3:1"),
    "psql_command": ("holds a psql command", "2:1"),
    "restricted": ("holds a psql command", "2:1"),
    "unrestricted": ("holds a psql command", "2:1"),
    "invisible_blank": ("holds a character that nobody sees, U+00A0 (NO-BREAK SPACE)", "1:26"),
    "copy_stdin": ("copies from stdin", "2:1"),
    "copy_data": ("copies from stdin", "2:1"),
    "open_string": ("has a string that begins here and never ends", "2:8"),
    "open_name": ("has a quoted name that begins here and never ends", "2:13"),
    "open_dollar": ("has a dollar-quoted string $body$ that begins here and never ends", "1:4"),
    "open_comment": ("has a comment that begins here and never ends", "2:3"),
}


def _load(name: str) -> tuple[Migration, ...]:
    return folder.load("auth", FOLDERS / name, root=FOLDERS)


def _write(where: Path, *names: str) -> None:
    for name in names:
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_text(SQL)


def test_every_folder_of_files_is_a_case() -> None:
    """A folder that no table names would test nothing."""
    cases = GOOD.keys() | REJECTED.keys() | REFUSED.keys()
    assert {path.name for path in FOLDERS.iterdir()} - {"proof"} == cases


@pytest.mark.parametrize("name", GOOD)
def test_a_good_folder_gives_its_files_in_order(name: str) -> None:
    """Hidden files, a byte order mark in front and line ends of other systems do no harm."""
    migrations = _load(name)
    assert [migration.label for migration in migrations] == GOOD[name]
    for migration in migrations:
        files.check(migration.sql, path=migration.path)


@pytest.mark.parametrize("name", REJECTED)
def test_a_bad_folder_is_rejected(name: str) -> None:
    """The message names the file, the place points into it, the remedy says what to do."""
    error, message, place, remedy = REJECTED[name]
    with pytest.raises(RunnerError) as caught:
        _load(name)
    assert type(caught.value) is error
    assert message in caught.value.message
    assert remedy in (caught.value.remedy or "")
    assert (str(caught.value.place) if caught.value.place else None) == place


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_must_not_be_sent_is_refused(name: str) -> None:
    """The folder loads, so that `status` works; sending is what the scanner prevents."""
    [migration] = _load(name)
    message, place = REFUSED[name]
    with pytest.raises(FileRefused) as caught:
        files.check(migration.sql, path=migration.path)
    assert caught.value.message.startswith(f"{name}/000_a.sql {message}")
    assert str(caught.value.place) == f"{name}/000_a.sql:{place}"
    assert caught.value.remedy


@pytest.mark.parametrize("name", ["restricted", "unrestricted"])
def test_what_newer_dumps_add_is_to_be_deleted(name: str) -> None:
    """The remedy names the two lines; a dump is plain SQL without them."""
    [migration] = _load(name)
    with pytest.raises(FileRefused) as caught:
        files.check(migration.sql, path=migration.path)
    assert "Delete the two lines \\restrict and \\unrestrict" in (caught.value.remedy or "")
    kept = "".join(line for line in migration.sql.splitlines(keepends=True) if "restrict" not in line)
    assert files.check(kept, path=migration.path) == 1


# Names as they were, in the order in which they get their numbers, and what the folder holds then.
NUMBERED = {
    "stamps behind a number": (
        ["000_a", "20231231_b", "20240101120000_c", "20240102090000_d_e"],
        ["000_a", "001_b", "002_c", "003_d_e"],
    ),
    "a day before its times": (["20230115_users", "20230115093000_mail"], ["000_users", "001_mail"]),
    "one stamp, in capitals and with hyphens": (
        ["000_a", "001_b", "1700000000_Update-auth-D"], ["000_a", "001_b", "002_update_auth_d"],
    ),
    "needless zeros": (["00001_init", "00002_add", "20240101120000_c"], ["000_init", "001_add", "002_c"]),
    "zeros behind good numbers": (
        ["000_a", "001_b", "0001_a", "0002_a"], ["000_a", "001_b", "002_a", "003_a"],
    ),
    "seconds before dates": (["1700000000_a", "20240101120000_b"], ["000_a", "001_b"]),
    "equal stamps": (["20240101_a_b", "20240101_ab", "20240101_b"], ["000_a_b", "001_ab", "002_b"]),
    "more than a thousand": (
        [*(f"{number:03}_x" for number in range(1002)), "20240101_x"],
        [f"{number:03}_x" for number in range(1003)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NUMBERED)
def test_the_line_that_numbers_a_folder_does_so(tmp_path: Path, name: str) -> None:
    """What the message says, run by a shell, gives a folder that loads, rollbacks too, and loses nothing."""
    before, after = NUMBERED[name]
    _write(tmp_path, *(f"{one}.sql" for one in before), *(f"rollback/{one}.sql" for one in before[1:]))
    for one in before:
        (tmp_path / f"{one}.sql").write_text(f"select '{one}';")
    with pytest.raises(FileName) as caught:
        folder.load("auth", tmp_path, root=tmp_path)
    [line] = caught.value.notes
    subprocess.run(["sh", "-ec", line], cwd=tmp_path, check=True)
    found = folder.load("auth", tmp_path, root=tmp_path)
    assert [migration.label for migration in found] == after
    assert [migration.sql for migration in found] == [f"select '{one}';" for one in before]
    assert [migration.rollback is None for migration in found] == [True, *[False] * (len(after) - 1)]


def test_the_line_that_numbers_a_folder_overwrites_nothing(tmp_path: Path) -> None:
    """A name that is taken stays that file's: nothing is renamed then, and the message comes again."""
    names = {*(f"{number:03}_x.sql" for number in range(1001)), "0005_x.sql"}
    _write(tmp_path, *names)
    with pytest.raises(FileName, match="needless zeros") as caught:
        folder.load("auth", tmp_path, root=tmp_path)
    subprocess.run(["sh", "-ec", caught.value.notes[0]], cwd=tmp_path, check=True)
    assert {path.name for path in tmp_path.iterdir()} == names


# Names in the order of their numbers; two of them that are in another by date, and a right name.
UNORDERED = {
    "a day behind a time": (
        ["20240315_settings", "20240101120000_init", "20240201090000_settings_base"],
        ("20240315_settings.sql", "20240101120000_init.sql", "20240315000000_settings.sql"),
    ),
    "behind good numbers": (
        ["000_a", "20230101_b", "20240315_C", "202401011200_d"],
        ("20240315_C.sql", "202401011200_d.sql", "202403150000_C.sql"),
    ),
    "beside needless zeros": (
        ["0000_a", "202403150930_b", "20240101120000_c"],
        ("202403150930_b.sql", "20240101120000_c.sql", "20240315093000_b.sql"),
    ),
}


@pytest.mark.parametrize("name", UNORDERED)
def test_dates_of_several_lengths_are_not_numbered_by_a_guess(tmp_path: Path, name: str) -> None:
    """Other tools order them by date, or by number: no line is printed, and both ways are told."""
    names, (first, second, longer) = UNORDERED[name]
    _write(tmp_path, *(f"{one}.sql" for one in names))
    with pytest.raises(FileName) as caught:
        folder.load("auth", tmp_path, root=tmp_path)
    assert caught.value.message == (
        f"{first} has a timestamp for a number, which comes before that of {second} as a number, "
        "but behind it as a date."
    )
    assert caught.value.notes == ()
    assert f"this one to {longer}," in (caught.value.remedy or "")


@pytest.mark.parametrize(
    "names", [("000001_a.up.sql", "000001_a.down.sql"), ("000_a.sql", "rollback/000_a.down.sql")]
)
def test_where_the_file_that_undoes_belongs_is_told(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Other tools keep it beside its forward file, by an ending of its own."""
    _write(tmp_path, *names)
    with pytest.raises(FileName, match=r"a\.down\.sql is not named like a migration") as caught:
        folder.load("auth", tmp_path, root=tmp_path)
    assert "a .down.sql, is called as its forward file is" in (caught.value.remedy or "")


def test_a_migration_holds_what_its_file_says() -> None:
    """Number, name, path, text and checksum come from the file; the rollback is attached."""
    first, second = _load("good")
    assert (first.series, first.version, first.name, first.path) == ("auth", "000", "a", "good/000_a.sql")
    assert (first.sql, first.checksum, first.requires) == (SQL, checksum(SQL), ())
    assert first.rollback == str(FOLDERS / "good/rollback/000_a.sql")
    assert second.rollback == str(FOLDERS / "good/rollback/001_b.sql")


def test_a_missing_rollback_is_not_an_error() -> None:
    """It is noted, so that whoever cares can say so."""
    first, second = _load("missing_rollback")
    assert (first.rollback is None, second.rollback) == (False, None)


def test_what_git_or_an_editor_adds_leaves_the_checksum_alone() -> None:
    """A byte order mark is not part of the text that is sent; the line ends are."""
    [marked] = _load("bom_first")
    assert (marked.sql, marked.checksum) == (SQL, checksum(SQL))
    [crlf], [cr] = _load("crlf"), _load("lone_cr")
    assert "\r\n" in crlf.sql
    assert "\n" not in cr.sql


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("good", ()),
        ("requires_extension", ("vector", "uuid-ossp")),
        ("crlf", ("vector",)),
        ("lone_cr", ("vector",)),
    ],
)
def test_the_header_names_the_required_extensions(name: str, expected: tuple[str, ...]) -> None:
    """Directives may stand between other comments and empty lines, with any line ends and blanks."""
    assert _load(name)[0].requires == expected


def test_1000_follows_999(tmp_path: Path) -> None:
    """Files are ordered by number, not by name."""
    _write(tmp_path, *(f"{number:03}_x.sql" for number in range(1002)))
    versions = [migration.version for migration in folder.load("auth", tmp_path, root=tmp_path)]
    assert versions[:2] == ["000", "001"]
    assert versions[998:] == ["998", "999", "1000", "1001"]


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="no other system tells which files are open")
def test_no_file_stays_open(tmp_path: Path) -> None:
    """A system lets a program have few at once, and a folder may have thousands."""
    _write(tmp_path, "000_a.sql")
    before = os.listdir("/dev/fd")  # noqa: PTH208 - numbers
    folder.load("auth", tmp_path, root=tmp_path)
    assert os.listdir("/dev/fd") == before  # noqa: PTH208 - as above


def test_an_empty_folder_has_no_migrations(tmp_path: Path) -> None:
    """A new series begins so."""
    assert folder.load("auth", tmp_path, root=tmp_path) == ()


def test_paths_outside_the_project_are_shown_whole(tmp_path: Path) -> None:
    """Inside the project they are relative to it."""
    _write(tmp_path / "sql", "000_a.sql")
    inside, outside = (
        folder.load("auth", tmp_path / "sql", root=root)[0].path for root in (tmp_path, tmp_path / "other")
    )
    assert (inside, outside) == ("sql/000_a.sql", str(tmp_path / "sql/000_a.sql"))


@pytest.mark.parametrize(
    "name",
    [
        "01_a.sql", "001.sql", "001_.sql", "001-a.sql", "001_A.sql", "001_a.SQL", "004_Name.SQL",
        "4_name.sql", "001_a.sql.txt", "001_a", "001_a b.sql", "001_ä.sql", "\u0660\u0660\u0661_a.sql",
        "x001_a.sql", "a.sql",
        "001_a.sql\n", "Rollbacks", "ROLLBACK", "roll_back",
    ],
)  # fmt: skip
def test_what_is_nearly_named_like_a_migration_is_rejected(tmp_path: Path, name: str) -> None:
    """A file that may be meant is never skipped."""
    _write(tmp_path, "000_a.sql")
    (tmp_path / name).touch()
    with pytest.raises(FileName) as caught:
        folder.load("auth", tmp_path, root=tmp_path)
    assert f"/{name} is not named like a migration" in caught.value.message


@pytest.mark.parametrize(
    "name",
    [
        "000_a.sql~", "000_a.sql.orig", "000_a.sql.rej", "000_a.sql.bak", "#000_a.sql#", "000_a.sql.SWP",
        "000_a.sql.swo", "000_a.sql.tmp", "000_a.sql.old", "000_a.sql.save",
        "#x#", "README.md", "Thumbs.db", "drafts", "notes.txt",
    ],
)  # fmt: skip
def test_what_an_editor_left_is_no_migration(tmp_path: Path, name: str) -> None:
    """It is told among the leavings, also in the folder of the rollbacks, and changes nothing."""
    _write(tmp_path, "000_a.sql")
    (tmp_path / "rollback").mkdir()
    for where in (tmp_path, tmp_path / "rollback"):
        (where / name).touch()
        (where / ".DS_Store").touch()
    assert [one.path for one in folder.load("auth", tmp_path, root=tmp_path.parent)] == [
        f"{tmp_path.name}/000_a.sql"
    ]
    assert folder.leavings(tmp_path, root=tmp_path) == (name, f"rollback/{name}")


def test_an_applied_file_that_was_deleted_is_what_is_missing(tmp_path: Path) -> None:
    """Its rollback file is not to blame, unless it is merely misspelt."""
    _write(tmp_path, "000_a.sql")
    _write(tmp_path, "rollback/001_b.sql")
    with pytest.raises(FileMissing, match=r"001_b\.sql is missing: only the file that undoes it") as caught:
        folder.load("auth", tmp_path, root=tmp_path.parent)
    assert str(caught.value.remedy).startswith("Restore it.")
    _write(tmp_path, "001_bb.sql")
    with pytest.raises(
        FileName, match=r"rollback/001_b\.sql undoes no file of .*: number 001 is 001_bb\.sql"
    ):
        folder.load("auth", tmp_path, root=tmp_path.parent)


def test_a_folder_that_is_not_there_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    """An empty series would look as if everything were applied."""
    with pytest.raises(ConfigError, match="The folder sql/auth does not exist"):
        folder.load("auth", tmp_path / "sql/auth", root=tmp_path)


@pytest.mark.parametrize("name", ["sql", "sql/rollback"])
def test_a_file_in_the_place_of_a_folder_is_rejected(tmp_path: Path, name: str) -> None:
    """The error names it."""
    _write(tmp_path, name)
    with pytest.raises(FileUnreadable, match=f"^{name} cannot be listed: Not a directory"):
        folder.load("auth", tmp_path / "sql", root=tmp_path)


def test_links_as_a_config_map_mounts_them_are_followed(tmp_path: Path) -> None:
    """Kubernetes links each file to ..data, and ..data to a folder with a date in its name."""
    _write(tmp_path / "..2025_03_09", "000_a.sql")
    (tmp_path / "..data").symlink_to("..2025_03_09")
    (tmp_path / "000_a.sql").symlink_to("..data/000_a.sql")
    [migration] = folder.load("auth", tmp_path, root=tmp_path)
    assert (migration.path, migration.sql) == ("000_a.sql", SQL)
    (tmp_path / "link").symlink_to(tmp_path)
    assert folder.load("auth", tmp_path / "link", root=tmp_path / "link")[0].sql == SQL


def _make_directory(path: Path) -> None:
    path.mkdir()


def _make_fifo(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [_make_directory, _make_fifo, lambda path: path.symlink_to("nothing.sql")])
def test_a_rollback_that_is_no_file_is_rejected(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """Else it would count as there until somebody needs it."""
    _write(tmp_path, "sql/000_a.sql")
    (tmp_path / "sql/rollback").mkdir()
    make(tmp_path / "sql/rollback/000_a.sql")
    with pytest.raises(FileUnreadable, match=r"^sql/rollback/000_a\.sql is not a regular file"):
        folder.load("app", tmp_path / "sql", root=tmp_path)


def _link_out(path: Path) -> None:
    _write(path.parent.parent, "outside.sql")
    path.symlink_to("../outside.sql")


def _link_to_nothing(path: Path) -> None:
    path.symlink_to("nothing.sql")


def _link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def _link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _make_huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(source.MAX_BYTES + 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_make_directory, "is not a regular file"),
        (_make_fifo, "is not a regular file"),
        (_link_out, "is a link out of its folder"),
        (_link_to_nothing, "cannot be read: No such file"),
        (_link_to_itself, "cannot be read: Too many levels"),
        (_link_to_device, "is not a regular file"),
        (_make_huge, "is larger than 16 MB"),
    ],
)
def test_what_is_not_a_file_of_its_own_is_rejected(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    """Nothing that could block, change or lie elsewhere is read."""
    (tmp_path / "sql").mkdir()
    make(tmp_path / "sql" / "000_a.sql")
    with pytest.raises(FileUnreadable, match=f"^sql/000_a.sql {message}") as caught:
        folder.load("auth", tmp_path / "sql", root=tmp_path)
    assert caught.value.remedy


def test_the_largest_file_is_still_read(tmp_path: Path) -> None:
    """Exactly 16 MB are allowed."""
    (tmp_path / "000_a.sql").write_bytes(b"select 1;".ljust(source.MAX_BYTES))
    assert len(folder.load("auth", tmp_path, root=tmp_path)[0].sql) == source.MAX_BYTES


def test_a_file_without_permission_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's answer is passed on; root may read everything, so the refusal is simulated."""
    _write(tmp_path, "000_a.sql")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(FileUnreadable, match=r"000_a\.sql cannot be read: Permission denied"):
        folder.load("auth", tmp_path, root=tmp_path)


def test_a_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is hashed is what is sent, even if the file changes in between."""
    _write(tmp_path, "000_a.sql", "001_b.sql", "rollback/000_a.sql")
    read: list[str] = []
    original = os.open

    def open_and_change(path: str, flags: int) -> int:
        read.append(Path(path).name)
        old = Path(path).rename(tmp_path / ".old")
        with monkeypatch.context() as undone:
            undone.setattr(os, "open", original)
            Path(path).write_text("select 'changed';")
        return original(old, flags)

    monkeypatch.setattr(os, "open", open_and_change)
    migrations = folder.load("auth", tmp_path, root=tmp_path)
    assert read == ["000_a.sql", "001_b.sql"]
    assert [(m.sql, m.checksum) for m in migrations] == [(SQL, checksum(SQL))] * 2
