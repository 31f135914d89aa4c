"""Which series there are, and where each one lives."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from runner import config, environment
from runner.config import Project, Target
from runner.errors import ConfigError, UnknownSeries, UrlMissing, UsageError

if TYPE_CHECKING:
    from pathlib import Path

TWO = """
[tool.runner.databases.auth]
sql = "sql/auth"
database = "socrates_auth"
url = "URL_AUTH"

[tool.runner.databases.specs]
sql = "sql/specs"
database = "socrates_specs"
url = "URL_SPECS"
"""
AUTH, SPECS = "postgresql://u:s3cret@auth/a", "postgresql://u:s3cret@specs/s"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file away")
@pytest.mark.parametrize("name", [config.FILE, ".env"])
def test_what_somebody_else_put_where_everybody_may_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It would decide which files are run, and where; in a folder of its owner's it is as ever."""
    (tmp_path / config.FILE).write_text(TWO, encoding="utf-8")
    (tmp_path / ".env").write_text("A=b\n", encoding="utf-8")
    os.chown(tmp_path / name, 12345, -1)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")

    def look() -> None:
        environment.read(config.load().home, {})

    look()
    tmp_path.chmod(0o1777)
    with pytest.raises(ConfigError, match=f"{name} belongs to another user"):
        look()
    config.load(tmp_path / config.FILE)  # it was named
    os.chown(tmp_path, 12345, -1)
    look()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a link away")
def test_a_link_that_somebody_else_put_where_everybody_may_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leads to a file of one's own, and would make folders beside the link count."""
    (tmp_path / "own.toml").write_text(TWO, encoding="utf-8")
    (tmp_path / config.FILE).symlink_to("own.toml")
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o1777)
    config.load()
    os.chown(tmp_path / config.FILE, 12345, -1, follow_symlinks=False)
    with pytest.raises(ConfigError, match="belongs to another user"):
        config.load()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project of the two series auth and specs in ``tmp_path``."""
    return _load(tmp_path, TWO)


def _load(folder: Path, text: str) -> Project:
    (folder / config.FILE).write_text(text, encoding="utf-8")
    return config.load(folder / config.FILE)


def _found(project: Project, environ: dict[str, str], *names: str) -> dict[str, str] | None:
    targets = config.targets(project, config.choose(project, names), url=None, environ=environ)
    return None if targets is None else {target.source: target.url for target in targets}


def test_a_configuration_gives_its_series_in_order(project: Project, tmp_path: Path) -> None:
    """Folders are relative to the file; order is that of the file."""
    assert [(s.name, s.folder, s.database, s.variable) for s in project.series] == [
        ("auth", tmp_path / "sql/auth", "socrates_auth", "URL_AUTH"),
        ("specs", tmp_path / "sql/specs", "socrates_specs", "URL_SPECS"),
    ]
    assert (project.root, project.home) == (tmp_path, tmp_path)


def test_the_nearest_configuration_upward_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pyproject.toml of something else in between is passed over."""
    _load(tmp_path, TWO)
    below = tmp_path / "services" / "api"
    below.mkdir(parents=True)
    (below / config.FILE).write_text('[project]\nname = "api"\n')
    monkeypatch.chdir(below)
    assert config.load().root == tmp_path


def test_a_named_file_wins_over_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--config may have any name, and its folder is the root and the home of .env."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "deploy.toml").write_text(TWO.replace("socrates", "plato"))
    _load(tmp_path, TWO)
    monkeypatch.chdir(tmp_path)
    project = config.load(other / "deploy.toml")
    assert (project.root, project.home) == (other, other)
    assert project.series[0].database == "plato_auth"


def test_without_any_configuration_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside a project, and without an installed one, the message leads to --config."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(config, "BUNDLED", tmp_path / "absent")
    with pytest.raises(ConfigError, match=r"No pyproject\.toml") as caught:
        config.load()
    assert "--config" in (caught.value.remedy or "")


