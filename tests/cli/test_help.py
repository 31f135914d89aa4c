"""What the command line says of itself, and what it says of bad input."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import psycopg
import pytest

from runner import __version__
from runner.cli import cli, guide
from runner.cli.text import columns
from tests.project import ROOT, TWO, Project, make

if TYPE_CHECKING:
    from click.testing import CliRunner


COMMANDS = (
    "migrate",
    "status",
    "plan",
    "verify",
    "orphans",
    "prove",
    "rollback",
    "init",
    "new",
    "baseline",
    "accept",
    "docs",
    "server",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(runner: CliRunner, command: str) -> None:
    """--help works without a project, a database or a server, and says more than the name."""
    result = runner.invoke(cli, [command, "--help"])
    assert result.exit_code == 0
    assert len(result.stdout.split()) > 40
    assert "..." not in runner.invoke(cli, ["--help"]).stdout.partition("Commands:")[2].replace(
        "[SERIES]...", ""
    )


@pytest.mark.parametrize("name", guide.EXAMPLES)
def test_every_command_has_an_example_that_it_understands(name: str) -> None:
    """What the help shows can be typed; what SERIES and NNN are, it says."""
    group: click.Command | None = cli
    for word in name.split():
        assert isinstance(group, click.Group)
        group = group.get_command(click.Context(cli), word)
    assert group
    shown = group.get_help(click.Context(group, info_name=name))
    for example in guide.EXAMPLES[name]:
        assert f"socrates-migrate {example}\n" in f"{shown}\n"
        rest = shlex.split(example)
        command: click.Command = cli
        while isinstance(command, click.Group):
            found = command.get_command(click.Context(command), rest.pop(0))
            assert found
            command = found
        assert command.make_context(name, rest)
    shown = " ".join(shown.split())
    series = any(one.name == "series" for one in group.params)
    assert ("SERIES is the name of a database" in shown or name == "init") == (series or name == "init")
    assert ("NNN is the number of a file" in shown) == ("NNN" in shown.partition("SERIES is")[0])


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("name", ["", *guide.EXAMPLES])
def test_no_help_is_cut_off_or_too_wide(runner: CliRunner, name: str, width: int) -> None:
    """Every line fits in letters that each terminal has; no sentence of a list of commands ends in dots."""
    shown = runner.invoke(
        cli, [*name.split(), "--help"], terminal_width=width - 2
    ).stdout  # as click takes it
    assert [line for line in shown.splitlines() if columns(line) > width] == []
    assert shown.isascii()
    assert not re.search(r"\.\.\.$", shown.partition("Commands:")[2], re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("statsu", "status"), ("migrat", "migrate"), ("Migrate", "migrate"), ("upgrade", "migrate"),
        ("down", "rollback"), ("server strat", "start"), ("psql auth", "server psql"), ("stamp", "baseline"),
    ],
)  # fmt: skip
def test_a_command_that_is_nearly_one_is_suggested(runner: CliRunner, words: str, meant: str) -> None:
    """Also one that is called so elsewhere."""
    result = runner.invoke(cli, words.split())
    assert (result.exit_code, f"Did you mean {meant}?" in result.stderr) == (2, True)
    assert "Did you mean" not in runner.invoke(cli, ["xyzzy"]).stderr


def test_a_series_that_is_nearly_one_is_suggested(runner: CliRunner, app: Project) -> None:
    """The others are listed, too."""
    for word in ("ap", "App", "aap"):
        result = app.run(runner, "status", word)
        assert f"There is no series {word}. Did you mean app?\n  Configured are: app." in result.stderr
    assert "Did you mean" not in app.run(runner, "status", "specs").stderr


@pytest.mark.parametrize(
    ("words", "wants"),
    [
        ("migrate --to abc", "'abc' is not the number of a file, such as 003."),
        ("migrate --to -1", "'-1' is not the number of a file, such as 003."),
        ("baseline app --to 1.5", "'1.5' is not the number of a file, such as 003."),
        ("prove --from x", "'x' is not the number of a file, such as 003."),
        ("accept app one", "'one' is not the number of a file, such as 003."),
        ("rollback app --to all", "'all' is not the number of a file, such as 003, or base."),
        ("migrate --expect some", "'some' is not a number of files, such as 2."),
        ("migrate --wait-lock soon", "'soon' is not a number of seconds from 0 on, such as 2.5."),
        ("status --wait nan", "'nan' is not a number of seconds from 0 on, such as 2.5."),
        ("migrate --lock-timeout inf", "'inf' is not a number of seconds from 0 on, such as 2.5."),
    ],
)
def test_a_number_that_is_none_is_told_what_is_wanted(
    runner: CliRunner, app: Project, words: str, wants: str
) -> None:
    """In words for a person, not for who wrote the parser."""
    result = app.run(runner, *words.split())
    assert (result.exit_code, wants in result.stderr) == (2, True), result.stderr


def test_the_commands_are_listed_in_a_useful_order(runner: CliRunner) -> None:
    """The first thing a newcomer needs comes first."""
    shown = runner.invoke(cli, ["--help"]).stdout.partition("Commands:")[2]
    assert tuple(re.findall(r"^  (\w+)  ", shown, re.MULTILINE))[: len(COMMANDS)] == COMMANDS


def test_the_version_is_told(runner: CliRunner) -> None:
    """--version names the program."""
    assert runner.invoke(cli, ["--version"]).stdout == f"socrates-migrate, version {__version__}\n"


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("migrate --to", "cli migrate"),
        ("status --url", "cli status"),
        ("migrate --quiet=1", "cli migrate"),
        ("server start --color", "cli server start"),
        ("--version=1", "cli"),
        ("migrate --nope", "cli migrate"),
    ],
)
def test_an_error_of_an_option_leads_to_the_help_of_its_command(
    runner: CliRunner, words: str, command: str
) -> None:
    """Also one without its value, or with one that it does not take."""
    said = runner.invoke(cli, words.split()).stderr
    assert said.splitlines()[-1] == f"  See `{command} --help`."


def test_an_unknown_command_is_a_usage_error(runner: CliRunner) -> None:
    """Click's own errors have the exit code of ours."""
    assert runner.invoke(cli, ["upgrade"]).exit_code == 2
    assert runner.invoke(cli, ["status", "--nope"]).exit_code == 2


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_completes_what_is_called_by_a_path_below_home(tmp_path: Path) -> None:
    """As the README says it, while no environment is active: the word is completed before bash expands it."""
    program = tmp_path / "socrates-migrate"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from runner.cli import main; main()"\n')
    program.chmod(0o755)
    script = """
        eval "$(_SOCRATES_MIGRATE_COMPLETE=bash_source $HOME/socrates-migrate)"
        COMP_WORDS=('~/socrates-migrate' mi) COMP_CWORD=1
        _socrates_migrate_completion '~/socrates-migrate' mi
        echo "${COMPREPLY[@]}"
    """
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("migrate\n", "")


