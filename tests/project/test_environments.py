"""pgmig.toml: environments, policies, and every error with its line."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.config import Config
from pgmig_tui.project.environments import (
    BackupPolicy,
    Environment,
    Policy,
    QueueGuard,
    duration_ms,
    read_environments,
    target_environment,
)
from pgmig_tui.project.schedule import Freeze, read_windows
from pgmig_tui.project.targets import Target, resolve_target

PATH = Path("pgmig.toml")


def resolve(name: str) -> Target:
    return resolve_target(name, Config(), {}, Path("/work"))


def read(text: str) -> tuple[Environment, ...]:
    return read_environments(text.encode(), PATH, resolve)


def errors(text: str) -> list[str]:
    with pytest.raises(ProjectError) as caught:
        read(text)
    assert caught.value.exit_status == 2
    return list(caught.value.details)


def one(*lines: str) -> str:
    return "\n".join(["[[environment]]", 'name = "one"', 'target = "db:pg:one"', *lines, ""])


def test_every_key_of_pgmig_toml_is_read() -> None:
    staging, production = read(
        """\
# comment with [[environment]]
[[environment]]
name = "staging"
target = "db:pg:staging"
color = "yellow"

[[environment]]
name = "production"
target = "db:pg://h/x"
protected = true
confirm_word = "prod"
verify = "after"
promote_from = "staging"
soak = "2d"
approvals = ["dba", "lead"]
system_identifier = "7312345678901234567"
lock_timeout = "5s"
queue_guard = { waiters = 5, oldest = "1min" }
retries = 3
backup = { required = true, verify = "restore" }
window = "Sun 02:00-05:00 Europe/Oslo"
freeze = [{ from = 2026-12-18, to = 2027-01-04, why = "year end" }]
allow_shell = true
allow_files = true
tracking = "off"
"""
    )
    assert (staging.name, staging.color, staging.line, staging.policy) == (
        "staging",
        "yellow",
        2,
        Policy(confirm_word="staging"),
    )
    assert production.line == 7
    assert production.source == staging
    assert production.policy == Policy(
        protected=True,
        confirm_word="prod",
        verify="after",
        system_identifier="7312345678901234567",
        lock_timeout_ms=5000,
        allow_shell=True,
        allow_files=True,
        tracking=None,
        backup=BackupPolicy(True, "restore"),
        promote_from="staging",
        soak_ms=172_800_000,
        approvals=("dba", "lead"),
        queue_guard=QueueGuard(5, 60_000),
        retries=3,
        window=read_windows("Sun 02:00-05:00 Europe/Oslo"),
        freeze=(
            Freeze("2026-12-18", "2027-01-04", "year end", "Europe/Oslo", datetime(2026, 12, 18), datetime(2027, 1, 5)),
        ),
        computed=(
            ("promote_from", '"staging"'),
            ("soak", '"2d"'),
            ("window", '"Sun 02:00-05:00 Europe/Oslo"'),
            ("freeze", '[{ from = 2026-12-18, to = 2027-01-04, why = "year end" }]'),
        ),
        unenforced=(("approvals", '["dba", "lead"]'),),
    )


def test_an_environment_without_keys_has_the_default_policy() -> None:
    (environment,) = read(one())
    assert environment.policy == Policy(confirm_word="one")
    assert (environment.policy.lock_timeout_ms, environment.policy.tracking, environment.policy.verify) == (
        300,
        "pgmig",
        "",
    )
    assert read(one("backup = { required = true }"))[0].policy.backup == BackupPolicy(True, "decode")


@pytest.mark.parametrize(
    ("name", "target", "extra", "protected"),
    [
        ("one", "db:pg:one", "", False),
        ("Prod-eu", "db:pg:one", "", True),
        ("one", "db:pg:my_prod", "", True),
        ("one", "db:pg://production.example/x", "", True),
        ("prod", "db:pg:prod", "protected = false", False),
        ("one", "db:pg:one", "protected = true", True),
    ],
)
def test_prod_in_a_name_protects_unless_the_file_says_otherwise(
    name: str, target: str, extra: str, protected: bool
) -> None:
    (environment,) = read(f'[[environment]]\nname = "{name}"\ntarget = "{target}"\n{extra}\n')
    assert environment.policy.protected is protected


def test_a_target_without_a_file() -> None:
    assert target_environment("dev", resolve("db:pg:x")).policy == Policy(confirm_word="dev")
    adhoc = target_environment("db:pg://h/prod1", resolve("db:pg://h/prod1"))
    assert (adhoc.policy.protected, adhoc.policy.confirm_word) == (True, "prod1")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("protectd = true", 'unknown key "protectd"; did you mean "protected"?'),
        ("xyz = 1", 'unknown key "xyz"'),
        ('protected = "yes"', 'protected = "yes": expected true or false'),
        ('confirm_word = "p"', 'confirm_word = "p": expected 2 to 5 characters of a-z, 0-9 and -'),
        ('confirm_word = "Prod"', 'confirm_word = "Prod": expected 2 to 5 characters of a-z, 0-9 and -'),
        ('confirm_word = "abcdef"', 'confirm_word = "abcdef": expected 2 to 5 characters of a-z, 0-9 and -'),
        ('verify = "never"', 'verify = "never": expected "inside" or "after" or "off"'),
        ('lock_timeout = "300"', 'lock_timeout = "300": expected a duration such as "300ms", "5s", "1min" or "2h"'),
        ("lock_timeout = 300", 'lock_timeout = 300: expected a duration in quotes, such as "300ms"'),
        ('lock_timeout = "0s"', 'lock_timeout = "0s": expected a duration above zero'),
        ('lock_timeout = "999999h"', 'lock_timeout = "999999h": expected a duration below 24 days'),
        ("retries = -1", "retries = -1: expected a whole number, not below 0"),
        ("retries = true", "retries = true: expected a whole number, not below 0"),
        ('approvals = "dba"', 'approvals = "dba": expected a list of texts, as in ["dba", "lead"]'),
        (
            "system_identifier = 73",
            "system_identifier = 73: expected the digits of pg_control_system().system_identifier, in quotes",
        ),
        ('queue_guard = { oldst = "1s" }', 'unknown key "queue_guard.oldst"; did you mean "oldest"?'),
        (
            'queue_guard = { oldest = "1" }',
            'queue_guard.oldest = "1": expected a duration such as "300ms", "5s", "1min" or "2h"',
        ),
        (
            "backup = true",
            "backup: expected a table, { required = …, verify = …, kind = …, name = …, command = … }",
        ),
        ('backup.kind = "tape"', 'backup.kind = "tape": expected "dump" or "pgbackrest" or "barman" or "command"'),
        ('backup.kind = "barman"', 'backup.kind = "barman" needs backup.name'),
        ('backup.kind = "command"', 'backup.kind = "command" needs backup.command'),
        ('backup.name = "main"', 'backup.name says nothing where backup.kind is "dump"'),
        (
            'backup = { kind = "pgbackrest", name = "-x" }',
            'backup.name = "-x": expected the name of a stanza or server: letters, digits, points, - and _',
        ),
        (
            'backup = { kind = "barman", name = "main", verify = "restore" }',
            'backup.verify = "restore": expected "none" or "list"',
        ),
        ('backup.verify = "no"', 'backup.verify = "no": expected "none" or "list" or "decode" or "restore"'),
        ('tracking = ""', 'tracking = "": expected the name of a schema, or "off"'),
        ("color = 1", "color = 1: expected a text in quotes"),
        ('soak = "1h"', 'soak needs promote_from = "…": the environment in which changes have to stay so long'),
        ('promote_from = "nope"', 'promote_from = "nope" names no environment; known: one'),
        ('promote_from = "one"', "promote_from goes in a circle: one ← one"),
    ],
)
def test_a_bad_value_is_an_error_with_its_line(line: str, message: str) -> None:
    assert errors(one("# a comment", line, 'window = "Sun 02:00-05:00 UTC"')) == [f"pgmig.toml:5: {message}"]


def test_all_errors_at_once_in_order_of_their_lines() -> None:
    text = """\
