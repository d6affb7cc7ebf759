"""Requirements, conflicts and dependents, looked up as Sqitch looks them up."""

from __future__ import annotations

import pytest

from pgmig_tui.database import registry
from pgmig_tui.database.dependencies import (
    Registered,
    check_deploy,
    check_revert,
    read_dependents,
    resolve_requires,
)
from pgmig_tui.database.registry import DeployedChange
from pgmig_tui.project.names import Dependency, parse_dependency
from pgmig_tui.project.plan import Plan
from tests.database.places import OPERATOR, UNGUARDED, Databases, plan, row, session
from tests.servers import Server

WHO = "2024-01-01T00:00:00Z T <t@example.com>"


DEPLOYED = (
    row(1, "users"),
    row(2, "flips", "other", "@v1"),
    row(3, "users"),
    row(4, "users", "third"),
    row(5, "last", "other", "@v2", "@v2b"),
    row(6, "users"),
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("other:users", 1),  # the earliest
        ("other:users@v1", 1),
        ("other:users@v2", 3),
        ("other:users@v2b", 3),
        ("other:users@HEAD", 6),
        ("other:users@ROOT", None),
        ("other:users@nope", None),
        ("other:flips@v1", 2),
        ("other:@v1", 2),
        ("other:@v2b", 5),
        ("other:@HEAD", 6),
        ("other:@ROOT", 1),
        ("other:@nope", None),
        ("other:nothing", None),
        ("third:users", 4),
        ("third:@HEAD", 4),
        ("third:users@v1", None),
        ("nowhere:@HEAD", None),
        (f"nowhere:{5:040x}", 5),  # an ID is looked up whatever the project
        (f"other:{9:040x}", None),
    ],
)
def test_a_dependency_is_found_in_the_registry_by_name_tag_and_id(text: str, number: int | None) -> None:
    dependency = parse_dependency(text, "flip")
    assert isinstance(dependency, Dependency)
    assert Registered(DEPLOYED).find(dependency) == (None if number is None else f"{number:040x}")


REWORKED = plan(
    f"users {WHO}\n@v1 {WHO}\nflips {WHO}\nusers [users@v1] {WHO}\n@v2 {WHO}\n"
    f"last [users flips@v2 @v1 other:flips] {WHO}\n"
)


def own(the_plan: Plan, *indexes: int) -> tuple[DeployedChange, ...]:
    """Changes of the plan as the registry would hold them."""
    found = []
    for number, index in enumerate(indexes, 20):
        change = the_plan.changes[index]
        base = row(number, change.name, the_plan.project)
        found.append(DeployedChange(change.change_id, f"hash{index}", *(getattr(base, f) for f in _REST)))
    return tuple(found)


_REST = (
    "name", "project", "note", "committed_at", "committer_name", "committer_email", "planned_at", "planner_name",
    "planner_email", "tag_rows",
)  # fmt: skip


def test_own_requirements_go_by_the_plan() -> None:
    ids = [change.change_id for change in REWORKED.changes]
    registered = Registered((*own(REWORKED, 0, 1, 2), *DEPLOYED))
    assert resolve_requires(REWORKED, REWORKED.changes[2], registered) == {"users@v1": ids[0]}
    assert resolve_requires(REWORKED, REWORKED.changes[3], registered) == {
        "users": ids[0],  # the first instance, though a reworked one is deployed
        "flips@v2": ids[1],
        "@v1": ids[0],
        "other:flips": f"{2:040x}",
    }
    assert resolve_requires(REWORKED, REWORKED.changes[3], Registered(()), {ids[1]}) == {"flips@v2": ids[1]}


def test_a_sound_deploy_has_no_problems() -> None:
    assert check_deploy(REWORKED, REWORKED.changes, DEPLOYED) == []
    assert check_deploy(REWORKED, REWORKED.changes[2:], (*own(REWORKED, 0, 1), *DEPLOYED)) == []
    assert check_deploy(REWORKED, (), ()) == []


def test_all_problems_of_a_deploy_are_told_at_once() -> None:
    the_plan = plan(
        f"a {WHO}\nb [a other:nothing other:@v9 !other:users !third:users !other:absent] {WHO}\n"
        f"c [other:nothing] {WHO}\n"
    )
    problems = check_deploy(the_plan, the_plan.changes, DEPLOYED)
    assert problems == [
        "Conflicts with previously deployed changes: other:users third:users",
        "Missing required changes: other:nothing other:@v9",
    ]


