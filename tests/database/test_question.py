"""What the server says to a question that it does not answer."""

from __future__ import annotations

import pytest

from runner import database

HINT = "Increase max_locks_per_transaction."


@pytest.mark.parametrize(
    ("hint", "remedy"),
    [
        (f", hint = '{HINT}'", f"{HINT} To read views takes a lock of each and of what is under it"),
        ("", "These are its own words"),
    ],
)
def test_a_full_table_of_locks_is_told_with_the_setting(url: str, hint: str, remedy: str) -> None:
    """Memory that ran out in another way comes without a hint."""
    raised = f"raise exception 'out of shared memory' using errcode = '53200'{hint}"
    with database.connect(url, source="x") as connection, pytest.raises(database.Error) as caught:
        database.ask(connection, f"do $$ begin {raised}; end $$")
    problem = database.refused(caught.value)
    assert problem.message == "The server refused a question: out of shared memory"
    assert (problem.remedy or "").startswith(remedy)
