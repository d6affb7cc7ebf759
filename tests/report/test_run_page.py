"""The page of a run: its pictures say what its journal says, and nothing in it is run, fetched or taken for markup."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from pgmig_tui.display import svg
from pgmig_tui.report import plots
from pgmig_tui.report.run_course import Series, course_of, thinned
from pgmig_tui.report.run_page import page
from pgmig_tui.review.durations import Took
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.picture import picture_of
from tests.run.journal.journals import FAILURE, PLANNED, SUCCESS, journal

HOSTILE = '"><script>alert(1)</script>&\x1b[31m\u202e'
BLOCKER: dict[str, Any] = {"pid": 777, "application": "reporting", "state": "idle in transaction", "depth": 0}
TRYING = journal(
    ("09:00:00.000", "run_planned", PLANNED),
    ("09:00:00.000", "run_started", {}),
    ("09:00:01.000", "step_started", {"step": 1, "change": "add_tags", "action": "deploy", "mode": "atomic"}),
    ("09:00:02.000", "activity", {"step": 1, "waiting": True, "blockers": [BLOCKER], "waiters": 3}),
    ("09:00:03.000", "activity", {"step": 1, "waiting": True, "blockers": [BLOCKER], "waiters": 12,
                                  "oldest_wait_ms": 1400}),
    ("09:00:04.000", "statement_retried", {"step": 1, "line": 7, "try": 1, "of": 9, "why": "lock timeout",
                                           "wait_ms": 500, "blockers": [BLOCKER]}),
    ("09:00:06.000", "lock_waited", {"step": 1, "ms": 1000.0, "relation": "public.documents"}),
    ("09:00:06.500", "activity", {"step": 1, "waiters": 0}),
    ("09:00:09.000", "step_committed", {"step": 1, "ms": 8000.0}),
    ("09:00:09.000", "run_paused", {"done": 1, "why": "as asked"}),
    ("09:00:19.000", "run_resumed", {}),
    ("09:00:19.000", "step_started", {"step": 2, "change": "tags_idx", "action": "deploy", "mode": "stepwise"}),
    ("09:00:20.000", "activity", {"step": 2, "waiters": 1, "oldest_wait_ms": 10}),
)  # fmt: skip


def pictures(text: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(one) for one in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]


def words_of(picture: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in picture.iter("text")]


OURS = set(
    re.findall(r"\S+", "html head meta title style body h1 h2 h3 dl dt dd table tr"
    " th td figure ul li svg desc defs pattern line g rect text polyline")
)  # fmt: skip
ATTRIBUTES = set(
    re.findall(r"\S+", "lang charset http-equiv content name class id role viewbox width height"
    " aria-labelledby x y x1 y1 x2 y2 points fill patternunits patterntransform")
)  # fmt: skip


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def drawn(events: list[Entry], **told: Any) -> str:
    return plots.timeline(course_of(events, picture_of(events)), **told)


def test_the_timeline_says_in_words_how_long_what_took_and_who_was_in_the_way() -> None:
    (timeline,) = pictures(drawn(TRYING, cut_off=True))
    said = words_of(timeline)
    for told in (
        "1 add_tags", "8.0 s", "2 tags_idx", "not ended", "unknown", "5.0 s", "20 s",
        "try 1 of 9 lost at line 7: lock timeout, behind pid 777 (reporting)",
        "waited 1.0 s for public.documents", "paused for 10 s: as asked", "waits for a lock", "try lost",
    ):  # fmt: skip
        assert told in said, (told, said)
    title, description = timeline.find("title"), timeline.find("desc")
    assert title is not None
    assert description is not None
    assert title.text == "Timeline of the run, 20 s from 2026-11-22 09:00:00Z"
    assert "1 add_tags: done, 8.0 s, begun at 1.0 s. try 1 of 9 lost" in (description.text or "")
    assert timeline.get("aria-labelledby") == "timeline-title timeline-desc"


def test_bars_stand_where_the_journal_says() -> None:
    course = course_of(TRYING, picture_of(TRYING))
    first, second = course.steps
    assert (course.length, first.begin, first.end, second.begin, second.end) == (20000, 1000, 9000, 19000, 20000)
    assert [(one.kind, one.begin, one.end) for one in first.stretches] == [("try", 2000, 4000), ("wait", 5000, 6000)]
    assert [(one.begin, one.end) for one in course.pauses] == [(9000, 19000)]
    waiters, oldest = course.series
    assert [value for _, value in waiters.points] == [3, 12, 0, 1]
    assert [value for _, value in oldest.points] == [None, 1400, 0, 10], "what wasn't told is a gap, not nothing"


def test_what_was_measured_is_a_curve_with_units_and_gaps() -> None:
    points = ((0.0, 1.0), (1000.0, 5.0), (2000.0, None), (3000.0, 2.0))
    (one,) = pictures(plots.spark(1, Series("waiting", points, lambda n: f"{n:.0f} sessions"), 4000))
    assert len(list(one.iter("polyline"))) == 2
    assert words_of(one) == ["waiting", "most 5 sessions", "least 1 sessions", "last 2 sessions"]
    many = [(float(n), float(n % 1000)) for n in range(10_000)]
    assert len(thinned(many)) == 300
    assert max(value or 0 for _, value in thinned(many)) == 999, "the worst moment is never thinned out"


def test_how_long_a_change_took_elsewhere_is_drawn_to_scale() -> None:
    took = (
        Took("dev", "2026-11-01T09:00:00Z", "deploy", "x", "done", 1000.0),
        Took("prod", "2026-11-02T09:00:00Z", "deploy", "x", "failed", 4000.0),
        Took("prod", "2026-11-03T09:00:00Z", "deploy", "x", "done", None),
    )
    (one,) = pictures(plots.durations(1, "x", took))
    first, second = (float(bar.get("width") or 0) for bar in one.iter("rect"))
    assert second == pytest.approx(4 * first)
    assert "4.0 s, failed" in words_of(one)
    assert plots.durations(1, "x", took[2:]) == "", "nothing was measured: there is nothing to draw"


@pytest.mark.parametrize("events", [[], SUCCESS, FAILURE, TRYING])
def test_a_page_runs_fetches_and_takes_for_markup_nothing_of_others(events: list[Entry]) -> None:
    planned = {**PLANNED, "environment": HOSTILE, "operator": HOSTILE, "steps": [
        {**one, "change": HOSTILE, "label": HOSTILE} for one in PLANNED["steps"]
    ]}  # fmt: skip
    hostile = journal(("09:00:00.000", "run_planned", planned))[:1] + events[1:] if events else []
    took = tuple(Took(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 5.0, HOSTILE, HOSTILE) for _ in range(2))
    text = page(hostile, before={"a" * 40: took, "b" * 40: took})
    found = Tags()
    found.feed(text)
    assert found.tags <= OURS, "nothing of others is a tag"
    assert found.attributes <= ATTRIBUTES, "no handler, no link, no source"
    for never in ("\x1b", "\u202e", "@import", "url(h", "url(/"):
        assert never not in text, never
    assert "default-src 'none'" in text
    for one in pictures(text):
        assert one.find("title") is not None
        assert one.find("desc") is not None
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert ("&lt;script&gt;" in text) == bool(events)


def test_a_page_says_what_the_report_says() -> None:
    text = page(FAILURE)
    for told in ("<dd>staging</dd>", "FAILED, 0 of 2 steps done", "deploy/add_tags.sql:5", "SQLSTATE 42P01"):
        assert told in text, told
    assert "nothing of it was committed" in text
    assert "How long these changes took" not in page(SUCCESS, before={"a" * 40: (took_once(),)}), "one bar says nothing"
    assert "How long these changes took" in page(SUCCESS, before={"a" * 40: (took_once(), took_once())})


def took_once() -> Took:
    return Took("dev", "2026-11-01T09:00:00Z", "deploy", "add_tags", "done", 1000.0)


def test_a_run_of_very_many_steps_is_drawn_by_its_longest() -> None:
    (first, _) = PLANNED["steps"]
    steps = [{**first, "number": number, "change": f"c{number}"} for number in range(1, 1001)]
    events = [("09:00:00.000", "run_planned", {**PLANNED, "steps": steps})]
    for number in range(1, 1001):
        at = f"09:{number // 60:02}:{number % 60:02}.000"
        events.append((at, "step_started", {"step": number, "change": f"c{number}", "action": "deploy"}))
        events.append((at if number % 10 else at.replace(".000", ".900"), "step_committed", {"step": number}))
    text = drawn(journal(*events))
    assert "900 steps more took less time than each of these" in text
    assert len(text) < 200_000


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colours", [svg.LIGHT, svg.DARK])
def test_every_colour_stands_out(colours: dict[str, str]) -> None:
    page_light = luminance(colours["page"])
    for name, colour in colours.items():
        light, dark = sorted((luminance(colour), page_light), reverse=True)
        least = 4.5 if name in ("ink", "soft", "failed") else 3.0
        assert name == "page" or (light + 0.05) / (dark + 0.05) >= least, name


def test_a_clock_that_was_set_back_draws_nothing_backwards() -> None:
    events = [replace(one, at="2026-11-22T08:00:00.000Z") if one.seq in (4, 9) else one for one in TRYING]
    course = course_of(events, picture_of(events))
    assert all(one.begin <= one.end <= course.length for one in course.steps)
    assert all(part.begin <= part.end for one in course.steps for part in one.stretches)
