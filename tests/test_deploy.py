"""The examples for a deploy: as far as what can be installed can tell, they are right."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import kubernetes_validate
import pytest
import yaml

from runner.cli import cli
from tests.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPLOY = ROOT / "docs" / "deploy"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
YAML = [*sorted(DEPLOY.glob("*.yaml")), HOOKS]
BIN = Path(sys.executable).parent
RULES = (
    "{extends: default, rules: {line-length: {max: 120}, document-start: disable,"
    " truthy: {check-keys: false}, comments: {min-spaces-from-content: 1}}}"
)
# Of systemd.unit(5), systemd.service(5), systemd.exec(5): what an example may need.
UNIT = {
    "Unit": {"Description", "Documentation", "Wants", "Requires", "After", "Before"},
    "Service": {
        "Type", "RemainAfterExit", "Environment", "EnvironmentFile", "ExecStart", "Restart", "RestartSec",
        "RestartPreventExitStatus", "RestartForceExitStatus", "TimeoutStartSec", "DynamicUser", "User",
        "ProtectSystem", "ProtectHome", "PrivateTmp", "NoNewPrivileges",
    },
    "Install": {"WantedBy", "RequiredBy"},
}  # fmt: skip


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _parts(file: Path) -> list[Any]:
    return list(yaml.safe_load_all(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize("file", YAML, ids=lambda file: file.name)
def test_yaml_is_as_yamllint_wants_it(file: Path) -> None:
    """Duplicate keys and wrong indents among them."""
    _run(BIN / "yamllint", "--strict", "-d", RULES, file)


@pytest.mark.parametrize(("name", "schema"), [("github", "github-workflows"), ("gitlab", "gitlab-ci")])
def test_a_pipeline_is_as_its_schema_says(name: str, schema: str) -> None:
    """The schemas come with the checker; nothing is fetched."""
    _run(BIN / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", DEPLOY / f"{name}.yaml")


@pytest.mark.parametrize("file", sorted(DEPLOY.glob("kubernetes-*.yaml")), ids=lambda file: file.name)
def test_kubernetes_takes_it(file: Path) -> None:
    """No key that it does not know, none that is missing, no wrong type; and nothing may be written."""
    for part in _parts(file):
        kubernetes_validate.validate(part, kubernetes_validate.latest_version(), strict=True)
        pod = part["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        [migrate] = [one for one in pod.get("initContainers", pod["containers"]) if one["name"] == "migrate"]
        assert migrate["securityContext"]["readOnlyRootFilesystem"]
        assert not migrate["securityContext"]["allowPrivilegeEscalation"]


def test_the_containerfile_is_as_hadolint_wants_it() -> None:
    """Its last stage runs as nobody who may write there."""
    if not (hadolint := BIN / "hadolint").is_file():
        pytest.skip("hadolint has no wheel for this machine")
    _run(hadolint, DEPLOY / "Containerfile")


def _instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_what_the_containerfile_copies_is_all_that_a_wheel_needs(tmp_path: Path) -> None:
    """Its steps, but for the base image: the files are inside the wheel, and no extra is installed."""
    for word, rest in _instructions():
        if word == "COPY" and "--from" not in rest:
            *sources, target = rest.split()
            folder = tmp_path / target.strip("/")
            for source in sources:
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, folder, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    folder.mkdir(exist_ok=True)
                    shutil.copy(ROOT / source, folder)
    [install] = [rest for word, rest in _instructions() if word == "RUN"]
    assert install.endswith("/app/bin/pip install --no-cache-dir /src")
    build = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path]
    _run(sys.executable, *map(str, build), tmp_path / "src")
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as inside:
        names = set(inside.namelist())
    files = {f"runner/bundled/{path.relative_to(ROOT)}" for path in (ROOT / "sql").rglob("*.sql")}
    assert files <= names


def test_the_image_runs_as_nobody_and_without_the_embedded_server() -> None:
    """Its last stage says so."""
    last = _instructions()[[word for word, _ in _instructions()].index("FROM", 1) :]
    told = dict(last)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", told["USER"])
    assert "RUNNER_EMBEDDED=off" in told["ENV"].split()


def _unit() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign] # keys have capitals
    parser.read(DEPLOY / "socrates-migrate.service", encoding="utf-8")
    return parser


def test_the_unit_has_what_systemd_knows() -> None:
    """Sections and keys; and it tries again what may pass, but nothing else."""
    unit = _unit()
    assert set(unit.sections()) == UNIT.keys()
    for section, known in UNIT.items():
        assert set(unit[section]) <= known
    assert (unit["Service"]["Type"], unit["Service"]["Restart"]) == ("oneshot", "on-failure")
    assert unit["Service"]["RestartPreventExitStatus"].split() == ["1", "2", "4"]


def test_the_application_is_not_left_down_by_a_first_try() -> None:
    """The unit has the lines that start what failed with it, or keep it waiting, to be chosen by version."""
    text = (DEPLOY / "socrates-migrate.service").read_text(encoding="utf-8")
    head, _, rest = text.partition("[Unit]")
    assert all(word in head for word in ("254", "249", "Upholds="))
    assert re.search(r"(?m)^# Upholds=\S+\.service$", rest)
    assert re.search(r"(?m)^# RestartMode=direct$", rest)


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Yield every call of the runner in the examples, as words behind its name."""
    for word, rest in _instructions():
        if word == "CMD":
            yield "Containerfile", yaml.safe_load(rest)
    yield "unit", shlex.split(_unit()["Service"]["ExecStart"])[1:]
    for file in YAML:
        for line in re.findall(
            r"(?m)^ *- (?:run: )?socrates-migrate (.+)$", file.read_text(encoding="utf-8")
        ):
            yield file.name, shlex.split(line.partition(" > ")[0])
        for args in re.findall(r"(?m)^ *args: (\[.+\])$", file.read_text(encoding="utf-8")):
            yield file.name, [str(word) for word in yaml.safe_load(args)]


@pytest.mark.parametrize(("file", "words"), list(_commands()), ids=str)
def test_every_call_is_one_that_the_runner_takes(file: str, words: list[str]) -> None:
    """Command, options and values; nothing is run."""
    context = click.Context(cli)
    name, command, rest = click.Group.resolve_command(cli, context, list(words))
    assert command is not None, file
    while isinstance(command, click.Group):
        name, command, rest = command.resolve_command(context, rest)
        assert command is not None, file
    with command.make_context(name, rest, parent=context):
        assert name in words


def test_each_example_has_its_calls() -> None:
    """Else the test above would test nothing."""
    found = {file for file, _ in _commands()}
    assert found == {"Containerfile", "unit", *(f.name for f in DEPLOY.glob("*.yaml"))}


def test_the_hooks_are_hooks() -> None:
    """With the keys that pre-commit needs; what they run exists, and takes the files they are given."""
    [hooks] = _parts(HOOKS)
    assert [hook["id"] for hook in hooks] == ["squawk", "rules"]
    for hook in hooks:
        assert {"id", "name", "entry", "language", "files"} <= hook.keys()
        assert re.search(hook["files"], "sql/auth/000_users.sql")
    squawk, rules = hooks
    _run(BIN / squawk["entry"], *sorted((ROOT / "sql" / "auth").glob("*.sql")))
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"{squawk["additional_dependencies"][0]}"' in declared
    assert f"\n{rules['entry'].removeprefix('make ')}:" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_guide_lists_every_example() -> None:
    """One row for each."""
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    names = {file.name for file in DEPLOY.iterdir()} - {"README.md"}
    assert set(re.findall(r"(?m)^\| \[([^]]+)\]", text)) == names
