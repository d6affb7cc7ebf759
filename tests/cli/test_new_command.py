"""`new`: by options, by questions, and what it refuses."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from pgmig_tui.project.author.patterns.asked import Pattern
from pgmig_tui.project.author.patterns.every import PATTERNS
from tests.cli.program import ROOT, Checkout, shop

COLUMN = "new add-column --table shop.orders --column 'na\u00efve \u00a7' --type text -n 'It is wanted'"
WORDS = shlex.split(COLUMN.replace("'na\u00efve \u00a7'", "'\"na\u00efve \u00a7\"'"))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return shop(tmp_path, {"dev": "db:pg://localhost/nobody"})


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_change_is_written_with_its_dependency_and_the_next_number(checkout: Checkout) -> None:
    before = contents(checkout.root)
    dry = checkout.run(*WORDS, "--date", "2026-01-31", "--dry-run")
    assert dry.status == 0, dry.err
    assert "Nothing was written" in dry.err
    assert "ACCESS EXCLUSIVE" in dry.out
    assert contents(checkout.root) == before
    checkout.write("deploy/20260131_0006_other.sql", "SELECT 1;")
    done = checkout.run(*WORDS, "--date", "2026-01-31")
    assert (done.status, "pgmig-tui test 20260131_0007" in done.err) == (0, True), done.err
    name = "20260131_0007_add_orders_naive"
    planned = (checkout.root / "sqitch.plan").read_text().splitlines()[-1]
    assert planned.startswith(f"{name} [orders] ")
    assert planned.endswith(" # It is wanted")
    made = set(contents(checkout.root)) - set(before)
    assert {f"{kind}/{name}.sql" for kind in ("deploy", "revert", "verify")} < made
    assert (checkout.root / f"deploy/{name}.sql").read_text() in dry.out.replace("_0001_", "_0007_")
    assert checkout.run("lint", name).out == "no findings in 1 change or file\n"
    again = checkout.run(*WORDS, "--date", "2026-01-31", "--name", "Other")
    assert again.status == 2
    assert "such as other" in again.err


REFUSED = [
    ("new", "needs a pattern"),
    ("new add-column --table shop.orders -n x", "needs --column NAME and --type TYPE"),
    ("new add-column --table shop.orders --column c --type text", "Say -n NOTE"),
    ("new add-column --table orders --column c --type text -n x", "which schema"),
    ("new add-column --table shop.orders --column c --type 'text; DROP TABLE x' -n x", "not a type"),
    ("new add-column --table shop.orders --column c --type text --not-null -n x", "needs a default"),
    ("new add-column --table shop.orders --column c --type text --unique -n x", "doesn't take --unique"),
    ("new check --table shop.orders --check 'a) OR (b' -n x", "not an expression"),
    ("new check --table shop.orders --check 'a > 1' -n x -r nope", 'requires unknown change "nope"'),
    ("new drop-table --table shop.orders --because x --definition nope -n x", "The file nope can't be read"),
    ("new drop-table --table shop.orders --because x --definition no.sql -n x", "There is no CREATE TABLE"),
    ("new drop-table --table shop.people --because x --definition orders.sql -n x", "no other"),
    ("new drop-table --table shop.orders --because x --definition evil.sql -n x", "Leave it out"),
    ("new enum-value --type shop.kind --value x --after y -n x", "the plan doesn't make it"),
    ("new change-type --table shop.orders --column c --type 'numeric(5)' --was numeric --key id -n x", "its length"),
    ("new change-type --table shop.orders --column c --type text --was int --key 'a,b;' -n x", "not a list of names"),
    ("new change-type --table shop.nope --column c --type text --key id -n x", "Say --was TYPE"),
    ("new drop-column --table shop.nope --column c --because x -n x", "Say --type TYPE"),
    ("new attach-partition --table shop.a --partition shop.b --key c --start 1 -n x", "Say --start and --end"),
    ("new attach-partition --table shop.a --partition shop.b --key c,d --values 1 -n x", "several columns by hand"),
    ("new attach-partition --table shop.a --partition shop.b --key c --values '1) OR (2' -n x", "not a list of values"),
    ("new batched-rows --table shop.a --set a=1 --where 'a<1' --key id -n x", "or they don't by --no-way-back"),
    ("new row-security --table shop.orders --command insert --using true -n x", "has --with-check, and no --using"),
    ("new index --table shop.orders --on id --table shop.orders -n x", "was said 2 times"),
    ("new index --table shop.orders --on id -n x --name x --date 2026-02-30", "expected a day"),
    ("new index --table shop.orders --on id --index of_orders -n x -r 20260131_0002_index_of_orders --date 2026-01-31",
     "requires unknown change"),
]  # fmt: skip


def test_what_can_t_be_is_refused_and_nothing_is_written(checkout: Checkout) -> None:
    checkout.write("orders.sql", "CREATE TABLE shop.orders (id int);")
    checkout.write("no.sql", "ALTER TABLE shop.orders ADD COLUMN c int;")
    checkout.write("evil.sql", "CREATE TABLE shop.orders (id int); DROP TABLE shop.people;")
    before = contents(checkout.root)
    for words, told in REFUSED:
        done = checkout.run(*shlex.split(words))
        assert done.status == 2, words
        assert told in done.err, words
        assert "Nothing was" in done.err, words
    assert contents(checkout.root) == before


def test_a_day_without_a_free_number_is_refused(checkout: Checkout) -> None:
    checkout.write("deploy/20260131_9998_other.sql", "SELECT 1;")
    two = shlex.split("new check --table shop.orders --check 'id > 0' -n x --date 2026-01-31")
    done = checkout.run(*two)
    assert done.status == 2
    assert "2026-01-31 has no free number of 4 digits left: 9998 is taken." in done.err
    assert checkout.run(*WORDS, "--date", "2026-01-31").status == 0


def test_a_project_s_own_form_of_names_counts(checkout: Checkout) -> None:
    checkout.write("pgmig.toml", '[[environment]]\nname = "dev"\ntarget = "dev"\n[lint]\nname = "description"\n')
    assert checkout.run(*WORDS, "--name", "first").status == 0
    done = checkout.run(*WORDS, "--name", "first")
    assert done.status == 2
    assert 'Change "first" already exists.' in done.err


@pytest.fixture
def asking(checkout: Checkout) -> Iterator[pexpect.spawn[str]]:
    program, words, env = checkout.command("new", "--date", "2026-01-31")
    child = pexpect.spawn(program, words[1:], env=env, encoding="utf-8", timeout=30, dimensions=(50, 200))
    yield child
    child.close(force=True)


def answer(asking: pexpect.spawn[str], *steps: tuple[str, str]) -> None:
    for question, said in steps:
        asking.expect_exact(question)
        asking.sendline(said)


TO_THE_END = (
    ("Which pattern?", "nope"), ("There is no pattern nope", "add-column"), ("Which table?", "orders"),
    ("which schema", "shop.orders"), ("called?", "note"), ("which type?", "text"), ("default?", ""),
    ("NOT NULL?", "no"), ("have no value?", ""), ("By which key", ""),
    ("Why is it wanted?", ""), ("Why is it wanted?", "Notes of customers"), ("[Enter: add_orders_note]", "Other"),
    ("such as other", "other"), ("[Enter: orders]", ""),
)  # fmt: skip


def test_it_asks_shows_and_writes_after_a_yes(checkout: Checkout, asking: pexpect.spawn[str]) -> None:
    """Answers can be changed; those that don't go together are asked for again."""
    answer(asking, *TO_THE_END)
    asking.expect_exact("Impact, from the text")
    asking.expect_exact("revert/20260131_0001_other.sql")
    answer(asking, ("Write 1 change into sqitch.plan?", "change"))
    enter = [(question, "") for question in ("[Enter: shop.orders]", "[Enter: note]", "[Enter: text]")]
    answer(asking, *enter, ("default?", ""), ("NOT NULL?", "yes"), ("have no value?", ""), ("By which key", ""))
    asking.expect_exact("A NOT NULL column needs a default")
    answer(asking, *enter, ("default?", "now()"))
    asking.expect_exact("1  add column note to orders: ACCESS EXCLUSIVE on shop.orders, risk ")
    answer(asking, ("[yes/no; Enter: yes; -: no answer]", ""), ("have no value?", ""), ("By which key", ""))
    answer(asking, ("[Enter: Notes of customers]", ""), ("[Enter: other]", ""), ("[Enter: orders]", "schema @v1"))
    asking.expect_exact("requires schema, @v1")
    answer(asking, ("Write 1 change into sqitch.plan?", "yes"))
    asking.expect_exact("Added")
    asking.expect(pexpect.EOF)
    script = (checkout.root / "deploy/20260131_0001_other.sql").read_text()
    assert "    ADD COLUMN note text DEFAULT now() NOT NULL;" in script


