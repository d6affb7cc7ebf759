"""Which characters a terminal can draw, by what its environment says of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path

_PYTHONS_OWN = {"C.UTF-8", "C.utf8", "UTF-8"}
"""What Python puts into LC_CTYPE where the locale is C, before anything of ours runs (PEP 538)."""


class Charset(Enum):
    """ASCII alone; the lines and blocks that the console of Linux has, too; or all of Unicode."""

    ASCII = "ascii"
    LINES = "lines"
    ALL = "all"


def charset(env: Mapping[str, str]) -> Charset:
    """By the locale, as POSIX reads it (LC_ALL, LC_CTYPE, LANG: the first that isn't empty), and TERM.

    >>> charset({"LANG": "de_DE.UTF-8"}).value, charset({"LANG": "C", "LC_ALL": ""}).value
    ('all', 'ascii')
    >>> charset({"LANG": "C.utf8", "TERM": "linux"}).value
    'lines'
    """
    locale = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or ""
    if "utf8" not in locale.lower().replace("-", ""):
        return Charset.ASCII
    return Charset.LINES if env.get("TERM") == "linux" else Charset.ALL


def charset_here(env: Mapping[str, str]) -> Charset:
    """As `charset`; but an LC_CTYPE that Python has put there by itself says nothing about the terminal."""
    if env.get("LC_CTYPE") in _PYTHONS_OWN and not env.get("LC_ALL"):
        given = _given()
        if given is not None and not any(word.startswith(b"LC_CTYPE=") for word in given):
            return charset({**env, "LC_CTYPE": ""})
    return charset(env)


def _given() -> list[bytes] | None:
    """The environment that this process was started with; None where the system doesn't tell."""
    try:
        return Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return None
