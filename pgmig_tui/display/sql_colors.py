"""SQL as (text, role) pairs, line by line, for reading on a screen. Nothing that runs depends on it."""

from __future__ import annotations

import re

from pgmig_tui.display.cells import Line, Role, Span

_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z)|^\\[^\n]*)
    |(?P<string>[eEbBxXnN]?'(?:[^']|'')*(?:'|\Z)|(?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?:(?P=tag)|\Z))
    |(?P<quoted>"(?:[^"]|"")*(?:"|\Z))
    |(?P<number>\b\d+(?:\.\d+)?\b)
    |(?P<word>[A-Za-z_]\w*)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_WORDS = """
    add after all alter always analyze and as asc attach begin before between by cascade case check cluster collate
    column comment commit concurrently conflict constraint constraints copy create cross current database default
    deferrable deferred delete desc detach disable distinct do domain drop each else enable end enum except exclude
    execute exists extension false for force foreign from full function generated grant group having identity if
    immediate immutable in include index inherits initially inner insert instead intersect into is isolation join
    key language lateral left level like limit local lock materialized natural not nothing null of offset on only or
    order outer owner partition policy primary privileges procedure publication raise references refresh reindex
    release rename replace restrict return returning returns revoke right role rollback row rows savepoint schema
    security select sequence server session set share stable statement statistics storage table tablespace temp
    temporary then to transaction trigger true truncate type union unique unlogged update using vacuum valid
    validate values view volatile when where with without work
"""
_KEYWORDS = frozenset(_WORDS.split())
_ROLES: dict[str, Role] = {
    "comment": "comment",
    "number": "number",
    "string": "string",
    "tag": "string",
    "word": "keyword",
}


def colored(text: str) -> list[Line]:
    """The lines of a piece of SQL that starts outside any quote or comment; their texts joined are the piece itself."""
    lines: list[list[Span]] = [[]]

    def put(part: str, role: Role) -> None:
        first, *rest = part.split("\n")
        if first:
            lines[-1].append((first, role))
        for more in rest:
            lines.append([(more, role)] if more else [])

    at = 0
    for found in _TOKEN.finditer(text):
        if found.start() > at:
            put(text[at : found.start()], "plain")
        part = found.group()
        role = _ROLES.get(found.lastgroup or "", "plain")
        if role == "keyword" and part.lower() not in _KEYWORDS:
            role = "plain"
        put(part, role)
        at = found.end()
    if at < len(text):
        put(text[at:], "plain")
    return [tuple(spans) for spans in lines]
