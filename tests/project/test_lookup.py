"""Finding a change by name, tag, ID and `^`/`~`: in the plan, and among deployed changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.plan import Change, find_deployed, parse_plan

WHO = "2024-01-01T00:00:00Z X <x@y>"
BODY = ["a", "b", "@t1", "c", "a [a@t1]", "@t2", "@t2b", "d"]
PLAN = parse_plan(("%project=p\n\n" + "".join(f"{line} {WHO}\n" for line in BODY)).encode(), Path("sqitch.plan"))
NOT_FOUND = None


@dataclass(frozen=True)
class Row:
    """A change in the registry."""

    change_id: str
    name: str
    tags: tuple[str, ...]


def rows(*changes: Change) -> list[Row]:
    return [Row(change.change_id, change.name, tuple(f"@{tag.name}" for tag in change.tags)) for change in changes]


@pytest.mark.parametrize(
    ("spec", "index"),
    [
        ("a@t1", 0), ("a@t2", 3), ("a@t2b", 3), ("a@HEAD", 3), ("a@ROOT", 0), ("b@t2", 1), ("b@ROOT", NOT_FOUND),
        ("c@t1", NOT_FOUND), ("@t1", 1), ("@t1~", 2), ("@t1^", 0), ("@t2^", 2), ("t1", NOT_FOUND),
        ("HEAD", 4), ("@HEAD", 4), ("ROOT", 0), ("@ROOT", 0), ("HEAD^", 3), ("@HEAD^", 3), ("HEAD^^", 2), ("HEAD^2", 2),
        ("HEAD^^^", NOT_FOUND), ("HEAD^0", 4), ("HEAD~", NOT_FOUND), ("ROOT^", NOT_FOUND), ("HEAD^9", NOT_FOUND),
        ("b^", 0), ("b~2", 3), ("b~~", 3), ("c~", 3), ("d^4", 0), ("", NOT_FOUND), ("@", NOT_FOUND), ("^", NOT_FOUND),
        ("A", NOT_FOUND), ("e", NOT_FOUND), ("@t3", NOT_FOUND), ("0" * 40, NOT_FOUND),
    ],
)  # fmt: skip
def test_a_change_is_found_in_the_plan_by_name_tag_id_and_offset(spec: str, index: int | None) -> None:
    if index is None:
        with pytest.raises(ProjectError, match="Unknown change"):
            PLAN.find(spec)
        assert not PLAN.contains(spec)
    else:
        assert PLAN.find(spec).index == index
        assert PLAN.contains(spec)


def test_plan_lookup_by_full_id_only() -> None:
    change = PLAN.changes[2]
    assert PLAN.find(change.change_id) is change
    assert PLAN.find(change.change_id + "^").index == 1
    assert PLAN.find(PLAN.changes[1].tags[0].tag_id).index == 1
    with pytest.raises(ProjectError):
        PLAN.find(change.change_id[:12])


def test_a_name_with_several_instances_is_ambiguous() -> None:
    with pytest.raises(ProjectError, match='"a" is ambiguous') as caught:
        PLAN.find("a")
    assert caught.value.details == ("  * a@t2", "  * a@t1")
    with pytest.raises(ProjectError, match="ambiguous"):
        PLAN.find("a~")
    assert PLAN.contains("a")


def test_an_unknown_tag_is_said() -> None:
    with pytest.raises(ProjectError, match='Unknown tag "@nope"'):
        PLAN.find("a@nope")
    assert not PLAN.contains("a@nope")


def test_an_empty_plan_has_no_head() -> None:
    empty = parse_plan(b"%project=p\n\n", Path("sqitch.plan"))
    for spec in ("HEAD", "@HEAD", "ROOT", "a"):
        assert not empty.contains(spec)


def test_dependencies_resolve_to_the_first_instance() -> None:
    body = ["a", "@t", "a [a@t]", "@u", "b [a @t a@u !o:a] "]
    plan = parse_plan(("%project=p\n\n" + "".join(f"{line} {WHO}\n" for line in body)).encode(), Path("sqitch.plan"))
    last = plan.changes[2]
    assert [plan.resolve(dependency) for dependency in last.requires] == [
        plan.changes[0],
        plan.changes[0],
        plan.changes[1],
    ]
    assert plan.resolve(last.conflicts[0]) is None


def test_rework_tags_go_back_from_the_change_before_the_next_instance() -> None:
    body = ["a", "@t", "@s", "c", "@u", "e", "a"]
    plan = parse_plan(("%project=p\n\n" + "".join(f"{line} {WHO}\n" for line in body)).encode(), Path("sqitch.plan"))
    assert [tag.name for tag in plan.rework_tags(plan.changes[0])] == ["u", "t", "s"]
    assert plan.rework_tags(plan.changes[1]) == ()
    assert plan.qualified_name(plan.changes[3]) == "a@HEAD"


# Deployed: a, b @t1, c, a @t2 - the last change of the plan is pending.
DEPLOYED = rows(*PLAN.changes[:4])


@pytest.mark.parametrize(
    ("spec", "index"),
    [
        ("HEAD", 3), ("@HEAD", 3), ("ROOT", 0), ("@ROOT", 0), ("HEAD^", 2), ("@HEAD^2", 1), ("ROOT~", 1), ("ROOT~~", 2),
        ("b", 1), ("b~", 2), ("b^", 0), ("c@HEAD", 2), ("a@HEAD", 3), ("a@t1", 0), ("a@t2", 3), ("b@t2", 1), ("@t1", 1),
        ("@t2b", 3), ("@t1~2", 3),
    ],
)  # fmt: skip
def test_a_deployed_change_is_found_by_name_tag_id_and_offset(spec: str, index: int) -> None:
    assert find_deployed(spec, DEPLOYED, PLAN) is DEPLOYED[index]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("d", 'Change not deployed: "d"'),
        ("HEAD~", 'Unknown change: "HEAD~"'),
        ("ROOT^", 'Unknown change: "ROOT^"'),
        ("nope", 'Unknown change: "nope"'),
        ("c@t1", 'Unknown change: "c@t1"'),
        ("c@ROOT", 'Unknown change: "c@ROOT"'),
        ("b@ROOT", 'Unknown change: "b@ROOT"'),
        ("a@nope", 'Unknown change: "a@nope"'),
        ("@nope", 'Unknown change: "@nope"'),
        ("", 'Unknown change: ""'),
        (PLAN.changes[4].change_id, "Change not deployed"),
        (PLAN.changes[1].tags[0].tag_id, "Change not deployed"),
    ],
)
def test_what_no_deployed_change_matches_is_an_error_that_says_why(spec: str, message: str) -> None:
    with pytest.raises(ProjectError, match=message.replace("^", r"\^")):
        find_deployed(spec, DEPLOYED, PLAN)


def test_registry_lookup_by_id_and_for_a_name_deployed_twice() -> None:
    assert find_deployed(DEPLOYED[2].change_id, DEPLOYED, PLAN) is DEPLOYED[2]
    assert find_deployed(DEPLOYED[2].change_id + "^", DEPLOYED, PLAN) is DEPLOYED[1]
    with pytest.raises(ProjectError, match="ambiguous") as caught:
        find_deployed("a", DEPLOYED, PLAN)
    assert caught.value.details == ("  * a@t2", "  * a@t1")


def test_registry_lookup_knows_changes_that_the_plan_does_not() -> None:
    strange = [*DEPLOYED, Row("f" * 40, "gone", ("@v9",)), Row("e" * 40, "gone", ())]
    assert find_deployed("gone@v9", strange, PLAN).change_id == "f" * 40
    assert find_deployed("@v9~", strange, PLAN).change_id == "e" * 40
    with pytest.raises(ProjectError, match="ambiguous") as caught:
        find_deployed("gone", strange, PLAN)
    assert caught.value.details == (f"  * {'e' * 40}", "  * gone@v9")


def test_where_nothing_is_deployed_nothing_is_found() -> None:
    none: list[Row] = []
    for spec in ("HEAD", "@ROOT", "@t1", "a"):
        with pytest.raises(ProjectError):
            find_deployed(spec, none, PLAN)
