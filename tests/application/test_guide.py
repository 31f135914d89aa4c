"""docs/application.md: what an application sees on this schema, and the change that cures it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, exc, text
from sqlalchemy.orm import Session

from tests import roles
from tests.application import after, before
from tests.conftest import SERIES
from tests.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from sqlalchemy import Engine

    from tests.roles import Site
    from tests.servers import Server

GUIDE = (ROOT / "docs" / "application.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
FILES = re.findall(r"\]\(\.\./(sql/[^)]+)\)", GUIDE)
DRIVERS = ("psycopg2", "psycopg")


@pytest.fixture(scope="module")
def site(each_server: Server) -> Iterator[Site]:
    """Return both databases as in production, on every server in turn."""
    with roles.made(each_server) as site:
        yield site


@pytest.fixture(params=DRIVERS)
def engines(request: pytest.FixtureRequest, site: Site) -> Iterator[tuple[Engine, Engine]]:
    """Return engines for accounts and specifications, logged in as the application, with each driver."""
    found = [
        create_engine(site.url(series, "app").replace("://", f"+{request.param}://"))
        for series in ("auth", "specs")
    ]
    yield found[0], found[1]
    for engine in found:
        engine.dispose()


@pytest.fixture
def session(engines: tuple[Engine, Engine]) -> Iterator[Session]:
    """Return a session on the specifications; what it writes is rolled back."""
    with Session(engines[1]) as session:
        yield session


def project(models: ModuleType, session: Session) -> UUID:
    """Write a project; return its id."""
    made = models.Project(user_id=uuid4(), name="P")
    session.add(made)
    session.flush()
    found: UUID = made.id
    return found


def chunks(models: ModuleType, session: Session, number: int) -> list[Any]:
    """Upload a document in so many pieces, as one flush; return the pieces."""
    document = models.Document(
        project_id=project(models, session), user_id=uuid4(), filename="f", file_size=1, content_type="t"
    )
    session.add(document)
    session.flush()
    made = [models.Chunk(document_id=document.id, chunk_index=i, content=f"c{i}") for i in range(number)]
    session.add_all(made)
    session.flush()
    return made


def invitation(models: ModuleType, session: Session) -> Any:  # noqa: ANN401 - of the one module or the other
    """Write an offer and read it anew, as the request that accepts it does."""
    made = models.Invitation(project_id=project(models, session), invited_by=uuid4(), invited_email="a@b.c")
    made.offer()
    session.add(made)
    session.flush()
    session.expire(made)
    return made


def misread(models: ModuleType, session: Session) -> int:
    """Write eight calls in one flush; return how many carry the id of another row."""
    made = [
        models.Usage(
            user_id=uuid4(), provider="p", model=f"m{i}", tokens_input=i, tokens_output=0, tokens_total=i
        )
        for i in range(8)
    ]
    session.add_all(made)
    session.flush()
    ids = [one.id for one in made]
    stored = {
        row[1]: row[0] for row in session.execute(text("select id, tokens_input from llm_usage_tracking"))
    }
    return sum(str(stored[i]) != str(one) for i, one in enumerate(ids))


def driver(session: Session) -> str:
    """Return which driver a session speaks through."""
    return session.get_bind().dialect.driver


def test_a_text_as_key_of_a_chunk_breaks_the_upload(session: Session) -> None:
    """With psycopg2 from the second piece on, with psycopg at the first."""
    if driver(session) == "psycopg2":
        chunks(before, session, 1)
        with pytest.raises(exc.InvalidRequestError, match="Can't match sentinel values in result set"):
            chunks(before, session, 2)
    else:
        with pytest.raises(exc.ProgrammingError, match=r"id.* is of type uuid but expression is of type"):
            chunks(before, session, 1)


def test_a_uuid_as_key_of_a_chunk_uploads(session: Session) -> None:
    """Any number of pieces, each with the key it was given."""
    made = chunks(after, session, 5)
    for chunk in made:
        session.expire(chunk)
    assert [chunk.content for chunk in made] == ["c0", "c1", "c2", "c3", "c4"]


def test_times_of_an_offer_as_text_break_its_acceptance(session: Session) -> None:
    """With psycopg2 it is written, and what comes back is no text; with psycopg it is not written."""
    if driver(session) == "psycopg2":
        offer = invitation(before, session)
        with pytest.raises(TypeError, match="fromisoformat: argument must be str"):
            offer.accept()
    else:
        with pytest.raises(exc.ProgrammingError, match=r"expires_at.* is of type timestamp with time zone"):
            invitation(before, session)


def test_times_of_an_offer_as_times_are_accepted(session: Session) -> None:
    """The state goes to ACCEPTED, and the moment is stored."""
    offer = invitation(after, session)
    offer.accept()
    session.flush()
    session.expire(offer)
    assert offer.status == "ACCEPTED"
    assert abs((datetime.now(UTC) - offer.accepted_at).total_seconds()) < 60


def test_a_number_as_key_of_a_call_reads_ids_of_other_rows(session: Session) -> None:
    """No error is raised: rows come back in the order of their keys, which for uuids means nothing."""
    assert misread(before, session) > 0


def test_a_uuid_as_key_of_a_call_reads_its_own(session: Session) -> None:
    """Each object has the key of its row."""
    assert misread(after, session) == 0


def agent(session: Session) -> None:
    """Do what an agent does for a new account: a team, a key, preferences; read all of them."""
    user = after.User(username="u", hashed_password="x")  # noqa: S106 - not one
    session.add(user)
    session.flush()
    for made in (
        after.Team(name="T", created_by=user.id),
        after.Key(user_id=user.id, provider="claude", api_key_encrypted="x"),
        after.Preferences(user_id=user.id),
    ):
        session.add(made)
        session.flush()
        session.expire(made)
        assert made.id
        session.refresh(made)


@pytest.mark.parametrize("model", ["Team", "Key", "Preferences"])
def test_the_connection_for_accounts_knows_no_team_key_or_preference(
    engines: tuple[Engine, Engine], model: str
) -> None:
    """They live beside the projects."""
    missing = pytest.raises(exc.ProgrammingError, match=r'relation "\w+" does not exist')
    with before.sessions_of_accounts(engines[0])() as session, missing:
        session.query(getattr(before, model)).all()


def test_a_session_that_knows_both_databases_finds_them(engines: tuple[Engine, Engine]) -> None:
    """Each base has its engine, and one session speaks to both."""
    with after.sessions_of_accounts(*engines)() as session:
        agent(session)


def test_a_session_may_not_empty_a_trail(session: Session) -> None:
    """Without passive_deletes, deleting a project first changes its feed, which nobody may."""
    made = feed(before, session)
    session.delete(made)
    with pytest.raises(exc.ProgrammingError, match="permission denied for table activity_logs"):
        session.flush()


def test_the_database_takes_a_trail_along(session: Session) -> None:
    """With it the feed is left to the foreign key."""
    made = feed(after, session)
    session.delete(made)
    session.flush()
    left = session.execute(text("select count(*) from activity_logs where project_id = :id"), {"id": made.id})
    assert left.scalar_one() == 0


def feed(models: ModuleType, session: Session) -> Any:  # noqa: ANN401 - of the one module or the other
    """Write a project with an entry in its feed; return the project, read anew."""
    made = session.get(models.Project, project(models, session))
    assert made is not None
    entry = {"action_type": "a", "entity_type": "e", "description": "d"}
    session.add(models.Activity(project_id=made.id, user_id=uuid4(), **entry))
    session.flush()
    session.expire(made)
    return made


KEPT = {
    "uq_users_email",
    "uq_project_collaborators_project_id_user_id",
    "ck_sessions_mode",
    "ck_sessions_status",
}


def test_a_rule_that_models_lack_says_why_it_is_kept(site: Site) -> None:
    """In the database, with what the application sees, and so in the reference; the guide lists each."""
    said: dict[str, str] = {}
    for series in SERIES:
        with site.admin(series) as connection:
            query = """
                select conname::text, obj_description(oid, 'pg_constraint') from pg_constraint
                where obj_description(oid, 'pg_constraint') is not null
            """
            said |= dict(connection.execute(query).fetchall())
    assert said.keys() == KEPT
    pages = "".join((ROOT / "docs" / "schema" / f"{series}.md").read_text("utf-8") for series in SERIES)
    for constraint, comment in said.items():
        assert "models" in comment
        assert "The application sees: " in comment
        assert comment in pages, constraint
        assert constraint == "uq_users_email" or f"`{constraint}`" in GUIDE


def test_the_guide_shows_the_models_that_are_tried() -> None:
    """Each line before and after stands in the models above; each file it names exists."""
    assert len(PYTHON) == 5
    for block in PYTHON:
        old, new = re.fullmatch(r"# before\n(.*)# after\n(.*)", block, re.DOTALL).groups()  # type: ignore[union-attr] # fails if None
        for lines, module in ((old, "before"), (new, "after")):
            source = (ROOT / "tests" / "application" / f"{module}.py").read_text(encoding="utf-8")
            for line in filter(None, map(str.strip, lines.splitlines())):
                assert line in source, line
    assert len(FILES) >= 5
    assert all((ROOT / file).is_file() for file in FILES)
