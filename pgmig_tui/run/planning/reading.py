"""Reading the scripts of a plan: what of them can't be carried out, how each runs, and where its verification runs."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import ServerIdentity
from pgmig_tui.database.registry import RegistryState
from pgmig_tui.errors import PgmigError, ProjectError
from pgmig_tui.run.journal.frozen import RecordingFiles
from pgmig_tui.run.journal.run_plan import NO_VERIFY_SCRIPT, Mode, Options, Step, Verify
from pgmig_tui.script.files import Allow, FileSource
from pgmig_tui.script.preview import Preview, preview
from pgmig_tui.script.problems import ScriptError
from pgmig_tui.script.shape import Shape, shape, verify_shape

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.plan import Change
    from pgmig_tui.project.project import Project
    from pgmig_tui.script.actions import ServerFacts


Planned = tuple[tuple[Step, ...], str, tuple[str, ...]]
"""Steps; SQL to be run before the first of them ("" = none); what that does, each as `the tag @v1 of users`."""


@dataclass(slots=True)
class Work:
    """What the making of one plan shares. `problems` are all reasons, of all scripts, why it can't be carried out."""

    project: Project
    environment: Environment
    options: Options
    identity: ServerIdentity
    state: RegistryState
    files: RecordingFiles
    variables: Mapping[str, str]
    warnings: list[str]
    problems: list[str] = field(default_factory=list)
    trial: bool = False

    @property
    def allow(self) -> Allow:
        policy = self.environment.policy
        return Allow(shell=policy.allow_shell, files=policy.allow_files, trial=self.trial)

    def hash(self, change: Change) -> str | None:
        """The script hash that the registry records: SHA-1 of the bytes that this run has read; None where only the
        registry is written (--log-only) and there is no script."""
        path = self.project.script_path(change, "deploy")
        if self.options.log_only and not path.exists():
            return None
        _, data = self.files.script(path)
        return hashlib.sha1(data, usedforsecurity=False).hexdigest()

    def hashes(self, change: Change, *, included: bool = False) -> dict[str, str]:
        """SHA-256 of the bytes of the change's scripts that are there, by "deploy", "revert" and "verify"; with
        `included`, what stands for the files that they include, too (`included_digests`)."""
        found, read = {}, {}
        for kind in ("deploy", "revert", "verify"):
            with contextlib.suppress(OSError, PgmigError):
                path = self.project.script_path(change, kind)
                data = self.files.bytes_of(path)
                found[kind] = hashlib.sha256(data).hexdigest()
                read[kind] = (self.project.relative(path), data)
        if included:
            found |= included_digests(read, self.files, self.variables, self.allow, self.identity.facts)
        return found

    def refuse_problems(self) -> None:
        """Raise ProjectError (exit 2) with everything that is wrong with the scripts, if anything is."""
        if self.problems:
            raise ProjectError(
                "the scripts can't be run as they are",
                details=self.problems,
                now="Nothing was changed.",
                do="Change the scripts."
                if self.trial
                else "Change the scripts, or what the environment allows: allow_shell and allow_files of pgmig.toml.",
            )


def included_digests(
    scripts: Mapping[str, tuple[str, bytes]],
    files: FileSource,
    variables: Mapping[str, str],
    allow: Allow,
    facts: ServerFacts,
) -> dict[str, str]:
    """What stands for the bytes of all files that the scripts of a change include: of its deploy script by
    "deploy_included", of all three by "included"; neither where there are none. `scripts` are name and bytes by kind.
    """
    names: dict[str, set[str]] = {"deploy_included": set(), "included": set()}
    for kind, (name, data) in scripts.items():
        if b"\\i" not in data:  # as each command that includes begins
            continue
        found = preview(name, data, files, variables, allow, facts).included
        names["included"] |= set(found)
        if kind == "deploy":
            names["deploy_included"] |= set(found)
    return {key: _digest(files, sorted(found)) for key, found in names.items() if found}


