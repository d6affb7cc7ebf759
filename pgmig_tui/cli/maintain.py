"""`pgmig-tui maintain TARGET`: the regular tasks of an environment, and the recovery drill. It only reads there."""

from __future__ import annotations

import os
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_and_change
from pgmig_tui.display import words
from pgmig_tui.display.cells import line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import UsageError

if TYPE_CHECKING:
    from pgmig_tui.gates.progress import BackupProgress, Tell
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.review.maintain import Section

_TOLD_S = 5.0


def maintain(arguments: Namespace) -> int:
    """Exit status 0 when there is nothing to do, 1 when there is or something is unknown, 5 when the server of the
    environment doesn't answer."""
    from pgmig_tui.run.journal.folder import default_state_dir

    _check(arguments)
    project, environment, _ = environment_and_change(arguments)
    state_dir = default_state_dir(os.environ)
    if arguments.drill:
        return _drill(arguments, project, environment, state_dir)
    from pgmig_tui.review.maintain import SECTIONS, reviewed
    from pgmig_tui.review.maintain import maintain as ask
    from pgmig_tui.review.maintain_told import document, section_lines, summary

    names = [one for one in SECTIONS if one in arguments.section] if arguments.section else SECTIONS

    def heard(section: Section) -> None:
        if not arguments.json:
            for told in section_lines(section):
                output.say(told)
            output.say()

    found = ask(project, environment, state_dir=state_dir, names=names, heard=heard)
    if arguments.json:
        output.document(document(found))
    else:
        output.say(summary(found))
    if arguments.reviewed:
        reviewed(project, environment, found, state_dir)
        output.note(f"Kept: {safe(str(project.operator))} has gone through what is so now.")
    if found.unreachable:
        return 5
    return 1 if found.calls else 0


def _check(arguments: Namespace) -> None:
    if arguments.backup and not arguments.drill:
        raise UsageError("--backup names the dump of a drill.", now="Nothing was done.", do="Say --drill as well.")
    if arguments.drill and (arguments.section or arguments.reviewed):
        raise UsageError(
            "--drill is carried out alone.", now="Nothing was done.", do="Leave --section and --reviewed out."
        )


def _drill(arguments: Namespace, project: Project, environment: Environment, state_dir: Path) -> int:
    """Exit status 0 when the backup was restored as it should be, else 1."""
    from dataclasses import asdict

    from pgmig_tui.cli.rehearse import interrupt_on_sigterm
    from pgmig_tui.review.maintain_drill import run_drill

    interrupt_on_sigterm()  # the server of our own has to be stopped
    drill, proof = run_drill(project, environment, state_dir=state_dir, backup=arguments.backup, tell=_now_and_then())
    if arguments.json:
        output.document({"environment": environment.name, "drill": asdict(drill), "proof": asdict(proof)})
    else:
        good = proof.state in ("PASS", "WARN")
        output.say(line(("+ ", "done") if good else ("x ", "failed"), safe(drill.path)))
        output.say(safe(f"  {proof.summary}"))
        output.say(safe(f"  recovery time measured: {words.duration(proof.restore_s * 1000)}"))
        for told in (*proof.wrong, *proof.unverified, *proof.lacking, *proof.limits, *proof.notes):
            output.say(line((f"    {safe(told)}", "muted")))
    return 0 if proof.state in ("PASS", "WARN") else 1


def _now_and_then() -> Tell:
    """Tells how far it is as each part begins, and every few seconds of a long one."""
    told: list[tuple[str, float]] = []

    def tell(progress: BackupProgress) -> None:
        now = time.monotonic()
        if told and told[-1][0] == progress.doing and now - told[-1][1] < _TOLD_S:
            return
        told.append((progress.doing, now))
        if not output.is_quiet():
            output.note(line((f"~ {safe(progress.told)}", "muted")))

    return tell
