"""Write pending files as one SQL text that psql runs without Python, with the effect of ``migrate``.

One transaction per file, with the same lock, the same guards and the same ledger rows. Before each file
the bundle checks that the ledger is exactly what it was made for, so a second run, or a run against
another database, changes nothing.

It begins with a table of contents. What surrounds every file stands once, in psql variables, so that behind
it a reviewer reads nothing but files, each once: psql keeps a file's text, runs it, whole as the runner sends
it, and records it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from runner import __version__, files
from runner.planning import frame
from runner.planning.site import replaced
from runner.planning.step import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.model import Applied, Migration
    from runner.planning.site import Site

_TITLE = "-- Pending files of series {series}, for the ledger that records: {recorded}.\n--\n"
_HEADER = """\
--
-- Made by the runner, version {runner}. Effect and ledger are those of `migrate {series}`.
--
-- Review it, then run it with psql, as the role that owns the ledger:
--     psql -X -f THIS_FILE "${variable}"
-- Each file is a transaction of its own. It stops at the first error; nothing of that file remains. A LINE
-- that PostgreSQL names then is one of the file. When the ledger is no longer what it was made for, it
-- changes nothing and says so.
"""

_FILE = """
-- {rule} {path}

\\echo {shown}
\\set identity {identity}
\\set version {version}
\\set name {name}
\\set checksum {checksum}
select pg_catalog.substr({tag}
{text}{tag}, 2) as sql \\gset
{alone}:begin{kind} \\gset
select :'sql' \\gexec
:record{kind} \\gset
"""
# What the file has set for the database or the role, the next one finds, and no types that are no more.
_CONNECT = "\\connect\nset client_encoding = 'utf8';\n"
# Where a trigger sets what sessions begin with, that is also the path which the next one finds.
_KEEP = "select pg_catalog.current_setting('search_path') as path \\gset\n"
_DEFAULT, _KEPT = "'search_path', null", "'search_path', :'path'"
_ALONE = """\
\\set lock_timeout {lock_timeout}
\\set index {index}
\\set relation {table}
"""
_HEADINGS = ("line", "file", "statements", "lines", "locks")


def write_bundle(site: Site, *, locks: Mapping[str, str] | None = None) -> str:
    """Return the bundle of the files that are pending in a database.

    ``locks`` are words for the table of contents, by version, where they are known.
    """
    pending = [step.file for step in site.steps if step.state is State.PENDING]
    done = [step.applied for step in site.steps if step.applied and not step.applied.running]
    recorded = [_identity(row) for row in done]
    empty = None if site.before.has_ledger else (site.schemas, replaced(site.target, pending))
    before = "".join(frame.write(pending, series=site.series, recorded=recorded, empty=empty))
    greets = site.facts.greets or any(files.greets(one.sql) for one in pending)
    if greets:
        before = before.replace(_DEFAULT, _KEPT) + _KEEP
    known = ", ".join(f"{site.series} {row.version}" for row in done) or "nothing"
    title = _TITLE.format(series=site.series, recorded=known)
    variable = site.target.series.variable
    header = _HEADER.format(series=site.series, runner=__version__, variable=variable)
    parts = [_file(one) + _between(one, then, greets=greets) for one, then in pairwise(pending)]
    parts += [_file(one) for one in pending[-1:]]
    if parts and empty:
        parts[0] += "\\set ledger ''\n"
    first = (title + header + before).count("\n") + len(pending) + 1
    contents = _contents(pending, parts, locks or {}, first=first)
    return "".join((title, *contents, header, before, *parts, f"\n\\echo {site.series}: done\n"))


def _between(migration: Migration, then: Migration, *, greets: bool) -> str:
    """Return what begins a new session between two files, where ``migrate`` does."""
    if greets:
        return _CONNECT + _KEEP
    return _CONNECT if files.ages(migration.sql) or files.remakes(then.sql) else ""


def _contents(
    migrations: Sequence[Migration], parts: Sequence[str], locks: Mapping[str, str], *, first: int
) -> Iterator[str]:
    """Yield a line for each file: where it begins in the bundle, how long it is, what it locks if known.

    ``first`` counts the lines before the first part.
    """
    rows = [_HEADINGS]
    for migration, part in zip(migrations, parts, strict=True):
        statements, lines = len(files.scan(migration.sql).statements), len(migration.sql.splitlines())
        locked = locks.get(migration.version, "")
        rows.append((str(first + 2), migration.path, str(statements), str(lines), locked))
        first += part.count("\n")
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for *row, locked in rows:
        cells = [text.rjust(width) for text, width in zip(row, widths, strict=False)]
        cells[1] = row[1].ljust(widths[1])
        yield f"-- {'  '.join((*cells, locked if locks else '')).rstrip()}\n"


def _identity(one: Migration | Applied) -> str:
    """Return what makes a ledger row: number, name and checksum together."""
    return f"{one.series} {one.version} {one.name} {one.checksum}"


def _file(migration: Migration) -> str:
    """Return the part of one file: what is recorded of it, its text, and the variables that run it."""
    return _FILE.format(
        rule="-" * 64,
        path=migration.path,
        shown=_word(migration.path),
        identity=_word(_identity(migration)),
        version=_word(migration.version),
        name=_word(migration.name),
        checksum=_word(migration.checksum),
        tag=_tag(migration.sql),
        text=migration.sql,
        alone="" if migration.in_transaction else _alone(migration),
        kind="" if migration.in_transaction else "_alone",
    )


def _alone(migration: Migration) -> str:
    index, table = files.indexes(migration.sql)
    waits = files.waits_for_others(migration.sql)
    return _ALONE.format(
        lock_timeout=0 if waits else "5s", index=_word(index or ""), table=_word(table or "")
    )


def _word(text: str) -> str:
    """Quote an argument of a psql command."""
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
    return f"'{escaped}'"


def _tag(text: str) -> str:
    """Return a dollar quote that does not occur in the text, nor with its end."""
    tag = "$file$"
    while tag[:-1] in text:
        tag = f"{tag[:-1]}_$"
    return tag
