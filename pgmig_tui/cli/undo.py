"""`undo`: bring back the rows and values that a rollback has saved, after a redeploy; or list what is kept."""

from __future__ import annotations

import contextlib
import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_named, located_environment, project_here
from pgmig_tui.cli.confirm import accept, confirm
from pgmig_tui.display import words
from pgmig_tui.display.cells import line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import Refused, UsageError

if TYPE_CHECKING:
    from pgmig_tui.database.undo import Kept, RestoreOutcome
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project


def undo(arguments: Namespace) -> int:
    """Bring back what a rollback has kept, after its change was deployed again. Without a run: list what is kept."""
    from pgmig_tui.gates.gate import loss_accepted
    from pgmig_tui.gates.loss import of_undo
    from pgmig_tui.report.incident import refresh
    from pgmig_tui.review.policies import exempt_told
    from pgmig_tui.review.undoing import kept_line, restored_lines
    from pgmig_tui.run.clients.undo import bring_back, kept_of
    from pgmig_tui.run.journal.folder import default_state_dir

    project, environment = _kept_where(arguments)
    if arguments.run is not None:
        environment = located_environment(project, environment)
        _require_its_server(arguments, project, environment)
    schema = environment.policy.keep_schema
    kept = kept_of(environment, schema, arguments.run)
    if arguments.run is None:
        return _list_kept(arguments, kept, schema)
    left = [one for one in kept if one.restored_at is None]
    if not left:
        back = f"it was brought back at {words.utc(kept[0].restored_at)}" if kept else "nothing was kept"
        output.note(line(("~ ", "muted"), f"Nothing to undo of {safe(arguments.run)} on {environment.name}: {back}."))
        return 0
    where = f"{safe(environment.name)} ({safe(environment.target.display)})"
    output.note(line(("BRING BACK on ", "strong"), (where, "tier-prod" if environment.policy.protected else "strong")))
    for kept_one in left:
        output.note(line("  ", kept_line(kept_one)))
    if exempt := exempt_told(environment, "undo"):
        output.note(line(("  N-A  ", "muted"), safe(exempt)))
    loses = of_undo(left, overwrite=arguments.overwrite)
    for told in loses.lines():
        output.note(told)
    asked = loses.to_accept("undo", protected=environment.policy.protected).all
    accept(arguments, f"The undo replaces what was written since on {environment.name}.", asked)
    confirm(arguments, environment, "bring this back")
    state_dir = default_state_dir(os.environ)
    accepted = loss_accepted(asked, str(project.operator)).note if asked else ""
    done = bring_back(
        project,
        environment,
        arguments.run,
        state_dir,
        overwrite=arguments.overwrite,
        accepted=accepted,
        tell=output.warn,
    )
    refresh(state_dir / "runs" / Path(arguments.run).name)
    if arguments.json:
        restored = [_restored(one) for one in done]
        output.document({"run": arguments.run, "environment": environment.name, "restored": restored})
    else:
        for restored_one in done:
            for shown in restored_lines(restored_one, schema, overwrite=arguments.overwrite):
                output.say(shown)
    return 0 if all(one.equal for one in done) else 1


def _kept_where(arguments: Namespace) -> tuple[Project, Environment]:
    """The environment that is named, or that of the run, as its folder says."""
    from pgmig_tui.run.journal.folder import RUN_ID, default_state_dir
    from pgmig_tui.run.journal.run_plan import RunPlan

    name = arguments.target
    folder = default_state_dir(os.environ) / "runs" / Path(arguments.run or "-").name
    if name is None and arguments.run is not None and RUN_ID.fullmatch(arguments.run):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            name = RunPlan.load(folder).environment
    project = project_here(arguments)
    if name is None and len(project.environments) == 1:
        name = project.environments[0].name
    if name is None:
        raise UsageError(
            "Which environment is meant isn't known: "
            + ("no run of this account has that name." if arguments.run is not None else "no run is named."),
            now="Nothing was changed.",
            do="Name it with --target.",
        )
    return environment_named(project, name)


def _require_its_server(arguments: Namespace, project: Project, environment: Environment) -> None:
    """What a run has kept comes back where it was kept. In a copy of that server it is there, too: whoever means that
    names the copy. Raises Refused."""
    from pgmig_tui.review.undoing import other_server
    from pgmig_tui.run.journal.folder import default_state_dir

    told = other_server(project, environment, arguments.run, default_state_dir(os.environ))
    if not told:
        return
    if arguments.target is None:
        raise Refused(told, now="Nothing was changed.", do=f"If that is meant, say --target {environment.name}.")
    output.warn(told)


def _list_kept(arguments: Namespace, kept: Sequence[Kept], schema: str) -> int:
    from pgmig_tui.database.text import ident
    from pgmig_tui.gates.loss import of_expired
    from pgmig_tui.review.undoing import kept_line

    if arguments.json:
        rows = [
            {
                "run": one.run,
                "change": one.change,
                "kind": one.kind,
                "source": str(one.source),
                "rows": one.rows,
                "columns": list(one.columns),
                "keep": f"{schema}.{one.keep_table}",
                "saved_at": one.saved_at,
                "expires_at": one.expires_at,
                "expired": one.expired,
                "restored_at": one.restored_at,
                "loses": list(of_expired((one,)).all),
            }
            for one in kept
        ]
        output.document({"schema": schema, "kept": rows})
        return 0
    for one in kept:
        state = f"back since {words.utc(one.restored_at)}" if one.restored_at else "not brought back"
        output.say(line((f"{safe(one.run)}  ", "strong"), kept_line(one), (f"; {state}", "muted")))
        if one.expired and one.keep_table:
            output.say(line(("    expired: ", "waiting"), safe(f"DROP TABLE {ident(schema)}.{ident(one.keep_table)};")))
            for told in of_expired((one,)).lines():
                output.say(line("    ", *told))
    if not kept:
        output.note(f"Nothing is kept in schema {safe(schema)}.")
    return 0


def _restored(one: RestoreOutcome) -> dict[str, object]:
    return {
        "source": str(one.kept.source),
        "columns": list(one.kept.columns),
        "kept_rows": one.kept.rows,
        "kept_checksum": one.kept.checksum,
        "restored": one.rows,
        "other_values": one.other,
        "rows_gone": one.gone,
        "rows_now": one.found,
        "checksum_now": one.checksum,
        "equal": one.equal,
        "sequences": list(one.sequences),
        "grants": list(one.grants),
        "left_out": list(one.left_out),
    }
