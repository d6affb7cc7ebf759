"""One line of a plan: the forms that it may have, and what a line that has none of them lacks.

Source: Sqitch 1.3.1, `sqitch-plan` manual page; grammar as observed on the program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgmig_tui.project.names import BLANK, BLANKS

_TIMESTAMP = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
TIMESTAMP_RULE = "a UTC timestamp such as 2024-01-02T03:04:05Z"
PLANNER_RULE = "a planner such as Ada Lovelace <ada@example.com>"
LINE_RULE = "name [dependencies] timestamp planner <e-mail> # note"

NOTHING = re.compile(rf"[{BLANK}]*(?:#[{BLANK}]*(.+))?\Z")  # empty line or comment; a lone "#" is neither
PRAGMA = re.compile(rf"([{BLANK}]*)%[{BLANK}]*([^{BLANK}=]+)[{BLANK}]*(?:=[{BLANK}]*(.+))?\Z")
PRAGMA_NAME = re.compile(rf"[^!-/:-@\[-^`{{-~](?:[^{BLANK}=]*[^!-/:-@\[-^`{{-~])?")
ITEM = re.compile(
    rf"[{BLANK}]*+(?>(?:(@)|([+-])[{BLANK}]*+)?)([^{BLANK}#]++)"  # "@" or operator, name
    rf"[{BLANK}]++(?>(?:\[([^\]#]++)\][{BLANK}]*+)?)"  # dependencies
    rf"({_TIMESTAMP})[{BLANK}]*([^<#]+)[{BLANK}]+<([^>#]+)>"  # timestamp, planner
    rf"[{BLANK}]*+(?:#(.*))?\Z",  # note
    re.S,
)
HEAD = re.compile(rf"[{BLANK}]*(?:(@)|([+-])[{BLANK}]*)?([^{BLANK}]*)[{BLANK}]*")
_BLANK_RUN = re.compile(rf"[{BLANK}]+")
_UNESCAPED = re.compile(r"\\([\\nr])")
_UNESCAPE = {"n": "\n", "r": "\r", "\\": "\\"}
# Perl's \s: blanks and the vertical kinds of white space.
SPACE = BLANKS + "\n\x0b\x0c\r\x85\u2028\u2029"

_DAYS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# The leap seconds so far (IERS Bulletin C): the days that had a 23:59:60.
_LEAP_DAYS = frozenset(
    [f"{year}-06-30" for year in (1972, 1981, 1982, 1983, 1985, 1992, 1993, 1994, 1997, 2012, 2015)]
    + [f"{year}-12-31" for year in (1972, 1973, 1974, 1975, 1976, 1977, 1978, 1979, 1987, 1989, 1990, 1995, 1998)]
    + [f"{year}-12-31" for year in (2005, 2008, 2016)]
)


def read_note(text: str) -> str:
    """Trim and unescape a note, in this order: a final `\\n` survives as a line feed."""
    text = text.strip(SPACE)
    return _UNESCAPED.sub(lambda found: _UNESCAPE[found[1]], text) if "\\" in text else text


def split_tokens(text: str) -> Iterator[tuple[int, str]]:
    """Split a dependency list as Perl's split does: blanks at the front make an empty token, at the end none."""
    start = 0
    trimmed = text.rstrip(BLANKS)
    for blanks in _BLANK_RUN.finditer(trimmed):
        yield start, trimmed[start : blanks.start()]
        start = blanks.end()
    if start < len(trimmed):
        yield start, trimmed[start:]


def timestamp_problem(text: str) -> str:
    """Say what is impossible in a timestamp of the right form, "" when it is fine. A true leap second is."""
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
    if not 1 <= month <= 12:
        return f"there is no month {month:02}"
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= day <= (29 if month == 2 and leap else _DAYS[month]):
        return f"{text[:7]} has no day {day:02}"
    if hour > 23:
        return f"there is no hour {hour:02}"
    if minute > 59:
        return f"there is no minute {minute:02}"
    if second > 59 and not (text[11:] == "23:59:60Z" and text[:10] in _LEAP_DAYS):
        return f"there is no second {second:02}"
    return ""


def missing_part(rest: str, offset: int) -> tuple[int, str, str]:
    """Return column, message and expectation for what follows a good name on a bad line; `rest` begins at `offset`."""
    end = offset + len(rest) + 1
    if rest.startswith("["):
        closing = rest.find("]")
        if closing < 0:
            return end, "Invalid name; the list of dependencies is not closed", "]"
        if closing == 1:
            return offset + 1, "Invalid name; the list of dependencies is empty", "a dependency between [ and ]"
        cut = closing + 1
        cut += len(rest[cut:]) - len(rest[cut:].lstrip(BLANKS))
        offset, rest = offset + cut, rest[cut:]
    if not rest:
        return end, "Missing timestamp and planner name and email", f"{TIMESTAMP_RULE}, then {PLANNER_RULE}"
    stamp = re.match(_TIMESTAMP, rest)
    if not stamp:
        if re.match(r"[0-9]{4}-", rest):
            word = rest.split(" ", 1)[0]
            return offset + 1, f'Invalid timestamp "{word}"', TIMESTAMP_RULE
        if re.search(_TIMESTAMP, rest):
            return offset + 1, "Invalid name; names must not contain blanks", LINE_RULE
        if re.fullmatch(rf"[^<]+[{BLANK}]+<[^>]+>", rest):
            return offset + 1, "Missing timestamp", f"{TIMESTAMP_RULE} before the planner"
        return offset + 1, "Invalid name; this is neither a change nor a tag", LINE_RULE
    offset, rest = offset + stamp.end(), rest[stamp.end() :]
    if not rest.strip(BLANKS):
        return end, "Missing planner name and email", PLANNER_RULE
    opening, closing = rest.find("<"), rest.find(">")
    if opening < 0:
        return end, "Missing e-mail address of the planner", PLANNER_RULE
    if not rest[:opening].strip(BLANKS):
        return offset + opening + 1, "Missing name of the planner", PLANNER_RULE
    if rest[opening - 1] not in BLANKS:
        return offset + opening + 1, "A blank must stand before <", PLANNER_RULE
    if closing < opening:
        return end, "The e-mail address is not closed", f"> and {PLANNER_RULE}"
    if closing == opening + 1:
        return offset + closing + 1, "The e-mail address is empty", PLANNER_RULE
    return offset + closing + 2, "There is text after the planner", "# note, or the end of the line"
