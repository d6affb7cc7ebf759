"""Finds the line of a key in a TOML file that was read without an error: tomllib doesn't tell.

Source: TOML 1.0.0 (https://toml.io/en/v1.0.0).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_HEADER = re.compile(r"[ \t]*(\[\[?)[ \t]*([^\]\n]+?)[ \t]*\]\]?")
_KEY = re.compile(r"""[ \t]*((?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')(?:[ \t]*\.[ \t]*[^=\s]+)?)[ \t]*=""")
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[\[{]|[\]}]|\n', re.S
)


class TomlLines:
    """Lines, from 1, of the keys of a file whose tables are [[environment]]."""

    def __init__(self, text: str) -> None:
        self._top: dict[str, int] = {}
        self._tables: list[dict[str, int]] = []
        self._read(text)

    def top(self, key: str) -> int:
        """Return the line of a key or table outside of the environments."""
        return self._top.get(key, 1)

    def key(self, index: int, key: str) -> int:
        """Return the line of `key` (`backup.verify` for a table inside) in environment `index`; "" is its header.

        A key that isn't there has the line of the table that it would stand in.
        """
        if index >= len(self._tables):
            return self.top("environment")
        table = self._tables[index]
        return table.get(key) or table.get(key.partition(".")[0]) or table.get("", 1)

    def _read(self, text: str) -> None:
        table, prefix = self._top, ""
        for line, start in _statements(text):
            if header := _HEADER.match(text, start):
                name = header[2].replace('"', "").replace("'", "")
                if header[1] == "[[" and name == "environment":
                    table, prefix = {"": line}, ""
                    self._tables.append(table)
                elif name.startswith("environment.") and self._tables:
                    table, prefix = self._tables[-1], name.partition(".")[2] + "."
                    table.setdefault(prefix[:-1], line)
                else:
                    table, prefix = {}, ""
                self._top.setdefault(name.partition(".")[0], line)
            elif found := _KEY.match(text, start):
                key = re.sub(r"[\"' \t]", "", found[1])
                table.setdefault(prefix + key, line)
                table.setdefault((prefix + key).partition(".")[0], line)


def _statements(text: str) -> Iterator[tuple[int, int]]:
    """Yield line and offset of every line that begins outside of a value."""
    line, start, depth = 1, 0, 0
    yield line, start
    for token in _TOKEN.finditer(text):
        if token[0] == "\n":
            line += 1
            start = token.end()
            if depth == 0:
                yield line, start
        elif token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        else:
            line += token[0].count("\n")
