"""`-- pgmig: allow RULE[, RULE] reason`: comments that silence an advice for the statement that they stand at.

At a statement is: inside it, behind it on the line of its end, or on lines of comments directly above it. Text that is
quoted, as in the body of a function, or that is a row of COPY, says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pgmig_tui.script.lexer import Lexer, Stop
from pgmig_tui.script.statement import Statement

_MARK = b"pgmig:"
_CHUNK = 1 << 20


def is_marked(data: bytes) -> bool:
    """Whether a comment of ours may stand in a script. Piece by piece: another copy of a large one is too much."""
    starts = range(0, len(data), _CHUNK)
    return any(_MARK in data[start : start + _CHUNK + len(_MARK)].lower() for start in starts)


_COMMENT = re.compile(rb"--[ \t]*pgmig:[ \t]*([^\r\n]*)", re.IGNORECASE).finditer
_SAID = re.compile(r"(\w*)\s*([A-Za-z][\w-]*(?:\s*,\s*[A-Za-z][\w-]*)*)?[\s:–—-]*(.*)", re.DOTALL).fullmatch
_COMMENT_LINE = re.compile(rb"[ \t]*--").match
_ROWS_END = re.compile(rb"^\\\.\r?$", re.MULTILINE).search
_HOW = "`-- pgmig: allow RULE reason`"


@dataclass(frozen=True, slots=True)
class Silence:
    """Such a comment. `statements` are indexes into the preview's; `problem` says why it silences nothing."""

    path: str
    line: int
    rules: tuple[str, ...] = ()
    reason: str = ""
    statements: tuple[int, ...] = ()
    problem: str = ""


def silences(statements: Sequence[Statement], sources: Mapping[str, bytes]) -> tuple[Silence, ...]:
    """The comments of all files that a script is made of; `sources` are their bytes by the name in `path`."""
    found = []
    for path, data in sources.items():
        here = [(index, one) for index, one in enumerate(statements) if one.path == path]
        rows = [_rows(data, one) for _, one in here if one.copy_data]
        for comment in _COMMENT(data):
            at = comment.start()
            if not any(first <= at < last for first, last in rows):
                said = comment[1].decode("utf-8", "replace").strip()
                if said.lower().startswith(("backfill ", "lint ")):
                    continue  # a declaration (script.backfill), or for lint
                found.append(_silence(path, data.count(b"\n", 0, at) + 1, said, *place_of(data, at, here)))
    return tuple(found)


def _silence(path: str, line: int, said: str, statements: tuple[int, ...], problem: str) -> Silence:
    match = _SAID(said)
    verb, names, reason = match.groups() if match else ("", None, "")
    rules = tuple(dict.fromkeys(name.strip() for name in names.split(","))) if names else ()
    if verb.lower() != "allow":
        problem = f"`pgmig: {said[:40]}` says nothing here; {_HOW} silences an advice"
    elif not rules:
        problem = f"this names no rule: {_HOW}"
    elif not reason.strip():
        problem = f"this gives no reason, and silences nothing without one: {_HOW}"
    return Silence(path, line, rules, reason.strip(), () if problem else statements, problem)


def place_of(data: bytes, at: int, here: Sequence[tuple[int, Statement]]) -> tuple[tuple[int, ...], str]:
    """The statements that a comment stands at (the same ones again where a file is included twice), or why none."""
    line = data.count(b"\n", 0, at) + 1
    line_start = data.rfind(b"\n", 0, at) + 1
    alone = not data[line_start:at].strip()
    for _, one in here:
        if one.start < at < one.end or (alone and one.line < line < one.end_line):
            if _quoted(data[one.start : at]):
                return (), "this stands in quoted text and silences nothing: put it above the statement"
            return _same(here, one), ""
    if not alone:
        ended = [one for _, one in here if line_start <= one.end <= at and one.end_line == line]
        if ended and not data[max(one.end for one in ended) : at].strip(b" \t;"):
            return _same(here, max(ended, key=lambda one: one.end)), ""
    else:
        below = line + 1
        lines = data[line_start:].split(b"\n")[1:500]
        for text in lines:
            if not _COMMENT_LINE(text):
                break
            below += 1
        starting = [one for _, one in here if one.line == below]
        if starting:
            return _same(here, min(starting, key=lambda one: one.start)), ""
    return (), "this silences nothing: it stands neither at a statement nor directly above one"


def _same(here: Sequence[tuple[int, Statement]], wanted: Statement) -> tuple[int, ...]:
    return tuple(index for index, one in here if (one.line, one.start) == (wanted.line, wanted.start))


def _rows(data: bytes, copy: Statement) -> tuple[int, int]:
    end = _ROWS_END(data, copy.end)
    return copy.end, end.end() if end else len(data)


def _quoted(text: bytes) -> bool:
    """Whether the end of this piece of a statement lies inside quotes, or in a comment of the other kind."""
    lexer, at = Lexer(), 0
    while True:
        stop, _, at = lexer.scan(text, at, True)
        if stop is Stop.END:
            return lexer.in_quote
