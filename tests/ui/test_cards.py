"""Environments at a glance: two to sixty of them, at every width, and why one has no answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgmig_tui.display.cells import Line, text_of, width
from pgmig_tui.display.charset import Charset
from pgmig_tui.ui.answers import Answers
from pgmig_tui.ui.backend.protocol import RunFacts, StatusFacts
from pgmig_tui.ui.glance import card_of
from pgmig_tui.ui.views.cards import LEAST, ROWS, Card, cards, places, strip
from tests.ui.fakes import ENVIRONMENTS, NOW, change_id, facts, status

PRODUCTION = ENVIRONMENTS[2]


def many(count: int, *, protected: bool = False) -> list[Card]:
    return [Card(n, f"shop-{n:02}", protected, "todo", "3 pending", "3 pending", 3) for n in range(1, count + 1)]


@given(st.integers(LEAST, 250), st.integers(1, 60), st.data(), st.sampled_from(Charset))
def test_cards_fill_their_lines_and_the_chosen_one_is_in_sight(
    columns: int, count: int, data: st.DataObject, charset: Charset
) -> None:
    chosen = data.draw(st.integers(0, count - 1))
    found = places(columns, count, chosen)
    assert chosen in [place.index for place in found]
    assert all(place.columns >= LEAST for place in found)
    ends = [place.at + place.columns for place in found]
    assert [place.at for place in found] == [0, *ends[:-1]]
    assert ends[-1] <= columns
    lines = cards(many(count, protected=chosen % 2 == 0), chosen, columns, charset=charset)
    assert len(lines) == ROWS
    assert {width(text_of(line)) for line in lines} == {ends[-1]}
    rest = count - len([place for place in found if place.index is not None])
    assert (f"+{rest} more" in text_of(lines[0])) == (rest > 0 and columns >= 2 * LEAST)
    if charset is Charset.ASCII:
        assert all(text_of(line).isascii() for line in lines)


@given(st.lists(st.text("abcdef-", min_size=1, max_size=20), min_size=1, max_size=60), st.data(), st.integers(40, 160))
def test_the_strip_names_the_chosen_one_and_fits(names: list[str], data: st.DataObject, columns: int) -> None:
    chosen = data.draw(st.integers(0, len(names) - 1))
    found = [Card(n, name, False, "done", "up to date") for n, name in enumerate(names, 1)]
    told = text_of(strip(found, chosen, columns))
    assert width(told) <= columns
    assert f" {chosen + 1}*{names[chosen]} +" in told
    assert "0: all" in told or all(f" {n}" in told for n in range(1, len(names) + 1))


def answers(*told: StatusFacts, runs: tuple[RunFacts, ...] = ()) -> Answers:
    found = Answers(facts())
    found.runs = runs
    for one in told:
        found.take(one)
    return found


def run(state: str, *, paused: bool = False) -> RunFacts:
    return RunFacts("r", "production", "deploy", state, "2026-08-20T02:41:10Z", "", 2, 4, paused=paused)  # type: ignore[arg-type]


GONE = StatusFacts("production", NOW, False, error="db1.eu:5432: timeout expired after 5 s")
OLD = replace(status("production", 5), asked_at=NOW - timedelta(seconds=48))


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (answers(), "~ not answered yet"),
        (answers(status("production", 9)), "+ up to date"),
        (answers(status("production", 5)), ". 4 pending"),
        (answers(status("production", 5, differing={change_id(1): "x"})), "! 4 pending, 1 differ"),
        (answers(status("production", 9, untagged=("@v9",))), "! nothing pending, 1 tag not recorded"),
        (answers(GONE), "? no answer"),
        (answers(OLD, GONE), "? no answer; had 4 pending"),
        (answers(status("production", 5), runs=(run("running"),)), "> running 2/4"),
        (answers(status("production", 5), runs=(run("running", paused=True),)), "> PAUSED 2/4"),
        (answers(status("production", 5), runs=(run("failed"),)), "x FAILED 2/4, 4 pending"),
        (answers(status("production", 9), runs=(run("failed"),)), "+ up to date"),
        (answers(status("production", 5), runs=(run("unknown"),)), "x cut off 2-3/4, 4 pending"),
    ],
)
def test_a_card_says_the_state_by_a_glyph_and_a_word(known: Answers, said: str) -> None:
    card = card_of(3, PRODUCTION, known, NOW)
    assert f"{card.glyph[0]} {card.told}" == said
    title, state, _, _ = cards([card], 0, 60)
    assert "3 !! production" in text_of(title)
    assert said[:30] in text_of(state)


def below(card: Card, columns: int = 40) -> str:
    line: Line = cards([card], 0, columns)[2]
    return text_of(line)


def test_a_card_without_an_answer_gives_the_reason_and_the_age_of_what_it_shows() -> None:
    card = card_of(3, PRODUCTION, answers(OLD, GONE), NOW)
    assert (card.reason, card.when) == ("db1.eu:5432: timeout expired after 5 s", "48s")
    assert "timeout expired after 5 s" in below(card)
    assert " 48s = " in below(card), "= shows all of it"


def test_a_card_draws_who_waited_and_leaves_a_gap_where_nobody_answered() -> None:
    told = [status("production", 5, waiting=count) for count in (0, 2, 0, 4)]
    known = answers(*told[:2], GONE, *told[2:])
    card = card_of(3, PRODUCTION, known, NOW)
    assert card.waits == (0, 2, None, 0, 4)
    assert "waits ▁▄ ▁█ 4" in below(card)
    assert "waits" not in below(card_of(3, PRODUCTION, answers(status("production", 5)), NOW)), "nobody could tell"
    for _ in range(100):
        known.take(told[0])
    assert len(known.waited("production")) == 60


def test_the_rest_counts_the_worst_first() -> None:
    found = many(12)
    found[10] = replace(found[10], kind="stale", told="no answer")
    found[11] = replace(found[11], kind="failed", told="FAILED")
    told = "\n".join(text_of(line) for line in cards(found, 0, 100))
    assert "+8 more  0 all" in told
    assert "? 1 no answer" in told
    assert "x 1 failed  .." in told
