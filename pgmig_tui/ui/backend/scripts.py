"""Scripts of changes and their impact, as facts for the screens. Brings the parser along: only ever used in threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha1
from typing import TYPE_CHECKING

from pgmig_tui.display.safe import safe
from pgmig_tui.errors import PgmigError
from pgmig_tui.ui.backend.protocol import ImpactFacts, ScriptKind, ScriptText

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.database.connect import Connection
    from pgmig_tui.gates.impacts import Inspected
    from pgmig_tui.impact.result import ScriptImpact
    from pgmig_tui.project.changes import Change
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.review.now import RightNow

LONGEST = 50_000_000


def read_script(project: Project, change: Change, kind: ScriptKind) -> ScriptText:
    """The text of a script on disk, control characters made visible; bytes that aren't UTF-8 show as U+FFFD."""
    path = project.script_path(change, kind)
    name = project.relative(path)
    try:
        data = project.inside.read(path)
    except FileNotFoundError:
        return ScriptText(change.change_id, kind, name, problem=f"{name} does not exist")
    except OSError as error:
        return ScriptText(change.change_id, kind, name, problem=f"{name} can't be read: {error.strerror}")
    if len(data) > LONGEST:
        return ScriptText(change.change_id, kind, name, problem=f"{name} has {len(data):,} bytes: too long to show")
    text = data.decode("utf-8", errors="replace").replace("\r\n", "\n")
    digest = sha1(data, usedforsecurity=False).hexdigest()
    return ScriptText(change.change_id, kind, name, safe(text, multiline=True), digest)


def load_parser() -> None:
    """Bring in all that an impact needs (0.15 s of a core), so that the first look at a change doesn't wait for it.

    What is wrong with it, the first look will say: this raises nothing.
    """
    from pathlib import Path

    with suppress(Exception):
        from pgmig_tui.gates.impacts import NEWEST, Reading, Source, inspect
        from pgmig_tui.script.actions import ServerFacts
        from pgmig_tui.script.files import Allow, ProjectFiles

        how = Reading(ProjectFiles(Path()), {}, Allow(), ServerFacts(NEWEST))
        inspect([Source("", "", b"ALTER TABLE t ADD c int")], how)


SoFar = Callable[[ImpactFacts], None]
BEGINNING = 16_000
"""So many bytes of a longer script are looked at first: some hundred lines, a few hundredths of a second."""


def read_impact(
    project: Project,
    change: Change,
    kind: ScriptKind,
    environment: Environment | None,
    *,
    live: bool,
    lacking: Sequence[Change] = (),
    so_far: SoFar | None = None,
) -> ImpactFacts:
    """The impact of a script on disk. With `live` the environment's catalog is asked, else the text alone speaks.

    The revert and verify scripts of a change that isn't deployed come after its deploy script, and are judged by what
    that makes of the schema. Without `live` the changes that aren't deployed are `lacking`, in plan order.

    Of a long script `so_far` hears the beginning at once, from the text alone, then more of it as it is read.
    """
    if not project.has_script(change, kind):
        return ImpactFacts(None, problem=f"there is no {kind} script")
    if so_far is not None:
        _tell_beginning(project, change, kind, environment, so_far)
    if not live or environment is None:
        return _facts(_inspect(project, lacking, change, kind, environment, None, so_far), "", False)
    from pgmig_tui.database.connect import application_name, connect
    from pgmig_tui.gates import impacts

    try:
        with connect(environment.target, application_name=application_name("impact", "watch")) as connection:
            here = impacts.pending(project, environment, connection)
            server = f"PostgreSQL {connection.identity().version}"
            found = _inspect(project, here, change, kind, environment, connection, so_far, server)
            facts = _facts(found, server, found.impact.catalog)
            if so_far is None or kind != "deploy":
                return facts
            so_far(facts)  # the other environment may take its time
            return replace(facts, measured=_measured(project, environment, connection, found))
    except PgmigError as error:
        alone = _facts(_inspect(project, lacking, change, kind, environment, None), "", False)
        return ImpactFacts(alone.impact, findings=(*alone.findings, f"the server's catalog: {error.what}"))


