"""One statement of a script: where it stands, what kind it is, and (when asked) its parse tree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgmig_tui.script.actions import Then
from pgmig_tui.script.kinds import control_of, kind_of, words_of
from pgmig_tui.script.parse import Parsed, ParseProblem, parse
from pgmig_tui.script.values import lazily

if TYPE_CHECKING:
    from dataclasses import dataclass as value

    from postgast import pg_query_pb2
else:
    from pgmig_tui.script.values import value

_CODECS = {"LATIN1": "latin-1", "LATIN9": "iso8859-15", "WIN1252": "cp1252", "WIN1251": "cp1251", "EUC_JP": "euc_jp"}
_NO_BEGIN = re.compile(
    r"""(?: ABORT | BEGIN | START | COMMIT | END | ROLLBACK | PREPARE\ TRANSACTION | VACUUM | CLUSTER$
          | (?:CREATE|DROP)\ (?:DATABASE|TABLESPACE|(?:UNIQUE\ )?INDEX\ CONCURRENTLY)
          | REINDEX\ (?:DATABASE|SYSTEM|(?:INDEX|TABLE|SCHEMA)\ CONCURRENTLY)
          | ALTER\ SYSTEM | DISCARD\ ALL )\b""",
    re.VERBOSE,
).match
_QUIET = re.compile(r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|("(?:[^"]|"")*")""", re.DOTALL)
"""Comments, literals, and names in quotes, which may hold what looks like the others."""


def decode(data: bytes, encoding: str) -> str:
    """Bytes in a client encoding as text for reading; what can't be decoded stays as surrogates."""
    return data.decode(_CODECS.get(encoding, "utf-8"), "surrogateescape")


def begins_transaction_itself(sql: str) -> bool:
    """Whether psql with AUTOCOMMIT off sends this without a BEGIN before it."""
    return _NO_BEGIN(" ".join(words_of(sql, 4))) is not None


@value(frozen=True)
class Statement:
    """A statement of a script, as the preview sees it.

    `text` has the known variables filled in; unknown ones stand there as written and are named in `variables`. `line`
    is that of its first word, `end_line` that of its end; `start` and `end` are byte offsets in the file. `possible`:
    inside an `\\if`, or behind something that may end the script. `copy_data`: rows for it follow in the script.
    `joined`: several statements, sent as one (`\\;`), which is one transaction if no other is open. `branch` tells
    statements of different arms apart: one pair (number of the \\if, number of its arm) a level. `times`: it stands for
    so many in a row that differ in their constants alone; `text` is the first one's. `skipped`: on an arm that psql
    certainly passes over (`\\if false`).
    """

    path: str
    line: int
    end_line: int
    text: str
    start: int = 0
    end: int = 0
    possible: bool = False
    then: Then = "plain"
    argument: str = ""
    variables: tuple[str, ...] = ()
    copy_data: bool = False
    joined: bool = False
    branch: tuple[tuple[int, int], ...] = ()
    times: int = 1
    skipped: bool = False

    @lazily
    def bare(self) -> str:
        """The text without comments and literals, from the first word on."""
        return _QUIET.sub(_name_or_blank, self.text).strip().strip(";").strip()

    @lazily
    def keywords(self) -> str:
        """The kind by its keywords alone; never parses."""
        return kind_of(self.text)

    @lazily
    def kind(self) -> str:
        """`ALTER TABLE`, `CREATE INDEX`, …; `UNPARSED` for what PostgreSQL's grammar refuses."""
        kind = self.keywords
        if kind in ("INSERT", "COPY", "BEGIN", "COMMIT", "ROLLBACK", "EMPTY"):
            return kind  # the many; not worth a parse
        return "UNPARSED" if self.problem and not self._parsed.too_deep else kind

    @lazily
    def control(self) -> str | None:
        """What it does to the transaction: begin, commit, rollback, savepoint, … or None."""
        return control_of(self.text, self.keywords)

    @lazily
    def _parsed(self) -> Parsed:
        return parse(self.text, self.line, self.variables)

    @property
    def node(self) -> pg_query_pb2.Node | None:
        """The first statement's tree by PostgreSQL 18's grammar; None where it refuses, or the tree is too deep."""
        return self._parsed.nodes[0] if self._parsed.nodes else None

    @property
    def nodes(self) -> tuple[pg_query_pb2.Node, ...]:
        """All trees: several where the script joins statements with `\\;`."""
        return self._parsed.nodes

    @property
    def origin(self) -> int:
        """The place that positions in its trees give to its first character, in bytes."""
        return self._parsed.origin

    @property
    def problem(self) -> ParseProblem | None:
        return self._parsed.problem


def _name_or_blank(found: re.Match[str]) -> str:
    return found[1] or " "
