"""Find the indexes that a statement outside any transaction has left invalid.

Judged is what the statement names, and what was not there before it; where it names no index and was tried
before, also what has a name such as the server gives. Not what another team left behind, nor what somebody is
building right now, nor the index of a partitioned table that waits for its partitions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString, NamedTuple

from runner.database.message import fill, run
from runner.database.question import ask, query, rows

if TYPE_CHECKING:
    from runner.database.message import Connection

# Numbers, divided by commas: so that a setting of a psql session can keep them.
BEFORE = """
    select coalesce(pg_catalog.string_agg(i.indexrelid::text, ','), '')
    from pg_catalog.pg_index as i
    where not (i.indisvalid and i.indisready)
"""

# What a constraint or the index of a partitioned table needs cannot be dropped; nor can an index of an
# exclusion constraint be built beside others' work.
_INVALID = """
    select pg_catalog.format('%I.%I', n.nspname, c.relname),
        pg_catalog.format(
            case
                when i.indisexclusion then 'reindex index %I.%I;'
                when exists (select from pg_catalog.pg_inherits as h where h.inhrelid = c.oid)
                    or exists (
                        select from pg_catalog.pg_constraint as k
                        where k.conindid = c.oid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x')
                    )
                    then 'reindex index concurrently %I.%I;'
                else 'drop index %I.%I;'
            end,
            n.nspname, c.relname
        )
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as c on c.oid = i.indexrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind = 'i'
        and not (i.indisvalid and i.indisready)
        and not exists (
            select from pg_catalog.pg_stat_progress_create_index as p where p.index_relid = i.indexrelid
        )
"""

LEFT: LiteralString = f"""{_INVALID}        and (
            c.oid = pg_catalog.to_regclass({{index}}::text)
            or c.oid <> all (pg_catalog.string_to_array({{before}}, ',')::oid[])
            and ({{table}}::text is null or i.indrelid = pg_catalog.to_regclass({{table}}::text))
        )
    order by 1
"""

# The name that the server gives to an index, up to its number (ChooseIndexName in PostgreSQL's indexcmds.c).
_EARLIER = f"""{_INVALID}        and i.indrelid = pg_catalog.to_regclass({{table}}::text)
        and c.relname ~ '_idx[0-9]*$' and pg_catalog.starts_with(c.relname::text, (
            select t.relname || '_' from pg_catalog.pg_class as t where t.oid = i.indrelid
        ))
    order by 1
"""  # noqa: S608 - a text of ours
# Along the path of the session, as the statement itself finds them; so each operator says where it is from.
_WHOLE = """
    select pg_catalog.format('%I.%I', n.nspname, c.relname)
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid operator(pg_catalog.=) c.relnamespace
    where c.oid operator(pg_catalog.=) pg_catalog.to_regclass({name}::pg_catalog.text)::pg_catalog.oid
"""

# For a block that psql runs, which keeps in settings what ``invalid_left`` is given: first this, along the
# path of the session, then the question, along the empty one that the first has left.
_KEPT = "pg_catalog.substring(pg_catalog.current_setting({}), '.+')"  # null where it is empty
KEEP_WHOLE: LiteralString = f"""\
perform pg_catalog.set_config(
        s.name,
        coalesce(({_WHOLE.replace("{name}", _KEPT.format("s.name"))}), pg_catalog.current_setting(s.name)),
        false
    )
    from (values ('runner.index'), ('runner.relation')) as s (name);
    perform pg_catalog.set_config('search_path', '', false);"""
LEFT_KEPT: LiteralString = (
    LEFT.replace("{before}", "pg_catalog.current_setting('runner.invalid')")
    .replace("{index}", _KEPT.format("'runner.index'"))
    .replace("{table}", _KEPT.format("'runner.relation'"))
)


class Invalid(NamedTuple):
    """An invalid index: its name, quoted, and the statement that removes it or builds it anew."""

    name: str
    cure: str


def invalid_before(connection: Connection) -> str:
    """Return which indexes are invalid before a statement. Does not write."""
    [(before,)] = query(connection, BEFORE)
    return str(before)


def invalid_left(
    connection: Connection, *, before: str, index: str | None, table: str | None
) -> tuple[Invalid, ...]:
    """Return the invalid indexes that a statement made or names. Does not write.

    ``index`` and ``table`` are what it names, as SQL writes it: what is new on another table is not its own.
    """
    names = {"index": _whole(connection, index), "table": _whole(connection, table)}
    return _found(connection, fill(LEFT, before=before, **names))


def invalid_earlier(connection: Connection, *, table: str) -> tuple[Invalid, ...]:
    """Return the invalid indexes that earlier tries without a name may have left. Does not write."""
    return _found(connection, fill(_EARLIER, table=_whole(connection, table)))


def _found(connection: Connection, question: str) -> tuple[Invalid, ...]:
    [result] = ask(connection, question)
    return tuple(Invalid(*row) for row in rows(connection, result))


def _whole(connection: Connection, name: str | None) -> str | None:
    """Return a name with its schema, or as it is where nothing has it."""
    if name is None:
        return None
    [result] = run(connection, fill(_WHOLE, name=name))
    return next((str(whole) for (whole,) in rows(connection, result)), name)