def with_test(found: ImpactFacts, project: Project, change: Change, state_dir: Path) -> ImpactFacts:
    """The same, with what is kept of a test of the change."""
    from pgmig_tui.review.tests_kept import standings

    kept = standings(project, [change], state_dir).get(change.change_id)
    return found if kept is None else replace(found, measured=(*found.measured, kept.line))


def _measured(project: Project, environment: Environment, connection: Connection, found: Inspected) -> tuple[str, ...]:
    """What the script took where it was deployed before."""
    from pgmig_tui.display import words
    from pgmig_tui.review.measured_before import measured_before

    told = [
        f"{words.duration(one.ms)} in {one.environment}"
        for inspected in measured_before(project, environment, connection, [found])
        for one in inspected.measured
    ]
    return (f"measured before, the whole script: {', '.join(told)}",) if told else ()


def _tell_beginning(
    project: Project, change: Change, kind: ScriptKind, environment: Environment | None, so_far: SoFar
) -> None:
    """The first statements, when there are many more. An error here is for the whole to tell."""
    from pgmig_tui.gates.impacts import Source, inspect, reading

    path = project.script_path(change, kind)
    try:
        data = project.inside.beginning(path, BEGINNING + 1)
    except OSError:
        return
    end = data.rfind(b"\n", 0, BEGINNING) + 1
    if len(data) <= BEGINNING or not end:
        return
    how = reading(project, "revert" if kind == "revert" else "deploy", environment, None, {})
    found = inspect([Source(change.change_id, project.relative(path), data[:end])], how)[0]
    statements = found.impact.statements[:-1]  # the last one is cut off somewhere
    if statements:
        beginning = replace(found.impact, statements=statements, transactional=True)
        so_far(ImpactFacts(beginning, upto=statements[-1].end_line))


def read_now(environment: Environment, impact: ScriptImpact, before: RightNow | None) -> RightNow:
    """Who is in the way of an impact's locks; `before` is an earlier answer, to tell rates by."""
    from pgmig_tui.database.connect import application_name, connect
    from pgmig_tui.review.now import RightNow, compose, read, wanted_by

    wanted = wanted_by([impact])
    try:
        with connect(environment.target, application_name=application_name("now", "watch")) as connection:
            earlier = before.now if before is not None else None
            return compose(environment.name, wanted, read(connection, wanted), earlier)
    except PgmigError as error:
        return RightNow(environment.name, datetime.now(UTC), wanted, problem=error.what)


def _inspect(
    project: Project,
    lacking: Sequence[Change],
    change: Change,
    kind: ScriptKind,
    environment: Environment | None,
    asked: Connection | None,
    so_far: SoFar | None = None,
    server: str = "",
) -> Inspected:
    """The impact of a change's script after what runs before it where these changes are pending."""
    from pgmig_tui.gates import impacts

    def tell(part: ScriptImpact) -> None:
        if so_far is not None:
            so_far(ImpactFacts(part, server, asked is not None, upto=part.statements[-1].end_line))

    if kind == "revert":
        # From the text alone nobody knows what comes after it.
        known = project.plan.changes if asked is not None else [change]
        scripts = list(impacts.revert_sources(project, lacking, [change], known))
    else:
        waits = change in lacking
        before = [*impacts.deploy_order(lacking, change), *([change] if kind == "verify" else [])] if waits else []
        scripts = list(impacts.carried(project, before, "deploy"))
        scripts.append(impacts.file_source(project, project.script_path(change, kind), change.name))
    how = impacts.reading(project, "revert" if kind == "revert" else "deploy", environment, asked, {})
    wanted = frozenset([change.name])
    return impacts.inspect(scripts, how, asked, wanted=wanted, so_far=None if so_far is None else tell)[0]


def _facts(found: Inspected, server: str, live: bool) -> ImpactFacts:
    findings = tuple(f"line {one.line}: {one.message}" for one in found.findings)
    return ImpactFacts(found.impact, server, live, findings=findings)
