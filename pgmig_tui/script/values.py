"""Values that are made by the ten thousand.

A frozen dataclass sets each field by a call, which makes it five times as slow to make as a plain one: a fifth of the
time of a lock preview. So these are frozen for the type checker, which reads `from dataclasses import dataclass as
value`, and plain when the program runs. Nobody may set their fields all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


def value(*, frozen: bool = True, slots: bool = False) -> Callable[[type[T]], type[T]]:
    """As `dataclass(frozen=True, slots=…)`, hashable like it, without what makes it slow."""
    return dataclass(slots=slots, unsafe_hash=True)
