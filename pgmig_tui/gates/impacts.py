"""From changes of a project to the lock impact of their scripts: the road that the command line and reviews share.

Without a server the answer comes from the text alone. With one, its catalog is asked once, and the effects of pending
changes that come earlier are carried forward, since they will have happened by then.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha1
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pgmig_tui.database.forecast import ForecastScript, forecast, forecast_by, walk
from pgmig_tui.errors import ProjectError
from pgmig_tui.gates.loss import Losses, of_script, together
from pgmig_tui.impact.advice import silenced
from pgmig_tui.impact.needed import WantedLock, wanted_by
from pgmig_tui.impact.predict import Catalog, to_json
from pgmig_tui.impact.written import script_text
from pgmig_tui.script.actions import ServerFacts
from pgmig_tui.script.batch import ParseAhead
from pgmig_tui.script.files import Allow, FileSource, ProjectFiles
from pgmig_tui.script.preview import Finding, Preview, preview
from pgmig_tui.script.problems import ScriptError
from pgmig_tui.script.regular import SCRIPT_BYTES, read_bounded
from pgmig_tui.script.shape import wraps

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.database.dumped import DumpedCatalog
    from pgmig_tui.impact.result import ScriptImpact
    from pgmig_tui.project.changes import Change
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.script.statement import Statement

NEWEST = 180000
"""The version whose rules count when no server is asked."""


FORBIDDEN = "42501"


@dataclass(frozen=True, slots=True)
class Source:
    """A script to look at; `change` is "" for a file that belongs to none, and for one that isn't told of itself.
    `later`: it runs when what those before it have made is in use; `missing`: it isn't there, and nobody knows what it
    does."""

    change: str
    name: str
    data: bytes
    later: bool = False
    missing: bool = False


@dataclass(frozen=True, slots=True)
class EarlierDuration:
    """How many milliseconds a change's script took when it was last deployed in an environment."""

    environment: str
    ms: int


@dataclass(frozen=True, slots=True)
class EarlierTest:
    """What is kept of a test or rehearsal of a change: in one line, and as JSON has it. `good`: it passed, and no
    script has changed since."""

    line: str
    facts: Mapping[str, object]
    good: bool


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a script will do, what its text made a reader notice, and what it took where it was deployed before.
    `included` are the files that it reads as SQL, each with the SHA-1 of its bytes, "" where it can't be read."""

    change: str
    impact: ScriptImpact
    findings: tuple[Finding, ...]
    measured: tuple[EarlierDuration, ...] = ()
    included: tuple[tuple[str, str], ...] = ()
    tested: EarlierTest | None = None

    def to_json(self) -> dict[str, object]:
        """An element of "scripts" of `impact --json`."""
        return {
            **to_json(self.impact, self.change),
            "findings": self._findings(),
            "measured": self._measured(),
            "tested": self._tested(),
        }

    def _tested(self) -> dict[str, object] | None:
        return None if self.tested is None else dict(self.tested.facts)

    def _measured(self) -> list[dict[str, object]]:
        return [{"environment": one.environment, "ms": one.ms} for one in self.measured]

    def _findings(self) -> list[dict[str, object]]:
        return [
            {"path": one.path, "line": one.line, "code": one.code, "message": one.message, "refuses": one.refuses}
            for one in self.findings
        ]

    def json_text(self) -> str:
        """The same as text."""
        told, before = json.dumps(self._findings()), json.dumps(self._measured())
        more = f', "findings": {told}, "measured": {before}, "tested": {json.dumps(self._tested())}'
        return script_text(self.impact, self.change, more)


@dataclass(frozen=True, slots=True)
class Reading:
    """How scripts are read: what psql would know and be allowed. `version` is the server's server_version_num."""

    files: FileSource
    variables: Mapping[str, str]
    allow: Allow
    server: ServerFacts

    def preview(self, source: Source) -> Preview:
        return preview(source.name, source.data, self.files, self.variables, self.allow, self.server, rows=True)

    def included(self, view: Preview) -> tuple[tuple[str, str], ...]:
        """The files that a script includes, each with the SHA-1 of its bytes, "" where it can't be read."""
        found = []
        for name in view.included:
            digest = ""
            with contextlib.suppress(ScriptError):
                digest = sha1(self.files.read(name, relative_to=None, line=0)[1], usedforsecurity=False).hexdigest()
            found.append((name, digest))
        return tuple(found)


