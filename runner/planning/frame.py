"""Write what stands around the files of a bundle: once, as psql variables that hold SQL.

psql puts a variable's text where ``:name`` stands. ``:begin`` opens the transaction of a file and ``:record``
ends it, with what it records of ``:'sql'``, the file's text; ``:begin_alone`` and ``:record_alone`` stand
around a file without a transaction. Each ends with a query, whose result ``gset`` keeps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import __version__, database, ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.model import Migration
    from runner.planning.site import Routines

    Empty = tuple[Sequence[str], Routines]  # schemas, and what files would replace

_SETTINGS = """
\\set ON_ERROR_STOP on
\\set QUIET on
set client_encoding = 'utf8';
"""

_LOCK = f"""\
do $runner$
begin
    if not pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('{ledger.TABLE}', 0)) then
        raise exception 'another runner is at work on this database' using hint = 'Nothing was changed.';
    end if;
end
$runner$;
"""

_CHECK = """\
do $runner$
declare
    recorded text := '';
begin
    if pg_catalog.to_regclass('public.schema_migrations') is not null then
        select pg_catalog.string_agg(
            pg_catalog.concat_ws(' ', series, version, name, checksum),
            ', ' order by pg_catalog.int4in(pg_catalog.textout(version))
        ) into recorded
        from public.schema_migrations where not running;
    end if;
    if coalesce(recorded, '') <> pg_catalog.current_setting('runner.recorded') then
        raise exception 'this bundle was made for another state of the ledger'
            using detail = pg_catalog.format('It records: %s', coalesce(recorded, '')),
                hint = 'Nothing was changed. Make a new bundle.';
    end if;
end
$runner$;
"""

_EMPTY = """\
do $runner$
begin
    if exists (
        select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname = any ({schemas}::text[])
            and not exists (select from pg_catalog.pg_depend as d where d.objid = c.oid and d.deptype = 'e')
    ) or exists (
        select from pg_catalog.pg_proc as p join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
        where n.nspname = any ({schemas}::text[]) and n.nspname || '.' || p.proname = any ({routines}::text[])
            and not exists (select from pg_catalog.pg_depend as d where d.objid = p.oid and d.deptype = 'e')
    ) then
        raise exception 'this database has tables but no ledger, or a routine that a file would replace'
            using hint = 'Nothing was changed.';
    end if;
end
$runner$;
"""

_VALUES = {name: f":'{name}'" for name in ("series", "version", "name", "checksum", "sql", "runner")} | {
    "ms": "0"
}

# The settings are made anew for each file, because the end of the last one has put everything back. Nothing
# of the runner's own is looked up along a path, where an operator may lie in wait; the file finds its path.
_BEGIN = f"""\
begin isolation level read committed;
set local search_path = ''; set local client_encoding = 'utf8';
set local standard_conforming_strings = on;
set local row_security = off;
set local lock_timeout = '5s';
{_LOCK}\
set local runner.recorded = :'recorded';
:check
:ledger
select pg_catalog.pg_current_xact_id() as xid, pg_catalog.set_config('search_path', null, true) as path
"""

_NEXT = """\
set client_encoding = 'utf8';
select pg_catalog.concat_ws(', ', pg_catalog.substring(:'recorded', '.+'), :'identity') as recorded
"""

_PUT_BACK = """\
close all; unlisten *; discard temp; discard sequences; deallocate all;
do $runner$ begin perform pg_catalog.pg_advisory_unlock_all(); end $runner$;
"""

_RECORD = f"""\
set constraints all immediate;
reset session authorization;
reset role;
reset all;
{_PUT_BACK}\
set local search_path = ''; set local client_encoding = 'utf8';
set local runner.xid = :'xid';
do $runner$
begin
    if pg_catalog.current_setting('runner.xid', true)
        is distinct from pg_catalog.textin(pg_catalog.xid8out(pg_catalog.pg_current_xact_id_if_assigned()))
    then
        raise exception 'the file ended its transaction';
    end if;
end
$runner$;
{ledger.FORGET.format_map(_VALUES).strip()}
{ledger.RECORD.format_map(_VALUES).strip()}
commit;
{_NEXT}"""

_BEGIN_ALONE = f"""\
set search_path = '';
set standard_conforming_strings = on;
set row_security = off;
set lock_timeout = :'lock_timeout';
{_LOCK.replace("try_advisory_xact_lock", "try_advisory_lock")}\
set runner.recorded = :'recorded';
:check
:ledger
{ledger.RUNNING.format_map(_VALUES).strip()}
select ({database.BEFORE}) as invalid, pg_catalog.set_config('search_path', null, false) as path
"""

_RECORD_ALONE = f"""\
set runner.invalid = :'invalid';
set runner.index = :'index';
set runner.relation = :'relation';
do $runner$
declare
    invalid pg_catalog.text;
    cures pg_catalog.text;
begin
    {database.KEEP_WHOLE}
    select pg_catalog.string_agg(name, ', '), pg_catalog.string_agg(cure, ' ') into invalid, cures
    from ({database.LEFT_KEPT}) as found (name, cure);
    if invalid is not null then
        raise exception 'an index is invalid: %', invalid
            using hint = cures operator(pg_catalog.||) ' Then make a new bundle.';
    end if;
end
$runner$;
{ledger.DONE.format_map(_VALUES).strip()}
{_PUT_BACK}\
{_NEXT}"""  # noqa: S608 - as above


def write(
    migrations: Sequence[Migration], *, series: str, recorded: Sequence[str], empty: Empty | None
) -> Iterator[str]:
    """Yield the settings and variables that the files need.

    ``recorded`` are the rows that the ledger must have, ``empty`` the schemas that may hold no table, and
    routines that may not be there, when there is no ledger yet.
    """
    yield f"{_SETTINGS}\\set series '{series}'\n\\set runner '{__version__}'\n"
    yield _variable("recorded", ", ".join(recorded), "What the ledger records; else nothing is changed.")
    yield _variable("check", _CHECK, "Each file finds that so, and the files before it behind.")
    create = "" if empty is None else _empty(*empty) + ledger.CREATE
    yield _variable("ledger", create, "The ledger, made with the first file.")
    if any(one.in_transaction for one in migrations):
        yield _variable("begin", _BEGIN, "The transaction of a file, its lock and its checks …")
        yield _variable("record", _RECORD, "… and its ledger row. What the file has left behind is put back.")
    if not all(one.in_transaction for one in migrations):
        yield _variable("begin_alone", _BEGIN_ALONE, "For a file without a transaction …")
        yield _variable("record_alone", _RECORD_ALONE, "… which may leave no index invalid.")


def _empty(schemas: Sequence[str], routines: Routines) -> str:
    names = [f"{place}.{name}" for place, name, _ in routines]
    return database.fill(_EMPTY, schemas=list(schemas), routines=names)


def _variable(name: str, text: str, about: str) -> str:
    """Return the command that sets a variable, whatever its text holds but the tag."""
    if not text:
        return f"\\set {name} ''\n"
    return f"\n-- {about}\nselect $frame${text}$frame$ as {name} \\gset\n"