def test_a_plan_that_somebody_changes_meanwhile_is_read_anew(checkout: Checkout, asking: pexpect.spawn[str]) -> None:
    answer(asking, *TO_THE_END)
    asking.expect_exact("Write 1 change")
    plan = checkout.root / "sqitch.plan"
    theirs = plan.read_text() + "20260131_0001_theirs 2024-01-02T03:04:05Z M <m@example.org> # Theirs\n"
    plan.write_text(theirs)
    asking.sendline("yes")
    asking.expect_exact("was changed by somebody else meanwhile")
    asking.expect_exact("20260131_0002_other")
    asking.expect_exact("requires orders")
    assert plan.read_text() == theirs
    assert not list(checkout.root.glob("*/2026*"))
    answer(asking, ("Write 1 change", "yes"))
    asking.expect_exact("Added")
    asking.expect(pexpect.EOF)
    assert plan.read_text().startswith(theirs)


def test_who_says_no_or_ends_the_questions_has_changed_nothing(checkout: Checkout, asking: pexpect.spawn[str]) -> None:
    before = contents(checkout.root)
    answer(asking, ("Which pattern?", "index"), ("Which table?", "shop.orders"))
    asking.expect_exact("(a, lower(b))")
    asking.sendeof()
    asking.expect_exact("You ended the questions.")
    asking.expect(pexpect.EOF)
    asking.close()
    assert asking.exitstatus == 3
    assert contents(checkout.root) == before


