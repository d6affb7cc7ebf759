"""One picture of a screen: an SVG that fetches nothing, and what it tells but for what differs from time to time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from html import escape, unescape
from typing import Any

from textual.app import App

BEGINS = datetime(2026, 3, 16, 8, 40)
"""When the demonstration of the pictures begins, whenever they are made. UTC."""

_FONT = re.compile(r"\s*@font-face \{.*?\}", re.S)
_COMMENT = re.compile(r"\s*<!-- Generated .*?-->")
_TEXT = re.compile(r'(<text [^>]*? x="([\d.]+)" y="([\d.]+)"[^>]*>)([^<]*)(</text>)')
_STAMP = re.compile(
    r"(20\d\d-\d\d-\d\d)([ T\xa0])(\d\d:\d\d(?::\d\d)?)|(20\d{6}-\d{6})|(?<![\d:.])(\d\d:\d\d:\d\d)(?![\d:])"
)
_OF_THE_DAY = re.compile(
    r"\d{8}-\d{6}-\w+|\b(?=\w*\d)[0-9a-f]{6,}\b|[<~+-]?\d[\d.,:×/%-]*(?:\s?(?:ms|s|min|h|d|B|kB|MB|GB|TB|k|M)\b)?"
    r"|[\u2580-\u259f\u2800-\u28ff\u2500-\u256c\u2574-\u257f·•#=]+"
)
"""Run IDs, hashes, numbers with their units, bars and lines."""
_AGE = re.compile(r"(?:\d+\s(?:s|min|h|d)\s)+ago\b")
"""As `words.ago` tells it, which says `now` of what is younger than a second."""
_COLOR = re.compile(r"fill: (#[0-9a-f]{6})")
_CORNER = re.compile(r"[╭┌┏╔]")
_UNITS = {"ms", "s", "min", "h", "d", "B", "kB", "MB", "GB", "TB"}
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


def svg_of(app: App[Any], began: datetime, names: Mapping[str, str]) -> str:
    """The screen as it stands. What happened since `began` (UTC) is told as if that had been `BEGINS`; `names` are
    words of this machine, and what is told in their place."""
    drawn = _COMMENT.sub("", _FONT.sub("", app.export_screenshot(title="pgmig-tui", simplify=True)))
    svg = _TEXT.sub(lambda one: one[1] + escape(_told(unescape(one[4]), began, names)) + one[5], drawn)
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", ""), "a picture fetches nothing"
    return re.sub(r"[ \t]+\n", "\n", svg).strip() + "\n"


def _told(text: str, began: datetime, names: Mapping[str, str]) -> str:
    for name, instead in names.items():
        text = text.replace(name, instead[: len(name)].ljust(len(name), "\xa0"))

    def moved(found: re.Match[str]) -> str:
        day, between, minute, run, clock = found.groups()
        if clock:
            since = datetime.combine(began.date(), datetime.strptime(clock, "%H:%M:%S").time()) - began
            return f"{BEGINS + since:%H:%M:%S}" if timedelta() < since < _HOUR else found[0]
        at = datetime.strptime(run, "%Y%m%d-%H%M%S") if run else datetime.fromisoformat(f"{day} {minute}")
        if abs(at - began) > _DAY:
            return found[0]  # of the plan, which is older than any demonstration
        at += BEGINS - began
        return f"{at:%Y%m%d-%H%M%S}" if run else f"{at:%Y-%m-%d}{between}{at:%H:%M:%S}"[: len(found[0])]

    return _STAMP.sub(moved, text).replace(f"{began:%Y%m%d}-", f"{BEGINS:%Y%m%d}-")


def told_by(svg: str) -> list[str]:
    """The words of a picture in their alphabet's order, with its colours and the corners of its frames: without
    numbers, ages and bars, which are of the day on which it was made, as is where a line breaks."""
    whole = " ".join(unescape(text) for _, _, _, text, _ in _TEXT.findall(svg))
    words = [word for word in _OF_THE_DAY.sub(" ", _AGE.sub("now", whole)).split() if word not in _UNITS]
    return sorted([*words, *set(_COLOR.findall(svg)), *set(_CORNER.findall(whole))])
