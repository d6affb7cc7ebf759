"""psql's variables: names, the ones it gives a meaning, its reading of booleans, and quoting for SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from pgmig_tui.script.actions import ServerFacts

_NAME = re.compile(r"[A-Za-z0-9_\x80-\U0010ffff]+").fullmatch
_INTEGER = re.compile(r"\s*[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+)").fullmatch

_BOOLEANS = frozenset(
    [
        "AUTOCOMMIT",
        "ON_ERROR_STOP",
        "QUIET",
        "SINGLELINE",
        "SINGLESTEP",
        "HIDE_TABLEAM",
        "HIDE_TOAST_COMPRESSION",
        "SHOW_ALL_RESULTS",
    ]
)
_NUMBERS = {"FETCH_COUNT": "0", "HISTSIZE": "500", "IGNOREEOF": "0", "WATCH_INTERVAL": "2"}
# name -> (value when unset, values beside or instead of booleans, whether booleans are understood too)
_CHOICES: dict[str, tuple[str, tuple[str, ...], bool]] = {
    "ON_ERROR_ROLLBACK": ("off", ("interactive",), True),
    "ECHO": ("none", ("queries", "errors", "all", "none"), False),
    "ECHO_HIDDEN": ("off", ("noexec",), True),
    "HISTCONTROL": ("none", ("ignorespace", "ignoredups", "ignoreboth", "none"), False),
    "VERBOSITY": ("default", ("default", "verbose", "terse", "sqlstate"), False),
    "SHOW_CONTEXT": ("errors", ("never", "errors", "always"), False),
    "COMP_KEYWORD_CASE": ("preserve-upper", ("lower", "upper", "preserve-lower", "preserve-upper"), False),
}


class VariableError(ValueError):
    """A name or value that psql refuses; the text is psql's message."""


def valid_name(name: str) -> bool:
    return _NAME(name) is not None


@lru_cache(maxsize=64)
def parse_boolean(value: str) -> bool | None:
    """psql's reading: any prefix of true, false, yes, no; on, off (`of` too); 1, 0. None for everything else."""
    word = value.lower()
    if not word:
        return None
    for full, meaning in (("true", True), ("false", False), ("yes", True), ("no", False)):
        if full.startswith(word):
            return meaning
    if word in ("on", "1"):
        return True
    if word in ("of", "off", "0"):
        return False
    return None


def assigned(name: str, value: str) -> str:
    """What the variable holds after `\\set name value`. Raises VariableError for what psql refuses."""
    if not valid_name(name):
        raise VariableError(f'invalid variable name: "{name}"')
    if name in _BOOLEANS:
        if parse_boolean(value or "on") is None:
            raise VariableError(f'unrecognized value "{value}" for "{name}": Boolean expected')
        return value or "on"
    if name in _NUMBERS:
        if not _INTEGER(value or "0"):
            raise VariableError(f'invalid value "{value}" for "{name}": integer expected')
        return value or _NUMBERS[name]
    if name in _CHOICES:
        default, choices, boolean = _CHOICES[name]
        if value.lower() in choices or (boolean and parse_boolean(value or "on") is not None):
            return value or "on"
        if not value and not boolean:
            return default
        words = ", ".join(("on", "off", *choices) if boolean else choices)
        raise VariableError(f'unrecognized value "{value}" for "{name}"\nAvailable values are: {words}.')
    return value


def unset_value(name: str) -> str | None:
    """What `\\unset` leaves: psql's own switches fall back to their default, the others vanish."""
    if name in _BOOLEANS:
        return "off"
    if name in _NUMBERS:
        return _NUMBERS[name]
    return _CHOICES[name][0] if name in _CHOICES else None


def is_special(name: str) -> bool:
    """Whether psql gives the variable a meaning (and so keeps `\\gset` from touching it)."""
    return name in _BOOLEANS or name in _NUMBERS or name in _CHOICES or name in ("PROMPT1", "PROMPT2", "PROMPT3")


def initial(server: ServerFacts, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of a psql that Sqitch has just started (-X -q -A -t, ON_ERROR_STOP=1), with the caller's on top."""
    major, minor = divmod(server.version_num, 10000)
    return {
        "AUTOCOMMIT": "on",
        "COMP_KEYWORD_CASE": "preserve-upper",
        "DBNAME": server.dbname,
        "ECHO": "none",
        "ECHO_HIDDEN": "off",
        "ENCODING": server.encoding,
        "FETCH_COUNT": "0",
        "HIDE_TABLEAM": "off",
        "HIDE_TOAST_COMPRESSION": "off",
        "HISTCONTROL": "none",
        "HISTSIZE": "500",
        "HOST": server.host,
        "IGNOREEOF": "0",
        "LAST_ERROR_MESSAGE": "",
        "LAST_ERROR_SQLSTATE": "00000",
        "ON_ERROR_ROLLBACK": "off",
        "PORT": server.port,
        "PROMPT1": "%/%R%x%# ",
        "PROMPT2": "%/%R%x%# ",
        "PROMPT3": ">> ",
        "QUIET": "on",
        "SERVER_VERSION_NAME": f"{major}.{minor}",
        "SERVER_VERSION_NUM": str(server.version_num),
        "SHOW_ALL_RESULTS": "on",
        "SHOW_CONTEXT": "errors",
        "SINGLELINE": "off",
        "SINGLESTEP": "off",
        "USER": server.user,
        "VERBOSITY": "default",
        "VERSION": "PostgreSQL 18.4 (read by pgmig-tui)",
        "VERSION_NAME": "18.4",
        "VERSION_NUM": "180004",
        "WATCH_INTERVAL": "2",
        **{name: assigned(name, value) for name, value in variables.items()},
        "ON_ERROR_STOP": "1",
    }


def quote_literal(value: bytes) -> bytes:
    """As libpq's PQescapeLiteral: valid whatever standard_conforming_strings says."""
    quoted = b"'" + value.replace(b"'", b"''") + b"'"
    return b" E" + quoted.replace(b"\\", b"\\\\") if b"\\" in value else quoted


def quote_identifier(value: bytes) -> bytes:
    return b'"' + value.replace(b'"', b'""') + b'"'


def to_bytes(text: str) -> bytes:
    """Text of a script or a server as the bytes that it came from."""
    return text.encode("utf-8", "surrogateescape")


def to_text(data: bytes) -> str:
    """Bytes as text that gives the same bytes back, whatever their encoding."""
    return data.decode("utf-8", "surrogateescape")
