"""`--schema DUMP` of the commands that look at scripts: the dump, loaded, and which changes it lacks."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.rehearse import interrupt_on_sigterm, tell
from pgmig_tui.errors import UsageError

if TYPE_CHECKING:
    from pgmig_tui.project.changes import Change
    from pgmig_tui.project.project import Project
    from pgmig_tui.rehearse.schema_dump import SchemaDump

_NOTHING = "Nothing was looked at."


@contextmanager
def loaded_schema(arguments: Namespace, project: Project) -> Iterator[SchemaDump | None]:
    """The dump that --schema names, loaded; None without the option. Raises UsageError."""
    if arguments.schema is None:
        if arguments.since is not None:
            raise UsageError("--from says what the dump of --schema has; there is none.", now=_NOTHING)
        yield None
        return
    from pgmig_tui.rehearse.schema_dump import loaded
    from pgmig_tui.run.journal.folder import default_state_dir

    registry = project.any_environment.target.registry
    interrupt_on_sigterm()  # our own server has to be stopped
    dump, state_dir = Path(arguments.schema), default_state_dir(os.environ)
    with loaded(dump, registry, state_dir=state_dir, say=tell) as schema:
        yield schema


def lacking_in(
    schema: SchemaDump, project: Project, since: str | None, chosen: Sequence[Change] = ()
) -> list[Change] | None:
    """The changes that the dump lacks, in plan order: those after `since`, else by the registry's rows in it, else the
    chosen ones, of which nothing else is known. None where nothing tells. Raises ProjectError for an unknown `since`.
    """
    changes = project.plan.changes
    if since is not None:
        last = project.plan.find(since).index
        return [one for one in changes if one.index > last]
    if schema.deployed is not None:
        there = schema.deployed.get(project.plan.project, frozenset())
        return [one for one in changes if one.change_id not in there]
    return sorted(chosen, key=lambda one: one.index) if chosen else None


def refuse_untold(schema: SchemaDump) -> UsageError:
    """Why nothing can be looked at where nobody knows which changes the dump lacks."""
    return UsageError(
        f"{schema.name} holds no rows of the registry, so which changes it lacks isn't known.",
        now=_NOTHING,
        do="Name the last change that it has: --from CHANGE or --from @TAG. Or name changes or files.",
    )


def warn_of(schema: SchemaDump) -> None:
    """What a reader has to know of the dump, beside what is found."""
    for one in schema.lines(every=output.is_verbose()):
        output.warn(one)


def heading(schema: SchemaDump) -> str:
    """What was asked, in words."""
    of = f"PostgreSQL {schema.version}" if schema.version else "PostgreSQL of an unknown version"
    return f"by the schema dump {schema.name} of {of}; {schema.sizes}, and no time is told"
