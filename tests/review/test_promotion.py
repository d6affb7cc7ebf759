"""Changes that come from another environment: what its registry and our rows there say decides, on real servers."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from pgmig_tui.gates.gate import Result
from pgmig_tui.review import prepared
from pgmig_tui.review.audit import audit_one
from pgmig_tui.review.lists import pending_on
from pgmig_tui.review.prepared import Review
from pgmig_tui.review.promoted import promoted
from pgmig_tui.run.journal.run_plan import Options
from pgmig_tui.run.planning.prepare import prepare
from tests.database.places import role
from tests.run.conftest import Outcome, Workshop, workshop18, workshop_on

__all__ = ["workshop18", "workshop_on"]

VERIFY = "SELECT 1;\n"


class Shop:
    """A project with an environment `staging`, from which `box` promotes."""

    def __init__(self, workshop: Workshop, other: str) -> None:
        self.shop, self.staging = workshop, other
        self.toml()

    def toml(self, more: str = "", target: str = "") -> None:
        uri = target or self.shop.server.uri(self.staging)
        self.shop.toml = (
            f'[[environment]]\nname = "staging"\ntarget = "{uri}"\n'
            f'[[environment]]\nname = "box"\ntarget = "$URI"\npromote_from = "staging"\n{more}'
        )

    def on_staging(self, command: str = "deploy", **options: object) -> Outcome:
        project, _ = self.shop.project()
        environment = project.environment("staging")
        plan = prepare(project, environment, command, Options(**options), state_dir=self.shop.state_dir)  # type: ignore[arg-type]
        return self.shop.finish(plan)

    def review(self) -> Review:
        return prepared.review(self.shop.plan(), self.shop.project()[1])

    def items(self) -> dict[str, Result]:
        asked = ("deploy:staging", "deploy:verify-staging", "policy:promote_from", "policy:soak")
        found = {one.item.id: one for one in self.review().gate.results}
        return {key: found[key] for key in asked if key in found}

    def states(self) -> list[str]:
        return [one.state for one in self.items().values()]


@pytest.fixture
def shop(workshop18: Workshop, database_on: Callable[..., str]) -> Shop:
    workshop18.change("one", "CREATE TABLE public.one ();\n", "DROP TABLE public.one;\n", VERIFY)
    return Shop(workshop18, database_on(workshop18.server))


def test_what_staging_never_had_doesn_t_go_further(shop: Shop) -> None:
    found = shop.review()
    assert {"deploy:staging", "deploy:verify-staging", "policy:promote_from"} <= set(found.gate.blocking)
    assert {one.summary for one in shop.items().values()} == {"staging doesn't have one"}


def test_what_was_deployed_and_verified_there_does(shop: Shop) -> None:
    assert shop.on_staging().status == 0
    shop.toml('soak = "1h"\n')
    items = shop.items()
    assert [one.state for one in items.values()] == ["PASS", "PASS", "PASS", "FAIL"], items
    assert items["policy:soak"].summary.startswith("one must be on staging for 1 h 00 min; that is over at ")
    evidence = items["deploy:staging"].evidence
    assert evidence is not None
    rows = evidence["rows"]
    assert isinstance(rows, list)
    assert rows[0]["script_hash_there"] == rows[0]["script_hash_here"]
    shop.toml('soak = "1ms"\n')
    assert shop.states() == ["PASS"] * 4


def test_a_deploy_without_verification_is_unknown_until_a_person_decides(shop: Shop) -> None:
    assert shop.on_staging(verify=False).status == 0
    shop.toml('soak = "1ms"\n')
    items = shop.items()
    assert [one.state for one in items.values()] == ["PASS", "UNKNOWN", "PASS", "UNKNOWN"], items
    assert "deployed there without verification" in items["deploy:verify-staging"].summary
    assert shop.on_staging("verify").status == 0
    assert shop.states() == ["PASS"] * 4, "a verification since counts"
    (shop.shop.root / "verify" / "one.sql").write_text("SELECT 1/0;\n")
    assert shop.on_staging("verify").status == 1
    assert shop.states() == ["PASS", "FAIL", "PASS", "FAIL"], "and one that failed since counts, too"


@pytest.mark.parametrize("outcome", ["done", "unverified"])
def test_a_row_that_somebody_has_put_there_by_hand_verifies_nothing(shop: Shop, outcome: str) -> None:
    assert shop.on_staging(verify=False).status == 0
    shop.shop.server.execute(
        "INSERT INTO pgmig.schema_migrations (version, description, success, execution_time, project, change_id,"
        " operation, outcome, verified)"
        f" SELECT version, 'deploy', true, '1 s', project, change_id, 'deploy', '{outcome}', true"
        " FROM pgmig.schema_migrations WHERE operation = 'deploy'",
        shop.staging,
    )
    assert shop.items()["deploy:verify-staging"].state == "UNKNOWN"
    audited = audit_one(shop.shop.project()[0].environment("staging"))
    assert audited.state == "altered"
    assert audited.summary.endswith("rows are there that no run has written")
    assert "(one): it has no place in the chain: it was put there by hand" in audited.details[0]


@pytest.mark.parametrize(
    "forged",
    [
        "INSERT INTO pgmig.schema_migrations (version, description, success, execution_time, project, change_id,"
        " operation, outcome, verified, seq, prev_hash, hash)"
        " SELECT version, 'deploy', true, '1 s', project, change_id, 'deploy',"
        " 'done', true, 99, hash, 'f' FROM pgmig.schema_migrations WHERE operation = 'deploy'",
        "UPDATE pgmig.schema_migrations SET verified = true WHERE operation = 'deploy'",
    ],
    ids=["an invented place", "another word"],
)
def test_a_row_that_is_no_link_of_the_chain_verifies_nothing(shop: Shop, forged: str) -> None:
    assert shop.on_staging(verify=False).status == 0
    shop.shop.server.execute(forged, shop.staging)
    verified = shop.items()["deploy:verify-staging"]
    assert verified.state == "UNKNOWN"
    assert "(one) of pgmig.schema_migrations isn't what the program wrote: `pgmig-tui audit verify`" in verified.summary


def test_a_record_without_a_script_is_no_deploy(shop: Shop) -> None:
    assert shop.on_staging(log_only=True).status == 0
    assert "never run there" in shop.items()["deploy:staging"].summary


def test_a_deploy_by_another_program_is_unknown_for_verification_and_soak(shop: Shop) -> None:
    assert shop.on_staging().status == 0
    shop.shop.server.execute("DELETE FROM pgmig.schema_audit; DELETE FROM pgmig.schema_migrations", shop.staging)
    shop.toml('soak = "1ms"\n')
    items = shop.items()
    assert [one.state for one in items.values()] == ["PASS", "UNKNOWN", "PASS", "UNKNOWN"], items
    assert "one was deployed there by another program" in items["policy:soak"].summary


def test_one_byte_of_a_file_that_is_included_is_another_script(shop: Shop) -> None:
    (shop.shop.root / "body.sql").write_text("SELECT 1;\n")
    (shop.shop.root / "deploy" / "one.sql").write_text("CREATE TABLE public.one ();\n\\ir ../body.sql\n")
    assert shop.on_staging().status == 0
    promote = ("policy:promote_from", "byte for byte")
    assert promote[1] in shop.items()[promote[0]].summary
    assert (source := pending_on(*shop.shop.project(), shop.shop.state_dir).source) is not None
    assert source.changes == promoted(shop.shop.plan()), "whoever asks, planned or not, is told the same"
    (shop.shop.root / "body.sql").write_text("SELECT 2;\n")
    item = shop.items()["policy:promote_from"]
    assert (item.state, item.summary) == ("FAIL", "other files were included on staging by the scripts of one")
    shop.shop.server.execute("UPDATE pgmig.schema_migrations SET semantic_hash = NULL", shop.staging)
    item = shop.items()["policy:promote_from"]
    assert (item.state, item.blocks) == ("UNKNOWN", True), "nobody knows what was in it then"


def test_one_byte_changed_since_is_another_script(shop: Shop) -> None:
    assert shop.on_staging().status == 0
    path = shop.shop.root / "deploy" / "one.sql"
    path.write_text("CREATE TABLE public.two ();\n")
    items = shop.items()
    assert items["policy:promote_from"].state == "FAIL"
    path.write_text("-- why\ncreate table public.one ();\n")
    items = shop.items()
    assert (items["policy:promote_from"].state, items["policy:promote_from"].blocks) == ("WARN", False)
    evidence = items["policy:promote_from"].evidence
    assert evidence is not None
    rows = evidence["rows"]
    assert isinstance(rows, list)
    assert "+-- why" in rows[0]["difference"]
    for run in (shop.shop.state_dir / "runs").iterdir():
        shutil.rmtree(run)
    items = shop.items()
    assert items["policy:promote_from"].state == "WARN", "our rows there know what it says, whoever has deployed it"
    path.write_text("create table public.one (x int);\n")
    assert shop.items()["policy:promote_from"].state == "FAIL"


def test_what_was_rolled_back_there_stays_here(shop: Shop) -> None:
    assert shop.on_staging().status == 0
    assert shop.on_staging("revert", revert_all=True).status == 0
    assert "staging doesn't have one; reverted there: one at 20" in shop.items()["policy:promote_from"].summary


def test_a_source_that_can_t_be_asked_is_unknown_and_never_green(shop: Shop) -> None:
    shop.toml(target="db:pg://nobody@127.0.0.1:1/nothing")
    items = shop.items()
    assert [one.state for one in items.values()] == ["UNKNOWN"] * 3
    assert all(one.blocks for one in items.values())
    shop.toml(target=shop.shop.uri)
    assert all("leads to this very database" in one.summary for one in shop.items().values())


def test_a_role_that_may_not_read_there_is_told_what_to_grant(shop: Shop) -> None:
    assert shop.on_staging().status == 0
    server = shop.shop.server
    with role(server) as login:
        name = f'"{login["user"]}"'
        server.execute(
            f"GRANT USAGE ON SCHEMA sqitch TO {name}; GRANT SELECT ON ALL TABLES IN SCHEMA sqitch TO {name}",
            shop.staging,
        )
        there = server.uri(shop.staging).partition("@")[2]
        shop.toml(target=f"db:pg://{login['user']}:{login['password']}@{there}")
        verified = shop.items()["deploy:verify-staging"]
        assert verified.state == "UNKNOWN"
        assert "may not read pgmig.schema_migrations; to let it: GRANT USAGE ON SCHEMA" in verified.summary