def test_what_is_no_utf_8_is_refused(checkout: Checkout) -> None:
    """By whichever command writes it into the plan."""
    before = contents(checkout.root)
    for words in (
        [*WORDS, "-n", "\udcff"], ["add", "x", "-n", "\udcff"], ["tag", "v9", "-n", "\udcff"],
        ["add", "x", "-n", "x", "-r", "\udcff"], ["add", "\udcff", "-n", "x"], ["rename", "total", "\udcff", "-y"],
        ["new", "drop-column", "--table", "a.b", "--column", "c", "--type", "int", "--because", "\udcff", "-n", "x"],
    ):  # fmt: skip
        done = checkout.run(*words)
        assert done.status == 2, (words, done.err)
        assert "Nothing was changed." in done.err, (words, done.err)
    assert contents(checkout.root) == before


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda one: one.name)
def test_the_document_has_every_option_of_a_pattern(pattern: Pattern) -> None:
    text = (ROOT / "docs/new.md").read_text()
    (row,) = (line for line in text.splitlines() if line.startswith(f"| `{pattern.name}` |"))
    answers = row.split("|")[2]
    assert set(re.findall("`(--[a-z-]+)`", answers)) == {one.option for one in pattern.questions}
    needed = set(re.findall("`(--[a-z-]+)`", answers.split("\u00b7")[0]))
    assert {one.option for one in pattern.questions if one.needed} <= needed
