"""Values that are made by the ten thousand.

A frozen dataclass sets each field by a call, which makes it five times as slow to make as a plain one: a fifth of the
time of a lock preview. So these are frozen for the type checker, which reads `from dataclasses import dataclass as
value`, and plain when the program runs. Nobody may set their fields all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

S = TypeVar("S")
T = TypeVar("T")


def value(*, frozen: bool = True, slots: bool = False) -> Callable[[type[T]], type[T]]:
    """As `dataclass(frozen=True, slots=…)`, hashable like it, without what makes it slow."""
    return dataclass(slots=slots, unsafe_hash=True)


def lazily(make: Callable[[S], T]) -> Lazy[S, T]:
    """As `functools.cached_property` from 3.12 on: without the lock that costs more than most of what is kept."""
    return Lazy(make)


class Lazy(Generic[S, T]):
    """What `lazily` makes of a method."""

    def __init__(self, make: Callable[[S], T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Lazy[S, T]: ...
    @overload
    def __get__(self, instance: S, owner: type) -> T: ...
    def __get__(self, instance: S | None, owner: type) -> Lazy[S, T] | T:
        if instance is None:
            return self
        made = instance.__dict__[self._name] = self._make(instance)
        return made