def test_an_installed_package_brings_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its SQL lies in the package, while .env and .postgres/ belong to the current folder."""
    bundled, here = tmp_path / "bundled", tmp_path / "here"
    bundled.mkdir()
    here.mkdir()
    _load(bundled, TWO)
    monkeypatch.chdir(here)
    monkeypatch.setattr(config, "BUNDLED", bundled)
    project = config.load()
    assert (project.root, project.home) == (bundled, here)


ONE = '[tool.runner.databases.auth]\nsql = "sql"\ndatabase = "auth"\nurl = "URL_AUTH"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[tool.runner", "is not valid TOML", id="invalid TOML"),
        pytest.param("", "has no \\[tool.runner.databases", id="empty"),
        pytest.param("[tool.runner.databases]", "has no \\[tool.runner.databases", id="no series"),
        pytest.param("tool = 1", "has no \\[tool.runner.databases", id="tool is no table"),
        pytest.param('[tool]\nrunner = "x"', "has no \\[tool.runner.databases", id="runner is no table"),
        pytest.param(
            "[tool.runner]\ndatabases = [1]", "has no \\[tool.runner.databases", id="databases is a list"
        ),
        pytest.param("[tool.runner.databases]\nauth = 1", "exactly the texts", id="series is no table"),
        pytest.param(ONE.replace('sql = "sql"\n', ""), "exactly the texts", id="missing key"),
        pytest.param(ONE + "port = 5432", "exactly the texts", id="unknown key"),
        pytest.param(ONE.replace('"sql"', '""'), "exactly the texts", id="empty text"),
        pytest.param(ONE.replace('"sql"', "7"), "exactly the texts", id="number"),
        pytest.param(ONE.replace('"sql"', r'"a\u0000b"'), "exactly the texts.*, without a NUL", id="NUL"),
        pytest.param(
            ONE.replace('"auth"', r'"a\u0000b"'), "exactly the texts.*, without a NUL", id="NUL in a name"
        ),
        pytest.param(ONE.replace('"sql"', r'"a\nb"'), "sql must be .* without control", id="line end"),
        pytest.param(ONE.replace('"sql"', r'"a\u009bb"'), "sql must be .* without control", id="C1 control"),
        pytest.param(ONE + r'schemas = ["a\u0000b"]', "must be a list of names", id="NUL in a schema"),
        pytest.param(ONE + r'ignore = ["a\u0000b"]', "must be a list of texts", id="NUL in a pattern"),
        pytest.param(ONE.replace("auth]", '"Auth-1"]'), "name of a series", id="name of a series"),
        pytest.param(ONE.replace("URL_AUTH", AUTH), "not a URL", id="URL in place of a variable"),
        pytest.param(ONE.replace("URL_AUTH", "$URL_AUTH"), "name of an env", id="dollar before the variable"),
    ],
)
def test_an_impossible_configuration_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """The message names the file and what is wrong, with a remedy and without a secret."""
    with pytest.raises(ConfigError, match=message) as caught:
        _load(tmp_path, text)
    assert str(tmp_path / config.FILE) in caught.value.message
    assert caught.value.remedy
    assert "s3cret" not in f"{caught.value.message} {caught.value.remedy} {caught.value.notes}"


def test_a_configuration_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """An absent file, a folder, and a file that is not UTF-8 are errors of the configuration."""
    (tmp_path / "latin1.toml").write_bytes(b"# caf\xe9\n")
    for name, message in (
        ("absent.toml", "cannot be read"),
        (".", "cannot be read"),
        ("latin1.toml", "TOML"),
    ):
        with pytest.raises(ConfigError, match=message):
            config.load(tmp_path / name)


def test_a_fifo_is_read_once(tmp_path: Path) -> None:
    """As a shell makes of <(…): its writer writes once, and is not asked again."""
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Timer(0.2, (tmp_path / "pipe").write_text, [TWO])
    writer.start()
    found = config.load(tmp_path / "pipe")
    writer.join()
    assert config.load(tmp_path / "pipe") == found
    assert [one.name for one in found.series] == ["auth", "specs"]


def test_a_folder_that_may_not_be_entered_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of another user, in whose project `sudo` leaves one; root enters all, so it becomes nobody."""
    below = tmp_path / "closed" / "below"
    below.mkdir(parents=True)
    _load(below, TWO)
    monkeypatch.chdir(below)
    (tmp_path / "closed").chmod(0)
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(ConfigError, match=r"below/pyproject\.toml cannot be read: Permission denied"):
            config.load()
    finally:
        os.seteuid(os.getuid())
        (tmp_path / "closed").chmod(0o700)


@pytest.mark.parametrize(
    ("names", "expected"),
    [([], ["auth", "specs"]), (["specs"], ["specs"]), (["specs", "auth", "specs"], ["auth", "specs"])],
)
def test_series_are_chosen_in_configured_order(
    project: Project, names: list[str], expected: list[str]
) -> None:
    """No name means all; the order of the names does not matter."""
    assert [series.name for series in config.choose(project, names)] == expected


