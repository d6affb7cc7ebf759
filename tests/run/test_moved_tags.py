"""A tag that is deployed and was moved, or edited, in the plan since: seen before a script runs, not at its record."""

from __future__ import annotations

import pytest

from pgmig_tui.database.status import environment_status
from pgmig_tui.errors import ProjectError
from tests.run.conftest import Workshop

AT = "2024-01-02T00:00:00Z Plan Ner <plan@example.com>"


def tag(workshop: Workshop, behind: str, name: str, note: str = "") -> None:
    """Put a tag behind a change, and take it away from wherever it was."""
    lines = [line for line in workshop.planned if not line.startswith(f"@{name} ")]
    at = next(number for number, line in enumerate(lines) if line.startswith(f"{behind} "))
    lines.insert(at + 1, f"@{name} {AT} # {note}")
    workshop.planned[:] = lines
    (workshop.root / "sqitch.plan").write_text("\n".join(lines) + "\n")


def tagged(workshop: Workshop) -> None:
    """`a` is deployed with @v1; `b` and `c` aren't yet."""
    for name in "abc":
        workshop.change(name, f"CREATE TABLE public.{name} ();\n")
    tag(workshop, "a", "v1")
    assert workshop.run(to="a").status == 0


def diverged(workshop: Workshop) -> list[tuple[str, str]]:
    project, environment = workshop.project()
    return [(one.name, one.problem) for one in environment_status(project, environment).diverged]


def test_a_tag_that_was_moved_is_a_divergence_and_no_script_runs(workshop: Workshop) -> None:
    tagged(workshop)
    assert diverged(workshop) == []
    tag(workshop, "b", "v1")
    assert diverged(workshop) == [("a", "tag_moved")]
    with pytest.raises(ProjectError) as refused:
        workshop.plan()
    assert refused.value.details == ("@v1 is deployed with another change, and stands at b in the plan",)
    assert refused.value.now == "Nothing was changed."
    assert not workshop.relation("public.b")
    tag(workshop, "a", "v1")
    assert workshop.run().status == 0


def test_a_tag_whose_line_was_edited_is_one_too(workshop18: Workshop) -> None:
    tagged(workshop18)
    tag(workshop18, "a", "v1", "another note")
    assert diverged(workshop18) == [("a", "tag_moved")]
    with pytest.raises(ProjectError) as refused:
        workshop18.plan()
    assert refused.value.details == ("@v1 is deployed, and its line in the plan was edited since",)


def test_a_tag_that_was_moved_behind_the_point_is_told(workshop18: Workshop) -> None:
    tagged(workshop18)
    tag(workshop18, "c", "v1")
    done = workshop18.run(to="b")
    assert done.status == 0
    assert "@v1 is deployed with another change, and stands at c in the plan" in done.plan.warnings


def test_a_tag_that_the_plan_has_no_more_stands_in_nobody_s_way(workshop18: Workshop) -> None:
    tagged(workshop18)
    workshop18.planned[:] = [line for line in workshop18.planned if not line.startswith("@v1 ")]
    (workshop18.root / "sqitch.plan").write_text("\n".join(workshop18.planned) + "\n")
    assert diverged(workshop18) == []
    assert workshop18.run().status == 0