def test_a_change_conflicts_with_one_of_its_own_project() -> None:
    the_plan = plan(f"a {WHO}\nb [!a] {WHO}\n")
    assert check_deploy(the_plan, the_plan.changes, ()) == ["Conflicts with previously deployed change: a"]
    assert check_deploy(the_plan, the_plan.changes[1:], own(the_plan, 0)) == [
        "Conflicts with previously deployed change: a"
    ]
    assert check_deploy(the_plan, the_plan.changes[1:], ()) == []
    unknown = plan(f"b [!nothing] {WHO}\n")
    (problem,) = check_deploy(unknown, unknown.changes, ())
    assert problem.startswith('Unable to find change "nothing" in plan')


def test_required_own_changes_must_be_deployed_or_come_first() -> None:
    the_plan = plan(f"a {WHO}\nb {WHO}\nc [a b] {WHO}\n")
    assert check_deploy(the_plan, the_plan.changes[1:], ()) == ["Missing required change: a"]


def test_a_change_that_is_deployed_already_is_a_problem_with_its_id() -> None:
    the_plan = plan(f"a {WHO}\nb {WHO}\n")
    (problem,) = check_deploy(the_plan, the_plan.changes, own(the_plan, 1))
    assert problem == f"Change already deployed: b ({the_plan.changes[1].change_id})"


def test_equal_scripts_are_found_before_they_run() -> None:
    the_plan = plan(f"a {WHO}\nb {WHO}\nc {WHO}\nd {WHO}\n")
    ids = [change.change_id for change in the_plan.changes]
    hashes = {ids[1]: "hash0", ids[2]: "new", ids[3]: "new"}
    assert check_deploy(the_plan, the_plan.changes[1:], own(the_plan, 0), hashes) == [
        'The deploy scripts of "a" and "b" are the same, byte for byte',
        'The deploy scripts of "c" and "d" are the same, byte for byte',
    ]
    # Missing scripts have no hash, and other projects may have the same one.
    elsewhere = (row(1, "x", "other", script_hash="new"),)
    assert check_deploy(the_plan, the_plan.changes[1:3], elsewhere, {ids[1]: None, ids[2]: "new"}) == []


def test_a_dependency_named_twice_would_break_the_record() -> None:
    the_plan = plan(f"a {WHO}\nb [a flip:a] {WHO}\n")
    assert check_deploy(the_plan, the_plan.changes, ()) == ['Change "b" names dependency "a" twice']


def test_a_change_that_another_change_or_project_needs_is_not_reverted(pg: Server, database_on: Databases) -> None:
    flip = plan(f"a {WHO}\nb [a] {WHO}\n@t {WHO}\nc [a b] {WHO}\n")
    other = plan(f"x [flip:a] {WHO}\n", "other")
    with session(pg, database_on(pg)) as connection:
        for the_plan in (flip, other):
            state = registry.read_state(connection, "sqitch", the_plan.project)
            registry.prepare_registry(connection, "sqitch", the_plan, OPERATOR, state)
            for change in the_plan.changes:
                registered = Registered(registry.read_deployed(connection, "sqitch", None))
                resolved = resolve_requires(the_plan, change, registered)
                sql = registry.deploy_rows_sql("sqitch", the_plan, change, None, resolved, OPERATOR)
                connection.execute(registry.record_sql(UNGUARDED, sql))
        deployed = registry.read_deployed(connection, "sqitch", "flip")

        def problems(*names: str) -> list[str]:
            chosen = [change for change in reversed(deployed) if change.name in names]
            found = read_dependents(connection, "sqitch", [change.change_id for change in chosen])
            return check_revert("flip", chosen, found)

        assert problems("c") == []
        assert problems("b", "c") == []
        assert problems("b") == ['Change "b @t" required by currently deployed change: c']
        assert problems("a", "b", "c") == ['Change "a" required by currently deployed change: other:x']
        assert problems("a") == ['Change "a" required by currently deployed changes: b@t c other:x']
