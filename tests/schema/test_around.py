"""What surrounds a database, as files speak of it."""

from __future__ import annotations

import pytest

from runner.schema import around
from tests.schema.test_roles import migration

SPEAKS = {
    "alter default privileges grant select on tables to r": True,
    "ALTER DEFAULT /* all */ PRIVILEGES -- now\n in schema app revoke all on tables from r": True,
    "do $$ begin execute 'alter default privileges grant select on tables to r'; end $$": True,
    "-- the default privileges are the administrator's\nselect 1": False,
    "do $$ begin /* default privileges */ null; end $$": False,
}


@pytest.mark.parametrize(("text", "speaks"), SPEAKS.items())
def test_files_speak_of_default_privileges_in_code(text: str, speaks: bool) -> None:
    """A comment about them leaves them to the administrator; one between the words changes nothing."""
    assert around.speak_of_defaults([migration(text)]) is speaks
