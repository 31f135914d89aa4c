"""Write pending files as one SQL text that psql runs without Python, with the effect of ``migrate``.

One transaction per file, with the same lock, the same guards and the same ledger rows. Before each file
the bundle checks that the ledger is exactly what it was made for, so a second run, or a run against
another database, changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import __version__, database, files, ledger
from runner.planning.step import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.model import Applied, Migration
    from runner.planning.preflight import Site

_HEADER = """\
-- Pending files of series {series}, for the ledger that records: {recorded}.
-- Made by the runner, version {runner}. Effect and ledger are those of `migrate {series}`.
--
-- Review it, then run it with psql, as the role that owns the ledger:
--     psql -X -f THIS_FILE "${variable}"
-- Each file is a transaction of its own. It stops at the first error; nothing of that file remains.
-- When the ledger is no longer what it was made for, it changes nothing and says so.

\\set ON_ERROR_STOP on
\\set QUIET on
"""

_CHECK = """
do $runner$
declare
    recorded text := '';
begin
    {lock}
    if pg_catalog.to_regclass('public.schema_migrations') is not null then
        select pg_catalog.string_agg(
            pg_catalog.concat_ws(' ', series, version, name, checksum), ', ' order by version::integer
        ) into recorded
        from public.schema_migrations where not running;
    end if;
    if coalesce(recorded, '') <> {recorded} then
        raise exception 'this bundle was made for another state of the ledger'
            using detail = pg_catalog.format('It records: %s', coalesce(recorded, '')),
                hint = 'Nothing was changed. Make a new bundle.';
    end if;
    if {first} and exists (
        select from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname = any ({schemas}::text[])
            and not exists (select from pg_catalog.pg_depend as d where d.objid = c.oid and d.deptype = 'e')
    ) then
        raise exception 'this database has tables but no ledger' using hint = 'Nothing was changed.';
    end if;
end
$runner$;
"""

_HELD = "raise exception 'another runner is at work on this database' using hint = 'Nothing was changed.';"
_TRANSACTION_LOCK = f"""\
if not pg_catalog.pg_try_advisory_xact_lock(
        pg_catalog.hashtextextended('{ledger.TABLE}', 0)
    ) then
        {_HELD}
    end if;"""
_SESSION_LOCK = _TRANSACTION_LOCK.replace("pg_try_advisory_xact_lock", "pg_try_advisory_lock")

# The settings are made anew for each file, because the end of the last one has put everything back.
_BEGIN = """\
begin isolation level read committed;
set local client_encoding = 'utf8';
set local standard_conforming_strings = on;
set local row_security = off;
set local lock_timeout = '5s';
do $runner$
begin
    perform pg_catalog.set_config('runner.xid', pg_catalog.pg_current_xact_id()::text, true);
end
$runner$;
"""

_END = """
do $runner$
begin
    if pg_catalog.current_setting('runner.xid', true)
        is distinct from pg_catalog.pg_current_xact_id_if_assigned()::text
    then
        raise exception 'the file ended its transaction';
    end if;
end
$runner$;
reset session authorization;
reset role;
reset all;
set local client_encoding = 'utf8';
"""

_UNLOCK = f"""
do $runner$
begin
    perform pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended('{ledger.TABLE}', 0));
end
$runner$;
"""

_SETTINGS = """\
set client_encoding = 'utf8';
set standard_conforming_strings = on;
set row_security = off;
"""

# As the runner looks: what the statement made or names, beside what was invalid before.
_LOOK = f"""
do $runner$
begin
    perform pg_catalog.set_config('runner.invalid', ({database.BEFORE}), false);
end
$runner$;
"""

_VALID = """
do $runner$
begin
    if exists ({left}) then
        raise exception 'an index is invalid: %', (
            select pg_catalog.string_agg(name, ', ') from ({left}) as found (name)
        ) using hint = 'Drop it, then make a new bundle.';
    end if;
end
$runner$;
""".replace("{left}", database.LEFT).replace("{before}", "pg_catalog.current_setting('runner.invalid', true)")


def write_bundle(site: Site) -> str:
    """Return the bundle of the files that are pending in a database."""
    series, variable = site.series, site.target.series.variable
    has_ledger = site.before.has_ledger
    done = [step for step in site.steps if step.applied and not step.applied.running]
    recorded = [_identity(step.applied) for step in done if step.applied]
    versions = ", ".join(f"{series} {step.version}" for step in done) or "nothing"
    parts = [_HEADER.format(series=series, recorded=versions, runner=__version__, variable=variable)]
    for step in site.steps:
        if step.state is State.PENDING:
            parts += _file(step.file, ", ".join(recorded), None if has_ledger else site.schemas)
            recorded.append(_identity(step.file))
            has_ledger = True
    parts.append(f"\\echo {series}: done\n")
    return "".join(parts)


def _identity(one: Migration | Applied) -> str:
    """Return what makes a ledger row: number, name and checksum together."""
    return f"{one.series} {one.version} {one.name} {one.checksum}"


def _file(migration: Migration, recorded: str, empty: tuple[str, ...] | None) -> Iterator[str]:
    """Yield the transaction of one file, or what takes its place for a file without one.

    ``empty`` are schemas that may hold no table, when there is no ledger yet.
    """
    lock = _TRANSACTION_LOCK if migration.in_transaction else _SESSION_LOCK
    check = database.fill(
        _CHECK.replace("{lock}", lock), recorded=recorded, first=empty is not None, schemas=list(empty or ())
    )
    create = "" if empty is None else ledger.CREATE
    text = _closed(migration.sql)
    yield f"\n\n-- ---------------------------------------------------------------- {migration.path}\n"
    yield f"\n\\echo {migration.path}\n"
    if migration.in_transaction:
        yield _BEGIN + check + create + "\n" + text + _END
        yield ledger.record_message(migration, ms=0) + "commit;\n"
    else:
        index, table = files.indexes(migration.sql)
        valid = database.fill(_VALID, index=index, table=table)
        wait = "0" if files.waits_for_others(migration.sql) else "'5s'"
        yield (
            f"{_SETTINGS}set lock_timeout = {wait};\n"
            + check
            + create
            + ledger.running_message(migration)
            + _LOOK
            + "\n"
            + text
        )
        yield valid + ledger.done_message(migration, ms=0) + _UNLOCK


def _closed(text: str) -> str:
    """Return a file so that something may follow: its last line and its last statement ended.

    At the end of a file psql, like the server, does without that semicolon.
    """
    statements = files.scan(text).statements
    is_open = bool(statements) and statements[-1].start + len(statements[-1].code) == statements[-1].end
    line_end = "" if text.endswith("\n") else "\n"
    return f"{text}{line_end};\n" if is_open else f"{text}{line_end}"
