"""`\\copy`: one line that names a file or program on this side, and becomes COPY … FROM STDIN or TO STDOUT."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Source = Literal["file", "program", "stdin", "pstdin"]

_TOKEN = re.compile(r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | \( | \) | [^\s'"()]+ | \s+""", re.VERBOSE)
_FROM_TO = re.compile(r"from|to", re.IGNORECASE).fullmatch
_REST = re.compile(r"""\s* (?: (program)\s+'((?:[^']|'')*)' | '((?:[^']|'')*)' | (\S+) )""", re.VERBOSE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SlashCopy:
    """`sql` is what the server gets, `name` the file or the program's command line, empty for the standard streams."""

    sql: str
    direction: Literal["in", "out"]
    source: Source
    name: str


def parse_copy(text: str) -> SlashCopy | str:
    """Reads the arguments of `\\copy`; psql's message where they make no sense."""
    text = text.rstrip().removesuffix(";").rstrip() if text.rstrip().endswith(";") else text.rstrip()
    if not text:
        return "arguments required"
    depth = 0
    for found in _TOKEN.finditer(text):
        token = found[0]
        depth += (token == "(") - (token == ")")
        if depth == 0 and _FROM_TO(token):
            break
    else:
        return f'parse error at end of line in "{text}"'
    inward = token.lower() == "from"
    rest = _REST.match(text, found.end())
    if not rest:
        return "parse error at end of line"
    program, command, quoted, word = rest.groups()
    source: Source
    if program:
        source, name = "program", command.replace("''", "'")
    elif quoted is not None:
        source, name = "file", quoted.replace("''", "'")
    elif word.lower() in ("stdin", "stdout"):
        source, name = "stdin", ""
    elif word.lower() in ("pstdin", "pstdout"):
        source, name = ("pstdin" if inward else "stdin"), ""
    else:
        source, name = "file", word
    sql = f"COPY {text[: found.start()]} {'FROM STDIN' if inward else 'TO STDOUT'} {text[rest.end() :]}"
    return SlashCopy(sql, "in" if inward else "out", source, name)
