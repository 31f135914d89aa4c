"""Give every test real PostgreSQL servers, and databases that the runner itself has migrated.

``server`` is the newest version; ``each_server`` runs a test on every supported one. A database made
from a template (``auth_15`` … ``specs_18``) is a clone of what the runner built once per session.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
from collections import defaultdict
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql
from pytest_postgresql import factories

from runner import apply, config
from runner.cli import ending
from runner.config import Target
from runner.planning import compare, look, read
from tests import clusters, servers
from tests.project import ROOT, TWO, Project, make
from tests.servers import NEWEST, VERSIONS, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SERIES = ("auth", "specs")
LONG = (  # ten seconds and more in one test
    "tests/test_new_migration.py",
    "tests/test_packaging.py",
    "tests/test_operations_guide.py::test_a_backup",
    "tests/test_alembic_guide.py::test_the_guide_moves",
    "tests/test_api_page.py",
    "tests/schema/test_upgraded.py",
    "tests/test_production_guide.py",
    "tests/schema/test_changes.py",
    "tests/schema/test_proof.py::test_every_file",
    "tests/examples/test_todo_files.py::test_the_commands",
    "tests/cli/test_locks.py",
    "tests/apply/test_watch.py",
)
_numbers = count(1)
_admins: dict[str, psycopg.Connection] = {}  # by the server's folder


def pytest_configure(config: pytest.Config) -> None:
    """Listen to Ctrl-C also where the tests were started in the background, which ignores it.

    Programs the tests start inherit that, and some tests interrupt them. Temporary files are kept in memory
    where there is room: a third of the suite's time was spent on a disk.
    """
    if folder := servers.memory():
        tempfile.tempdir = str(folder)
    _keep_apart(config)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    clusters.share(config, partial(servers.new_folder, NEWEST))


def _keep_apart(config: pytest.Config) -> None:
    """Keep temporary files where no other run of pytest comes by; they are removed, but those of --basetemp.

    Each one takes from pytest-of-root, as it begins, the right of the user that runs servers for root to pass
    it. Workers are told where their files go.
    """
    if config.option.basetemp is None:
        config.option.basetemp = tempfile.mkdtemp(prefix="pytest-")
        config.add_cleanup(partial(shutil.rmtree, config.option.basetemp, ignore_errors=True))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Spare the collector of garbage what stays until the end: it went through all tests time and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_xdist_auto_num_workers() -> int:
    """Start two workers for each processor and one more: a test waits for its server half of the time."""
    return 2 * (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest; leave the version between the oldest and the newest to a run of its own.

    SERVERS=middle chooses that version alone, SERVERS=all every one.
    """
    wanted = os.environ.get("SERVERS", "ends")
    middle = [item for item in items if _is_between(item)]
    kept = middle if wanted == "middle" else items if wanted == "all" else _without(items, middle)
    config.hook.pytest_deselected(items=_without(items, kept))
    items[:] = _spread(kept, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _spread(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Let each worker, which begins with a piece of the list, begin with some of the long ones."""
    short = [item for item in items if not item.nodeid.startswith(LONG)]
    size = -(-len(short) // workers)
    found = []
    for worker in range(workers):
        names = LONG[worker::workers]
        found += [item for item in items if item.nodeid.startswith(names)]
        found += short[worker * size : (worker + 1) * size]
    return found


def _is_between(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    own = any(name.endswith(f"_{version}") for name in fixtures for version in VERSIONS[1:-1])
    return own or any(f"pg{version}" in item.name for version in VERSIONS[1:-1])


def _without(items: list[pytest.Item], others: list[pytest.Item]) -> list[pytest.Item]:
    left = set(map(id, others))
    return [item for item in items if id(item) not in left]


def pytest_report_header() -> str:
    """Say which servers the tests run on, and which they miss."""
    missing = [str(v) for v in VERSIONS if not servers.is_installed(v)]
    note = f" (not installed, skipped: {', '.join(missing)})" if missing else ""
    return f"postgresql: {', '.join(str(v) for v in VERSIONS if servers.is_installed(v))}{note}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests were skipped and why, and what the long rehearsal tried and lost."""
    terminalreporter.ensure_newline()
    _tell_skipped(terminalreporter)
    if os.environ.get("FAULTS") == "long":
        _tell_rehearsal(terminalreporter)


def _tell_skipped(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = defaultdict(list)
    for report in terminalreporter.getreports("skipped"):
        _, _, reason = report.longrepr
        skipped[reason.removeprefix("Skipped: ")].append(report.nodeid)
    if skipped:
        terminalreporter.section(f"{sum(map(len, skipped.values()))} skipped")
    for reason, tests in sorted(skipped.items()):
        terminalreporter.write_line(f"{reason}: {len(tests)}")
        for test in sorted(tests):
            terminalreporter.write_line(f"    {test}")


def _tell_rehearsal(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line("| rehearsal | cases | rounds of the repeated ones | failed |")
    terminalreporter.write_line("|---|---|---|---|")
    for module in sorted(_modules(terminalreporter)):
        reports = [_of(terminalreporter, outcome, module) for outcome in ("passed", "failed")]
        loaded = import_module(module.removesuffix(".py").replace("/", "."))  # only a worker has it yet
        rounds = [vars(loaded)[name] for name in ("KILLS", "CUTS", "ROUNDS", "STOPS") if name in vars(loaded)]
        about = str(loaded.__doc__).splitlines()[0].rstrip(".")
        terminalreporter.write_line(
            f"| {about} | {sum(reports)} | {rounds[0] if rounds else ''} | {reports[1]} |"
        )


def _modules(terminalreporter: pytest.TerminalReporter) -> set[str]:
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    return {report.nodeid.partition("::")[0] for report in reports if "/faults/" in report.nodeid}


def _of(terminalreporter: pytest.TerminalReporter, outcome: str, module: str) -> int:
    return sum(report.nodeid.startswith(module) for report in terminalreporter.getreports(outcome))


@pytest.fixture(autouse=True)
def _told_as_usual() -> Iterator[None]:
    """Leave nothing of how one test is told to the next: click notes ``--log json`` while it reads."""
    yield
    ending.forget()


def _clean(patch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("PG", "DATABASE_URL")) or name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
            patch.delenv(name)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the variables of whoever runs the tests, and of other tests, out of each."""
    _clean(monkeypatch)


@pytest.fixture(scope="session", autouse=True)
def _copied_clusters() -> Iterator[None]:
    """Start the private servers of the tests from a copy; those for all tests find no variables, either."""
    with pytest.MonkeyPatch.context() as patch:
        _clean(patch)
        clusters.copy_private(patch)
        yield


def _server_fixture(version: int) -> Callable[..., Iterator[Server]]:
    @pytest.fixture(scope="session", name=f"server_{version}")
    def fixture() -> Iterator[Server]:
        if not servers.is_installed(version):
            pytest.skip(f"PostgreSQL {version} is not installed")
        with servers.running(version) as server:
            yield server
            if admin := _admins.pop(server.host, None):
                admin.close()

    return fixture


def _migrated(series: str) -> Callable[..., None]:
    """Return a loader for pytest-postgresql's template: the runner on the project's own files."""

    def load(*, host: str, port: int, user: str, dbname: str, **_: object) -> None:
        project = config.load(ROOT / config.FILE)
        url = psycopg.conninfo.make_conninfo(host=host, port=port, user=user, dbname=dbname)
        chosen = config.choose(project, [series])
        with look(read(project, chosen), [Target(chosen[0], url, "the template")]) as [site]:
            files = [step.file for step in compare.pending(site.steps)]
            list(apply.apply(site.access, files, site.before))

    return load


for _version in VERSIONS:
    globals()[f"server_{_version}"] = _server_fixture(_version)
    for _series in SERIES:
        _name = f"{_series}_{_version}"
        globals()[f"template_{_name}"] = factories.postgresql_noproc(
            depends_on=f"server_{_version}", dbname=_name, load=[_migrated(_series)]
        )
        globals()[_name] = factories.postgresql(f"template_{_name}")


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Server:
    """Return the newest server."""
    found: Server = request.getfixturevalue(f"server_{NEWEST}")
    return found


@pytest.fixture(scope="session", params=VERSIONS, ids=lambda version: f"pg{version}")
def each_server(request: pytest.FixtureRequest) -> Server:
    """Return every supported server in turn."""
    found: Server = request.getfixturevalue(f"server_{request.param}")
    return found


def _database(server: Server) -> Iterator[str]:
    """Yield the URL of a new database, which is dropped afterwards."""
    name = f"test_{next(_numbers)}"
    create = sql.SQL("create database {} strategy file_copy").format(sql.Identifier(name))  # the faster one
    _admin(server).execute(create)
    yield server.url(name)
    _admin(server).execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


new_database = contextmanager(_database)


def _admin(server: Server) -> psycopg.Connection:
    """Return the connection that makes all databases of a server: thousands of tests have one or two."""
    found = _admins.get(server.host)
    if found is None or found.closed:
        found = _admins[server.host] = psycopg.connect(server.url("postgres"), autocommit=True)
    return found


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    """Return the URL of an empty database on the newest server."""
    yield from _database(server)


@pytest.fixture
def other_url(server: Server) -> Iterator[str]:
    """Return the URL of a second empty database."""
    yield from _database(server)


@pytest.fixture
def each_url(each_server: Server) -> Iterator[str]:
    """Return the URL of an empty database on every supported server in turn."""
    yield from _database(each_server)


@pytest.fixture
def db(each_url: str) -> Iterator[psycopg.Connection]:
    """Return a connection that sees ``each_url``'s database from outside."""
    with psycopg.connect(each_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def runner() -> CliRunner:
    """Return click's test runner."""
    return CliRunner()


@pytest.fixture
def app(tmp_path: Path) -> Project:
    """Return a project with two files."""
    return make(tmp_path, app=TWO)


@pytest.fixture
def psql_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the newest server's programs on PATH, as where PostgreSQL's clients are installed."""
    monkeypatch.setenv("PATH", os.pathsep.join((str(servers.PROGRAMS[NEWEST]), os.environ["PATH"])))


@pytest.fixture
def plain_url(each_server: Server, each_url: str) -> Iterator[str]:
    """Return the URL of ``each_url``'s database for a role that may create there and is no superuser."""
    with psycopg.connect(each_url, autocommit=True) as admin:
        name = admin.info.dbname
        admin.execute('create role "Plain-role" login')
        admin.execute('grant create on schema public to "Plain-role"')
        admin.execute(sql.SQL('grant create on database {} to "Plain-role"').format(sql.Identifier(name)))
        yield f"postgresql://Plain-role@/{name}?host={each_server.host}"
        admin.execute('drop owned by "Plain-role" cascade')
        admin.execute('drop role "Plain-role"')