def reading(
    project: Project,
    kind: Literal["deploy", "revert"],
    environment: Environment | None,
    connection: Connection | None,
    extra: Mapping[str, str],
) -> Reading:
    """How the scripts of a project are read for an environment, or for none."""
    if environment is None:
        variables = {**project.config.section("core.variables"), **project.config.section("deploy.variables")}
        if kind == "revert":
            variables |= project.config.section("revert.variables")
        variables |= project.config.section("engine.pg.variables")
        return Reading(ProjectFiles(project.root), {"registry": "sqitch", **variables, **extra}, Allow(), unasked({}))
    policy, target = environment.policy, environment.target
    variables = project.variables(kind, target, extra)
    server = unasked(target.conninfo) if connection is None else connection.identity().facts
    files = ProjectFiles(project.root, allow_files=policy.allow_files)
    return Reading(files, variables, Allow(shell=policy.allow_shell, files=policy.allow_files), server)


def unasked(conninfo: Mapping[str, str]) -> ServerFacts:
    """What psql would know of a session that isn't there: what the target says, and stand-ins for the rest, for
    `:"DBNAME"` and `:USER` have to be names."""
    stand_ins = {"dbname": "dbname", "user": "username", "host": "host"}
    found = {name: conninfo.get(name) or other for name, other in stand_ins.items()}
    return ServerFacts(NEWEST, port=conninfo.get("port") or "5432", **found)


def sources(project: Project, changes: Iterable[Change], kind: Literal["deploy", "revert"]) -> Iterator[Source]:
    """The scripts of changes as they lie on disk. Raises ProjectError naming one that can't be read."""
    for change in changes:
        yield file_source(project, project.script_path(change, kind), change.name)


CARRIED = 200
"""So many scripts that run before those that are asked about are read for their effects."""


def deploy_order(lacking: Iterable[Change], change: Change) -> list[Change]:
    """The changes that are deployed before a pending one is, as far as they are carried."""
    return [one for one in lacking if one.index < change.index][-CARRIED:]


def carried(project: Project, changes: Iterable[Change], kind: Literal["deploy", "revert"]) -> Iterator[Source]:
    """The scripts of changes that only their effects are asked of; of one that isn't there they aren't known. Raises
    ProjectError."""
    for change in changes:
        path = project.script_path(change, kind)
        if path.exists():
            yield replace(file_source(project, path, change.name), change="")
        else:
            yield Source("", project.relative(path), b"", missing=True)


def revert_sources(
    project: Project, lacking: Collection[Change], chosen: Collection[Change], known: Iterable[Change]
) -> Iterator[Source]:
    """The revert scripts of chosen changes, in the order in which they would run, and before each of them what will
    have run by then: where some of them are pending, the deploy scripts up to them; then the revert scripts of those
    after them that are `known`, in plan order. Raises ProjectError naming a script that can't be read."""
    waiting, asked = {one.index for one in lacking}, {one.index for one in chosen}
    last, first = max(waiting & asked, default=-1), min(asked, default=0)
    yield from carried(project, [one for one in lacking if one.index <= last][-CARRIED:], "deploy")
    there = [one for one in known if one.index >= first and (one.index <= last or one.index not in waiting)]
    others = frozenset([one.index for one in reversed(there) if one.index not in asked][-CARRIED:])
    used = last >= 0
    for change in reversed(there):
        found: Iterable[Source] = ()
        if change.index in asked:
            found = [file_source(project, project.script_path(change, "revert"), change.name)]
        elif change.index in others:
            found = carried(project, [change], "revert")
        for source in found:
            yield replace(source, later=used)
            used = False


def file_source(project: Project, path: Path, change: str = "") -> Source:
    """A script of the project, or with no `change` any file that a person has named; its name is relative to the
    project where it lies inside. Raises ProjectError."""
    name = project.relative(path)
    try:
        return Source(change, name, project.inside.read(path) if change else read_bounded(path, SCRIPT_BYTES))
    except OSError as error:
        raise ProjectError(
            f"The script {name} can't be read: {error.strerror or error}.",
            now="Nothing was changed.",
            do="Restore the file, or take its change out of the plan.",
        ) from error


