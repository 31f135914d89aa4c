"""Check the migration files before they are applied: ``python -m tests.sql.check``, which is ``make check``.

The rules are applied to the text of each file, and to the catalog after each file, in a scratch database on
a server that is started for it and thrown away. No configured database is asked, or even known.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from runner import apply, config, database
from runner.database import Access
from runner.errors import RunnerError
from runner.files import folder
from runner.schema import scratch
from tests import servers
from tests.sql import catalog, file_rules, rules, targets
from tests.sql.file import File, files
from tests.sql.rule import Broken, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from runner.config import Project, Series
    from runner.model import Migration
    from tests.sql.catalog import Catalog, Column
    from tests.sql.file import Place

    AnyRule = (
        Rule[Catalog, catalog.Thing]
        | Rule[tuple[Catalog, Catalog], str]
        | Rule[Mapping[str, Catalog], tuple[str, Column]]
    )

ROOT = Path(__file__).parent.parent.parent
PROJECTS = (ROOT, ROOT / "examples" / "todo")
SQUAWK = Path(sys.executable).with_name("squawk")
KINDS = ("tables", "columns", "constraints", "indexes", "triggers", "functions")

# It compares two moments, so it is no rule of one catalog like the others.
CHANGES: Rule[tuple[Catalog, Catalog], str] = Rule(
    "changes",
    "What an earlier file made and this one changes or takes away stands by its name in the header.",
    "Name it there: `Changes …`, `Validates …` or `Drops …`.",
    lambda moments: _changed(*moments),
)


def project_rules() -> list[tuple[str, str, str]]:
    """Return name, meaning and remedy of every rule, as docs/writing.md lists them."""
    every: list[AnyRule | Rule[File, Place]] = [*file_rules.RULES, CHANGES, *rules.RULES, targets.RULE]
    return [(one.name, one.what, one.remedy) for one in every]


def findings(project: Project, url: str) -> Iterator[Broken | str]:
    """Yield what breaks a rule, and why the files do not build where they do not."""
    yield from texts(project)
    try:
        yield from catalogs(project, url)
    except RunnerError as error:
        place = f"{error.place.path}:{error.place.line}: " if error.place else ""
        yield f"{place}{error.message}\n    {error.remedy or 'make prove shows more.'}"


def texts(project: Project) -> list[Broken]:
    """Return what breaks the rules of files."""
    return sorted(
        broken for file in files(project) for one in file_rules.RULES for broken in file.broken(one)
    )


def catalogs(project: Project, url: str) -> list[Broken]:
    """Return what breaks the rules of catalogs, in scratch databases on the server of ``url``; writes there.

    A rule is broken by the file since which it has been, to the end.
    """
    found: list[Broken] = []
    ends: dict[str, Catalog] = {}
    for series in project.series:
        migrations = folder.load(series.name, series.folder, root=project.root)
        with scratch.scratch_database(url, source="the scratch server") as there:
            moments = list(_moments(migrations, there))
        found += _series(project, series, moments)
        if moments:
            ends[series.name] = moments[-1][1]
    for name, column in targets.RULE.find(ends):
        own = (file for file in files(project) if file.series.name == name and not file.is_rollback)
        last = [file for file in own if _place(file, f"column {column.name}")][-1]
        found.append(_broken(last, targets.RULE, f"column {column.name}"))
    return sorted(found)


def _moments(migrations: Sequence[Migration], url: str) -> Iterator[tuple[Migration, Catalog]]:
    """Apply files to an empty database; yield each with the catalog behind it."""

    def connect() -> database.Connection:
        return database.connect(url, source="the scratch server")

    with connect() as connection, closing(psycopg.connect(url, autocommit=True)) as reader:
        for migration in apply.one_by_one(Access(connection, connect), migrations):
            yield migration, catalog.read(reader)


def _series(
    project: Project, series: Series, moments: Iterable[tuple[Migration, Catalog]]
) -> Iterator[Broken]:
    before: Catalog | None = None
    since: dict[tuple[str, str], File] = {}
    for migration, now in moments:
        file = File(project.root / migration.path, series, project.root)
        if before:
            for name in CHANGES.find((before, now)):
                if not re.search(rf"\b{re.escape(_parts(name)[-1])}\b", file.words):
                    yield _broken(file, CHANGES, name)
        broken = [(one.name, name) for one in rules.RULES for name in rules.broken(one, now)]
        since = {key: since.get(key, file) for key in broken}
        before = now
    by_name = {one.name: one for one in rules.RULES}
    for (rule, name), file in since.items():
        yield _broken(file, by_name[rule], name)


def _broken(file: File, rule: AnyRule, name: str) -> Broken:
    return Broken(file.shown, file.line(_place(file, name)), name, rule.name, rule.what, rule.remedy)


def _place(file: File, name: str) -> int:
    """Return where a file first speaks of an object outside its header: of a column, behind its table."""
    place = len(file.header)
    for part in _parts(name):
        if found := re.compile(rf"\b{re.escape(part)}\b").search(file.text, place):
            place = found.start()
    return place if place > len(file.header) else 0


def _parts(name: str) -> list[str]:
    """Return the words of ``column users.email`` behind its kind."""
    return name.partition(" ")[2].split(".")


def _changed(before: Catalog, after: Catalog) -> Iterator[str]:
    """Yield what was there before and is not, or not so, after; nothing of a table that has gone."""
    tables = {table.name for table in after.tables}
    for kind in KINDS:
        left = getattr(after, kind)
        same = catalog.by_name(left)
        for thing in getattr(before, kind):
            is_gone = getattr(thing, "table", None) not in {None, *tables}
            if same.get(thing.name) != thing and thing not in left and not is_gone:
                yield f"{type(thing).__name__.lower()} {thing.name}"


def squawk(*files: Path) -> list[Broken]:
    """Return what squawk finds in files, with the settings of the project."""
    command = [str(SQUAWK), "--config", str(ROOT / ".squawk.toml"), "--reporter", "json", *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return [
        Broken(one["file"], one["line"] + 1, "squawk", one["rule_name"], one["message"], _advice(one))
        for one in json.loads(done.stdout)
    ]


def _advice(finding: dict[str, str]) -> str:
    excuse = f"write `-- squawk-ignore-file {finding['rule_name']}` into the header, with the reason."
    return f"{finding['help'] or 'Write it otherwise.'} Or {excuse}"


def main() -> int:
    """Print what breaks a rule, one after the other; return 1 when there is anything."""
    projects = [config.load(root / config.FILE) for root in PROJECTS]
    every = [file for project in projects for file in files(project)]
    found = [str(broken) for broken in squawk(*(file.path.relative_to(ROOT) for file in every))]
    with servers.running(servers.NEWEST) as server:
        for project in projects:
            where = "" if project.root == ROOT else f"{project.root.relative_to(ROOT)}/"
            found += (f"{where}{broken}" for broken in findings(project, server.url("postgres")))
    told = (
        f"{len(found)} broken: mend it before you migrate" if found else f"{len(every)} files keep the rules"
    )
    print(*found, f"{told} (docs/writing.md).", sep="\n")  # noqa: T201 - this program reports
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
