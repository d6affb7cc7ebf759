"""`[maintain]` of pgmig.toml: what it may hold, and what is said of what it may not."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.environments import Environment, read_environments
from pgmig_tui.project.maintain_policy import DAY_MS, NO_MAINTAIN_POLICY
from tests.project.test_environments import resolve

HEAD = '[[environment]]\nname = "dev"\ntarget = "db:pg:dev"\n[[environment]]\nname = "live"\ntarget = "db:pg:live"\n'
ACCEPT = '[[maintain.accept]]\nfinding = "superuser a*"\nby = "ana"\nuntil = 2027-01-31\nwhy = "OPS-17"\n'


def read(text: str) -> tuple[Environment, ...]:
    return read_environments((HEAD + text).encode(), Path("pgmig.toml"), resolve)


def test_times_and_accepted_findings_are_of_every_environment_that_they_name() -> None:
    dev, live = read(f'[maintain]\nkeep = "400d"\ndrill = "30d"\n{ACCEPT}environments = ["live"]\n')
    assert (dev.maintain.keep_ms, dev.maintain.drill_ms) == (400 * DAY_MS, 30 * DAY_MS)
    assert dev.maintain.accepting("superuser ana", "dev") is None
    found = live.maintain.accepting("superuser ana", "live")
    assert found is not None
    assert (found.by, found.until, found.why) == ("ana", date(2027, 1, 31), "OPS-17")
    assert live.maintain.accepting("createrole ana", "live") is None
    assert read("")[0].maintain == NO_MAINTAIN_POLICY


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[maintain]]\n", "write [maintain], with one bracket"),
        ("[maintain]\nkept = 1\n", 'unknown key "maintain.kept"'),
        ("[maintain]\nkeep = 400\n", "maintain.keep: expected a time in quotes"),
        ('[maintain]\ndrill = "0d"\n', "maintain.drill: expected a time in quotes"),
        ('[maintain]\nfold = "two years"\n', "maintain.fold: expected a time in quotes"),
        ("[maintain]\naccept = 1\n", "write [[maintain.accept]], with two brackets"),
        (ACCEPT.replace('why = "OPS-17"\n', ""), "all four of them"),
        (ACCEPT.replace("2027-01-31", '"soon"'), "until is a day without quotes"),
        (ACCEPT.replace("OPS-17", " "), "why says nothing"),
        (f'{ACCEPT}environments = ["other"]\n', 'there is no "other"'),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ProjectError) as raised:
        read(text)
    (detail,) = raised.value.details
    assert said in detail
    assert detail.startswith("pgmig.toml:7: ")
