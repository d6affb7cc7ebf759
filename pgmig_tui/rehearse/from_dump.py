"""Testing what is pending in a dump: its rows, masked, on a server of our own.

All of it runs as the role without rights of `plan_owner`, the code that stands in the dump too; what needs more isn't
restored, and is told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.database.deployed import read_state
from pgmig_tui.database.identity import NEWEST
from pgmig_tui.database.text import ident
from pgmig_tui.display import words
from pgmig_tui.errors import UsageError
from pgmig_tui.rehearse.as_planned import script_of
from pgmig_tui.rehearse.clone import problems_of
from pgmig_tui.rehearse.data import DataWanted
from pgmig_tui.rehearse.fill import data_session
from pgmig_tui.rehearse.masks import Mask, mask, read_masks
from pgmig_tui.rehearse.plan_owner import OWNER, Missed, hand_over, make_owner, make_roles
from pgmig_tui.rehearse.scratch import ScratchServer, available, embedded, scratch_database
from pgmig_tui.rehearse.tested import ChangeTests
from pgmig_tui.rehearse.testing import Ground, Say, TellStep, scripts_up_to_last, walk
from pgmig_tui.sandbox.programs import Tools, conninfo_text, find_tools, libpq_environment, run_program, work_folder

if TYPE_CHECKING:
    from pgmig_tui.project.changes import Change
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

_NOTHING = "Nothing was tested; the dump stays as it is."
_ENTRY = re.compile(r"\d+; \d+ \d+ (.+)$")
_EXTENSION = re.compile(r"EXTENSION - (\S+)")
# What only a superuser may make, or what reaches other servers.
_LEFT_OUT = (
    "EXTENSION ", "COMMENT - EXTENSION ", "USER MAPPING ", "SUBSCRIPTION ", "SERVER ", "FOREIGN DATA WRAPPER ",
    "EVENT TRIGGER ", "DATABASE PROPERTIES ",
)  # fmt: skip
_GOES_ON = "errors ignored on restore"
_NO_ROLE = re.compile(r'role "(.+)" does not exist')


def try_on_dump(
    project: Project,
    environment: Environment,
    dump: Path,
    named: Sequence[Change],
    variables: Mapping[str, str],
    *,
    state_dir: Path,
    say: Say,
    tell: TellStep,
    data: DataWanted,
) -> ChangeTests:
    """Take changes that are pending in the dump through their steps: those that are named, or all. The registry in it
    says which are deployed. Raises UsageError, ProjectError; StepFailure where it can't be restored or masked."""
    scripts = [script_of(project, change, _NOTHING) for change in project.plan.changes]
    masks = read_masks((one.name, one.data) for one in scripts)
    with ExitStack() as stack:
        folder = stack.enter_context(work_folder())
        scratch = stack.enter_context(embedded(NEWEST, state_dir / "rehearsal", say))
        password = make_owner(scratch)
        archive = _Archive(dump, find_tools(scratch.version_num), folder)
        say(f"restoring {dump.name}")
        base, notes = _restored(stack, archive, scratch, password)
        ground = Ground(scratch, project, environment, folder, OWNER, password, origin=base)
        done = _mask(scratch, ground, base, masks)
        notes += _told(done, masks)
        with connect(ground.endpoint(base), application_name=application_name("rehearsal", "registry")) as session:
            state = read_state(session, environment.target.registry, project.plan.project)
        deployed = {change.change_id for change in state.deployed}
        pending = [change for change in project.plan.changes if change.change_id not in deployed]
        for change in named:
            if change not in pending:
                raise UsageError(f"{change.name} is deployed in {dump.name} already.", now=_NOTHING)
        wanted = {change.change_id for change in named or pending}
        trials = scripts_up_to_last(project, environment, wanted, variables, pending)
        return walk(ground, trials, wanted, data, tell, say, tuple(notes))


