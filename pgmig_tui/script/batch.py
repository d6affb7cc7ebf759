"""Many statements parsed in one call of the parser, and that in a thread, while scripts are still being read.

A call for each statement costs as much as the parsing itself. The parser works outside of the interpreter's lock, so a
thread of its own has the trees ready by the time that somebody asks for them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from pgmig_tui.script.parse import Parsed
from pgmig_tui.script.statement import Statement

_SURROGATE = re.compile("[\ud800-\udfff]")
_SEPARATOR = "\n;\n"  # the line ends what a text may leave open: a comment
_FIRST, _MOST = 60, 1000
_TOO_LONG = 20_000  # characters: long rows, which a script of shapes never needs to parse
_MOST_ERRORS = 3
_MANY_INSERTS = 1.25  # statements with them, for each without


def parse_together(statements: Sequence[Statement]) -> None:
    """Gives statements their trees. Whatever isn't plain, or refuses, is left to be parsed alone when it is asked.

    So are INSERTs where there are many: those are alike, and one is enough.
    """
    wanted = [one for one in statements if not (one.variables or one.joined or len(one.text) > _TOO_LONG)]
    wanted = [one for one in wanted if "_parsed" not in one.__dict__]
    others = [one for one in wanted if one.keywords != "INSERT"]
    if len(wanted) > _MANY_INSERTS * len(others):
        wanted = others
    for _ in range(_MOST_ERRORS):
        broken = _parse(wanted)
        if broken is None:
            return
        _parse(wanted[:broken])
        wanted = wanted[broken + 1 :]


def _parse(statements: Sequence[Statement]) -> int | None:
    """None when nothing is left to do, else which statement the grammar refuses."""
    import postgast
    from google.protobuf.message import DecodeError

    if not statements:
        return None
    texts = [one.text if one.text.isascii() else _SURROGATE.sub("?", one.text) for one in statements]
    try:
        raws = postgast.parse(_SEPARATOR.join(texts)).stmts
    except DecodeError:
        return None  # one is too deep to be shown; each says so for itself
    except postgast.PgQueryError as error:
        starts = _starts(texts, [len(text) for text in texts])
        return max(bisect_right(starts, (error.cursorpos or 1) - 1) - 1, 0)
    starts = _starts(texts, [len(text) if text.isascii() else len(text.encode()) for text in texts])
    trees: list[list[object]] = [[] for _ in texts]
    for raw in raws:
        first = raw.stmt_location
        at = bisect_right(starts, first) - 1
        if at + 1 < len(starts) and not 0 < raw.stmt_len < starts[at + 1] - first:
            return None  # server and psql disagree on where it ends: each is read alone
        trees[at].append(raw.stmt)
    for one, found, start in zip(statements, trees, starts, strict=True):
        if found:
            one.__dict__["_parsed"] = Parsed(tuple(found), origin=start + 1 if start else 0)
    return None


def _starts(texts: Sequence[str], sizes: Sequence[int]) -> list[int]:
    """Where each text's part begins: behind the semicolon before it."""
    starts, at = [0], 0
    for size in sizes[:-1]:
        at += size + len(_SEPARATOR)
        starts.append(at - 1)
    return starts


class ParseAhead:
    """Parses statements in a thread, in the order in which they are given; `with` ends it."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "parse")
        self._waiting: list[Statement] = []
        self._parts: list[tuple[int, Future[None]]] = []
        self._size = _FIRST
        self._given = 0
        self._ready = 0
        self._handed = 0

    def __enter__(self) -> ParseAhead:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def give(self, statements: Iterable[Statement]) -> None:
        """They are parsed in the order in which they come, many at once."""
        for one in statements:
            self._waiting.append(one)
            if len(self._waiting) >= self._size:
                self.close()
                self._size = min(self._size * 2, _MOST)

    def close(self) -> None:
        """Nothing more comes for now."""
        if self._waiting:
            self._given += len(self._waiting)
            self._parts.append((self._given, self._pool.submit(parse_together, self._waiting)))
            self._waiting = []

    def ready(self, statements: Iterable[Statement]) -> Iterator[Statement]:
        """The statements that were given, in that order, each once its tree is there."""
        for one in statements:
            while self._handed >= self._ready and self._parts:
                self._ready, parsing = self._parts.pop(0)
                parsing.result()
            self._handed += 1
            yield one
