"""What the models have in common, before and after."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLAlchemy reads the annotations
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column


class Keyed:
    """A key that the program makes."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)


class Project(Keyed):
    """A project."""

    __tablename__ = "projects"
    user_id: Mapped[UUID]
    name: Mapped[str]


class Activity(Keyed):
    """An entry of a project's feed."""

    __tablename__ = "activity_logs"
    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id"))
    user_id: Mapped[UUID]
    action_type: Mapped[str]
    entity_type: Mapped[str]
    description: Mapped[str]


class Document(Keyed):
    """A document that was uploaded."""

    __tablename__ = "knowledge_base_documents"
    project_id: Mapped[UUID]
    user_id: Mapped[UUID]
    filename: Mapped[str]
    file_size: Mapped[int]
    content_type: Mapped[str]


class Chunk:
    """A piece of a document, but for its key."""

    __tablename__ = "document_chunks"
    document_id: Mapped[UUID]
    chunk_index: Mapped[int]
    content: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Invitation(Keyed):
    """An offer to work on a project, but for its times."""

    __tablename__ = "project_invitations"
    project_id: Mapped[UUID]
    invited_by: Mapped[UUID]
    invited_email: Mapped[str]
    status: Mapped[str] = mapped_column(default="PENDING")


class Usage:
    """A call of a language model, but for its key."""

    __tablename__ = "llm_usage_tracking"
    user_id: Mapped[UUID]
    provider: Mapped[str]
    model: Mapped[str]
    tokens_input: Mapped[int]
    tokens_output: Mapped[int]
    tokens_total: Mapped[int]


class User(Keyed):
    """An account."""

    __tablename__ = "users"
    username: Mapped[str]
    hashed_password: Mapped[str]


class Team(Keyed):
    """A team."""

    __tablename__ = "teams"
    name: Mapped[str]
    created_by: Mapped[UUID]


class Key(Keyed):
    """A key to a provider."""

    __tablename__ = "api_keys"
    user_id: Mapped[UUID]
    provider: Mapped[str]
    api_key_encrypted: Mapped[str]


class Preferences(Keyed):
    """What a person wants to hear of."""

    __tablename__ = "notification_preferences"
    user_id: Mapped[UUID]