def _digest(files: FileSource, names: Sequence[str]) -> str:
    """SHA-256 over names and bytes of files, one that can't be read as such."""
    found = []
    for name in names:
        digest = ""
        with contextlib.suppress(ScriptError):
            digest = hashlib.sha256(files.read(name, relative_to=None, line=0)[1]).hexdigest()
        found.append([name, digest])
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def read_script(work: Work, name: str, data: bytes, *, verify: bool = False) -> tuple[Preview, Shape]:
    """Walk a script without running it. What is only recorded (--log-only) need not be runnable."""
    view = preview(name, data, work.files, work.variables, work.allow, work.identity.facts, rows=True)
    form = shape(view)
    if not work.options.log_only:
        work.problems += [f"{one.path}:{one.line}: {one.message}" for one in view.findings if one.refuses]
        if form.mode == "refused" and not verify and not any(one.refuses for one in view.findings):
            work.problems.append(f"{name}: {form.reason} (--log-only records a change that was applied by hand)")
    return view, form


@dataclass(frozen=True, slots=True)
class Read:
    """A script and how it is carried out; without `form` only the registry is written."""

    name: str | None
    data: bytes
    view: Preview | None
    form: Shape | None
    mode: Mode
    reason: str

    @property
    def findings(self) -> tuple[str, ...]:
        found = self.view.findings if self.view is not None else ()
        return tuple(f"{finding.path}:{finding.line}: {finding.message}" for finding in found)


def read_for_step(work: Work, path: Path | None) -> Read:
    """Read a script. What is only recorded (--log-only) needs none. Raises ProjectError for one that isn't there."""
    recorded = "only recorded (--log-only)"
    if work.options.log_only and (path is None or not path.exists()):
        return Read(None, b"", None, None, "record", recorded)
    assert path is not None
    name, data = work.files.script(path)
    view, form = read_script(work, name, data)
    if work.options.log_only:
        return Read(name, data, view, form, "record", recorded)
    return Read(name, data, view, form, "atomic" if form.mode == "atomic" else "stepwise", form.reason)


def label(change: Change) -> str:
    """A change with its tags, as people know it."""
    return " ".join([change.name, *(f"@{tag.name}" for tag in change.tags)])


def place_verification(
    work: Work, change: Change, view: Preview | None, form: Shape | None
) -> tuple[str | None, Verify, str]:
    """(script, where, why): where the verification of a deployed change runs. Without `view` and `form` there is no
    deploy script; it is only recorded."""
    policy, project = work.environment.policy, work.project
    wanted = project.verify_mode(work.environment, work.options.verify)
    if wanted == "off":
        return None, "off", "switched off"
    path = project.script_path(change, "verify")
    if not path.exists():
        work.warnings.append(f"{change.name} has no verify script")
        return None, "off", NO_VERIFY_SCRIPT
    name, data = work.files.script(path)
    verify_view, _ = read_script(work, name, data, verify=True)
    for one in verify_view.findings:
        if one.code in ("shell", "file"):  # its step tells of the deploy script alone
            work.warnings.append(f"{one.path}:{one.line}: {one.message}")
    if wanted == "after":
        return name, "after", "by policy"
    if form is not None and not work.options.log_only:
        if form.mode == "stepwise":
            return name, "after", "the script is not one transaction"
        if form.verify_after:
            return name, "after", form.verify_after[0]
    inside = verify_shape(verify_view)
    if not inside.inside:
        return name, "after", inside.reason
    if view is None or work.options.log_only:
        return name, "inside", "in the step's transaction, before COMMIT"
    if policy.protected and (held := _held_and_read(view, verify_view, work.identity.version_num)):
        return name, "after", f"it reads {held}, which the step holds in ACCESS EXCLUSIVE mode"
    return name, "inside", "in the step's transaction, before COMMIT"


def _held_and_read(deploy: Preview, verify: Preview, version_num: int) -> str:
    """A relation that the deploy holds in ACCESS EXCLUSIVE mode and whose rows the verification reads, or ""."""
    from pgmig_tui.impact.modes import LockMode
    from pgmig_tui.impact.predict import predict_script

    held = {
        (lock.schema, lock.relation)
        for statement in predict_script(deploy.statements, None, version_num).statements
        for lock in statement.locks
        if lock.mode == LockMode.ACCESS_EXCLUSIVE
    }
    if not held:
        return ""
    for statement in predict_script(verify.statements, None, version_num).statements:
        if "where false" in " ".join(statement.sql.lower().split()):
            continue
        for lock in statement.locks:
            if (lock.schema, lock.relation) in held:
                return f"{lock.schema}.{lock.relation}" if lock.schema else lock.relation
    return ""
