"""Finding a name by parts of it: as it stands, else by its letters in their order, else nearly."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

NEAR = 75.0
"""How like a text a name must be, of 100, to be meant by it."""
_LEAST = 4
"""Shorter texts are near too many."""


class NameSearch:
    """Names to be found, and what is said beside each in `others`, which is as long."""

    def __init__(self, names: Sequence[str], others: Sequence[str]) -> None:
        self._names = [name.lower() for name in names]
        self._texts = [f"{name}\n{other.lower()}" for name, other in zip(self._names, others, strict=True)]

    def found(self, typed: str, most: int) -> list[int]:
        """The places of the names that are meant by what was typed, at most so many, the nearest first. All its words
        stand in the name, or in what is said beside it; where there is none, its letters stand in the name in this
        order; where there is none, the name is like it but for a letter or two."""
        words = typed.lower().split()
        if not words:
            return list(range(min(most, len(self._names))))
        names = self._names
        kept = _holding(words, names)
        kept.sort(key=lambda at: not names[at].startswith(words[0]))
        if len(kept) < most:
            taken = set(kept)
            kept += [at for at in _holding(words, self._texts) if at not in taken]
        return (kept or self._by_letters("".join(words)) or self._nearly(" ".join(words), most))[:most]

    def _by_letters(self, letters: str) -> list[int]:
        forward, back = _in_order(letters), _in_order(letters[::-1])
        spans = []
        for at, name in enumerate(self._names):
            if (begun := forward(name)) is not None and (whole := back(name[begun.end() - 1 :: -1])) is not None:
                spans.append((whole.end(), begun.end(), at))  # the nearer its letters stand together, the better
        return [at for *_ends, at in sorted(spans)]

    def _nearly(self, text: str, most: int) -> list[int]:
        if len(text) < _LEAST:
            return []
        from rapidfuzz import fuzz, process

        near = process.extract(text, self._names, scorer=fuzz.partial_ratio, score_cutoff=NEAR, limit=most)
        return [at for _name, _score, at in near]


def _in_order(letters: str) -> Callable[[str], re.Match[str] | None]:
    # `[^a]*a` goes forward only: however long a name is, each of its letters is looked at once.
    return re.compile("".join(f"[^{re.escape(letter)}]*{re.escape(letter)}" for letter in letters)).match


def _holding(words: Sequence[str], texts: Sequence[str]) -> list[int]:
    """The places of the texts in which all words stand."""
    first, *others = words
    kept = [at for at, text in enumerate(texts) if first in text]
    for word in others:
        kept = [at for at in kept if word in texts[at]]
    return kept
