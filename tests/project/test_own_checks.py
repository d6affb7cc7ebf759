"""`[[check]]` of pgmig.toml: what it may hold, and what is said of what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.environments import Environment, read_environments
from tests.project.test_environments import resolve

HEAD = """\
[[environment]]
name = "dev"
target = "db:pg:dev"

[[environment]]
name = "live"
target = "db:pg:live"

[[check]]
"""


def read(text: str) -> tuple[Environment, ...]:
    return read_environments((HEAD + text).encode(), Path("pgmig.toml"), resolve)


def test_a_check_belongs_to_the_environments_that_it_names() -> None:
    dev, live = read(
        'name = "jobs"\nsql = "SHOW x"\nequals = "on"\nlist = "post"\nenvironments = ["live"]\ntimeout = "5s"\n'
        '[[check]]\nname = "legal"\nasks = "who agreed?"\nrequired = false\n'
    )
    assert [one.name for one in dev.checks] == ["legal"]
    jobs, legal = live.checks
    assert (jobs.item_id, jobs.list, jobs.expect, jobs.equals, jobs.timeout_ms) == (
        "own:jobs",
        "post",
        "equals",
        "on",
        5000,
    )
    assert (legal.asks, legal.required, legal.list, legal.title) == ("who agreed?", False, "pre", "legal")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('sql = "SELECT 1"', 'add name = "…"'),
        ('name = "No Spaces"\nsql = "SELECT 1"', "name is up to 40 of a-z"),
        ('name = "x"', "exactly one of sql, command and asks"),
        ('name = "x"\nsql = "SELECT 1"\nasks = "who?"', "exactly one of"),
        ('name = "x"\nsql = "SELECT 1"\nlist = "later"', "list is one of pre, deploy"),
        ('name = "x"\nsql = "SELECT 1"\nenvironments = ["prod"]', 'there is no environment "prod"; known: dev, live'),
        ('name = "x"\nsql = "SELECT 1"\ntimeout = "2h"', "at most 60s"),
        ('name = "x"\nsql = "SELECT 1"\ntimeout = "soon"', "a duration such as"),
        ('name = "x"\nsql = "SELECT 1"\nexpect = "some"', 'expect is "no rows" or "rows"'),
        ('name = "x"\nasks = "who?"\nexpect = "rows"', "expect and equals belong to sql"),
        ('name = "x"\ncommand = []', "command is a program and its arguments"),
        ('name = "x"\ncommand = "rm -rf"', "command is a list of texts"),
        ('name = "x"\nasks = "who?"\nrequired = "yes"', "required is true or false"),
        ('name = "x"\nasks = "who?"\nsqll = 1', 'unknown key "sqll"'),
        ('name = "x"\nasks = "who?"\n[[check]]\nname = "x"\nasks = "who?"', "stands there twice"),
    ],
)
def test_what_is_wrong_is_said(text: str, told: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read(text + "\n")
    assert told in f"{caught.value.what} {caught.value.details}"
