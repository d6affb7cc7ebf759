"""What kind a statement is, by its first keywords: fast, and right for text that no parser accepts."""

from __future__ import annotations

import re

# blanks and comments; comments nested in comments end early here, which only costs a kind
_BLANK = r"(?>(?:\s++|--[^\n\r]*+|/\*(?>(?:[^*]|\*(?!/))*)\*/)*)"
_LEADING = re.compile(rf"(?:{_BLANK})[\s(;]*+").match
_WORDS = re.compile(r"[A-Za-z_]+|[^A-Za-z_]").match
_NEXT = re.compile(rf"{_BLANK}([A-Za-z_]+)").match

_MODIFIERS = frozenset(
    [
        "OR",
        "REPLACE",
        "GLOBAL",
        "LOCAL",
        "TEMP",
        "TEMPORARY",
        "UNLOGGED",
        "UNIQUE",
        "RECURSIVE",
        "TRUSTED",
        "PROCEDURAL",
        "CONSTRAINT",
        "DEFAULT",
    ]
)
# objects whose names take several words
_OBJECTS: dict[str, tuple[str, ...]] = {
    "MATERIALIZED": ("VIEW",),
    "FOREIGN": ("TABLE", "DATA WRAPPER"),
    "EVENT": ("TRIGGER",),
    "ACCESS": ("METHOD",),
    "USER": ("MAPPING",),
    "OPERATOR": ("CLASS", "FAMILY"),
    "TEXT": ("SEARCH CONFIGURATION", "SEARCH DICTIONARY", "SEARCH PARSER", "SEARCH TEMPLATE"),
    "LARGE": ("OBJECT",),
}
_TWO_WORDS: dict[str, tuple[str, ...]] = {
    "COMMIT": ("PREPARED",),
    "ROLLBACK": ("TO", "PREPARED"),
    "PREPARE": ("TRANSACTION",),
    "REFRESH": ("MATERIALIZED VIEW",),
    "SECURITY": ("LABEL",),
    "IMPORT": ("FOREIGN SCHEMA",),
    "REASSIGN": ("OWNED",),
    "DECLARE": (),
    "SET": ("CONSTRAINTS", "TRANSACTION", "SESSION AUTHORIZATION", "SESSION CHARACTERISTICS", "ROLE"),
}
_SAME = {
    "ABORT": "ROLLBACK",
    "END": "COMMIT",
    "START": "BEGIN",
    "ANALYSE": "ANALYZE",
    "TABLE": "SELECT",
    "VALUES": "SELECT",
}
_CONTROL = {
    "BEGIN": "begin",
    "COMMIT": "commit",
    "ROLLBACK": "rollback",
    "ROLLBACK TO": "rollback to",
    "SAVEPOINT": "savepoint",
    "RELEASE": "release",
    "PREPARE TRANSACTION": "prepare",
    "COMMIT PREPARED": "commit prepared",
    "ROLLBACK PREPARED": "rollback prepared",
    "SET TRANSACTION": "set transaction",
    "SET SESSION CHARACTERISTICS": "set transaction",
}
_WITH_BODY = re.compile(r"\b(INSERT|UPDATE|DELETE|MERGE)\b\s", re.IGNORECASE)
_QUIET = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|\((?:[^()]|\([^()]*\))*\)")


def words_of(text: str, count: int) -> list[str]:
    """The first `count` words in capitals, comments left out; fewer where something else than a word comes."""
    found = _LEADING(text)
    at = found.end() if found else 0
    words: list[str] = []
    while len(words) < count and (word := _NEXT(text, at)):
        words.append(word[1].upper())
        at = word.end()
    return words


def kind_of(text: str) -> str:
    """`ALTER TABLE`, `CREATE INDEX`, `INSERT`, `BEGIN`, …; `EMPTY` for nothing but comments; never `UNPARSED`."""
    words = words_of(text, 1)
    if not words:
        return "EMPTY" if not text.strip(" \t\n\r\f\v;") or _only_comments(text) else "UNKNOWN"
    first = _SAME.get(words[0], words[0])
    if first in ("INSERT", "SELECT", "UPDATE", "DELETE", "BEGIN", "COPY", "DO", "CALL"):
        return first
    words = words_of(text, 9)
    if words[0] in ("ROLLBACK", "ABORT") and any(w in ("TO", "PREPARED") for w in words[1:3]):
        return "ROLLBACK TO" if "TO" in words[1:3] else "ROLLBACK PREPARED"
    if (words[0] == "SET" and words[1:2] == ["LOCAL"]) or words[1:3] == ["SESSION", "ROLE"]:
        words = ["SET", *words[2:]]
    if first in ("CREATE", "ALTER", "DROP"):
        rest = [
            w
            for i, w in enumerate(words[1:])
            if w not in _MODIFIERS or (w == "DEFAULT" and words[2:3] == ["PRIVILEGES"])
        ]
        if not rest:
            return first
        return f"{first} {_longest(rest, _OBJECTS.get(rest[0], ()))}"
    if first == "WITH":
        found = _WITH_BODY.search(_QUIET.sub(" ", text))
        return found[1].upper() if found else "SELECT"
    return _longest([first, *words[1:]], _TWO_WORDS.get(first, ()))


def control_of(text: str, kind: str) -> str | None:
    """What a statement of this kind does to the transaction, None for most."""
    if kind == "BEGIN" and words_of(text, 2)[:1] == ["START"] and words_of(text, 2)[1:] != ["TRANSACTION"]:
        return None
    return _CONTROL.get(kind)


def _longest(words: list[str], tails: tuple[str, ...]) -> str:
    for tail in tails:
        parts = tail.split()
        if words[1 : 1 + len(parts)] == parts:
            return f"{words[0]} {tail}"
    if words[0] == "DEFAULT" and words[1:2] == ["PRIVILEGES"]:
        return "DEFAULT PRIVILEGES"
    return words[0]


def _only_comments(text: str) -> bool:
    found = re.match(rf"{_BLANK}[;\s]*$", text)
    return found is not None
