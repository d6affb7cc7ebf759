"""`drift`: two environments side by side, and one beside its plan."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pgmig_tui.review.drift_kept import known_drift
from tests.cli.program import Checkout, shop
from tests.servers import Server


@pytest.fixture
def dev(pg15: Server, database_on: Callable[..., str]) -> str:
    return database_on(pg15)


@pytest.fixture
def live(pg18: Server, database_on: Callable[..., str]) -> str:
    return database_on(pg18)


POLICY = """
[[environment]]
name = "dev"
target = "dev"

[[environment]]
name = "live"
target = "live"
protected = false
"""


@pytest.fixture
def checkout(tmp_path: Path, pg15: Server, pg18: Server, dev: str, live: str) -> Checkout:
    """The shop deployed on 15 as `dev`, and on 18 as `live`."""
    made = shop(tmp_path, {"dev": pg15.uri(dev), "live": pg18.uri(live)})
    made.write("pgmig.toml", POLICY)
    for name in ("dev", "live"):
        done = made.run("deploy", name, "--yes")
        assert done.status == 0, done.err
    return made


def found_open(out: str) -> int:
    """How many differences the last line tells."""
    return int(out.strip().splitlines()[-1].split()[1])


def document(checkout: Checkout, *arguments: str, status: int) -> dict[str, Any]:
    done = checkout.run("drift", *arguments, "--json")
    assert done.status == status, done.err
    return dict(json.loads(done.out))


def test_what_one_plan_made_on_two_versions_is_no_drift(checkout: Checkout) -> None:
    done = checkout.run("drift", "live", "dev")
    assert done.status == 0, done.out
    assert "+ no drift: " in done.out
    found = document(checkout, "live", "dev", status=0)
    assert (found["same"], found["differences"]) == (True, [])
    assert [found[side]["version_num"] // 10000 for side in ("left", "right")] == [18, 15]


def test_what_somebody_has_changed_by_hand_is_named(checkout: Checkout, pg18: Server, live: str) -> None:
    pg18.execute(
        "CREATE INDEX by_hand ON shop.orders (id); CREATE TABLE shop.scratch (id int PRIMARY KEY, note text);"
        "ALTER TABLE shop.orders SET (fillfactor = 50)",
        live,
    )
    done = checkout.run("drift", "live", "dev")
    assert done.status == 1, done.err
    assert "x index shop.by_hand: only in live" in done.out
    assert "x table shop.orders: differs" in done.out
    assert "+ options fillfactor=50" in done.out
    assert "x table shop.scratch: only in live, and " in done.out
    assert "column shop.scratch.note" not in done.out, "the table says all that is to be said"
    (table,) = (
        one for one in document(checkout, "dev", "live", status=1)["differences"] if one["name"] == "shop.orders"
    )
    assert "fillfactor" in table["right"]
    assert "fillfactor" not in table["left"]


def test_what_is_ignored_or_accepted_is_no_drift_until_that_ends(checkout: Checkout, pg18: Server, live: str) -> None:
    pg18.execute("CREATE INDEX by_hand ON shop.orders (id); CREATE TABLE shop.scratch_1 ()", live)
    accepted = '{ object = "index shop.by_*", by = "ana", until = UNTIL, why = "OPS-17" }'
    drift = f'drift = {{ ignore = ["* shop.scratch_*"], accepted = [{accepted}] }}\n'
    checkout.write("pgmig.toml", POLICY + drift.replace("UNTIL", "2999-12-31"))
    done = checkout.run("drift", "dev", "live")
    assert done.status == 0, done.err
    assert "~ index shop.by_hand: only in live, accepted by ana until 2999-12-31: OPS-17" in done.out
    assert "1 accepted difference, 1 ignored" in done.out
    checkout.write("pgmig.toml", POLICY + drift.replace("UNTIL", "2024-01-31"))
    done = checkout.run("drift", "dev", "live")
    assert done.status == 1, done.err
    assert "accepted by ana until 2024-01-31, which is over: OPS-17" in done.out
    checkout.write("pgmig.toml", POLICY + drift.replace("UNTIL", '"soon"'))
    done = checkout.run("drift", "dev", "live")
    assert done.status == 2, done.err
    assert "until is a day without quotes" in done.err


def test_an_environment_is_compared_with_what_its_plan_makes(checkout: Checkout, pg18: Server, live: str) -> None:
    done = checkout.run("drift", "live", "plan")
    assert done.status == 0, done.out + done.err
    pg18.execute("DROP TABLE shop.orders CASCADE", live)
    done = checkout.run("drift", "live", "plan")
    assert done.status == 1, done.out + done.err
    assert "x table shop.orders: only in plan" in done.out
    kept = known_drift(checkout.home / "state" / "pgmig-tui", "shop", "live")
    assert kept is not None, "what was found is kept with its time, for the marks of the screen"
    assert kept.open == found_open(done.out) > 0
    checkout.write("deploy/orders.sql", "SELECT nobody.knows();")
    done = checkout.run("drift", "live", "plan")
    assert done.status == 2, done.out + done.err
    assert 'the plan can\'t be built on a server of our own: deploy/orders.sql:1: schema "nobody"' in done.err
    assert "Nothing was compared" in done.err


def test_a_plan_that_wants_variables_and_makes_its_own_roles_is_built(
    checkout: Checkout, pg18: Server, live: str
) -> None:
    """Roles belong to the server, so the environment has what the plan makes: by a script of one transaction, and by
    one that has done half of its work before."""
    made = f"{live}_reader", f"{live} Größe"
    plan = checkout.root / "sqitch.plan"
    more = "".join(f"{name} 2024-02-02T03:04:05Z Maria <maria@example.org>\n" for name in ("roles", "more"))
    plan.write_text(f"{plan.read_text().rstrip()}\n{more}")
    checkout.change("roles", f'CREATE ROLE {made[0]};\nCREATE TABLE :"schema".variable (id int DEFAULT :start);')
    checkout.change("more", "")
    checkout.write(
        "deploy/more.sql", f'CREATE INDEX CONCURRENTLY late ON shop.variable (id);\nCREATE USER "{made[1]}";'
    )
    given = ("--set", "schema=shop", "--set", "start=7")
    try:
        assert checkout.run("deploy", "live", "--yes", *given).status == 0
        unset = checkout.run("drift", "live", "plan")
        assert unset.status == 2, unset
        assert 'at or near ":": the psql variables :schema and :start have no value\n' in unset.err
        assert "\nSay --set schema=VALUE --set start=VALUE, or set them in [deploy" in unset.err
        documented = checkout.run("document")
        assert (documented.status, ": the psql variables :schema and :start have no value\n" in documented.err) == (
            2, True
        ), documented  # fmt: skip
        done = checkout.run("drift", "live", "plan", *given)
        assert done.status == 0, done
        assert checkout.run("drift", "live", "dev", *given).status == 2, "no script runs there"
    finally:
        pg18.execute(f'DROP ROLE IF EXISTS "{made[0]}"')
        pg18.execute(f'DROP ROLE IF EXISTS "{made[1]}"')


def test_an_environment_that_does_not_answer_is_no_drift(checkout: Checkout) -> None:
    checkout.write("pgmig.toml", POLICY + '\n[[environment]]\nname = "gone"\ntarget = "db:pg://127.0.0.1:1/gone"\n')
    done = checkout.run("drift", "dev", "gone")
    assert done.status == 5, done.err
    assert done.out == ""
    assert checkout.run("drift", "dev", "dev").status == 2