def test_an_unknown_series_is_refused(project: Project) -> None:
    """The remedy lists those that exist."""
    with pytest.raises(UnknownSeries, match="spec\\.") as caught:
        config.choose(project, ["auth", "spec"])
    assert caught.value.remedy == "Configured are: auth, specs."


@pytest.mark.parametrize("url", ["postgresql://u:s3cr3t@h/d", "host=h password=s3cr3t"])
def test_a_url_is_no_series_and_is_not_repeated(project: Project, url: str) -> None:
    """Other tools take it there; it may hold a password."""
    with pytest.raises(UnknownSeries, match="A URL stands where") as caught:
        config.choose(project, [url])
    assert "s3cr3t" not in f"{caught.value}{caught.value.remedy}"
    assert "--url" in (caught.value.remedy or "")


@pytest.mark.parametrize("names", [(), ("auth",), ("specs",)])
def test_nothing_set_is_the_case_of_the_embedded_server(project: Project, names: tuple[str, ...]) -> None:
    """Only when no variable of any series is set may a private server stand in."""
    assert _found(project, {"PATH": "/bin", "API_URL": AUTH}, *names) is None


@pytest.mark.parametrize(
    ("environ", "names", "message"),
    [
        pytest.param({"URL_AUTH": AUTH}, ("specs",), "^URL_SPECS is not set", id="only the other one"),
        pytest.param({"URL_AUTH": AUTH}, (), "^URL_SPECS is not set", id="one of two"),
        pytest.param({"URL_AUTH": ""}, ("auth",), "^URL_AUTH is not set or empty", id="empty"),
        pytest.param({"URL_AUTH": ""}, ("specs",), "^URL_SPECS is not set", id="the other one empty"),
        pytest.param({"URL_AUTH": ""}, (), "^URL_AUTH and URL_SPECS are not", id="empty and absent"),
    ],
)
def test_a_forgotten_variable_never_ends_at_the_embedded_server(
    project: Project, environ: dict[str, str], names: tuple[str, ...], message: str
) -> None:
    """As soon as any variable is set, even to nothing, each chosen series needs its own."""
    with pytest.raises(UrlMissing, match=message) as caught:
        _found(project, environ, *names)
    assert "s3cret" not in f"{caught.value.message} {caught.value.remedy}"
    assert "misspelt" not in caught.value.message


def test_the_variables_lead_to_the_databases(project: Project) -> None:
    """Each series gets the URL of its own variable."""
    environ = {"URL_SPECS": SPECS, "URL_AUTH": AUTH}
    assert _found(project, environ) == {"URL_AUTH": AUTH, "URL_SPECS": SPECS}
    assert _found(project, {"URL_AUTH": AUTH}, "auth") == {"URL_AUTH": AUTH}


def test_the_environment_wins_over_env_file(project: Project, tmp_path: Path) -> None:
    """A deployment's variable beats the file on the disk, also when it is empty."""
    (tmp_path / ".env").write_text(f"URL_AUTH={AUTH}\nURL_SPECS={SPECS}\n")
    assert _found(project, {"URL_AUTH": "other"}) == {"URL_AUTH": "other", "URL_SPECS": SPECS}
    with pytest.raises(UrlMissing, match="URL_AUTH"):
        _found(project, {"URL_AUTH": ""})


def test_the_env_file_lies_beside_the_configuration(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A .env of the current folder belongs to somebody else."""
    here = tmp_path / "here"
    here.mkdir()
    (here / ".env").write_text(f"URL_AUTH={AUTH}\n")
    monkeypatch.chdir(here)
    assert _found(project, {}) is None


@pytest.mark.skipif(sys.platform == "win32", reason="a link takes a privilege there")
def test_a_link_is_a_configuration_of_the_folder_it_lies_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the volume of a ConfigMap: what lies beside it counts, wherever it leads and it was found."""
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    (there / "kept.toml").write_text(TWO, encoding="utf-8")
    (here / config.FILE).symlink_to(there / "kept.toml")
    (here / ".env").write_text(f"URL_AUTH={AUTH}\nURL_SPECS={SPECS}\n", encoding="utf-8")
    (tmp_path / "door").symlink_to(here)
    monkeypatch.chdir(here)
    for project in map(config.load, (None, here / config.FILE, config.FILE, tmp_path / "door" / config.FILE)):
        assert (project.root, project.home) == (here, here)
        assert [series.folder for series in project.series] == [here / "sql/auth", here / "sql/specs"]
        assert _found(project, {"RUNNER_EMBEDDED": "off"}) == {"URL_AUTH": AUTH, "URL_SPECS": SPECS}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("URL_AUTH=postgresql://u:a${HOME}b@h/d", "postgresql://u:a${HOME}b@h/d", id="${ kept"),
        pytest.param("URL_AUTH='p#q'  # note", "p#q", id="quoted"),
        pytest.param("export URL_AUTH=x", "x", id="export"),
        pytest.param("\ufeffURL_AUTH=x", "x", id="byte order mark"),
        pytest.param("URL_AUTH=x\r\nOTHER=y\r\n", "x", id="CRLF"),
    ],
)
def test_an_env_file_gives_its_values_as_they_are(
    project: Project, tmp_path: Path, line: str, expected: str
) -> None:
    """A password may hold what a shell would replace; editors may leave their marks."""
    (tmp_path / ".env").write_bytes(line.encode())
    assert _found(project, {"HOME": "/root"}, "auth") == {"URL_AUTH": expected}


