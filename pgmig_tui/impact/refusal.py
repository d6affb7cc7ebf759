"""Why the server refuses a statement, as far as that is known beforehand."""

from __future__ import annotations


class Refusal(str):
    """A reason in words, with the SQLSTATE that the server would answer with; in the words it stands at the end."""

    sqlstate: str

    def __new__(cls, why: str, sqlstate: str) -> Refusal:
        made = super().__new__(cls, f"{why} ({sqlstate})")
        made.sqlstate = sqlstate
        return made


def behind(words: str, why: str) -> str:
    """The same reason after other words."""
    code = sqlstate_of(why)
    return Refusal(words + why.removesuffix(f" ({code})"), code) if code else words + why


def sqlstate_of(why: str) -> str:
    """The SQLSTATE of a reason, "" where there is none."""
    return why.sqlstate if isinstance(why, Refusal) else ""
