"""The functions that every server has, and those of contrib, with their volatility: what can be told without a server.

`builtin.txt` is made by tests/impact/builtin.py from real servers, and held against them by the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def _sections() -> Mapping[str, list[str]]:
    """The names in builtin.txt by what stands above them."""
    found: dict[str, list[str]] = {}
    title = ""
    for line in files("pgmig_tui.impact").joinpath("builtin.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            found.setdefault(title, []).extend(line.split())
        else:
            title = line.removesuffix(":")
    return found


@cache
def builtin_functions(where: str = "pg_catalog") -> Mapping[str, str]:
    """Volatility (i, s or v, the worst of any of that name) by name. `where`: "pg_catalog" or "contrib"."""
    words = ("immutable", "stable", "volatile")
    return {name: word[0] for word in words for name in _sections()[f"{where} {word}"]}


@cache
def builtin_types() -> frozenset[str]:
    """The internal names of pg_catalog's base and range types."""
    return frozenset(_sections()["types"])


def known_volatility(parts: list[str]) -> str | None:
    """Of a function that no catalog was asked about, by the parts of its name; None when it is nobody's that is known.

    A name without a schema may be contrib's too, wherever that is installed.
    """
    if len(parts) > 1 and parts[-2] == "pg_catalog":
        return builtin_functions().get(parts[-1])
    own = builtin_functions().get(parts[-1]) if len(parts) == 1 else None
    return own or builtin_functions("contrib").get(parts[-1])
