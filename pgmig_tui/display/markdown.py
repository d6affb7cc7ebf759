"""Text of strangers inside a Markdown document: it is read, and never becomes Markdown, HTML or a link.

Sources: CommonMark 0.31 (2.5: a character reference never marks structure), GitHub Flavored Markdown (tables,
autolinks, mentions), and its $math$.
"""

from __future__ import annotations

import re

from pgmig_tui.display.safe import safe

# An underscore inside a word is only itself; names are full of them.
_MARKS = re.compile(r"""[\\`*{}\[\]<>#|~&!$^@]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=//)|(?i:(?<=www)\.)""")
_FIRST = re.compile(r"([-+=]|\d{1,9}[.)])(?=.|$)")
_PLAIN_CODE = re.compile(r"[^`|\\\s<>&](?:[^`|\\\n]*[^`|\\\s])?")
_EVERY_MARK = re.compile(r"[!-/:-@\[-`{-~]")


def prose(text: str) -> str:
    """Text as a paragraph, a list's item or a table's cell: line breaks become `<br>`, blanks at the ends go."""
    lines = (" ".join(line.split()) for line in safe(text.strip(), multiline=True).split("\n"))
    return "<br>".join(_line(line) for line in lines)


def code(text: str) -> str:
    """Text as code in one line, also in a table's cell."""
    shown = " ".join(safe(text, multiline=True).split())
    if not shown:
        return ""
    if _PLAIN_CODE.fullmatch(shown):
        return f"`{shown}`"
    return f"<code>{_EVERY_MARK.sub(_reference, shown)}</code>"


def _line(text: str) -> str:
    marked = _MARKS.sub(_reference, text)
    first = _FIRST.match(marked)
    if first is None:
        return marked
    mark = first[1]
    return f"{mark[:-1]}&#{ord(mark[-1])};{marked[len(mark) :]}"


def _reference(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"
