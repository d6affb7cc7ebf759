"""`pgmig-tui impact`: what the scripts of changes lock, rewrite, scan and lose."""

from __future__ import annotations

import gc
import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_named, folder_here, folder_of, project_here
from pgmig_tui.cli.schema_dump import heading, lacking_in, loaded_schema, refuse_untold, warn_of
from pgmig_tui.display.cells import line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import ProjectError, UsageError, in_a_line

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.gates.impacts import Inspected
    from pgmig_tui.project.changes import Change
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.rehearse.schema_dump import SchemaDump
    from pgmig_tui.review.now import RightNow


def impact(arguments: Namespace) -> int:
    """Exit status 3 when --fail-on is given and a script reaches that risk, silenced statements left out."""
    with _no_collection():
        return _impact(arguments)


@contextmanager
def _no_collection() -> Iterator[None]:
    """A large script makes hundreds of thousands of values, none of them in circles: looking for circles over and over
    is a fifth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.freeze()  # nor at the program's end
            gc.enable()


def _impact(arguments: Namespace) -> int:
    style = "json" if arguments.json else arguments.format or "table"
    if arguments.json and arguments.format not in (None, "json"):
        raise UsageError(f"--json and --format {arguments.format} can't both be.", now="Nothing was done.")
    if arguments.file and (arguments.changes or arguments.revert):
        raise UsageError("--file stands instead of changes of the plan.", now="Nothing was done.")
    if arguments.schema is not None and arguments.target is not None:
        raise UsageError("--schema stands instead of --target.", now="Nothing was done.")
    project = _project(arguments)
    environment: Environment | None = None
    found: list[Inspected]
    now: RightNow | None = None
    schema: SchemaDump | None = None
    if arguments.target is None:
        with loaded_schema(arguments, project) as schema:
            found, version = _look(arguments, project, None, None, schema)
    else:
        if arguments.since is not None:
            raise UsageError("--from says what a dump has; --target is asked itself.", now="Nothing was done.")
        from pgmig_tui.database.connect import application_name, connect

        project, environment = environment_named(project, arguments.target)
        with connect(environment.target, application_name=application_name("impact", environment.name)) as connection:
            found, version = _look(arguments, project, environment, connection)
            if not arguments.revert:
                from pgmig_tui.review.measured_before import measured_before

                found = measured_before(project, environment, connection, found)
            if style != "markdown":
                from pgmig_tui.review.now import ask

                now = ask(connection, environment.name, (one.impact for one in found))
    if project.plan.changes:
        from pgmig_tui.review.tests_kept import with_tests
        from pgmig_tui.run.journal.folder import default_state_dir

        found = with_tests(project, found, default_state_dir(os.environ))
    show(found, style, version, environment, now, schema)
    if arguments.fail_on:
        from pgmig_tui.report.impact_report import at_least

        return 3 if any(at_least(one.impact.open_risk, arguments.fail_on) for one in found) else 0
    return 0


def _project(arguments: Namespace) -> Project:
    """The project here; for --file any folder will do, also one whose plan or configuration can't be read, or that is
    gone."""
    try:
        return project_here(arguments)
    except (ProjectError, FileNotFoundError):
        if not arguments.file and not any(map(_is_path, arguments.changes)):
            raise
    file = arguments.file or arguments.changes[0]
    try:
        return folder_here(arguments)
    except FileNotFoundError:
        return folder_of(_absolute(file))
    except ProjectError as error:
        if arguments.target is not None:
            raise
        told = in_a_line("\n".join((error.what, *error.details)))
        output.warn(f"{told} Nothing of the configuration counts here.")
        return folder_of(_absolute(file))


def _paths(arguments: Namespace, project: Project) -> list[Path]:
    """The files and folders that are named instead of changes. Raises UsageError for both at once."""
    if arguments.file:
        return [_absolute(arguments.file)]
    named = [word for word in arguments.changes if not project.plan.contains(word) and _is_path(word)]
    if named and (len(named) < len(arguments.changes) or arguments.revert):
        raise UsageError(f"{named[0]} stands instead of changes of the plan.", now="Nothing was done.")
    return [_absolute(word) for word in named]


def _is_path(word: str) -> bool:
    return word.lower().endswith(".sql") or os.path.exists(word)  # noqa: PTH110 - a name without a path may be any text


def _absolute(file: str) -> Path:
    try:
        return Path(file).absolute()
    except FileNotFoundError as error:  # the current folder
        raise UsageError(
            f"The file {file} can't be found: the current folder is gone.",
            now="Nothing was done.",
            do="Change to another folder, or give the file's whole path.",
        ) from error


def _look(
    arguments: Namespace,
    project: Project,
    environment: Environment | None,
    connection: Connection | None,
    schema: SchemaDump | None = None,
) -> tuple[list[Inspected], int]:
    from pgmig_tui.gates.impacts import file_source, inspect, pending, reading, revert_sources, sources

    kind: Literal["deploy", "revert"] = "revert" if arguments.revert else "deploy"
    how = reading(project, kind, environment, connection, dict(arguments.variables))
    dumped = schema.catalog if schema is not None else None
    if dumped is not None:
        how = replace(how, server=replace(how.server, version_num=dumped.version_num))
    paths = _paths(arguments, project)
    if paths:
        from pgmig_tui.lint.sources import sql_files

        scripts = [file_source(project, file) for path in paths for file in sql_files(path, project)]
        return inspect(scripts, how, connection, dumped=dumped), how.server.version_num
    chosen = [project.plan.find(spec) for spec in arguments.changes]
    if schema is not None:
        known = lacking_in(schema, project, arguments.since, chosen)
        if known is None:
            raise refuse_untold(schema)
        lacking = known
    elif environment is None or connection is None:
        changes = sorted(chosen, key=lambda change: change.index) if chosen else list(project.plan.changes)
        if kind == "revert":
            changes.reverse()
        return inspect(sources(project, changes, kind), how), how.server.version_num
    else:
        lacking = pending(project, environment, connection)
    if kind == "revert":
        chosen = chosen or [change for change in project.plan.changes if (change in lacking) == (schema is not None)]
        scripts = list(revert_sources(project, lacking, chosen, project.plan.changes))
        wanted = frozenset(change.name for change in chosen)
    else:
        changes, wanted = _to_deploy(lacking, chosen)
        scripts = list(sources(project, changes, "deploy"))
    return inspect(scripts, how, connection, wanted=wanted, dumped=dumped), how.server.version_num


def _to_deploy(lacking: list[Change], chosen: list[Change]) -> tuple[list[Change], frozenset[str]]:
    """The changes to walk through in the order in which they would run, and the names of those to tell of.

    A pending change comes after the pending ones before it; a deployed one is looked at as the database is now. Without
    names: what is pending.
    """
    if not chosen:
        return lacking, frozenset(change.name for change in lacking)
    last = max((change.index for change in chosen if change in lacking), default=-1)
    done = [change for change in chosen if change not in lacking]
    return [*done, *(change for change in lacking if change.index <= last)], frozenset(change.name for change in chosen)


def show(
    found: list[Inspected],
    style: str,
    version: int,
    environment: Environment | None,
    now: RightNow | None = None,
    schema: SchemaDump | None = None,
) -> None:
    """Print what was found, as a table, Markdown or JSON; `now` is what goes on on the server beside it, `schema` the
    dump by which it was found instead of a server."""
    if style == "json":
        rates = found[0].impact.rates.to_json() if found and environment is not None else None
        output.document_of(
            {
                "server_version_num": version,
                "catalog": (environment or schema) is not None and all(f.impact.catalog for f in found),
                "schema": schema.to_json() if schema is not None else None,
            },
            "scripts",
            (one.json_text() for one in found),
            {"rates": rates, "now": now.to_json() if now is not None else None},
        )
        return
    from pgmig_tui.report import impact_report

    asked = "from the text alone; --target asks a server's catalog too"
    if schema is not None:
        asked = heading(schema)
        warn_of(schema)
    if environment is not None:
        known = all(one.impact.catalog for one in found)
        asked = f"on {environment.name}, PostgreSQL {version // 10000}, "
        asked += "as its catalog is now" if known else "whose catalog this role may not read: from the text alone"
        if found and any(statement.estimated_ms for statement in found[0].impact.statements):
            asked += f"; rates for times: {found[0].impact.rates.how}"
    if style == "markdown":
        output.text_out(impact_report.markdown(found, [asked, *(schema.lines() if schema is not None else ())]))
        return
    output.say(line((safe(asked), "muted")))
    if not found:
        output.say(line(("+ ", "done"), "nothing is pending"))
    for one in found:
        output.say()
        output.say(impact_report.headline(one.impact, one.change))
        rows = impact_report.rows(one.impact)
        if rows:
            output.table(impact_report.HEADINGS, rows)
        before = [*impact_report.measured_lines(one.measured), *impact_report.tested_lines(one.tested)]
        for remark in [*before, *impact_report.remarks(one.impact), *impact_report.finding_lines(one.findings)]:
            output.say(remark)
    if now is not None and (now.wanted or now.problem):
        output.say()
        output.say(line(("Right now", "strong"), safe(f" on {now.environment}")))
        for told_now in now.lines():
            output.say(told_now)
