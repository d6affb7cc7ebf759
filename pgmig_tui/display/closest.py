"""What somebody may have meant who has mistyped a name. It is said, never done."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 3
_PART = 3
"""So many characters are found inside a name: names of changes often begin alike, and people type what is behind."""


def closest(word: str, known: Iterable[str]) -> list[str]:
    """Up to three of the known names that are close to the word, the closest first."""
    import difflib  # only needed on an error

    names = list(dict.fromkeys(one for one in known if one))
    folded: dict[str, str] = {}
    for one in names:
        folded.setdefault(one.casefold(), one)
    wanted = word.casefold()
    found = difflib.get_close_matches(wanted, folded, n=MOST, cutoff=0.65)
    if len(wanted) >= _PART:
        found += [one for one in folded if wanted in one]
    return [folded[one] for one in dict.fromkeys(found)][:MOST]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question such as `Did you mean "staging" or "stage"?`; "" where nothing is close."""
    found = [f'"{one}"' for one in closest(word, known)]
    if not found:
        return ""
    before = ", ".join(found[:-1])
    return f"Did you mean {before} or {found[-1]}?" if before else f"Did you mean {found[-1]}?"
