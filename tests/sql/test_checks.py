"""Every check and unique rule refuses what it is for, and accepts what it must."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from psycopg import errors

from tests.conftest import SERIES
from tests.sql import contract
from tests.sql.rows import LONG_AGO

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sql.clone import Clone
    from tests.sql.rows import Row

RANGE = re.compile(r"(?P<column>\w+) >= (?P<low>\d+)(?: AND \w+ <= (?P<high>\d+))?")
SELF = UUID(int=1)

# Rows that break the rules which are neither a list of words nor a range of numbers.
BROKEN: dict[str, Row] = {
    "ck_users_login_name_present": {"email": None, "username": None},
    "ck_specifications_superseded_by_other": {"id": SELF, "superseded_by": SELF},
    "ck_specifications_wording_present": {"value": None, "content": None, "key": "database"},
    "ck_subscriptions_period_order": {"current_period_start": "2020-02-01", "current_period_end": LONG_AGO},
    "ck_invoices_currency_code": {"currency": "us1"},
}


def refused_rows(check: dict[str, Any]) -> list[Row]:
    """Return rows that a check must refuse: a word not listed, or in another case, a number just outside."""
    if "values" in check:
        other_case = {word.swapcase() for word in check["values"]} | {check["values"][0].title()}
        return [{check["column"]: word} for word in ("nonsense", "", *sorted(other_case))]
    if found := RANGE.fullmatch(check["expression"]):
        numbers = [int(found["low"]) - 1, *([int(found["high"]) + 1] if found["high"] else [])]
        return [{found["column"]: number} for number in numbers]
    return [BROKEN[check["name"]]]


def accepted_rows(check: dict[str, Any]) -> list[Row]:
    """Return rows at the limits of a check: each word, the first and the last number."""
    if "values" in check:
        return [{check["column"]: word} for word in check["values"]]
    if found := RANGE.fullmatch(check["expression"]):
        return [{found["column"]: int(number)} for number in (found["low"], found["high"]) if number]
    return []


CHECKS = {
    check["name"]: (series, table, check) for series in SERIES for table, check in contract.checks(series)
}
REFUSED = [(name, row) for name, (_, _, check) in CHECKS.items() for row in refused_rows(check)]
ACCEPTED = [name for name, (_, _, check) in CHECKS.items() if accepted_rows(check)]


def test_every_check_is_tried_below(designed_of: Callable[[str], Clone]) -> None:
    """The live checks are the ones tried here, so that a new one cannot go without a case."""
    live = [check.name for series in SERIES for check in designed_of(series).catalog.checks()]
    assert sorted(live) == sorted(dict(REFUSED)) == sorted(CHECKS)


@pytest.mark.parametrize(("name", "row"), REFUSED)
def test_a_check_refuses_a_row_that_breaks_it(
    designed_of: Callable[[str], Clone], name: str, row: Row
) -> None:
    """An otherwise valid row is refused by the check it breaks, and by that one alone."""
    series, table, _ = CHECKS[name]
    clone = designed_of(series)
    with pytest.raises(errors.CheckViolation) as refusal:
        clone.rows.insert(table, **row)
    assert refusal.value.diag.constraint_name == name


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_check_accepts_all_it_should(designed_of: Callable[[str], Clone], name: str) -> None:
    """Every listed word goes in as it is spelled, and so do the limits of a range."""
    series, table, check = CHECKS[name]
    clone = designed_of(series)
    rows = clone.rows
    for row in accepted_rows(check):
        [(column, value)] = row.items()
        assert rows.insert(table, **row)[column] == value


def test_a_duplicate_is_refused_by_every_unique_rule(clone: Clone) -> None:
    """A second row with the columns of a unique constraint or index alike is refused by name."""
    rows = clone.rows
    for index in clone.catalog.indexes:
        columns = clone.catalog.columns_of(index.table)
        if not index.unique or index.predicate or not columns.keys() >= set(index.columns):
            continue  # those are tried below
        first = rows.insert(index.table, **{name: rows.example(columns[name]) for name in index.columns})
        with pytest.raises(errors.UniqueViolation) as refusal, clone.connection.transaction():
            rows.insert(index.table, **{name: first[name] for name in index.columns})
        wider = [i.name for i in clone.catalog.indexes if i.unique and {*i.columns} <= {*index.columns}]
        assert refusal.value.diag.constraint_name in wider


def test_an_address_that_differs_only_in_case_is_refused(designed_of: Callable[[str], Clone]) -> None:
    """Two accounts cannot share a mail address, however it is written."""
    clone = designed_of("auth")
    rows = clone.rows
    rows.insert("users", email="Ada@Example.org")
    with pytest.raises(errors.UniqueViolation) as refusal:
        rows.insert("users", email="ada@example.ORG")
    assert refusal.value.diag.constraint_name == "idx_users_email_lower"


def test_accounts_without_address_do_not_collide(designed_of: Callable[[str], Clone]) -> None:
    """Any number of people may sign up by user name, and any number by address alone."""
    clone = designed_of("auth")
    rows = clone.rows
    for number in range(2):
        rows.insert("users", email=None)
        rows.insert("users", username=None, email=f"{number}@example.org")


def test_a_withdrawn_grant_may_be_made_again(designed_of: Callable[[str], Clone]) -> None:
    """A person holds a role once at a time: a second live grant is refused until the first is withdrawn."""
    clone = designed_of("auth")
    rows = clone.rows
    grant = rows.insert("admin_users")
    again = {name: grant[name] for name in ("user_id", "role_id", "granted_by_id")}
    with pytest.raises(errors.UniqueViolation), clone.connection.transaction():
        rows.insert("admin_users", **again)
    rows.update("admin_users", grant, revoked_at=LONG_AGO)
    rows.insert("admin_users", **again, revoked_at=LONG_AGO)
    assert rows.insert("admin_users", **again)["revoked_at"] is None


# Not unique on purpose: two companies may both have a "Backend" team, and so on.
REPEATABLE = {
    "teams": {"name": "Backend"},
    "generated_files": {"file_path": "README.md"},
    "feature_usage": {"feature_name": "chat", "date": "2020-01-01"},
    "subscriptions": {"stripe_customer_id": "cus_1"},
    "invoices": {"stripe_customer_id": "cus_1"},
    "specifications": {"key": "database"},
}


@pytest.mark.parametrize("table", REPEATABLE)
def test_what_may_repeat_is_not_unique(designed_of: Callable[[str], Clone], table: str) -> None:
    """Rows that agree in these columns, and hang on the same parent, live side by side."""
    clone = designed_of("specs")
    rows = clone.rows
    first = rows.insert(table, **REPEATABLE[table])
    keys = [key.columns[0] for key in clone.catalog.foreign_keys() if key.table == table]
    second = rows.insert(table, **REPEATABLE[table], **{key: first[key] for key in keys})
    assert second["id"] != first["id"]
