"""What an author writes is written whole or not at all, and inside the project alone."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.author import files
from pgmig_tui.project.author.changes import add_change, prepare_add, prepare_rework
from pgmig_tui.project.author.edits import PlannedChange
from pgmig_tui.project.author.files import Write, write_all
from pgmig_tui.project.author.places import Place
from pgmig_tui.project.author.scripts import TemplateChoice
from pgmig_tui.project.author.templates import render
from pgmig_tui.project.config import Config
from pgmig_tui.project.project import Project, load_project
from pgmig_tui.script.regular import Inside

WHO = "2024-01-01T00:00:00Z X <x@y>"
ENV = {"SQITCH_FULLNAME": "X", "SQITCH_EMAIL": "x@y", "SQITCH_SYSTEM_CONFIG": os.devnull}
SCRIPTS = {kind: f"-- {kind}\n".encode() for kind in ("deploy", "revert", "verify")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
    (root / "sqitch.plan").write_text(f"%project=p\n\na {WHO}\n@t {WHO}\n")
    for kind, data in SCRIPTS.items():
        (root / kind).mkdir()
        (root / kind / "a.sql").write_bytes(data)
    return root


def here(root: Path) -> Project:
    return load_project(root, ENV)


def state(root: Path) -> dict[str, tuple[bytes | str, int]]:
    """All there is: files with their bytes and modes, links with where they lead, folders."""
    found: dict[str, tuple[bytes | str, int]] = {}
    for path in sorted(root.rglob("*")):
        what = str(path.readlink()) if path.is_symlink() else "" if path.is_dir() else path.read_bytes()
        found[str(path.relative_to(root))] = (what, path.lstat().st_mode)
    return found


def test_a_change_comes_with_its_scripts_and_keeps_the_plans_mode(root: Path) -> None:
    (root / "sqitch.plan").chmod(0o640)
    done = add_change(here(root), "b/c", SCRIPTS, note="two\nlines", requires=["a@t"], planned_at=WHO[:20])
    assert (root / "sqitch.plan").read_text().splitlines()[-2:] == ["", f"b/c [a@t] {WHO} # two\\nlines"]
    assert (root / "sqitch.plan").stat().st_mode & 0o777 == 0o640
    assert {kind: (root / kind / "b" / "c.sql").read_bytes() for kind in SCRIPTS} == SCRIPTS
    assert done.plan_file is not None
    assert done.plan_file.plan.changes[-1].name == "b/c"
    assert not [path for path in root.rglob(".*") if path.is_file()]


def test_nothing_stays_where_one_of_several_cannot_be_written(root: Path) -> None:
    before = state(root)
    (root / "verify" / "b").write_text("in the way of a folder")
    blocked = state(root)
    with pytest.raises(ProjectError, match="can't be written"):
        add_change(here(root), "b/c", SCRIPTS, note="n")
    assert state(root) == blocked
    (root / "verify" / "b").unlink()
    (root / "verify" / "c.sql").write_text("somebody's")
    with pytest.raises(ProjectError, match=r"verify/c.sql is there already"):
        add_change(here(root), "c", SCRIPTS, note="n")
    (root / "verify" / "c.sql").unlink()
    assert state(root) == before


def test_a_plan_is_never_there_before_the_scripts_that_it_names(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a script replaced, or taken away, before the plan is there."""
    put, order = files._Batch.put, list[str]()

    def noted(self: files._Batch, one: Write) -> None:
        order.append(str(one.path.relative_to(root)))
        put(self, one)

    monkeypatch.setattr(files._Batch, "put", noted)
    project = here(root)
    prepare_rework(project, [Place("pg", project.layout)], PlannedChange("a", "X <x@y>", WHO[:20], "n")).write()
    assert order == [*(f"{kind}/a@t.sql" for kind in SCRIPTS), "sqitch.plan", "revert/a.sql"]


@pytest.mark.parametrize("fails", range(5))
def test_what_has_its_place_already_is_taken_back(root: Path, monkeypatch: pytest.MonkeyPatch, fails: int) -> None:
    """A rework: three copies, then the revert script, then the plan; each of them fails once."""
    (root / "revert" / "a.sql").chmod(0o600)
    before, put, calls = state(root), files._Batch.put, iter(range(9))

    def failing(self: files._Batch, one: Write) -> None:
        if next(calls) == fails:
            raise OSError(28, "No space left on device", str(one.path))
        put(self, one)

    monkeypatch.setattr(files._Batch, "put", failing)
    project = here(root)
    prepared = prepare_rework(project, [Place("pg", project.layout)], PlannedChange("a", "X <x@y>", WHO[:20], "n"))
    with pytest.raises(ProjectError, match="No space left") as raised:
        prepared.write()
    assert raised.value.now == "Nothing was changed."
    assert state(root) == before
    monkeypatch.undo()
    prepared.write()
    assert (root / "revert" / "a.sql").read_bytes() == SCRIPTS["deploy"]
    assert (root / "revert" / "a@t.sql").read_bytes() == SCRIPTS["revert"]
    assert (root / "revert" / "a@t.sql").stat().st_mode & 0o777 == 0o600


