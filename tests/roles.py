"""Both databases as in production: made with docs/roles.sql, migrated by the migrator."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from click.testing import CliRunner
from psycopg import sql

from tests.conftest import SERIES
from tests.project import ROOT, Project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    from tests.servers import Server

ROLES = {"owner": "R-owner", "migrator": "R-migrator", "app": "R-app"}


@dataclass(frozen=True)
class Site:
    """Both databases of one server, with one set of roles."""

    server: Server
    names: dict[str, str]

    def url(self, series: str, role: str) -> str:
        """Return the URL of a database for one of the roles, or for the administrator."""
        return self.server.url(self.names[series]).replace("postgres@", f"{ROLES.get(role, role)}@")

    def run_roles(self, series: str) -> str:
        """Run docs/roles.sql as its header says; return all it printed."""
        return run_roles(self.server, self.url(series, "postgres"))

    def command(self, *arguments: str) -> str:
        """Run a command of the runner for both databases, as the migrator; return what it printed."""
        urls = {f"DATABASE_URL_{series.upper()}": self.url(series, "migrator") for series in SERIES}
        done = Project(ROOT).run(CliRunner(), *arguments, **urls)
        assert done.exit_code == 0, done.output
        return done.stdout

    @contextmanager
    def admin(self, series: str) -> Iterator[Connection]:
        """Yield a connection of the administrator that commits every statement."""
        with psycopg.connect(self.url(series, "postgres"), autocommit=True) as connection:
            yield connection


def run_roles(server: Server, url: str, *names: str) -> str:
    """Run docs/roles.sql as its header says, with other names if given; return all it printed."""
    variables = [f"-v{name}={role}" for name, role in zip(ROLES, names or ROLES.values(), strict=True)]
    command = [server.psql, "-X", "-v", "ON_ERROR_STOP=1", "-1", "-q", *variables]
    done = subprocess.run(
        [*command, "-f", str(ROOT / "docs" / "roles.sql"), url], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@contextmanager
def made(server: Server) -> Iterator[Site]:
    """Make both databases and the roles; all goes at the end."""
    site = Site(server, {series: f"roles_{series}" for series in SERIES})
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for name in site.names.values():
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            for series in SERIES:
                assert site.run_roles(series) == ""
            site.command("migrate")
            yield site
        finally:
            for name in site.names.values():
                connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
            for role in reversed(ROLES.values()):
                connection.execute(
                    sql.SQL("drop owned by {0} cascade; drop role {0}").format(sql.Identifier(role))
                )


@contextmanager
def migrating(server: Server, url: str) -> Iterator[str]:
    """Give a database roles of its own; yield its URL for the migrator. They go at the end."""
    names = ("M-owner", "M-migrator", "M-app")
    assert run_roles(server, url, *names) == ""
    try:
        yield url.replace("postgres@", f"{names[1]}@")
    finally:
        with psycopg.connect(url, autocommit=True) as admin:
            for name in map(sql.Identifier, reversed(names)):
                admin.execute(sql.SQL("drop owned by {0} cascade; drop role {0}").format(name))