def inspect(
    scripts: Iterable[Source],
    how: Reading,
    connection: Connection | None = None,
    *,
    wanted: frozenset[str] | None = None,
    so_far: Callable[[ScriptImpact], None] | None = None,
    dumped: DumpedCatalog | None = None,
) -> list[Inspected]:
    """The impact of scripts that run one after the other: by the catalog behind `connection`, or by that of a schema
    dump (`dumped`), of which no time is told; without either from the text alone.

    Of those whose change isn't `wanted` (None = all are) only the effects count. `so_far` is given the beginning of a
    long wanted script's impact while the rest is still being looked at. Raises ServerError and Unreachable
    when a server is asked.
    """
    views = []
    with ParseAhead() as ahead:
        for source in scripts:
            view = how.preview(source)
            ahead.give(view.statements)
            views.append((source, view))
        ahead.close()
        return _predict(views, how, connection or dumped, ahead, wanted, so_far)


def losses_of(sql: str, server: ServerFacts, connection: Connection) -> Losses:
    """What a statement may lose that is printed for somebody to run. Raises ServerError and Unreachable."""
    how = Reading(ProjectFiles(Path("/nonexistent")), {}, Allow(), server)
    return together(of_script(one.impact) for one in inspect([Source("", "", sql.encode())], how, connection))


def _predict(
    views: list[tuple[Source, Preview]],
    how: Reading,
    known_by: Connection | DumpedCatalog | None,
    ahead: ParseAhead,
    wanted: frozenset[str] | None,
    so_far: Callable[[ScriptImpact], None] | None,
) -> list[Inspected]:
    def told(source: Source) -> bool:
        return wanted is None or source.change in wanted

    def script(source: Source, view: Preview, statements: Iterable[Statement]) -> ForecastScript:
        heard = so_far if told(source) else None
        return ForecastScript(
            source.name, statements, wraps(view), view.complete, heard, source.later, view.straight, source.missing
        )

    version, refused = how.server.version_num, ""
    if known_by is None:
        impacts = walk(
            (script(source, view, ahead.ready(view.statements)) for source, view in views), Catalog(None), version
        )
    else:
        for _, view in views:
            for _ in ahead.ready(view.statements):
                pass
        scripts = [script(source, view, view.statements) for source, view in views]
        impacts, refused = _forecast(scripts, known_by, version)
    found = []
    for (source, view), impact in zip(views, impacts, strict=True):
        if told(source):
            impact, troubles = silenced(replace(impact, unread=view.refused), view)
            without = (
                [Finding(source.name, 1, "catalog", f"{refused}; all this is from the text alone")] if refused else []
            )
            findings = (*without, *view.findings, *troubles)
            found.append(Inspected(source.change, impact, findings, included=how.included(view)))
    return found


def _forecast(
    scripts: list[ForecastScript], known_by: Connection | DumpedCatalog, version_num: int
) -> tuple[list[ScriptImpact], str]:
    """What the server's catalog tells; where this role may not read it, what the text does, and why."""
    from pgmig_tui.database.connect import ServerError
    from pgmig_tui.database.dumped import DumpedCatalog
    from pgmig_tui.database.rates import read_rates

    if isinstance(known_by, DumpedCatalog):
        return [_untimed(one) for one in forecast_by(scripts, known_by.read, version_num)], ""
    connection = known_by

    rates = read_rates(connection)
    try:
        return forecast(scripts, connection, version_num, rates), ""
    except ServerError as error:
        if error.sqlstate != FORBIDDEN:
            raise
        refused = f"the server's catalog is UNKNOWN ({error.message})"
        return walk(scripts, Catalog(None), version_num, rates), refused


def _untimed(impact: ScriptImpact) -> ScriptImpact:
    """Without times: how fast the server is that a dump is of nobody has measured."""
    return replace(impact, statements=tuple(replace(one, estimated_ms=None) for one in impact.statements))


def pending(project: Project, environment: Environment, connection: Connection) -> list[Change]:
    """The changes of the plan that the environment lacks, in plan order."""
    from pgmig_tui.database.registry import read_deployed

    rows = read_deployed(connection, environment.target.registry, project.plan.project)
    deployed = {row.change_id for row in rows}
    return [change for change in project.plan.changes if change.change_id not in deployed]


def affected(found: Iterable[Inspected]) -> tuple[WantedLock, ...]:
    """The lock on every relation that exists already and that the scripts lock."""
    return wanted_by(one.impact for one in found)