def test_a_plan_that_changed_meanwhile_is_left_alone(root: Path) -> None:
    project = here(root)
    prepared = prepare_add(
        project, [Place("pg", project.layout)], PlannedChange("b", "X <x@y>", WHO[:20], "n"), TemplateChoice()
    )
    with (root / "sqitch.plan").open("a") as plan:
        plan.write(f"z {WHO}\n")
    before = state(root)
    with pytest.raises(ProjectError, match="changed by somebody else"):
        prepared.write()
    assert state(root) == before


@pytest.mark.parametrize(
    "begins", [b"\xef\xbb\xbf%project=p\n\n", b"%project=p\xff\n\n", b"\n%project=p\n", b"%project=p\n"]
)
def test_a_plan_that_cannot_be_read_is_never_written(root: Path, begins: bytes) -> None:
    """A byte order mark, bad UTF-8, no pragma; and pragmas that no empty line ends, so that nothing can come after."""
    project = here(root)
    (root / "sqitch.plan").write_bytes(begins)
    before = state(root)
    with pytest.raises(ProjectError):
        add_change(project, "b", SCRIPTS, note="n")
    assert state(root) == before


def test_links_lead_nowhere_outside(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "verify" / "a.sql").unlink()
    (root / "verify").rmdir()
    (root / "verify").symlink_to(outside)
    with pytest.raises(ProjectError, match="leads out of the project"):
        add_change(here(root), "b", SCRIPTS, note="n")
    (root / "verify").unlink()
    (root / "verify").mkdir()
    with pytest.raises(ProjectError, match="leads out of the project"):
        add_change(here(root), "b/../../../outside/x", SCRIPTS, note="n")
    (root / "deploy" / "b.sql").symlink_to(outside / "b.sql")
    with pytest.raises(ProjectError, match="leads out of the project"):
        add_change(here(root), "b", SCRIPTS, note="n")
    assert list(outside.iterdir()) == []
    (root / "sqitch.plan").rename(root / "real.plan")
    (root / "sqitch.plan").symlink_to("real.plan")
    (root / "deploy" / "b.sql").unlink()
    add_change(here(root), "b", SCRIPTS, note="n")
    assert (root / "sqitch.plan").readlink() == Path("real.plan")
    assert "b " in (root / "real.plan").read_text()


def test_a_copy_that_is_there_already_is_not_overwritten(root: Path) -> None:
    (root / "revert" / "a@t.sql").write_text("somebody's work")
    project, before = here(root), state(root)
    with pytest.raises(ProjectError, match=r"revert/a@t.sql is there already"):
        prepare_rework(project, [Place("pg", project.layout)], PlannedChange("a", "X <x@y>", WHO[:20], "n"))
    assert state(root) == before


def test_files_are_taken_away_and_brought_back(root: Path) -> None:
    before = state(root)
    gone = Write(root / "deploy" / "a.sql", None, SCRIPTS["deploy"])
    stale = Write(root / "sqitch.plan", b"x", b"what it never held")
    with pytest.raises(ProjectError):
        write_all([gone, stale], Inside(root), root)
    assert state(root) == before
    write_all([gone], Inside(root), root)
    assert not gone.path.exists()


def test_templates_of_the_projects_own_configuration_lie_in_the_project(root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of somebody else")
    for more in (f'[add "templates"]\n\tdeploy = {secret}\n', f"[add]\n\ttemplate_directory = {tmp_path}\n"):
        (root / "sqitch.conf").write_text(f"[core]\n\tengine = pg\n{more}")
        (tmp_path / "deploy").mkdir(exist_ok=True)
        (tmp_path / "deploy" / "pg.tmpl").write_text("of somebody else")
        project = here(root)
        with pytest.raises(ProjectError, match="leads out of the project"):
            prepare_add(
                project, [Place("pg", project.layout)], PlannedChange("b", "X <x@y>", WHO[:20], "n"), TemplateChoice()
            )
        named = TemplateChoice(directory=tmp_path, files={"deploy": secret})
        project = replace(project, config=Config())
        prepare_add(project, [Place("pg", project.layout)], PlannedChange("b", "X <x@y>", WHO[:20], "n"), named)


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("a\n[% FOO(x) %]", "line 2"),
        ("[% IF x %]", "line 1"),
        ("\n\n[% END %]", "line 3"),
        ("[% x", r"\[% x"),
        ("[% list %]", "which is a list"),
        ("[% IF a %][% FOREACH b IN c %][% END %]", "line 1"),
    ],
)
def test_a_template_that_cannot_be_read_is_refused(template: str, told: str) -> None:
    with pytest.raises(ProjectError, match=told):
        render(template, {"list": ["a"]}, "t")