def _program(folder: Path) -> dict[str, str]:
    """Make a program in a folder that is on no PATH, and return the environment of its shell."""
    program = folder / "socrates-migrate"
    program.write_text(f"#!{sys.executable}\nfrom runner.cli import main\nmain()\n")
    program.chmod(0o755)
    return {"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(ROOT)}


@pytest.mark.skipif(sys.platform == "win32", reason="no such shell is there")
@pytest.mark.parametrize(
    ("shell", "call"), [("fish", "COMP_CWORD=(commandline -t) {}"), ("zsh", "=zsh_complete {}")]
)
def test_what_other_shells_call_is_the_program_that_wrote_their_script(
    tmp_path: Path, shell: str, call: str
) -> None:
    """Its path may hold a blank and a quote."""
    folder = tmp_path / "it's 100%d"
    folder.mkdir()
    environ = _program(folder) | {"_SOCRATES_MIGRATE_COMPLETE": f"{shell}_source"}
    program = folder / "socrates-migrate"
    script = subprocess.run([program], env=environ, capture_output=True, text=True, check=True).stdout
    assert call.format(f"{shlex.quote(str(program))})") in script
    assert "$+commands" not in script


def test_the_shell_completes_commands_and_series(app: Project) -> None:
    """Completion asks click, which knows the commands and the series of the project at hand."""

    def complete(words: str, last: str) -> str:
        environ = os.environ | {
            "_SOCRATES_MIGRATE_COMPLETE": "bash_complete",
            "COMP_WORDS": f"{words} {last}",
        }
        program = [sys.executable, "-c", "from runner.cli import cli; cli(prog_name='socrates-migrate')"]
        process = subprocess.run(
            program,
            env=environ | {"COMP_CWORD": str(len(words.split())), "PYTHONPATH": str(ROOT)},
            cwd=app.root,
            capture_output=True,
            text=True,
            check=True,
        )
        return process.stdout

    assert "plain,migrate" in complete("socrates-migrate", "mig")
    assert "plain,app" in complete("socrates-migrate status", "a")
    assert "app" not in complete("socrates-migrate status app", "")
    numbers = ["plain,000", "plain,001"]
    for words in ("migrate --to", "migrate app --to", "rollback app --to", "baseline app --to", "accept app"):
        assert complete(f"socrates-migrate {words}", "").split() == numbers, words
    assert complete("socrates-migrate prove app --from", "001").split() == numbers[1:]
    (app.root / "app" / "rollback").mkdir()
    assert complete("socrates-migrate migrate --config nowhere.toml --to", "").split() == []


def test_a_signal_ends_a_completion(tmp_path: Path) -> None:
    """Which waits for a file that nobody writes, or that a network keeps."""
    os.mkfifo(tmp_path / "fifo")
    words = f"socrates-migrate rollback --config {tmp_path / 'fifo'} 0"
    asks = {"_SOCRATES_MIGRATE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "4"}
    code = "import sys; sys.argv[0] = 'socrates-migrate'; from runner.__main__ import main; main()"
    program = [sys.executable, "-c", code]
    with subprocess.Popen(program, env=os.environ | asks, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            with (tmp_path / "fifo").open("w"):  # it reads now
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=10) == 1
        finally:
            process.kill()


def test_the_line_of_the_readme_completes_without_an_environment() -> None:
    """It names the program by its path, and serves both ways to call it."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [line] = re.findall(r"`(eval \"\$\(_SOCRATES.*?\)\")`", readme, re.DOTALL)
    program = Path(sys.executable).parent / "socrates-migrate"
    line = line.replace("$HOME/socrates/.venv/bin/socrates-migrate", str(program))
    shown = subprocess.run(
        [bash, "--norc", "-c", f"{line}\ncomplete -p socrates-migrate"],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "-F _socrates_migrate_completion socrates-migrate" in shown


def test_bad_input_names_the_thing_and_the_remedy(runner: CliRunner, app: Project, url: str) -> None:
    """Configuration, series, URL and server: each has its own name and exit code."""
    cases: list[tuple[list[str], dict[str, str], int, str]] = [
        (["status", "nope"], {}, 2, "SERIES_UNKNOWN: There is no series nope"),
        (["status"], {"APP_URL": ""}, 2, "URL_MISSING: APP_URL is not set or empty"),
        (["status"], {"APP_URL": "postgresql://u:s3cr3t@x@h/d"}, 2, "URL_MALFORMED: The URL in APP_URL"),
        (["status"], {"APP_URL": "postgresql://u:s3cr3t@127.0.0.1:1/d"}, 5, "CANNOT_CONNECT"),
        (
            ["status"],
            {"APP_URL": url.replace("/test_", "/nope_")},
            2,
            "DATABASE_MISSING: The server of APP_URL",
        ),
        (
            ["status"],
            {"APP_URL": "postgresql://127.0.0.1:1/"},
            2,
            "DATABASE_MISSING: The URL in APP_URL names",
        ),
        (
            ["status", "--url", url, "--config", "/nope/x.toml"],
            {},
            2,
            "CONFIG_INVALID: /nope/x.toml cannot be read",
        ),
    ]
    for arguments, environ, code, says in cases:
        result = app.run(runner, *arguments, **environ)
        assert (result.exit_code, says in result.stderr) == (code, True), (arguments, result.output)
        assert "s3cr3t" not in result.output
        assert "Traceback" not in result.output


@pytest.mark.parametrize("words", [["--", "--help", "--fail-on"], ["--", "-"], ["server", "--", "--nope"]])
def test_an_option_in_the_place_of_a_command_is_an_error_of_usage(
    runner: CliRunner, app: Project, words: list[str]
) -> None:
    """Behind two dashes it is a word like others."""
    result = app.run(runner, *words)
    assert (result.exit_code, "error USAGE: No such" in result.stderr) == (2, True), result.output


SECRET = "postgresql://u:s3cr3t'é@h/d"
MISPLACED = [
    [SECRET], ["migrate", SECRET], ["server", SECRET], ["server", "stop", SECRET], ["status", "--to", SECRET],
    ["migrate", f"--to={SECRET}"], ["migrate", "--expect", SECRET], ["status", f"--urll={SECRET}"],
    ["status", "--config", SECRET], ["status", f"--config={SECRET}"], ["status", "--fleet", SECRET],
    ["migrate", "app", "--lock-timeout", SECRET], ["rollback", "app", SECRET], ["new", "app", SECRET],
    ["init", SECRET, SECRET], ["status", "host=h", "password=s3cr3t"], ["status", "host=h password=s3cr3t"],
    ["status", "--color", SECRET], ["docs", "--output", SECRET, SECRET],
    ["plan", "--fail-on", SECRET], ["prove", "app", "--from", SECRET],
    ["status", "--color", "host=h oauth_client_secret=s3cr3t"],
    ["status", "--color", "scram_client_key=s3cr3t"], ["status", "--color", "sslpassword = s3cr3t"],
    ["status", "PGPASSWORD=s3cr3t"], ["status", "postgresql://h/d?password=s3cr3t"],
]  # fmt: skip


@pytest.mark.parametrize("json", [[], ["--json"], ["--log", "json"]], ids=["text", "json", "log"])
@pytest.mark.parametrize("words", MISPLACED, ids=lambda words: " ".join(words).replace(SECRET, "URL"))
def test_a_url_in_a_wrong_place_is_not_repeated(
    runner: CliRunner, app: Project, words: list[str], json: list[str]
) -> None:
    """Whoever forgets --url does not find the password in the log of the pipeline."""
    result = app.run(runner, *words, *json)
    assert result.exit_code == 2, result.output
    assert "s3cr3t" not in result.output + result.stderr


@pytest.mark.parametrize("from_file", [False, True], ids=["environ", ".env"])
@pytest.mark.parametrize(
    "name", ["EMBEDDED", "LOG", "WAIT", "WAIT_LOCK", "HEARTBEAT", "LOCK_TIMEOUT", "SCRATCH_URL"]
)
def test_a_url_in_a_wrong_variable_is_not_repeated(
    runner: CliRunner, app: Project, name: str, *, from_file: bool
) -> None:
    """Neither from the environment nor from .env."""
    command = "prove" if name == "SCRATCH_URL" else "migrate"
    value = f"{SECRET}&"
    if from_file:
        (app.root / ".env").write_text(f'RUNNER_{name}="{value}"\n', encoding="utf-8")
    for more in ([], ["--json"]):
        result = app.run(runner, command, *more, **({} if from_file else {f"RUNNER_{name}": value}))
        assert result.exit_code == 2, result.output
        assert "s3cr3t" not in result.output + result.stderr


@pytest.mark.parametrize("series", ["passwords", "password", "password_resets"])
def test_a_name_that_speaks_of_passwords_is_no_secret(
    runner: CliRunner, tmp_path: Path, url: str, series: str
) -> None:
    """A series, and a table whose name has the same words, are told as they are."""
    project = make(tmp_path, **{series: {"000_one.sql": f"create table public.{series}_b (id int, id int);"}})
    result = project.run(runner, "migrate", series, **{f"{series.upper()}_URL": url})
    assert (result.exit_code, f"{series}/000_one.sql" in result.stderr) == (1, True), result.output
    assert f"public.{series}_b" in result.stderr
    assert "***" not in result.output


def test_a_database_of_another_series_is_refused(
    runner: CliRunner, tmp_path: Path, url: str, other_url: str
) -> None:
    """URLs swapped by mistake change nothing in either database."""
    both = make(tmp_path, auth=TWO, specs=TWO)
    both.run(runner, "migrate", "auth", AUTH_URL=url)
    result = both.run(runner, "migrate", AUTH_URL=other_url, SPECS_URL=url)
    assert result.exit_code == 4
    assert "WRONG_DATABASE: This database belongs to series auth, not specs" in result.stderr
    with psycopg.connect(other_url) as db:
        assert db.execute("select to_regclass('public.one')").fetchone() == (None,)
