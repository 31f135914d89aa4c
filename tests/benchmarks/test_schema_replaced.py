"""The replaced schema's indexes: every one accounted for, and built on this schema's tables."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from benchmarks.schema import data, databases, inserts, replaced, report
from tests.conftest import SERIES
from tests.sql import contract

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.schema.databases import Connection, Variant
    from tests.servers import Server

LISTED = {"auth": 26, "specs": 136}  # besides the keys; the replaced schema had that many

_INDEXES = """
select t.relname, x.indisunique, coalesce(string_agg(a.attname, ', ' order by k.place), '')
from pg_index as x
join pg_class as t on t.oid = x.indrelid
cross join unnest(x.indkey::int2[]) with ordinality as k (number, place)
left join pg_attribute as a on a.attrelid = t.oid and a.attnum = k.number
where t.relnamespace = 'public'::regnamespace and not x.indisprimary and t.relname = any(%s)
group by x.indexrelid, t.relname, x.indisunique
"""


@pytest.fixture(scope="module")
def variants(server: Server) -> Iterator[dict[str, dict[Variant, Connection]]]:
    """Return connections to each database, with few rows, as it is and with the replaced schema's indexes."""
    found: dict[str, dict[Variant, Connection]] = {series: {} for series in SERIES}
    names: tuple[Variant, ...] = ("full", "replaced")
    with ExitStack() as stack:
        for series in SERIES:
            url = databases.build(server.url("postgres"), series, f"variants_{series}")
            with databases.connect(url) as connection:
                data.fill(connection, series, data.sizes(0.005, floor=200))
            for name in names:
                copied = stack.enter_context(
                    databases.copy(server.url("postgres"), f"variants_{series}", name)
                )
                found[series][name] = stack.enter_context(databases.connect(copied))
        yield found


@pytest.mark.parametrize("series", SERIES)
def test_each_index_names_columns_of_this_schema(series: str) -> None:
    """Or none, where nothing here stands for it; none of them is forgotten."""
    listed = [one for one in replaced.load() if one.series == series]
    assert len(listed) == LISTED[series]
    tables = contract.load(series)["tables"]
    for one in listed:
        columns = {column["name"] for column in tables[one.table]["columns"]}
        assert set(filter(None, one.columns.split(", "))) <= columns, one
        assert one.columns_there


@pytest.mark.parametrize("series", SERIES)
def test_the_variant_has_the_listed_indexes_and_no_other(
    variants: dict[str, dict[Variant, Connection]], series: str
) -> None:
    """One on a constant where no column stands for it; other tables keep theirs, and no row is lost."""
    listed = [one for one in replaced.load() if one.series == series]
    tables = sorted({one.table for one in listed})
    connection = variants[series]["replaced"]
    built = connection.execute(_INDEXES, [tables]).fetchall()
    assert sorted(built) == sorted((one.table, one.unique, one.columns) for one in listed)
    other = [table for table in data.tables(connection) if table not in tables]
    ours = variants[series]["full"].execute(_INDEXES, [other]).fetchall()
    assert sorted(connection.execute(_INDEXES, [other]).fetchall()) == sorted(ours)
    assert data.count(connection) == data.count(variants[series]["full"])


@pytest.mark.parametrize("table", inserts.TABLES)
def test_an_insert_writes_no_more_log_than_in_the_replaced_schema(
    variants: dict[str, dict[Variant, Connection]], table: str
) -> None:
    """Time depends on the machine, the log on the indexes: every index of the table writes into it.

    The position in the log is the server's: what others write meanwhile is no more than one round's.
    """
    costs = inserts.measure(variants["specs"], table, rounds=3)
    assert costs["full"].log_per_row <= costs["replaced"].log_per_row


def test_the_report_shows_the_ratio(variants: dict[str, dict[Variant, Connection]]) -> None:
    """One line per table, with the time beside the replaced schema's."""
    measured = inserts.measure(variants["specs"], "activity_logs", rounds=1)
    measured["plain"] = measured["full"]
    [*_, line] = report.costs({"activity_logs": measured})
    assert f"| **{measured['full'].times(measured['replaced']):.2f}** |" in line
