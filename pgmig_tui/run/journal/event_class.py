"""`@event`: what `@dataclass(frozen=True, slots=True, kw_only=True)` makes of a class, at a tenth of its time.

`dataclass` compiles six methods anew for each class. Fifty kinds of events took 60 ms of every command that looks at a
run; here they share these methods.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field
from typing import Any, ClassVar, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def event(kind: type[T]) -> type[T]:
    """The class as a frozen dataclass with slots, whose fields are given by name. One of `= None` is left out
    of the line where it is None; one of `= field(default=None)` is written."""
    for name in kind.__annotations__:
        if getattr(kind, name, MISSING) is None:
            setattr(kind, name, field(default=None, metadata={"absent": True}))
    for name in ("__init__", "__eq__", "__hash__", "__repr__", "__setattr__", "__delattr__"):
        setattr(kind, name, vars(_Shared)[name])
    return dataclass(init=False, repr=False, eq=False, slots=True, kw_only=True)(kind)


class _Shared:
    """The methods that every event's class gets."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]] = {}

    def __init__(self, **values: Any) -> None:
        for name, told in self.__dataclass_fields__.items():
            value = values.pop(name, told.default)
            if value is MISSING:
                raise TypeError(f"{type(self).__name__} needs {name}")
            object.__setattr__(self, name, value)
        if values:
            raise TypeError(f"{type(self).__name__} has no {', '.join(values)}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash(_values(self))

    def __repr__(self) -> str:
        told = (f"{name}={getattr(self, name)!r}" for name in self.__dataclass_fields__)
        return f"{type(self).__qualname__}({', '.join(told)})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete field {name!r}")


def _values(one: Any) -> tuple[object, ...]:
    return tuple(getattr(one, name) for name in one.__dataclass_fields__)
