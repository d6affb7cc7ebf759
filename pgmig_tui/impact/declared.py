"""Variables of PL/pgSQL whose type the parser doesn't know: it leaves out what they are of, and begin with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial

from pgmig_tui.impact import nodes
from pgmig_tui.impact.builtin import builtin_types

_TYPE = (
    r'(?P<type>[a-z_"\x80-\uffff][\w$".\x80-\uffff]*(?:\s*\([\d\s,]*\))?(?:\s*\[\d*\])*)(?P<of>\s*%\s*(?:row)?type\b)?'
)
_VALUE = r"(?:\s+not\s+null)?\s*(?:(?::=|=|\bdefault\b)(?P<value>[^;]*))?;"


def declaration(sql: str, variable: str) -> tuple[str, str]:
    """The type and the first value of a variable, by the text of a DO or CREATE FUNCTION statement; "" where there is
    none, or it can't be found."""
    wanted = rf'(?<![\w$."]){re.escape(variable)}"?\s+(?:constant\s+)?{_TYPE}(?:\s+collate\s+[\w".]+)?{_VALUE}'
    for found in re.finditer(wanted, _body(sql), re.IGNORECASE):
        value = (found["value"] or "").strip()
        if found["of"]:
            return found["type"] + "".join(found["of"].split()).lower(), value
        if _is_type(found["type"]):
            return found["type"], value
    return "", ""


def of_table(kind: str) -> tuple[tuple[str, ...], str] | None:
    """The name of a table and a column of it ("" = all), of which a type is made (t.c%TYPE, t%ROWTYPE)."""
    written, percent, what = kind.rpartition("%")
    parts = tuple(
        part[1:-1].replace('""', '"') if part.startswith('"') else part.lower()
        for part in re.findall(_NAMED, written, re.IGNORECASE)
    )
    if not percent or not parts:
        return None
    if what.strip().lower() == "rowtype":
        return parts, ""
    return (parts[:-1], parts[-1]) if len(parts) > 1 else None  # that of a variable


@lru_cache(maxsize=64)
def _body(sql: str) -> str:
    try:
        tree = nodes.parse(sql)[0]
    except (nodes.ParseError, IndexError):
        return ""
    options = nodes.options(tree.args if nodes.kind(tree) == "DoStmt" else tree.options)
    body = nodes.open_node(options["as"].arg) if "as" in options else None
    if body is None:
        return ""
    return body.sval if nodes.kind(body) == "String" else "".join(nodes.strings(body.items)[:1])


@lru_cache(maxsize=1024)
def _is_type(text: str) -> bool:
    try:
        trees = nodes.parse(f"SELECT NULL::{text}")
    except nodes.ParseError:
        return False
    return len(trees) == 1 and trees[0].target_list[0].res_target.val.WhichOneof("node") == "type_cast"


_NAMED = r'[a-z_\x80-\uffff][\w$\x80-\uffff]*|"(?:[^"]|"")+"'
_ENDS = re.compile(r"""--[^\n]*|'[^']*'|"[^"]*"|\b(declare|begin)\b""", re.IGNORECASE)
_STATEMENT_BEGINS = re.compile(r"(?:[;$]|>>|\b(?:begin|then|else|loop))\s*\Z", re.IGNORECASE)
_HARD = re.compile(r"\\|\$|/\*")
"""What would have to be read as the server does, to tell text from code."""
_LONGEST = 50_000
_TYPED = re.compile(
    rf"((?:\bdeclare|;)(?:\s|--[^\n]*\n)*(?:{_NAMED})\s+(?:constant\s+)?)"
    rf"((?:(?:{_NAMED})\s*\.\s*)?(?:{_NAMED}))(?![\w$])(?!\s*[.%(])",
    re.IGNORECASE,
)
_ROW = re.compile(
    rf"((?:\bdeclare|;)(?:\s|--[^\n]*\n)*(?:{_NAMED})\s+(?:constant\s+)?)"
    rf"(?:(?:{_NAMED})\s*\.\s*)?(?:{_NAMED})\s*%\s*rowtype\b",
    re.IGNORECASE,
)
_GRAMMAR = """
int integer bigint smallint boolean varchar char character national nchar decimal dec numeric real float double
timestamp time interval bit record refcursor cursor alias scroll no constant text
"""
_OF_GRAMMAR = frozenset(_GRAMMAR.split())
"""Words that begin a type, or a declaration of something else, and aren't names of pg_type."""


def readable(sql: str) -> Iterator[str]:
    """The same function or DO block for a parser that knows no type of a user's, and looks for none in a schema but
    public: with types there, which are taken for rows, and with text in their place. No type comes to be in the tree.
    """
    try:
        tree = nodes.parse(sql)[0]
    except (nodes.ParseError, IndexError):
        return
    body = nodes.options(tree.args if nodes.kind(tree) == "DoStmt" else tree.options).get("as")
    if body is None or len(sql) > _LONGEST or _HARD.search(_body(sql)):
        return
    raw = sql.encode()
    begin = max(body.location, 0)
    head, rest = raw[:begin].decode(errors="replace"), raw[begin:].decode(errors="replace")
    types = []
    if nodes.kind(tree) == "CreateFunctionStmt":
        types = [nodes.strings(item.function_parameter.arg_type.names) for item in tree.parameters]
        types.append(nodes.strings(tree.return_type.names))
    for rows in (True, False):
        start = head
        for position, parts in enumerate(types):
            as_row = rows or position == len(types) - 1
            written = r"\s*\.\s*".join(rf'"?{re.escape(part)}"?' for part in parts)
            if parts and not _known(parts):
                stands = f'public."{parts[-1]}"' if as_row else "text"
                start = re.sub(rf'(?<![\w$."]){written}(?![\w$."(])', stands, start, flags=re.IGNORECASE)
        yield start + "".join(
            _ROW.sub(r"\1record", _TYPED.sub(partial(_other, rows), part)) if declares else part
            for part, declares in _parts(rest)
        )


def _parts(body: str) -> Iterator[tuple[str, bool]]:
    """A body's text in pieces, and whether one is a section of declarations, without text in it that may be code."""
    begin, within = 0, False
    for found in _ENDS.finditer(body):
        if found[1] is None:
            continue
        declares = found[1].lower() == "declare"
        if declares and not _STATEMENT_BEGINS.search(body, max(found.start() - 40, begin), found.start()):
            continue  # a name
        part = body[begin : found.start()]
        yield part, within and "'" not in part
        begin, within = found.start(), declares
    yield body[begin:], False


def _known(parts: Sequence[str]) -> bool:
    return parts[0] == "pg_catalog" or (len(parts) == 1 and parts[0] in builtin_types() | _PSEUDO)


_PSEUDO = frozenset({"void", "trigger", "event_trigger", "record", "anyelement", "anyarray"})


def _other(rows: bool, found: re.Match[str]) -> str:
    parts = re.findall(_NAMED, found[2], re.IGNORECASE)
    if _known([part.strip('"').lower() for part in parts]) or (len(parts) == 1 and parts[0].lower() in _OF_GRAMMAR):
        return found[0]
    return found[1] + (f"public.{parts[-1]}" if rows else "text")
