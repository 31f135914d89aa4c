"""Know what an event trigger may have handed to another role than the one that migrates. Does not write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import database
from runner.files import plain

if TYPE_CHECKING:
    from runner.planning import Site
    from runner.schema.difference import Difference

_HANDS_OVER = """
    select from pg_catalog.pg_event_trigger as e
    where e.evtevent = 'ddl_command_end' and e.evtenabled <> 'D'
"""


def without(found: list[Difference], site: Site, *, owner: str) -> list[Difference]:
    """Leave out what belongs to who migrated, where an event trigger may give tables to ``owner``.

    With them the ledger, as whose owner the files were run for the comparison; what else a file makes such a
    trigger leaves with its maker. An owner who has applied a file was given nothing.
    """
    makers = {step.applied.applied_by for step in site.steps if step.applied}
    strange = [one for one in found if one.attribute == "owner" and plain(one.expected or "") == owner]
    if owner in makers or not strange or not database.query(site.connection, _HANDS_OVER):
        return found
    return [one for one in found if one not in strange or plain(one.actual or "") not in makers]
