"""`-- pgmig: lint ignore CODE[, CODE] reason`: comments that take findings out.

Such a comment counts for the statement that it stands at (see script.silence), and before the first statement of a file
for the whole file. Without a reason it silences nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from pgmig_tui.lint.rules.script import Placed
from pgmig_tui.lint.state import Kind
from pgmig_tui.script.silence import place_of
from pgmig_tui.script.statement import Statement

_COMMENT = re.compile(rb"--[ \t]*pgmig:[ \t]*lint[ \t]+([^\r\n]*)", re.IGNORECASE).finditer
_SAID = re.compile(r"(\w+)\s+([a-z][\w-]*(?:\s*,\s*[a-z][\w-]*)*)[\s:–—-]*(.*)", re.DOTALL).fullmatch
_HOW = "`-- pgmig: lint ignore CODE reason`"


@dataclass(slots=True)
class Ignored:
    """`first` and `last` are lines, from 1; `first` 0 = the whole file. `used` are the codes that it took out."""

    line: int
    codes: tuple[str, ...]
    reason: str
    first: int = 0
    last: int = 0
    used: set[str] = field(default_factory=set)

    def takes(self, code: str, line: int) -> bool:
        return code in self.codes and (self.first == 0 or self.first <= line <= self.last)


def read_ignored(
    path: str, data: bytes, statements: tuple[Statement, ...], known: Callable[[str], bool]
) -> tuple[list[Ignored], list[Placed]]:
    """The comments of a file, and what is wrong with them."""
    found: list[Ignored] = []
    wrong: list[Placed] = []
    if b"pgmig:" not in data.lower():
        return found, wrong
    here = [(number, one) for number, one in enumerate(statements) if one.path == path]
    for comment in _COMMENT(data):
        line = data.count(b"\n", 0, comment.start()) + 1
        said = _SAID(comment[1].decode("utf-8", "replace").strip())
        if said is None or said[1].lower() != "ignore":
            wrong.append(Placed("ignore-comment", f"this says nothing here; {_HOW} silences a finding", line=line))
            continue
        codes = tuple(dict.fromkeys(one.strip() for one in said[2].split(",")))
        unknown = [one for one in codes if not known(one)]
        if unknown:
            wrong.append(Placed("ignore-comment", f"there is no rule {unknown[0]}", line=line))
        elif not said[3].strip():
            wrong.append(Placed("ignore-comment", f"this gives no reason, and silences nothing: {_HOW}", line=line))
        else:
            place = _place(data, comment.start(), here, line)
            if isinstance(place, str):
                wrong.append(Placed("ignore-comment", place, line=line))
            else:
                found.append(Ignored(line, codes, said[3].strip(), *place))
    return found, wrong


def _place(data: bytes, at: int, here: list[tuple[int, Statement]], line: int) -> tuple[int, int] | str:
    if not here or at < min(one.start for _, one in here):
        return 0, 0
    numbers, problem = place_of(data, at, here)
    if problem:
        return problem
    by_number = dict(here)
    stands = [by_number[number] for number in numbers]
    return min(one.line for one in stands), max(one.end_line for one in stands)


DECLARED: Final[dict[Kind, str]] = {"revert": "revert-incomplete", "verify": "verify-proves-nothing"}
"""What such a comment declares to `test` and `rehearse` as well, which find by trying what no text tells."""


def unused(ignored: list[Ignored], kind: Kind) -> Iterator[Placed]:
    """The comments of a script that silence nothing."""
    for one in ignored:
        for code in one.codes:
            if code not in one.used and code != DECLARED.get(kind):
                yield Placed(
                    "ignore-comment", f"there is no finding {code} here (any more): remove the comment", line=one.line
                )
