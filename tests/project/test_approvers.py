"""Who approves, as pgmig.toml says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.approvers import Approvers
from pgmig_tui.project.config import Config
from pgmig_tui.project.environments import Policy, read_environments
from pgmig_tui.project.targets import Target, resolve_target

KEY = "SHA256:" + "a" * 43


def resolve(name: str) -> Target:
    return resolve_target(name, Config(), {}, Path("/work"))


def policy(*lines: str) -> Policy:
    text = "\n".join(["[[environment]]", 'name = "a"', 'target = "db:pg:a"', *lines, ""])
    return read_environments(text.encode(), Path("pgmig.toml"), resolve)[0].policy


def test_roles_and_their_identities() -> None:
    found = policy(f'approvals = {{ dba = ["ana", "{KEY}"], lead = ["bo", "ana"], expires = "3d", four_eyes = true }}')
    assert found.approvers == Approvers((("dba", ("ana", KEY)), ("lead", ("bo", "ana"))), 259_200_000, True)
    assert (found.approvals, [key for key, _ in found.computed], found.unenforced) == (
        ("dba", "lead"),
        ["approvals"],
        (),
    )
    assert found.approvers.roles_of("ana") == ("dba", "lead")
    assert found.approvers.database_roles == ("ana", "bo")


def test_a_list_of_names_says_nothing_that_could_be_checked() -> None:
    found = policy('approvals = ["dba", "lead"]')
    assert (found.approvals, found.approvers, found.computed) == (("dba", "lead"), None, ())
    assert found.unenforced == (("approvals", '["dba", "lead"]'),)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["approvals = { dba = [] }"], "nobody can speak for dba: it has no identity"),
        (['approvals = { dba = "ana" }'], "dba wants a list of texts"),
        (['approvals = { "D B A" = ["ana"] }'], "'D B A' is no name of a role"),
        (['approvals = { expires = "7d" }'], "one role at least"),
        (['approvals = { dba = ["SHA256:short"] }'], "SHA256:short is no fingerprint of a key"),
        (['approvals = { dba = ["ana"], four_eyes = "yes" }'], "four_eyes is true or false"),
        (['approvals = { dba = ["ana"], expires = "soon" }'], 'expected a duration in quotes, such as "24h" or "3d"'),
        (['approvals = { dba = ["ana"] }', 'tracking = "off"'], "approvals are kept beside the tracking tables, and"),
        (['override = "approver"'], 'override = "approver" needs approvals = '),
        ([f'approvals = {{ dba = ["{KEY}"] }}', 'override = "approver"'], "with a database role"),
        (['override = "anybody"'], 'expected "operator" or "approver" or "none"'),
    ],
)
def test_what_nobody_can_mean(lines: list[str], message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        policy(*lines)
    assert any(message in one for one in caught.value.details), caught.value.details


def people(text: str) -> Policy:
    toml = f'[[environment]]\nname = "live"\ntarget = "db:pg:live"\napprovals = {{ dba = ["ana"] }}\n[people]\n{text}\n'
    return read_environments(toml.encode(), Path("pgmig.toml"), resolve)[0].policy


def test_people_have_roles_keys_and_addresses() -> None:
    found = people(
        f'ana = {{ roles = ["ana", "ana_admin"], keys = ["{KEY}"], emails = ["Ana@Example.org"] }}'
    ).approvers
    assert found is not None
    assert (found.person_of("ana_admin"), found.person_of(KEY), found.person_of("bo")) == ("ana", "ana", "")
    assert (found.person_at("ANA@example.ORG"), found.person_at("")) == ("ana", "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('ana = { roles = ["x"] }\nbo = { roles = ["x"] }', "people.bo: x is ana's already"),
        ('"" = { roles = ["ana"] }', "a person has a name"),
        ('" " = { roles = ["ana"] }', "a person has a name"),
        ('ana = { emails = ["a@x"] }\nbo = { emails = ["A@x"] }', "people.bo: a@x is ana's already"),
        ('ana = { keys = ["SHA256:no"] }', "SHA256:no is no fingerprint of a key"),
        (f'ana = {{ roles = ["{KEY}"] }}', "is a key, and stands among the roles"),
        ("ana = {}", "nothing is said of them"),
        ('ana = { mail = ["a@x"] }', 'unknown key "mail"'),
        ('ana = "a@x"', "expected a table"),
    ],
)
def test_people_who_can_t_be_are_told(text: str, told: str) -> None:
    with pytest.raises(ProjectError) as caught:
        people(text)
    assert told in str(caught.value)
