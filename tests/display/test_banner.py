"""The banner: tier, database and what is going on never go; the rest goes in a fixed order."""

from __future__ import annotations

import pytest

from pgmig_tui.display.banner import PRODUCTION, UNPROVEN, banner, tier_role, tier_word
from pgmig_tui.display.cells import text_of, width


def shown(columns: int, doing: str = "RUN 20260820-031500-ab12  00:03:41") -> str:
    line = banner(
        tier=PRODUCTION,
        role="tier-prod",
        database="shop",
        host="db1.eu:5432",
        user="maria",
        access="READ-WRITE",
        doing=doing,
        columns=columns,
    )
    return text_of(line)


def test_a_server_that_has_not_proven_who_it_is_is_told_at_any_width() -> None:
    assert tier_word("production", True, unproven=True) == f"{PRODUCTION} {UNPROVEN}"
    assert tier_word("staging", False, unproven=True) == f"STAGING {UNPROVEN}"
    for columns in (160, 100, 80, 60):
        line = banner(
            tier=tier_word("production", True, unproven=True), role="tier-prod", database="shop", host="db1.eu:5432",
            user="maria", access="READ-WRITE", doing="HOME", columns=columns,
        )  # fmt: skip
        assert f"{PRODUCTION} {UNPROVEN}  shop" in text_of(line), columns


@pytest.mark.parametrize(
    ("columns", "part"),
    [
        (120, "shop@db1.eu:5432 as maria  READ-WRITE"),
        (88, "shop@db1.eu:5432 as maria  RW"),
        (80, "shop@db1.eu:5432  RW"),
        (73, "shop@db1:5432  RW"),
        (68, "shop@db1:5432 "),
        (65, "shop  RW"),
    ],
)
def test_narrow_banners_lose_words_then_user_then_domain_and_keep_the_port(columns: int, part: str) -> None:
    text = shown(columns)
    assert part in text
    assert PRODUCTION in text
    assert text.rstrip().endswith("00:03:41")
    assert width(text) == columns


def test_a_host_that_is_too_long_loses_its_end_before_access_or_port_go() -> None:
    line = banner(
        tier="STAGING", role="tier-staging", database="documents", host="/var/lib/postgresql/cluster-of-staging:5433",
        user="postgres", access="READ-WRITE", doing="RUN 20260820-031500-ab12  00:03:41", columns=80,
    )  # fmt: skip
    assert " documents@/var/lib/post..:5433  RW " in text_of(line)


@pytest.mark.parametrize("columns", range(20, 160, 7))
def test_a_banner_is_as_wide_as_the_terminal(columns: int) -> None:
    assert width(shown(columns, "HELP")) == columns


def test_protection_outweighs_a_configured_colour() -> None:
    assert tier_role(True, "green") == "tier-prod"
    assert tier_role(False, "yellow") == "tier-staging"
    assert tier_word("staging", False) == "STAGING"
