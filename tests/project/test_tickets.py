"""The ticket in a change's note, and patterns that can't be taken: no text may keep us busy."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.environments import read_environments
from pgmig_tui.project.tickets import read_ticket, ticket_in
from tests.project.test_environments import resolve


@pytest.mark.parametrize(
    ("pattern", "note", "ticket"),
    [
        ("^[A-Z]+-[0-9]+", "OPS-17: adds the total", "OPS-17"),
        ("^[A-Z]+-[0-9]+", "adds the total, OPS-17", ""),
        (r"#(\d+)", "adds the total (#42)", "42"),
        (r"(?:OPS|DEV)-\d{1,6}\b", "for DEV-8", "DEV-8"),
        ("^[A-Z]+-[0-9]+", "x" * 500 + "OPS-17", ""),
        ("", "OPS-17", ""),
    ],
)
def test_a_ticket_is_what_the_pattern_or_its_group_matches(pattern: str, note: str, ticket: str) -> None:
    assert ticket_in(read_ticket(pattern) if pattern else "", note) == ticket


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$", "(a|a)*$", "(?:a*)*b", "(a|ab)+c", "a+a+a+a+b", r"(a)\1", "(?=a+)b", "(?>a+)b",
        "((a{1,9}){1,9}){1,9}",
        "[", "a" * 201, "(a)(b)", "a{1000}",
    ],
)  # fmt: skip
def test_a_pattern_that_is_none_or_may_take_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="a regular expression in quotes"):
        read_ticket(pattern)


def test_the_costliest_pattern_that_is_taken_ends_soon() -> None:
    pattern = read_ticket("a*a*a*b")
    began = time.process_time()
    assert ticket_in(pattern, "a" * 5000) == ""
    assert time.process_time() - began < 2


def test_pgmig_toml_says_what_is_wrong_with_a_pattern() -> None:
    toml = 'ticket = "(a+)+"\n[[environment]]\nname = "live"\ntarget = "db:pg:live"\n'
    with pytest.raises(ProjectError, match=r'pgmig.toml:1: ticket = "\(a\+\)\+": expected a regular expression'):
        read_environments(toml.encode(), Path("pgmig.toml"), resolve)
    (one,) = read_environments(toml.replace("(a+)+", "^[A-Z]+-[0-9]+").encode(), Path("pgmig.toml"), resolve)
    assert one.ticket == "^[A-Z]+-[0-9]+"
