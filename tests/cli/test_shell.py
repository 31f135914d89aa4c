"""Commands for a shell, which need not be the one of this machine."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import PurePosixPath, PureWindowsPath

import pytest

from runner import files
from runner.cli import report, shell


@pytest.mark.parametrize(
    ("word", "posix", "powershell"),
    [
        ("sql/auth/001_a.sql", "sql/auth/001_a.sql", "sql/auth/001_a.sql"),
        (r"D:\work\sql\001_a.sql", r"'D:\work\sql\001_a.sql'", r"D:\work\sql\001_a.sql"),
        (r"D:\my work\a.sql", r"'D:\my work\a.sql'", r"'D:\my work\a.sql'"),
        ("it's", "'it'\"'\"'s'", "'it''s'"),
        ("$HOME", "'$HOME'", "'$HOME'"),
        ("a;b", "'a;b'", "'a;b'"),
        ("@a", "@a", "'@a'"),
        ("", "''", "''"),
        ("日本\u3000語\xa0a\xad\u200d", "'日本\u3000語\xa0a\xad\u200d'", "'日本\u3000語\xa0a\xad\u200d'"),
        ("it's\x1b7\\", r"$'it\'s\0337\\'", '"it\'s$([char]27)7\\"'),
        ('$a"\u202e', "$'$a\"\\342\\200\\256'", '"`$a`"$([char]8238)"'),
    ],
)
def test_a_word_is_quoted_as_the_shell_wants_it(word: str, posix: str, powershell: str) -> None:
    """So that it takes the word as it is."""
    assert shell.quote(word, powershell=False) == posix
    assert shell.quote(word, powershell=True) == powershell


@pytest.mark.parametrize(
    "name",
    [
        "日本\u3000語",
        "a\xa0b\u202fc",
        "a\u200db\xad\u200b",
        "a'\x1b[2J\\1",
        "a\nb\t",
        "\u202ea\x9b1",
        b"\xff7",
    ],
)
def test_a_shell_reads_back_what_is_printed(name: str | bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever a path holds, the terminal obeys none of it, and the command names that path."""
    report.answer(shell.join(["printf", "%s", os.fsdecode(name)], powershell=False))
    printed = capfd.readouterr().out
    assert printed.count("\n") == 1
    assert not set(printed) & set("\x1b\x9b\u202e\t")
    done = subprocess.run(["bash", "-c", printed], stdout=subprocess.PIPE, check=True)
    assert done.stdout == os.fsencode(name)


@pytest.mark.parametrize(
    ("encoding", "posix", "powershell"),
    [
        ("utf-8", "'a b/shöp/“😀”.sql'", "'a b/shöp/“😀”.sql'"),
        (
            "latin-1",
            r"$'a b/shöp/\342\200\234\360\237\230\200\342\200\235.sql'",
            '"a b/shöp/$([char]8220)$([char]55357)$([char]56832)$([char]8221).sql"',
        ),
        (
            "cp1252",
            r"$'a b/shöp/“\360\237\230\200”.sql'",
            '"a b/shöp/`“$([char]55357)$([char]56832)`”.sql"',
        ),
    ],
)
def test_a_letter_that_stdout_lacks_is_written_out_for_the_shell(
    monkeypatch: pytest.MonkeyPatch, encoding: str, posix: str, powershell: str
) -> None:
    """As Python writes it out, the command would name no file."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert shell.quote("a b/shöp/“😀”.sql", powershell=False) == posix
    assert shell.quote("a b/shöp/“😀”.sql", powershell=True) == powershell


def test_powershell_calls_a_quoted_program() -> None:
    """By itself a quoted word is a string there, and nothing that runs."""
    words = [r"C:\Program Files\Python\python.exe", "-m", "runner"]
    assert shell.join(words, powershell=True) == r"& 'C:\Program Files\Python\python.exe' -m runner"
    assert shell.join(["C:\\\u202e.exe"], powershell=True) == r'& "C:\$([char]8238).exe"'
    assert shell.join([r"C:\py\python.exe", "-m"], powershell=True) == r"C:\py\python.exe -m"


def test_a_variable_is_read_as_the_shell_reads_it() -> None:
    """PowerShell keeps them in a drive of their own."""
    assert shell.variable("A_URL", powershell=False) == '"$A_URL"'
    assert shell.variable("A_URL", powershell=True) == '"$env:A_URL"'


@pytest.mark.parametrize(
    ("path", "root", "shown"),
    [
        (PureWindowsPath(r"C:\p\sql\auth\000_a.sql"), PureWindowsPath(r"C:\p"), "sql/auth/000_a.sql"),
        (PureWindowsPath(r"c:\P\sql\000_a.sql"), PureWindowsPath(r"C:\p"), "sql/000_a.sql"),
        (PureWindowsPath(r"D:\q\000_a.sql"), PureWindowsPath(r"C:\p"), r"D:\q\000_a.sql"),
        (PureWindowsPath(r"\\host\share\p\a.sql"), PureWindowsPath(r"\\host\share\p"), "a.sql"),
        (PurePosixPath("/p/sql/000_a.sql"), PurePosixPath("/p"), "sql/000_a.sql"),
        (PurePosixPath("/q/000_a.sql"), PurePosixPath("/p"), "/q/000_a.sql"),
    ],
)
def test_a_file_of_the_project_is_shown_with_slashes(
    path: PureWindowsPath | PurePosixPath, root: PureWindowsPath | PurePosixPath, shown: str
) -> None:
    """As git, GitHub and psql take it on every system; another drive has its letter."""
    assert files.shown(path, root=root) == shown
