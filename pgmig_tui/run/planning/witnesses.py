"""The heads of other environments' chains, seen while a deploy is planned: the run keeps them in its own target.

They are asked beside the planning and waited for no longer than a moment: what doesn't answer is noted, and holds up
nothing. So that rewriting one database is found, those of others are never written to.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.database.chain import read_head
from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.database.evidence import WITNESS, EvidenceRow
from pgmig_tui.errors import PgmigError

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.run.journal.run_plan import RunPlan

ANSWER_S = 3
"""So many seconds a connection may take; the plan doesn't wait that long."""
LATE_S = 0.3
"""So long a plan that is ready waits for those that haven't answered."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of another environment's chain, or why it isn't known."""

    environment: str
    chain: str = ""
    seq: int = 0
    hash: str = ""
    problem: str = ""


class Heads:
    """Asks for the heads of all environments but one, each beside the others, from its making on."""

    def __init__(self, project: Project, environment: Environment) -> None:
        self._found: dict[str, Head] = {}
        self._threads: dict[str, threading.Thread] = {}
        if environment.name not in {one.name for one in project.environments}:
            return  # one that is given as a URI stands beside no others
        for one in project.environments:
            if one.name == environment.name or one.target.address.same(environment.target.address):
                continue
            thread = threading.Thread(target=self._ask, args=(one,), daemon=True)
            self._threads[one.name] = thread
            thread.start()

    def _ask(self, environment: Environment) -> None:
        self._found[environment.name] = read_environment_head(environment)

    def read(self) -> tuple[Head, ...]:
        """What is known of them a moment from now."""
        until = time.monotonic() + LATE_S
        for thread in self._threads.values():
            thread.join(max(0.0, until - time.monotonic()))
        late = "it did not answer while the run was planned"
        return tuple(self._found.get(name) or Head(name, problem=late) for name in self._threads)


def read_environment_head(environment: Environment) -> Head:
    """Raises nothing: what can't be known is a problem."""
    schema = environment.policy.tracking
    if schema is None:
        return Head(environment.name, problem="its policy has turned tracking off")
    try:
        name = application_name("witness", environment.name)
        with connect(environment.target, application_name=name, connect_timeout=ANSWER_S) as connection:
            found = read_head(connection, schema)
    except PgmigError as error:
        return Head(environment.name, problem=error.what)
    if found is None:
        return Head(environment.name, problem="it has no tracking of version 2")
    return Head(environment.name, *found)


def witness_evidence(plan: RunPlan) -> list[EvidenceRow]:
    """What a run keeps of the heads that its plan has seen."""
    return [
        EvidenceRow(
            plan.run_id,
            f"{WITNESS}{one['environment']}",
            "UNKNOWN" if one["problem"] else "PASS",
            one["problem"] or f"the chain of {one['environment']} ends at row {one['seq']}",
            check_name="witness",
            rows=None if one["problem"] else {name: one[name] for name in ("chain", "seq", "hash")},
        )
        for one in plan.witnessed
    ]
