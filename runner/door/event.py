"""Name all that a listener may be told: a class of classes when a program asks for it, and not before."""

from __future__ import annotations

from typing import TypeAlias

from runner import apply
from runner.door.migrating import Checked

Event: TypeAlias = Checked | apply.Event
