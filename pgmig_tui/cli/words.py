"""A line that is being typed, as bash hands it over: its words as bash would read them, and how one is inserted so that
bash takes it as it is. Nothing of the line is expanded or run.

Source: bash(1), "QUOTING" and "Programmable Completion"; readline's word breaks as observed on bash 5.2: what a break
character stands before is replaced alone, and of `@` and `$` the character with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]")
_KEPT = "@$"
"""Break characters that stay in the word that they begin."""
_IN_DOUBLE = frozenset('"$`\\!')


@dataclass(frozen=True, slots=True)
class TypedLine:
    """The words before the cursor, and the beginning of the one at it, both as the program would be given them.

    `cut`: so many characters of that word readline leaves as they are. `quote`: the quotation mark that is open.
    """

    before: tuple[str, ...]
    current: str
    cut: int = 0
    quote: str = ""

    def inserted(self, word: str) -> str:
        """What is put at the cursor for `word`, so that bash reads exactly that; "" where that can't be said there."""
        if self.quote == "'":
            return "" if "'" in word else word[self.cut :]
        if self.quote == '"':
            return "" if _IN_DOUBLE.intersection(word) else word[self.cut :]
        return "".join(one if _PLAIN.match(one) or ord(one) > 127 else f"\\{one}" for one in word[self.cut :])


def typed_in_bash(line: str, breaks: str) -> TypedLine:
    """Read a command line up to the cursor. The first word, the program's name, is left out."""
    words: list[str] = []
    word: list[str] | None = None
    quote, cut = "", 0
    position = 0
    while position < len(line):
        one = line[position]
        position += 1
        if quote:
            if one == quote:
                quote = ""
                cut = -1  # readline and bash don't agree on what follows a quotation mark in the middle of a word
            elif one == "\\" and quote == '"' and line[position : position + 1] in ('"', "$", "`", "\\"):
                word = [*(word or ()), line[position]]
                position += 1
            else:
                (word := word if word is not None else []).append(one)
        elif one in " \t\n":
            if word is not None:
                words.append("".join(word))
            word, cut = None, 0
        elif one in "'\"":
            word = word if word is not None else []
            quote = one
            cut = len(word) if cut >= 0 else -1
        else:
            escaped = one == "\\" and position < len(line)
            if escaped:
                one = line[position]
                position += 1
            (word := word if word is not None else []).append(one)
            if not escaped and one in breaks and cut >= 0:
                cut = len(word) - 1 if one in _KEPT else len(word)
    current = "".join(word or ())
    if cut < 0:
        return TypedLine(tuple(words[1:]), "\0")  # nothing begins with that
    return TypedLine(tuple(words[1:]), current, cut, quote)