titel = "x"
[[environment]]
name = "a"
target = "nope"
promote_from = "c"
approvals = [
  "x", # ]
  1,
]
window = \"\"\"
[[environment]]
name = 1\"\"\"

[[environment]]
name = "b"
target = "db:pg:b"
confirm_word = "same"
promote_from = "a"
[environment.backup]
required = 1
verfy = "list"

[[environment]]
target = "db:pg:c"
name = "c"
confirm_word = "same"
promote_from = "b"

[[environment]]
name = "b"
"""
    assert errors(text) == [
        'pgmig.toml:1: unknown key "titel"; expected [[environment]], [[check]], [document], [hooks], [lint],'
        " [maintain], [people] or ticket",
        'pgmig.toml:4: Cannot find target "nope". sqitch.conf names no target; write a db:pg: URI.',
        "pgmig.toml:5: promote_from goes in a circle: a ← c ← b ← a",
        'pgmig.toml:6: approvals = ["x", 1]: expected a list of texts, as in ["dba", "lead"]',
        'pgmig.toml:10: window = "[[environment]]\\nname = 1": expected a window such as "Sun 02:00-05:00 Europe/Oslo":'
        " days, from and to as hh:mm, and a time zone",
        "pgmig.toml:20: backup.required = 1: expected true or false",
        'pgmig.toml:21: unknown key "backup.verfy"; did you mean "verify"?',
        'pgmig.toml:26: confirm_word "same" is also that of "b"; it must be unique',
        'pgmig.toml:29: environment "b" has no target; add target = "…"',
        'pgmig.toml:30: name = "b" stands on line 15 already; names must be unique',
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[environment]\n", "pgmig.toml:1:"),
        ('[[environment]]\nname = "a\n', "pgmig.toml:2:10: "),
        ('[[environment]]\nname = "a"\nname = "b"\n', "pgmig.toml:3:"),
        ("[environment]\n", "pgmig.toml:1: write [[environment]], with two brackets"),
        ("", "pgmig.toml:1: no [[environment]] in this file"),
        ("[[environment]]\n", 'pgmig.toml:1: this [[environment]] has no name; add name = "…"'),
        ('environment = [ { name = "a:b", target = "db:pg:x" } ]', 'pgmig.toml:1: name = "a:b": expected a name'),
        (
            '[[environment]]\ntarget = "postgre://h"\nname = "-x"',
            'pgmig.toml:2: Unknown argument "postgre://h". A database URI begins with db:pg:.',
        ),
    ],
)
def test_a_bad_file_is_an_error_that_says_why(text: str, message: str) -> None:
    assert errors(text)[0].startswith(message)


def test_a_confirm_word_may_not_be_the_name_of_another_environment() -> None:
    text = one() + '[[environment]]\nname = "two"\ntarget = "db:pg:two"\nconfirm_word = "one"\n'
    assert errors(text) == ['pgmig.toml:7: confirm_word "one" is also that of "one"; it must be unique']


def test_bad_utf8_has_its_line() -> None:
    with pytest.raises(ProjectError) as caught:
        read_environments(b"# a\n# \xff\n", PATH, resolve)
    assert caught.value.details == ("pgmig.toml:2: byte 0xFF is not valid UTF-8",)


def test_passwords_of_targets_are_not_shown() -> None:
    (environment,) = read('[[environment]]\nname = "a"\ntarget = "db:pg://u:s3cret@h/d"\n')
    assert "s3cret" not in repr(environment)
    found = errors('[[environment]]\nname = "a"\ntarget = "db:pg://u:s3/cret@h/d"\n')
    assert "cret" not in "".join(found)


@pytest.mark.parametrize(("text", "milliseconds"), [("300ms", 300), ("5s", 5000), ("1min", 60_000), ("2 h", 7_200_000)])
def test_a_duration_is_read_as_milliseconds(text: str, milliseconds: int) -> None:
    assert duration_ms(text) == milliseconds
