"""Models that work on tables they made themselves, and not on this schema."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker

from tests.application import columns

if TYPE_CHECKING:
    from sqlalchemy import Engine


class Base(DeclarativeBase):
    """One base for all tables, whichever database holds them."""


class Activity(columns.Activity, Base):
    """An entry of the feed."""


class Project(columns.Project, Base):
    """A project, whose feed the session lets go of when the project goes."""

    feed: Mapped[list[Activity]] = relationship()


class Document(columns.Document, Base):
    """A document."""


class Chunk(columns.Chunk, Base):
    """A piece of a document, whose key is a text."""

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=lambda: str(uuid4()))


class Invitation(columns.Invitation, Base):
    """An offer, whose times are texts."""

    expires_at: Mapped[str] = mapped_column(String(50))
    accepted_at: Mapped[str | None] = mapped_column(String(50))

    def offer(self) -> None:
        """Let it hold for a week."""
        self.expires_at = (datetime.now(UTC) + timedelta(days=7)).isoformat()

    def accept(self) -> None:
        """Accept it if it still holds."""
        if datetime.fromisoformat(self.expires_at) > datetime.now(UTC):
            self.status, self.accepted_at = "ACCEPTED", datetime.now(UTC).isoformat()


class Usage(columns.Usage, Base):
    """A call of a language model, whose key is a running number."""

    id: Mapped[int] = mapped_column(primary_key=True)


class User(columns.User, Base):
    """An account."""


class Team(columns.Team, Base):
    """A team, looked for beside the accounts."""


class Key(columns.Key, Base):
    """A key to a provider, looked for beside the accounts."""


class Preferences(columns.Preferences, Base):
    """What a person wants to hear of, looked for beside the accounts."""


def sessions_of_accounts(auth: Engine) -> sessionmaker[Session]:
    """Return what opens sessions for an agent that works for an account."""
    return sessionmaker(auth)
