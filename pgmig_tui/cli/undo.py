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
    from pgmig_tui.display.cells import Span
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project


def undo(arguments: Namespace) -> int:
    """Bring back what a rollback has kept, after its change was deployed again. Without a run: list what is kept."""
    from pgmig_tui.gates.gate import loss_accepted
    from pgmig_tui.gates.loss import of_undo
    from pgmig_tui.report.incident import refresh
    from pgmig_tui.review.policies import exempt_told
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
        output.note(line("  ", _kept_line(kept_one)))
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
            _tell_restored(restored_one, schema, overwrite=arguments.overwrite)
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
    from pgmig_tui.database.connect import application_name, connect
    from pgmig_tui.run.journal.folder import RUN_ID, default_state_dir
    from pgmig_tui.run.journal.run_plan import RunPlan
    from pgmig_tui.run.recovery.same_server import relation_of

    if not RUN_ID.fullmatch(arguments.run):
        return
    try:
        plan = RunPlan.load(default_state_dir(os.environ) / "runs" / arguments.run)
    except (OSError, ValueError, TypeError, KeyError):
        return  # another account's, of which nothing more is known
    with connect(environment.target, application_name=application_name("undo", "look")) as connection:
        probed = relation_of(plan, project, environment, connection, connection.identity())
    if probed.relation == "same":
        return
    told = f"the run {plan.run_id} worked on {plan.server.display}, and {environment.name} leads to another server"
    if probed.relation == "unknown":
        told = f"whether the run {plan.run_id} worked on the server of {environment.name} can't be told: {probed.why}"
    if arguments.target is None:
        raise Refused(told, now="Nothing was changed.", do=f"If that is meant, say --target {environment.name}.")
    output.warn(told)


def _kept_line(one: Kept) -> str:
    columns = f" ({', '.join(one.columns)})" if one.kind in ("column", "values") else ""
    noun = "row" if one.kind in ("table", "rows") else "value"
    what = "the state of the sequence" if one.kind == "sequence" else words.count(one.rows, noun)
    return safe(f"{one.source}{columns}: {what}, kept before {one.change} was reverted at {words.utc(one.saved_at)}")


def _list_kept(arguments: Namespace, kept: Sequence[Kept], schema: str) -> int:
    from pgmig_tui.database.text import ident
    from pgmig_tui.gates.loss import of_expired

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
        output.say(line((f"{safe(one.run)}  ", "strong"), _kept_line(one), (f"; {state}", "muted")))
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


def _tell_restored(one: RestoreOutcome, schema: str, *, overwrite: bool) -> None:
    kept = one.kept
    mark: Span = ("+ ", "done") if one.equal else ("! ", "waiting")
    output.say(line(mark, _kept_line(kept)))
    if kept.keep_table:
        verdict: Span = ("equal", "done") if one.equal else ("NOT EQUAL", "failed")
        output.say(
            line(
                f"    {one.rows:,} brought back; kept {kept.rows:,} with checksum {kept.checksum},"
                f" there now {one.found:,} with {one.checksum}: ",
                verdict,
            )
        )
    if one.other:
        hint = "" if overwrite else "; --overwrite replaces those"
        other = words.count(one.other, "row holds", "rows hold")
        output.say(line(("    ! ", "waiting"), f"{other} something else, which was left{hint}"))
    if one.gone:
        values = kept.kind in ("column", "values")
        gone = f"{words.count(one.gone, 'row')} could not come back: the place is taken by another"
        if values:
            gone = f"{words.count(one.gone, 'row is', 'rows are')} no longer there to hold a value"
        output.say(line(("    ! ", "waiting"), gone))
    for sequence in one.sequences:
        output.say(f"    sequence {safe(sequence)}")
    for grant in one.grants:
        output.say(f"    {safe(grant)}")
    for text in one.left_out:
        output.say(line(("    ! ", "waiting"), safe(text)))
    if not one.equal:
        output.say(
            line(
                ("    ! ", "failed"),
                safe(
                    f"not counted as brought back: what was kept stays in {schema}."
                    f"{kept.keep_table}, and `undo` can be said again"
                ),
            )
        )