@pytest.mark.parametrize("line", ["URL_AUTH=", "URL_AUTH"])
def test_an_empty_value_in_an_env_file_counts_as_set(project: Project, tmp_path: Path, line: str) -> None:
    """A template that was not filled in must not lead to the embedded server."""
    (tmp_path / ".env").write_text(line)
    with pytest.raises(UrlMissing, match="URL_AUTH"):
        _found(project, {}, "auth")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"# x\nURL_AUTH='s3cret\n", r"\.env:2 cannot be parsed", id="open quote"),
        pytest.param(b"URL_AUTH=s3cret\xe9\n", r"\.env cannot be read as UTF-8", id="not UTF-8"),
    ],
)
def test_a_broken_env_file_is_refused(project: Project, tmp_path: Path, data: bytes, message: str) -> None:
    """Skipping a line would make its variable count as not set."""
    (tmp_path / ".env").write_bytes(data)
    with pytest.raises(ConfigError, match=message) as caught:
        _found(project, {}, "auth")
    assert "s3cret" not in f"{caught.value.message} {caught.value.remedy} {caught.value.__context__!r}"


@pytest.mark.parametrize("name", ["URL_AUHT", "url_auth", "URL_AUT", "DATABASE_URL", "DATABASE_URL_AUTH"])
@pytest.mark.parametrize("where", ["environment", ".env"])
def test_a_misspelt_variable_never_ends_at_the_embedded_server(
    project: Project, tmp_path: Path, name: str, where: str
) -> None:
    """The variable found is named, and the ones expected; its value is not."""
    environ = {name: AUTH} if where == "environment" else {}
    (tmp_path / ".env").write_text("" if environ else f"{name}={AUTH}\n")
    with pytest.raises(UrlMissing, match=f"there is {name}: misspelt") as caught:
        _found(project, environ, "auth")
    assert caught.value.exit_code == 2
    assert "URL_AUTH, URL_SPECS" in (caught.value.remedy or "")
    assert "s3cret" not in f"{caught.value.message} {caught.value.remedy}"


@pytest.mark.parametrize(
    "name",
    [
        f"DATABASE_URL:{AUTH}?sslmode",
        f"URL_AUTH:{AUTH}",
        f"url_auht:{AUTH}",
        f"{AUTH}?sslmode",
        "URL_AUTH-s3cret",
        "$env:URL_AUTH",
        "%URL_AUTH%",
        "URL-AUTH",
        "\u200bURL_AUTH",
        "URL_\u200bAUTH",
    ],
)
@pytest.mark.parametrize("where", ["environment", ".env"])
def test_what_is_no_name_is_not_repeated(project: Project, tmp_path: Path, name: str, where: str) -> None:
    """A colon in place of the = makes a name of the URL: no reason for the embedded server, and a secret."""
    environ = {name: "x"} if where == "environment" else {}
    (tmp_path / ".env").write_text("" if environ else f"{name}=x\n")
    with pytest.raises(UrlMissing, match="there is a line like it that is no NAME=value: misspelt") as caught:
        _found(project, environ, "auth")
    assert "s3cret" not in f"{caught.value.message} {caught.value.remedy}"


def test_an_empty_misspelt_variable_counts_too(project: Project) -> None:
    """A template that was not filled in, with a name that nobody reads."""
    with pytest.raises(UrlMissing, match="there is DATABASE_URL: misspelt"):
        _found(project, {"DATABASE_URL": ""})


