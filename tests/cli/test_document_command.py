"""`document`: the same bytes for one plan, checked in CI, and no file overwritten that it didn't write."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pgmig_tui.project.project import load_project
from pgmig_tui.review.document import is_stale
from pgmig_tui.review.schema_markdown import MARKER
from tests.cli.program import Checkout, shop
from tests.servers import Server

AT = "2024-01-02T03:04:05Z Maria Test <maria@example.org>"
TOTAL = "| `total` | `integer` | yes |"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return shop(tmp_path, {"dev": "db:pg://127.0.0.1:1/nowhere"})


def test_the_plan_is_written_down_once_and_checked(checkout: Checkout) -> None:
    """No environment answers, and none is asked."""
    file = checkout.root / "docs" / "schema.md"
    absent = checkout.run("document", "--check")
    assert (absent.status, absent.out) == (
        1, "x docs/schema.md isn't there; write it with: pgmig-tui document\n"
    ), absent  # fmt: skip
    assert not file.exists(), "a check writes nothing"
    first = checkout.run("document")
    assert (first.status, first.out) == (0, "+ docs/schema.md was written\n"), first
    text = file.read_text()
    assert text.startswith(MARKER + "\n\n# Schema of shop\n")
    assert TOTAL in text
    assert [one.name for one in file.parent.iterdir()] == ["schema.md"], "nothing is left beside it"
    made = file.stat().st_mtime_ns
    assert checkout.run("document").out == "+ docs/schema.md is up to date\n"
    assert (file.read_text(), file.stat().st_mtime_ns) == (text, made)
    file.write_text(text.replace("\n", "\r\n"), newline="")
    assert checkout.run("document", "--check").status == 0, "a checkout with CR LF says the same"
    file.write_text(text.replace(TOTAL, "| `total` | `text` | yes |"))
    stale = checkout.run("document", "--check")
    assert stale.status == 1
    assert "x docs/schema.md isn't what would be written now" in stale.out
    assert f"\n+{TOTAL}\n" in stale.out
    assert "\n-| `total` | `text` | yes |\n" in stale.out
    assert json.loads(checkout.run("document", "--check", "--json").out)["state"] == "stale"


def test_whoever_asks_learns_whether_it_is_stale(checkout: Checkout) -> None:
    def stale() -> bool | None:
        project = load_project(checkout.root, {"HOME": str(checkout.home)})
        return is_stale(project, state_dir=checkout.home / "state")

    assert stale() is None, "a project without a document keeps none"
    checkout.write("docs/schema.md", "# Written by hand\n")
    assert stale() is None
    checkout.write("docs/schema.md", MARKER + "\n")
    assert stale() is True
    assert checkout.run("document").status == 0
    assert stale() is False


def test_no_file_is_overwritten_that_it_did_not_write(checkout: Checkout) -> None:
    file = checkout.write("docs/schema.md", "# Written by hand\n")
    refused = checkout.run("document")
    assert refused.status == 3, refused
    assert "docs/schema.md was not written by pgmig-tui document" in refused.err
    assert file.read_text() == "# Written by hand\n"
    assert "was not written by" in checkout.run("document", "--check").out
    assert checkout.run("document", "--force").status == 0
    assert TOTAL in file.read_text()


@pytest.mark.parametrize("way", ["file", "folder", "option"])
def test_nothing_is_written_out_of_the_project(checkout: Checkout, tmp_path: Path, way: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "schema.md").write_text(MARKER)
    options: tuple[str, ...] = ()
    if way == "file":
        (checkout.root / "docs").mkdir()
        (checkout.root / "docs" / "schema.md").symlink_to(outside / "schema.md")
    elif way == "folder":
        (checkout.root / "docs").symlink_to(outside)
    else:
        options = ("-o", "../outside/schema.md")
    done = checkout.run("document", "--force", *options)
    assert done.status == 3, done
    assert "leads out of the project" in done.err
    assert [one.read_text() for one in outside.iterdir()] == [MARKER]


def test_where_it_lies_is_said_in_pgmig_toml_or_by_an_option(checkout: Checkout) -> None:
    environment = '[[environment]]\nname = "dev"\ntarget = "dev"\n'
    checkout.write("pgmig.toml", f'[document]\nfile = "about/tables.md"\n\n{environment}')
    assert checkout.run("document").out == "+ about/tables.md was written\n"
    assert checkout.run("document", "-o", "other.md").out == "+ other.md was written\n"
    assert checkout.run("document", "-o", "-").out == (checkout.root / "about" / "tables.md").read_text()
    for file in ('"../schema.md"', '"/etc/schema.md"', "3", '""'):
        checkout.write("pgmig.toml", f"[document]\nfile = {file}\n\n{environment}")
        wrong = checkout.run("document")
        assert (wrong.status, "pgmig.toml:1: document.file" in wrong.err) == (2, True), (file, wrong)


def test_an_environment_that_has_the_plan_is_described_in_the_same_bytes(
    tmp_path: Path, pg15: Server, database_on: Callable[..., str]
) -> None:
    """On another version, with the registry and the tracking tables beside it."""
    database = database_on(pg15)
    checkout = shop(tmp_path, {"dev": pg15.uri(database)})
    assert checkout.run("deploy", "dev", "--yes").status == 0
    assert checkout.run("document").status == 0
    assert checkout.run("document", "dev", "--check").status == 0
    pg15.execute("ALTER TABLE shop.orders ADD COLUMN by_hand int", database)
    done = checkout.run("document", "dev", "--check")
    assert (done.status, "+| `by_hand` |" in done.out) == (1, True), done


def test_what_scripts_take_for_granted_is_there_and_no_right_of_a_superuser(checkout: Checkout, tmp_path: Path) -> None:
    """The role in a script of one transaction, the other one and the extension in one that commits by itself."""
    checkout.change("total", "ALTER TABLE shop.orders ADD COLUMN total int; GRANT SELECT ON shop.orders TO readers;")
    checkout.write(
        "deploy/orders.sql",
        "CREATE TABLE shop.orders (id int PRIMARY KEY);\n"
        "CREATE INDEX CONCURRENTLY by_id ON shop.orders (id);\n"
        "CREATE EXTENSION IF NOT EXISTS pg_stat_statements;\n"
        'ALTER TABLE shop.orders OWNER TO "Odd owner";\n',
    )
    done = checkout.run("document")
    assert done.status == 0, done.err
    text = (checkout.root / "docs" / "schema.md").read_text()
    assert "Extensions: `pg_stat_statements`." in text
    assert TOTAL in text
    made = tmp_path / "made"
    hidden = f"'COPY (SELECT 1) TO PRO' || 'GRAM ''touch {made}'' '"
    checkout.change("total", f"DO $$BEGIN EXECUTE {hidden}; END$$;")
    refused = checkout.run("document")
    assert refused.status == 2, refused
    assert "deploy/total.sql:2: permission denied to COPY to or from an external program" in refused.err
    assert "pgmig-tui document TARGET" in refused.err
    assert not made.exists()
    assert (checkout.root / "docs" / "schema.md").read_text() == text
    assert not list(Path(checkout.home / "state").glob("pgmig-tui/rehearsal/server-*/data")), "its server is gone"


def test_a_folder_that_can_not_be_written_is_told(checkout: Checkout) -> None:
    checkout.write("docs", "a file where a folder would have to be")
    done = checkout.run("document")
    assert done.status == 2, done
    assert "docs/schema.md can't be written: File exists." in done.err
    assert "Nothing was written" in done.err
    assert os.listdir(checkout.root).count("docs") == 1  # noqa: PTH208 - no more than that


def test_the_changelog_is_printed_or_written_by_the_same_rules(checkout: Checkout) -> None:
    printed = checkout.run("document", "--changelog", "--since", "@v1")
    assert (printed.status, printed.out) == (0, "## Unreleased\n\n- 2024-01-02 `total`: Totals\n"), printed
    assert checkout.run("document", "--changelog", "-o", "docs/changes.md").status == 0
    text = (checkout.root / "docs" / "changes.md").read_text()
    assert "## `@v1`, 2024-01-02\n\nFirst\n\n- 2024-01-02 `orders`: Add orders\n" in text
    checkout.write("docs/changes.md", "by hand")
    assert checkout.run("document", "--changelog", "-o", "docs/changes.md").status == 3
    for words in (("--since", "@v1"), ("--changelog", "--since", "@v1", "--to", "total"), ("--changelog", "--to", "x")):
        assert checkout.run("document", *words).status == 2, words


def test_the_changelog_names_the_ticket_of_each_note(checkout: Checkout) -> None:
    checkout.write("pgmig.toml", 'ticket = "^[A-Z]+-[0-9]+"\n[[environment]]\nname = "dev"\ntarget = "db:pg:shop"\n')
    plan = checkout.root / "sqitch.plan"
    plan.write_text(plan.read_text().replace("# Totals", "# OPS-417 Totals"))
    printed = checkout.run("document", "--changelog", "--since", "@v1")
    assert (printed.status, printed.out) == (
        0, "## Unreleased\n\n- 2024-01-02 `total`: OPS-417 Totals (`OPS-417`)\n"
    ), printed  # fmt: skip
