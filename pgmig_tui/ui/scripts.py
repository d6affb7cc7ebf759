"""Scripts of changes and their impact, as facts for the screens. Imports the parser: only ever used in threads."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha1
from typing import TYPE_CHECKING

from pgmig_tui.display.safe import safe
from pgmig_tui.ui.session import ImpactFacts, ScriptKind, ScriptText, StepFacts

if TYPE_CHECKING:
    from pgmig_tui.impact.result import ScriptImpact
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.plan import Change
    from pgmig_tui.project.project import Project
    from pgmig_tui.run.plan import RunPlan
    from pgmig_tui.script.files import FileSource
    from pgmig_tui.script.preview import Preview

LONGEST = 50_000_000


def read_script(project: Project, change: Change, kind: ScriptKind) -> ScriptText:
    """The text of a script on disk; bytes that aren't UTF-8 are shown as such, and said."""
    path = project.script_path(change, kind)
    name = project.relative(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ScriptText(change.change_id, kind, name, problem=f"{name} does not exist")
    except OSError as error:
        return ScriptText(change.change_id, kind, name, problem=f"{name} can't be read: {error.strerror}")
    if len(data) > LONGEST:
        return ScriptText(change.change_id, kind, name, problem=f"{name} has {len(data):,} bytes: too long to show")
    text = data.decode("utf-8", errors="replace")
    text = safe(text, multiline=True) if not text.isascii() or not text.isprintable() else text
    return ScriptText(change.change_id, kind, name, text, sha1(data, usedforsecurity=False).hexdigest())


def read_impact(
    project: Project, change: Change, kind: ScriptKind, environment: Environment | None, *, live: bool
) -> ImpactFacts:
    """The impact of a script on disk; with `live`, the environment's catalog is asked for sizes."""
    path = project.script_path(change, kind)
    name = project.relative(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        return ImpactFacts(None, problem=f"{name}: {error.strerror}")
    view = _preview(project, environment, name, data, kind)
    findings = tuple(f"line {one.line}: {one.message}" for one in view.findings)
    from pgmig_tui.impact.predict import predict_script

    if live and environment is not None:
        asked = _ask_catalog(environment, view)
        if asked is not None:
            impact, server = asked
            return ImpactFacts(replace(impact, path=name), server, True, findings=findings)
    return ImpactFacts(predict_script(view.statements, None, path=name), findings=findings)


def _preview(
    project: Project,
    environment: Environment | None,
    name: str,
    data: bytes,
    kind: ScriptKind,
    files: FileSource | None = None,
) -> Preview:
    from pgmig_tui.script.actions import ServerFacts
    from pgmig_tui.script.files import Allow, ProjectFiles
    from pgmig_tui.script.preview import preview

    allow, variables = Allow(), {}
    if environment is not None:
        policy = environment.policy
        allow = Allow(shell=policy.allow_shell, files=policy.allow_files)
        variables = project.variables(kind, environment.target)
        variables["registry"] = environment.target.registry
    return preview(name, data, files or ProjectFiles(project.root, allow.files), variables, allow, ServerFacts())


def _ask_catalog(environment: Environment, view: Preview) -> tuple[ScriptImpact, str] | None:
    """The impact with the server's own sizes; None when it doesn't answer."""
    return None


def step_facts(project: Project, environment: Environment, plan: RunPlan) -> tuple[StepFacts, ...]:
    """The steps of a run with the impact of the very bytes that it will run."""
    from pgmig_tui.impact.predict import predict_script
    from pgmig_tui.impact.shadow import Catalog
    from pgmig_tui.run.files import RecordedFiles

    files = RecordedFiles(project.root, plan.folder, allow_files=environment.policy.allow_files)
    catalog = Catalog(None)
    found = []
    for step in plan.steps:
        facts = StepFacts(
            step.number,
            step.action,
            step.change,
            step.change_id,
            step.mode,
            step.mode_reason,
            step.verify,
            findings=step.findings,
        )
        if step.script is not None and step.action != "verify":
            view = _preview(project, environment, step.script, files.script(step.script), step.action, files)
            version = plan.server.version_num
            impact = predict_script(
                view.statements, None, version, wrapped=step.wraps, path=step.script, catalog=catalog
            )
            facts = _with_impact(facts, impact)
        found.append(facts)
    return tuple(found)


def _with_impact(facts: StepFacts, impact: ScriptImpact) -> StepFacts:
    strongest, loss = impact.strongest, impact.data_loss
    unread = tuple(f"line {one.line} can't be read: {one.problem.message}" for one in impact.statements if one.problem)
    return replace(
        facts,
        lock=strongest[0].sql_name if strongest else "",
        relation=strongest[1] if strongest else "",
        rewrites=any(one.rewrites for one in impact.statements),
        scans=any(one.scans for one in impact.statements),
        risk=impact.risk,
        loses=(loss.what or ("data",)) if loss.loss_class >= 3 else (),
        findings=(*facts.findings, *unread),
    )