class _Archive:
    """A dump that pg_restore can read, and what of it is restored."""

    def __init__(self, dump: Path, tools: Tools, folder: Path) -> None:
        self._dump = dump
        self._program = str(tools.folder / "pg_restore")
        self._list, self._written = folder / "contents.list", folder / "contents.all"
        status, said = run_program([self._program, "--list", f"--file={self._written}", str(dump)], {"LC_ALL": "C"})
        if status:
            raise UsageError(
                f"{dump} can't be read: {said[0] if said else 'pg_restore failed'}",
                now="Nothing was tested.",
                do="It must be an archive of pg_dump: --format=custom, directory or tar.",
            )
        lines = self._written.read_text(encoding="utf-8", errors="replace").splitlines()
        entries = [found[1] for line in lines if (found := _ENTRY.match(line))]
        self.extensions = [found[1] for one in entries if (found := _EXTENSION.match(one)) and found[1] != "plpgsql"]
        kept = [line for line in lines if not (found := _ENTRY.match(line)) or not found[1].startswith(_LEFT_OUT)]
        self._list.write_text("\n".join(kept) + "\n", encoding="utf-8")

    def restore(self, scratch: ScratchServer, database: str, password: str) -> list[str]:
        """Restore it; the errors that there were. Raises UsageError where it breaks off."""
        where = scratch.endpoint(database, OWNER, password)
        command = [
            self._program, "--no-owner", "--no-privileges", "--no-password", "--no-tablespaces", "--no-publications",
            f"--use-list={self._list}", f"--dbname={conninfo_text(where.conninfo)}", str(self._dump),
        ]  # fmt: skip
        environment = {**libpq_environment(where, "pgmig/rehearsal/restore"), "LC_ALL": "C"}
        status, lines = run_program(command, environment)
        if status and not any(_GOES_ON in line for line in lines):  # it has stopped somewhere
            raise UsageError(
                f"{self._dump} can't be restored to its end: {lines[-1] if lines else 'pg_restore failed'}",
                now=_NOTHING,
                do="Make the dump again, or copy it whole.",
            )
        return list(problems_of(lines, ()))


def _restored(stack: ExitStack, archive: _Archive, scratch: ScratchServer, password: str) -> tuple[str, list[str]]:
    """The database with what is in the dump, and what could not be restored. Once more where roles were missed."""
    missed = Missed(extensions=available(scratch, archive.extensions))
    lacking = sorted(set(archive.extensions) - set(missed.extensions))
    while True:
        attempt = stack.enter_context(ExitStack())
        database = attempt.enter_context(scratch_database(scratch, "UTF8"))
        hand_over(scratch, database, missed)
        problems = archive.restore(scratch, database, password)
        roles = sorted({found[1] for one in problems if (found := _NO_ROLE.search(one))} - set(missed.roles))
        if not roles:
            break
        attempt.close()
        make_roles(scratch, [], roles)
        missed.roles += roles
    notes = [f"the extension {name} is not installed here" for name in lacking]
    return database, [*notes, *(f"not restored: {one}" for one in problems)]


def _mask(scratch: ScratchServer, ground: Ground, database: str, masks: Sequence[Mask]) -> tuple[Mask, ...]:
    if not masks:
        return ()
    if scratch.version_num >= 150000:  # before, no role but a superuser may keep triggers from firing
        with scratch.session() as admin:
            admin.execute(f"GRANT SET ON PARAMETER session_replication_role TO {ident(OWNER)}")
    session = data_session(ground.endpoint(database))
    try:
        session.execute("SET statement_timeout = 0")
        if scratch.version_num >= 150000:
            session.execute("SET session_replication_role = replica")
        done = mask(session, masks)
    finally:
        session.close()
        if scratch.version_num >= 150000:
            with scratch.session() as admin:
                admin.execute(f"REVOKE SET ON PARAMETER session_replication_role FROM {ident(OWNER)}")
    return done


def _told(done: Sequence[Mask], masks: Sequence[Mask]) -> list[str]:
    if not done:
        return ["no column of the dump is masked: no rule (-- mask:) is about one that is there"]
    told = [f"masked: {words.listing(_columns(done))}; every other column is as it is in the dump"]
    lacking = [one for one in masks if one not in done]
    return [*told, f"not in the dump, and so not masked: {words.listing(_columns(lacking))}"] if lacking else told


def _columns(masks: Sequence[Mask]) -> list[str]:
    return [f"{one.schema}.{one.table}.{one.column}" for one in masks]
