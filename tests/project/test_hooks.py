"""`[hooks]` of pgmig.toml: what they may hold, and what is said of what they may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.environments import Environment, read_environments
from tests.project.test_environments import resolve

ENVIRONMENTS = (
    '[[environment]]\nname = "dev"\ntarget = "db:pg:dev"\n{dev}[[environment]]\nname = "live"\ntarget = "db:pg:live"\n'
)


def read(hooks: str, dev: str = "") -> tuple[Environment, ...]:
    text = ENVIRONMENTS.format(dev=dev) + hooks
    return read_environments(text.encode(), Path("pgmig.toml"), resolve)


def test_an_environment_says_otherwise_than_the_project_for_each_hook() -> None:
    dev, live = read(
        '[hooks]\nafter = { command = ["./tell", "all"], timeout = "2s" }\n'
        'ticket = { webhook = "https://t.example/x" }\n',
        'hooks = { after = "off", before = { webhook = "https://h.example:8443/a/{secret}", '
        'secret_env = "TOKEN", required = true } }\n',
    )
    assert [(one.name, one.kind, one.to) for one in live.hooks] == [
        ("after", "command", "./tell all"), ("ticket", "webhook", "https://t.example/…"),
    ]  # fmt: skip
    assert [(one.name, one.to, one.required) for one in dev.hooks] == [
        ("ticket", "https://t.example/…", False), ("before", "https://h.example:8443/…", True),
    ]  # fmt: skip
    after = live.hook("after")
    assert after is not None
    assert (after.timeout_ms, after.backoff_ms, dev.hook("after")) == (2000, 500, None)


SLACK = "https://hooks.slack.com/services/T0/B0/cAnAry"


@pytest.mark.parametrize(
    ("hook", "told"),
    [
        ('after = { webhook = "http://h/cAnAry" }', "webhook must begin with https://"),
        ('after = { webhook = "https://ann:cAnAry@h/" }', "webhook holds a name or a password"),
        ('after = { webhook = "https://h/{secret}" }', "{secret} in webhook needs secret_env"),
        ('after = { webhook = "https:///x" }', "webhook names no host"),
        ('after = { webhook = "https://h:cAnAry/" }', "webhook is no address"),
        ('after = { webhook = "https://h/ x" }', "webhook is an address of printable ASCII"),
        ('after = { webhook = "https://h/", secret_env = "PGPASSWORD" }', "PGPASSWORD is a variable of the database's"),
        ('after = { webhook = "https://h/", secret_env = "A", secret_file = "b" }', "can't both be"),
        ('after = { webhook = "https://h/", command = ["x"] }', "exactly one of command and webhook"),
        ("after = { command = [] }", "command is a program and its arguments"),
        ('after = { command = ["x"], ca_file = "y" }', "ca_file belongs to a webhook"),
        ('after = { command = ["x"], required = true }', "required is for before alone"),
        ('after = { command = ["x"], timeout = "11s" }', "timeout is above zero and at most 10s"),
        ('after = { command = ["x"], shell = true }', 'unknown key "shell"'),
        ('later = { command = ["x"] }', 'unknown hook "later"'),
        ('after = "./tell"', "expected { command"),
    ],
)
def test_what_cannot_be_a_hook_is_told_with_its_reason_and_without_what_may_be_a_secret(hook: str, told: str) -> None:
    for where in (f"[hooks]\n{hook}\n", ""):
        dev = "" if where else f"hooks = {{ {hook} }}\n"
        with pytest.raises(ProjectError) as caught:
            read(where, dev)
        assert told in str(caught.value), str(caught.value)
        assert "cAnAry" not in str(caught.value)
