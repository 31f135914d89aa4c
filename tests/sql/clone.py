"""What a schema test works with: a migrated database, and what its catalog held at the start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.sql.rows import Rows

if TYPE_CHECKING:
    from pathlib import Path

    from psycopg import Connection
    from psycopg.errors import Diagnostic

    from tests.servers import Server
    from tests.sql.catalog import Catalog


@dataclass(frozen=True, eq=False)
class Clone:
    """A migrated database of one series on one server."""

    series: str
    server: Server
    connection: Connection
    catalog: Catalog = field(repr=False)

    @property
    def url(self) -> str:
        """Return its URL, for psql."""
        return self.server.url(self.connection.info.dbname)

    @property
    def rows(self) -> Rows:
        """Return what fills its tables."""
        return Rows(self.connection, self.catalog)

    def execute(self, file: Path) -> str:
        """Run a file in the transaction at hand; return its notices and warnings."""
        said: list[str] = []

        def hear(notice: Diagnostic) -> None:
            said.append(f"{notice.severity}: {notice.message_primary}")

        self.connection.add_notice_handler(hear)
        self.connection.execute(file.read_text(encoding="utf-8"))
        self.connection.remove_notice_handler(hear)
        self.connection.execute("reset search_path")  # the end of the file's own transaction would
        return "\n".join(said)
