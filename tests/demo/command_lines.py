"""The command lines of the documents: where each stands, and what is typed for the words that stand for others."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
WORDS = {
    "TARGET": "staging", "T": "staging", "A": "staging", "B": "dev", "CHANGE": "20250303_0001_widen_size_bytes",
    "X": "20250303_0001_widen_size_bytes", "RUN": "20240101-100000-0001", "ITEM": "pre:backup", "R": "dba",
    "NAME": "history", "DATE": "2020-01-01", "ROLE": "postgres", "WHO": "ana", "SECONDS": "1", "REASON": "tried",
    "WORD": "prod", "NOTE": "done", "DIR": ".", "SQL": "SELECT 1", "TABLE": "t", "COLUMNS": "id", "HASH": "0" * 64,
}  # fmt: skip
"""What stands for a word in capitals."""
OF_OPTION = {("--outcome", "NAME"): "done", ("--operation", "NAME"): "deploy"}
"""The same, where it is the value of an option."""
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_INLINE = re.compile(r"`([^`\n]+)`")
_PLACEHOLDER = re.compile(r"(?<![\w-])[A-Z]+(?![\w-])")


@dataclass(frozen=True)
class CommandLine:
    """One line; `typed` in a block that a reader may copy from."""

    file: str
    line: int
    text: str
    typed: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


def command_lines() -> Iterator[CommandLine]:
    """All that begin with `pgmig-tui`, in the order of the documents."""
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        name = str(path.relative_to(ROOT))
        for fence in _FENCE.finditer(text):
            first = text.count("\n", 0, fence.start()) + 2
            for number, line in enumerate(fence[2].splitlines(), first):
                shown = line.removeprefix("$ ")
                if shown.startswith(("pgmig-tui", "cd ", "make ")) and (shown != line or fence[1] == "sh"):
                    yield CommandLine(name, number, shown, True)
        plain = _FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), text)
        for found in _INLINE.finditer(plain):
            if found[1].startswith("pgmig-tui ") or found[1] == "pgmig-tui":
                yield CommandLine(name, plain.count("\n", 0, found.start()) + 1, found[1].replace("\\|", "|"), False)


def words_of(text: str, **more: str) -> list[str]:
    """What follows `pgmig-tui` in a line, as a shell would hand it over: without its comment and redirections; a part
    in brackets is there, and of several ways the first is gone."""
    bare = re.split(r"\s[|>]\s", re.sub(r"\b20\d{6}-\d{6}-\w{4}\b", "RUN", text))[0]
    bare = re.sub(r"\((\S+ \S+) or [^)]*\)", r"\1", bare)
    bare = re.sub(r"[\[\]…]|(?<=\s)\|\s.*$", "", bare)
    bare = re.sub(r"(\S+?)\\?\|\S+", r"\1", bare)
    known = {**WORDS, **more}
    given = shlex.split(bare, comments=True)
    typed = (OF_OPTION.get((option, word), word) for option, word in pairwise(given))
    return [_PLACEHOLDER.sub(lambda found: known.get(found[0], found[0]), word) for word in typed]
