"""Approvals on real servers: by database role, by SSH key, and everything that makes one void."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pgmig_tui.errors import NotPermitted, Refused, UsageError
from pgmig_tui.gates.gate import Result
from pgmig_tui.gates.signatures import BadSignature, sign, verified
from pgmig_tui.project.environments import Environment
from pgmig_tui.project.identity import Operator
from pgmig_tui.review import approving, prepared
from pgmig_tui.review.approving import ApprovalSubject, subject_of
from pgmig_tui.review.lists import pending_on
from tests.database.places import role
from tests.run.conftest import Workshop, workshop18, workshop_on

__all__ = ["workshop18", "workshop_on"]

ANA = Operator("Ana", "ana@example.org")
COUNTS = "WARN"
"""Who deploys in these tests owns the table."""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, str]]:
    """Two SSH keys without a passphrase, and their fingerprints."""
    found = []
    for name in ("one", "two"):
        path = tmp_path_factory.mktemp("keys") / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], check=True)
        shown = subprocess.run(["ssh-keygen", "-l", "-f", path], check=True, capture_output=True, text=True).stdout
        found.append((path, shown.split()[1]))
    return found


class Shop:
    """A database with a table, a change that alters it, and people who approve."""

    def __init__(self, workshop: Workshop, login: dict[str, str], keys: list[tuple[Path, str]]) -> None:
        self.shop, self.login, self.keys = workshop, login, keys
        workshop.change("base", "CREATE TABLE public.t (id int PRIMARY KEY, n int);\n", "DROP TABLE public.t;\n")
        workshop.toml = '[[environment]]\nname = "box"\ntarget = "$URI"\n'
        assert workshop.run().status == 0
        workshop.change("one", "ALTER TABLE public.t ADD COLUMN one int;\n", "ALTER TABLE public.t DROP COLUMN one;\n")
        workshop.change("two", "ALTER TABLE public.t ADD COLUMN two int;\n", "ALTER TABLE public.t DROP COLUMN two;\n")
        self.toml()
        approving.create(self.environment(), approving.creating(self.environment()))

    def toml(self, more: str = "") -> None:
        roles = f'dba = ["{self.login["user"]}"], lead = ["{self.keys[0][1]}", "{self.keys[1][1]}"]'
        self.shop.toml = f'[[environment]]\nname = "box"\ntarget = "$URI"\napprovals = {{ {roles}{more} }}\n'

    def environment(self) -> Environment:
        return self.shop.project()[1]

    def as_approver(self) -> Environment:
        found = self.environment()
        target = replace(
            found.target,
            conninfo={**found.target.conninfo, "user": self.login["user"]},
            password=self.login["password"],
        )
        return replace(found, target=target)

    def subject(self) -> ApprovalSubject:
        plan = self.shop.plan()
        found = prepared.review(plan, self.environment())
        return subject_of(plan, found.impacts, found.wanted)

    def approve(self) -> None:
        approving.decide(self.as_approver(), self.subject(), ANA, decision="approve", role="dba")
        approving.decide(self.environment(), self.subject(), ANA, decision="approve", role="lead", key=self.keys[0][0])

    def item(self) -> Result:
        found = prepared.review(self.shop.plan(), self.environment())
        (one,) = [one for one in found.gate.results if one.item.id == "policy:approvals"]
        return one


@pytest.fixture
def shop(workshop18: Workshop, keys: list[tuple[Path, str]]) -> Iterator[Shop]:
    with role(workshop18.server) as login:
        yield Shop(workshop18, login, keys)


def test_a_role_and_a_key_approve_and_the_deploy_starts(shop: Shop) -> None:
    item = shop.item()
    assert (item.state, item.blocks) == ("FAIL", True)
    assert item.summary == "dba: nobody has approved it; lead: nobody has approved it"
    shop.approve()
    item = shop.item()
    assert item.state == "WARN", item.summary
    assert "postgres, who deploys, may write any row of the table" in item.summary, "a key's signature isn't doubted"
    environment = shop.environment()
    found = prepared.ready(prepared.review(shop.shop.plan(), environment), environment)
    assert shop.shop.finish(found.plan).status == 0


def test_what_has_changed_since_voids_it(shop: Shop) -> None:
    shop.approve()
    path = shop.shop.root / "deploy" / "one.sql"
    before = path.read_bytes()
    path.write_bytes(before + b" ")
    assert "is void: the deploy script of one has changed since" in shop.item().summary
    path.write_bytes(before)
    assert shop.item().state == COUNTS

    shop.shop.query("COMMENT ON TABLE public.t IS 'no matter'")
    shop.shop.query("ALTER TABLE public.t ALTER COLUMN n SET STATISTICS 500")
    assert shop.item().state == COUNTS, "neither comments nor statistics count"
    environment = shop.environment()
    found = prepared.review(shop.shop.plan(), environment)
    assert found.gate.open
    shop.shop.query("CREATE INDEX hotfix ON public.t (n)")
    with pytest.raises(Refused) as caught:
        prepared.ready(found, environment)
    assert "the definition of public.t has changed since" in caught.value.details[0]
    shop.shop.query("DROP INDEX public.hotfix")
    assert shop.item().state == COUNTS

    shop.shop.change("three", "SELECT 1;\n")
    assert "is void: three was added since" in shop.item().summary


def test_one_byte_of_a_file_that_is_included_voids_it(shop: Shop) -> None:
    for name, kind in (("deployed", "deploy"), ("reverted", "revert")):
        (shop.shop.root / f"{name}.sql").write_text("SELECT 1;\n")
        path = shop.shop.root / kind / "one.sql"
        path.write_text(f"{path.read_text()}\\ir ../{name}.sql\n")
    shop.approve()
    assert shop.item().state == COUNTS
    pending = pending_on(*shop.shop.project()).subject
    assert pending is not None
    assert pending.changes == shop.subject().changes, "whoever asks, planned or not, is told the same"
    for name in ("deployed", "reverted"):
        path = shop.shop.root / f"{name}.sql"
        path.write_text("SELECT 2;\n")
        assert "is void: a file that the scripts of one include has changed since" in shop.item().summary
        path.write_text("SELECT 1;\n")
    assert shop.item().state == COUNTS


def test_the_rest_of_what_was_approved_goes_on_unless_somebody_else_came_in_between(shop: Shop) -> None:
    shop.approve()
    environment = shop.environment()
    first = prepared.ready(prepared.review(shop.shop.plan(to="one"), environment), environment)
    ended = shop.shop.finish(first.plan)
    assert (ended.status, ended.named("warned")) == (0, [])
    item = shop.item()
    assert (item.state, item.blocks) == (COUNTS, False), item.summary
    shop.shop.query("ALTER TABLE public.t ADD COLUMN hotfix int")
    assert "is void: the definition of public.t has changed since" in shop.item().summary
    shop.shop.query("ALTER TABLE public.t DROP COLUMN hotfix")
    second = prepared.ready(prepared.review(shop.shop.plan(), environment), environment)
    assert shop.shop.finish(second.plan).status == 0


@pytest.mark.parametrize("how", ["reject", "revoke", "expire"])
def test_a_run_that_is_under_way_begins_no_step_that_is_approved_no_more(shop: Shop, how: str) -> None:
    shop.approve()
    environment = shop.environment()
    plan = prepared.ready(prepared.review(shop.shop.plan(), environment), environment).plan
    assert plan.approvals is not None
    number = int(plan.approvals["ids"][0])
    told = "an approval that it was started with has expired at "
    if how == "expire":
        plan = replace(plan, approvals={**plan.approvals, "until": plan.prepared_at})
        plan.save()
    elif how == "revoke":
        approving.revoke(shop.as_approver(), shop.subject(), ANA, number, "")
        told = f"approval {number} was revoked by {shop.login['user']} at "
    else:
        approving.decide(shop.as_approver(), shop.subject(), ANA, decision="reject", role="dba", note="not tonight")
        told = "dba has rejected it at "
    ended = shop.shop.finish(plan)
    assert ended.status == 3
    (last,) = ended.named("run_finished")
    assert told in last["summary"]
    assert last["summary"].endswith("0 of 2 steps are done")
    assert last["do"] == "Deploy again once it is approved: pgmig-tui deploy box goes on with one."
    assert shop.shop.deployed() == ["base"]


def test_a_no_to_something_else_stops_no_run(shop: Shop) -> None:
    shop.approve()
    environment = shop.environment()
    plan = prepared.ready(prepared.review(shop.shop.plan(to="one"), environment), environment).plan
    other = replace(shop.subject(), changes=tuple(one for one in shop.subject().changes if one.change == "two"))
    approving.decide(shop.as_approver(), other, ANA, decision="reject", role="dba")
    assert shop.shop.finish(plan).status == 0


def test_a_rejection_is_kept_and_revoked(shop: Shop) -> None:
    shop.approve()
    environment = shop.as_approver()
    no = approving.decide(environment, shop.subject(), ANA, decision="reject", role="dba", note="it locks")
    assert "rejected it at" in shop.item().summary
    told = approving.revoke(environment, shop.subject(), ANA, no.id, "it doesn't")
    assert told.revoked.startswith(f"it was revoked by {shop.login['user']} at ")
    assert shop.item().state == COUNTS, shop.item().summary
    with pytest.raises(Refused, match="is revoked already"):
        approving.revoke(environment, shop.subject(), ANA, no.id, "")
    with pytest.raises(UsageError, match="there is no approval 99"):
        approving.revoke(environment, shop.subject(), ANA, 99, "")


def test_who_may_not_speak_is_refused_and_nothing_is_recorded(shop: Shop, tmp_path: Path) -> None:
    subject = shop.subject()
    with pytest.raises(Refused, match="postgres may not speak for dba"):
        approving.decide(shop.environment(), subject, ANA, decision="approve", role="dba")
    with pytest.raises(UsageError, match="there is no role boss"):
        approving.decide(shop.environment(), subject, ANA, decision="approve", role="boss")
    stranger = tmp_path / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger], check=True)
    with pytest.raises(Refused, match="may not speak for lead"):
        approving.decide(shop.environment(), subject, ANA, decision="approve", role="lead", key=stranger)
    with pytest.raises(Refused, match="ssh-keygen could not sign"):
        approving.decide(shop.environment(), subject, ANA, decision="approve", role="lead", key=tmp_path / "none")
    with pytest.raises(Refused, match="the packet is another one now"):
        approving.decide(shop.as_approver(), subject, ANA, decision="approve", role="dba", packet="0" * 64)
    assert shop.shop.query("SELECT count(*) FROM pgmig.approvals") == [(0,)]


def test_a_row_that_somebody_has_made_up_is_none(shop: Shop) -> None:
    shop.approve()
    execute = shop.shop.query
    columns = "project, environment, decision, role"
    execute(
        f"INSERT INTO pgmig.approvals ({columns}, payload) SELECT {columns}, payload FROM pgmig.approvals WHERE id = 1"
    )
    execute("DELETE FROM pgmig.approvals WHERE id = 1")
    assert "dba: the approval of postgres is void: it says that it is by" in shop.item().summary
    execute("UPDATE pgmig.approvals SET payload = replace(payload, 'ana@', 'eve@') WHERE id = 2")
    assert "lead: the approval of" in shop.item().summary
    assert "its signature doesn't fit what it says" in shop.item().summary
    asked = f"has_column_privilege('{shop.login['user']}', 'pgmig.approvals', 'session_role', 'INSERT')"
    assert execute(f"SELECT {asked}") == [(False,)], "an approver can't write whose session it was"


def test_the_table_can_be_made_before_the_first_deploy(workshop18: Workshop) -> None:
    workshop18.toml = '[[environment]]\nname = "box"\ntarget = "$URI"\napprovals = { dba = ["ana"] }\n'
    workshop18.change("one", "CREATE TABLE public.one ();\n")
    environment = workshop18.project()[1]
    with role(workshop18.server) as login:
        target = replace(
            environment.target,
            conninfo={**environment.target.conninfo, "user": login["user"]},
            password=login["password"],
        )
        with pytest.raises(NotPermitted) as caught:
            approving.creating(replace(environment, target=target))
    assert f"CREATE SCHEMA pgmig AUTHORIZATION {login['user']};" in caught.value.do.replace('"', "")
    statements = approving.creating(environment)
    assert statements[0] == 'CREATE SCHEMA "pgmig"'
    approving.create(environment, statements)
    assert approving.creating(environment) == ()


def test_a_table_of_that_name_that_isn_t_ours_is_left_alone(shop: Shop) -> None:
    shop.shop.query("ALTER TABLE pgmig.approvals RENAME TO ours")
    with pytest.raises(Refused, match="has no table of approvals yet"):
        approving.decide(shop.as_approver(), shop.subject(), ANA, decision="approve", role="dba")
    with pytest.raises(NotPermitted, match="may not create a table in schema pgmig"):
        approving.creating(shop.as_approver())
    assert shop.item().state == "FAIL"
    shop.shop.query("CREATE TABLE pgmig.approvals (id int)")
    item = shop.item()
    assert (item.state, "its columns are others. Find out whose it is" in item.summary) == ("UNKNOWN", True), (
        item.summary
    )
    shop.shop.query("DROP TABLE pgmig.approvals")
    shop.shop.query("ALTER TABLE pgmig.ours RENAME TO approvals")
    shop.shop.query(
        "CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;"
        "CREATE TRIGGER x BEFORE INSERT ON pgmig.approvals FOR EACH ROW EXECUTE FUNCTION public.f()"
    )
    with pytest.raises(Refused, match="has the trigger x"):
        approving.decide(shop.as_approver(), shop.subject(), ANA, decision="approve", role="dba")


def test_signatures_are_of_one_text_for_one_purpose(keys: list[tuple[Path, str]], tmp_path: Path) -> None:
    key, fingerprint = keys[0]
    signature = sign("this", key)
    assert verified("this", signature) == fingerprint
    for text, other in (("that", signature), ("this", "x"), ("this", signature.replace("\n", "\nAAAA", 1))):
        with pytest.raises(BadSignature):
            verified(text, other)
    file = tmp_path / "text"
    file.write_text("this")
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", "git", file], check=True, capture_output=True)
    with pytest.raises(BadSignature):
        verified("this", file.with_suffix(".sig").read_text())
