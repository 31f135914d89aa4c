"""The same models as they fit this schema."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from sqlalchemy import DateTime
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker

from tests.application import columns

if TYPE_CHECKING:
    from sqlalchemy import Engine


class AuthBase(DeclarativeBase):
    """The tables of socrates_auth."""


class SpecsBase(DeclarativeBase):
    """The tables of socrates_specs."""


class Activity(columns.Activity, SpecsBase):
    """An entry of the feed."""


class Project(columns.Project, SpecsBase):
    """A project, whose feed the database takes along."""

    feed: Mapped[list[Activity]] = relationship(passive_deletes="all")


class Document(columns.Document, SpecsBase):
    """A document."""


class Chunk(columns.Chunk, SpecsBase):
    """A piece of a document."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)


class Invitation(columns.Invitation, SpecsBase):
    """An offer."""

    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    accepted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def offer(self) -> None:
        """Let it hold for a week."""
        self.expires_at = datetime.now(UTC) + timedelta(days=7)

    def accept(self) -> None:
        """Accept it if it still holds."""
        if self.expires_at > datetime.now(UTC):
            self.status, self.accepted_at = "ACCEPTED", datetime.now(UTC)


class Usage(columns.Usage, SpecsBase):
    """A call of a language model."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)


class User(columns.User, AuthBase):
    """An account."""


class Team(columns.Team, SpecsBase):
    """A team."""


class Key(columns.Key, SpecsBase):
    """A key to a provider."""


class Preferences(columns.Preferences, SpecsBase):
    """What a person wants to hear of."""


def sessions_of_accounts(auth: Engine, specs: Engine) -> sessionmaker[Session]:
    """Return what opens sessions for an agent that works for an account."""
    return sessionmaker(binds={AuthBase: auth, SpecsBase: specs})
