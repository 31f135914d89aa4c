"""What a rule is, and how a person is told that something breaks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Subject = TypeVar("Subject")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Rule(Generic[Subject, Found]):
    """A rule: what holds, what to do where it does not, and what finds the places where it does not."""

    name: str
    what: str
    remedy: str
    find: Callable[[Subject], Iterable[Found]]


@dataclass(frozen=True, order=True)
class Broken:
    """One rule broken by one thing; ``file`` is the file that broke it, as people write its path."""

    file: str
    line: int
    object: str
    rule: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.object}: {self.rule}: {self.what}\n    {self.remedy}"


class Rules(Generic[Subject, Found]):
    """Collects rules in the order they are written down."""

    def __init__(self) -> None:
        self.all: list[Rule[Subject, Found]] = []

    def __call__(
        self, name: str, what: str, remedy: str
    ) -> Callable[[Callable[[Subject], Iterable[Found]]], Rule[Subject, Found]]:
        """Return what makes a rule of the function that finds what breaks it."""

        def add(find: Callable[[Subject], Iterable[Found]]) -> Rule[Subject, Found]:
            self.all.append(Rule(name, what, remedy, find))
            return self.all[-1]

        return add


# What a rule must not hold for, by rule and object, with the reason.
EXCEPTIONS = {
    ("uuid", "column activity_logs.entity_id"): "points into whichever table entity_type names",
    ("twice", "create extension vector"): "stands in a branch that asks first whether it is there",
    ("index-repeated", "index idx_tasks_user_id"): "the example shows the plain index on a foreign key",
    ("index-repeated", "index idx_conversations_user_id"): "the same",
    ("index-repeated", "index idx_messages_conversation_id"): "the same",
}
