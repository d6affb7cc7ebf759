"""A policy that asks for less than that of the last run: each way to weaken one is named, and nothing else is."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pgmig_tui.gates.policy_text import canonical, policy_facts, policy_hash, policy_result, weaker
from pgmig_tui.project.environments import Environment, read_environments
from tests.project.test_environments import resolve

NOW = datetime(2026, 7, 5, 12, tzinfo=UTC)
LIVE = '[[environment]]\nname = "live"\ntarget = "db:pg:live"\n'
STAGING = (
    '[[environment]]\nname = "staging"\ntarget = "db:pg:staging"\n[[environment]]\nname = "other"\ntarget = "db:pg:o"\n'
)
STRICT = """\
protected = true
verify = "inside"
system_identifier = "7312"
promote_from = "staging"
soak = "24h"
approvals = { dba = ["ana", "cy"], lead = ["bo"], expires = "7d", four_eyes = true }
override = "approver"
window = ["Sun 02:00-05:00 Europe/Oslo", "Mon-Tue 22:00-01:00 Europe/Oslo"]
freeze = [{ from = 2026-12-18, to = 2027-01-04, why = "end" }, { from = 2026-01-01, to = 2026-01-02, why = "over" }]
backup = { required = true, verify = "restore" }
hooks = { before = { command = ["./tell"], required = true } }
"""
CHECK = '[[check]]\nname = "jobs"\nsql = "SELECT 1"\n[[check]]\nname = "legal"\nasks = "who?"\nrequired = false\n'


def read(policy: str, checks: str = CHECK) -> Environment:
    found = read_environments((LIVE + policy + STAGING + checks).encode(), Path("pgmig.toml"), resolve)
    return next(one for one in found if one.name == "live")


def differences(policy: str, checks: str = CHECK) -> list[str]:
    return weaker(policy_facts(read(STRICT)), policy_facts(read(policy, checks)), NOW)


WEAKER = (
    ("protected = true", "protected = false", "the environment is not protected any more"),
    ('verify = "inside"', 'verify = "off"', "verify is off now"),
    ('system_identifier = "7312"', "", "system_identifier was 7312, and is gone"),
    ('promote_from = "staging"', 'promote_from = "other"', "promote_from was staging, and is other"),
    ('promote_from = "staging"\nsoak = "24h"', "", "promote_from was staging, and is gone"),
    ('soak = "24h"', 'soak = "23h"', "soak was 24h, and is 23h"),
    ('soak = "24h"', "", "soak was 24h, and is gone"),
    (', lead = ["bo"]', "", "approvals of lead are not asked for any more"),
    ('["bo"]', '["bo", "dee"]', "dee may approve as lead now"),
    ('"7d"', '"8d"', "approvals expired after 7d, and expire after 8d"),
    (", four_eyes = true", "", "four_eyes is not asked for any more"),
    ('"approver"', '"operator"', "override was approver, and is operator"),
    ("02:00-05:00", "02:00-05:30", "the maintenance window is wider by 30min in a week"),
    ("Europe/Oslo\", \"Mon-Tue", "Europe/Oslo\", \"Mon-Wed", "the maintenance window is wider by 3h in a week"),
    ('window = ["Sun 02:00-05:00 Europe/Oslo", "Mon-Tue 22:00-01:00 Europe/Oslo"]', "",
     "there is no maintenance window any more: it is always open"),
    ("to = 2027-01-04", "to = 2027-01-03", "the freeze from 2026-12-18 to 2027-01-04 is gone, or shorter"),
    ('"restore"', '"decode"', "backup.verify was restore, and is decode"),
    ("required = true, verify", "required = false, verify", "a backup is not required any more"),
    ('["./tell"], required = true', '["./tell"]', "the hook before is not required any more"),
    ('["./tell"]', '["true"]', "the required hook before tells somebody else"),
    ("override =", "allow_shell = true\noverride =", "allow_shell is allowed now"),
    ("override =", 'tracking = "other"\noverride =', "tracking is in other now, and was in pgmig"),
)  # fmt: skip


PEOPLE = '[people]\nana = { roles = ["ana", "old"], emails = ["ana@example.org"] }\nbo = { roles = ["bo"] }\n'
SPLIT = (
    ("", "", None),
    (', emails = ["ana@example.org"]', "", "ana and ana@example.org are not known as one person's any more"),
    ('bo = { roles = ["bo"] }', "", "bo is not known as one person's any more"),
    ('["ana", "old"]', '["ana"]', None),
    ('"old"]', '"old", "cy"]', None),
)


@pytest.mark.parametrize(("old", "new", "told"), SPLIT)
def test_who_is_one_person_no_more_is_named(old: str, new: str, told: str | None) -> None:
    before = policy_facts(read(STRICT, CHECK + PEOPLE))
    now = policy_facts(read(STRICT, CHECK + PEOPLE.replace(old, new)))
    assert weaker(before, now, NOW) == ([told] if told else [])


@pytest.mark.parametrize(("old", "new", "told"), WEAKER)
def test_each_weakening_is_named(old: str, new: str, told: str) -> None:
    assert old in STRICT
    found = differences(STRICT.replace(old, new))
    assert told in found, found
    back = weaker(policy_facts(read(STRICT.replace(old, new))), policy_facts(read(STRICT)), NOW)
    assert back == [] or {"promote_from", "window", "tell", "tracking"} & set(re.findall("[a-z_]+", old + new)), (
        f"the other way round it is stricter: {back}"
    )


@pytest.mark.parametrize(
    ("checks", "told"),
    [
        (CHECK[CHECK.rindex("[[check]]") :], "the required check jobs is gone"),
        (CHECK.replace("SELECT 1", "SELECT 2"), "the check jobs asks something else"),
        (CHECK.replace('"SELECT 1"\n', '"SELECT 1"\nrequired = false\n'), "the check jobs is not required any more"),
        (
            CHECK.replace('"SELECT 1"\n', '"SELECT 1"\nlist = "post"\n'),
            "the check jobs is asked in the list post, and was in pre",
        ),
    ],
)  # fmt: skip
def test_a_required_check_that_is_less_is_named(checks: str, told: str) -> None:
    assert differences(STRICT, checks) == [told]


def test_order_comments_and_what_is_over_are_no_change() -> None:
    lines = STRICT.replace("# x", "").splitlines()
    other = "# a comment\n" + "\n".join(reversed(lines)) + "\n"
    other = other.replace('["ana", "cy"]', '["cy", "ana"]').replace(
        '["Sun 02:00-05:00 Europe/Oslo", "Mon-Tue 22:00-01:00 Europe/Oslo"]',
        '["Tue,Mon 22:00-01:00 Europe/Oslo", "Sun  02:00-05:00 Europe/Oslo"]',
    )
    assert canonical(policy_facts(read(other))) == canonical(policy_facts(read(STRICT)))
    assert differences(STRICT.replace(', { from = 2026-01-01, to = 2026-01-02, why = "over" }', "")) == []
    assert differences(STRICT.replace("24h", "25h").replace('"approver"', '"none"')) == []
    assert differences(STRICT, CHECK + '[[check]]\nname = "more"\nsql = "SELECT 3"\n') == []


def test_the_item_says_what_is_known() -> None:
    strict, weak = read(STRICT), read(STRICT.replace("24h", "1h"))
    first = policy_result(strict, "shop", None)
    assert (first.state, first.summary) == ("PASS", "no run before has kept the policy that it was held to")
    assert first.rows[0]["sha256"] == policy_hash(policy_facts(strict))
    again = policy_result(strict, "shop", first.rows[0]["policy"], by="r1")
    assert (again.state, again.summary) == ("PASS", "it is the same as that of run r1")
    less = policy_result(weak, "shop", policy_facts(strict), by="r1")
    assert (less.state, less.summary) == ("FAIL", "it asks for less than at run r1: soak was 24h, and is 1h")
    open_now = read(STRICT.replace("protected = true", "protected = false"))
    assert policy_result(open_now, "shop", policy_facts(strict)).state == "FAIL", (
        "taking the protection away isn't free"
    )
    assert (
        policy_result(
            read('verify = "off"\nprotected = false\n'), "shop", policy_facts(read("protected = false\n"))
        ).state
        == "WARN"
    )
    assert policy_result(strict, "shop", None, problem="it is gone").state == "UNKNOWN"