def test_what_was_misspelt_is_named_beside_a_variable_that_is_set(project: Project) -> None:
    """Half a configuration is refused anyway; the message says what the other half is called."""
    with pytest.raises(UrlMissing, match=r"^URL_SPECS is not set.*there is URL_SPECSS"):
        _found(project, {"URL_AUTH": AUTH, "URL_SPECSS": SPECS})


def test_other_variables_do_not_matter_where_all_are_set(project: Project) -> None:
    """A platform sets DATABASE_URL for somebody else."""
    environ = {"URL_AUTH": AUTH, "URL_SPECS": SPECS, "DATABASE_URL": "x", "URL_AUHT": "y"}
    assert _found(project, environ) == {"URL_AUTH": AUTH, "URL_SPECS": SPECS}
    assert _found(project, {"URL_AUTH": AUTH, "DATABASE_URL": "x"}, "auth") == {"URL_AUTH": AUTH}


@pytest.mark.parametrize("name", ["PATH", "API_URL", "BASE_URL", "CURL_AUTHORITY", "PGHOST"])
def test_what_is_not_near_is_somebody_elses(project: Project, name: str) -> None:
    """The embedded server stands in as ever."""
    assert _found(project, {name: "x"}) is None


def test_the_url_of_something_else_is_no_misspelling(project: Project) -> None:
    """A name that is merely near, and holds the address of a web service."""
    assert _found(project, {"URL_AUTHN": "https://auth.example.org"}) is None


def test_a_project_may_call_its_variable_database_url(tmp_path: Path) -> None:
    """What is configured is not misspelt, and what begins like it is."""
    project = _load(tmp_path, ONE.replace("URL_AUTH", "DATABASE_URL"))
    assert _found(project, {"DATABASE_URL": AUTH}) == {"DATABASE_URL": AUTH}
    assert _found(project, {}) is None
    with pytest.raises(UrlMissing, match="there is DATABASE_URL_TEST"):
        _found(project, {"DATABASE_URL_TEST": AUTH})


@pytest.mark.parametrize("name", ["AUTH_DATABASE_URL", "TODO_URL_AUTH", "URL_AUTH_NEW", "Database_Url_Specs"])
def test_a_longer_name_is_near(project: Project, name: str) -> None:
    """With something before or behind the name that was meant."""
    with pytest.raises(UrlMissing, match=f"there is {name}: misspelt"):
        _found(project, {name: AUTH})


@pytest.mark.parametrize("name", ["RUNNER_EMBEDED", "runner_embedded", "RUNNER_NO_EMBEDDED"])
def test_a_misspelt_switch_is_no_switch(project: Project, name: str) -> None:
    """A deploy that meant to forbid the embedded server does not get it."""
    with pytest.raises(ConfigError, match=f"{name} is set, which nothing reads") as caught:
        _found(project, {name: "off"})
    assert "RUNNER_EMBEDDED" in (caught.value.remedy or "")
    assert _found(project, {"RUNNER_TEMP": "/home/runner/work/_temp", "RUNNER_OS": "Linux"}) is None


@pytest.mark.parametrize("where", ["environment", ".env"])
def test_the_embedded_server_can_be_switched_off(project: Project, tmp_path: Path, where: str) -> None:
    """For deploys: a variable nobody set is an error; `on` is what is so anyway."""
    for value, off in (("off", True), ("0", True), ("No", True), ("on", False), ("", False)):
        environ = {"RUNNER_EMBEDDED": value} if where == "environment" else {}
        (tmp_path / ".env").write_text("" if environ else f"RUNNER_EMBEDDED={value}\n")
        if off:
            with pytest.raises(UrlMissing, match="URL_AUTH and URL_SPECS are not set"):
                _found(project, environ)
        else:
            assert _found(project, environ) is None
    with pytest.raises(ConfigError, match="RUNNER_EMBEDDED is 'of'"):
        _found(project, {"RUNNER_EMBEDDED": "of"})


def test_the_url_option_is_for_one_series(project: Project) -> None:
    """--url wins over the variables, and never serves two series."""
    environ = {"URL_AUTH": AUTH}
    [target] = config.targets(project, config.choose(project, ["specs"]), url=SPECS, environ=environ) or ()
    assert (target.series.name, target.url, target.source) == ("specs", SPECS, "--url")
    with pytest.raises(UsageError, match="--url is for one series"):
        config.targets(project, config.choose(project, []), url=SPECS, environ=environ)


def test_a_target_does_not_show_its_url(project: Project) -> None:
    """A repr in a log or a traceback holds no password."""
    assert "s3cret" not in repr(Target(project.series[0], AUTH, "URL_AUTH"))
