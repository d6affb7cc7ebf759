"""The eight steps that test one change, on a database of its own that has the changes before it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pgmig_tui.database.fingerprint import Objects, changed, read_objects
from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError, in_a_line
from pgmig_tui.lint.silence import read_ignored
from pgmig_tui.rehearse.carry_out import Stage, TrialScript
from pgmig_tui.rehearse.data import DataWatch, invariants_of
from pgmig_tui.rehearse.measured import ScriptProblem, VerifiesNothing
from pgmig_tui.rehearse.plan_owner import OWNER
from pgmig_tui.rehearse.tested import STEPS, Apart, ChangeTest, CycleStep, Outcome, StepName, When
from pgmig_tui.run.journal.rehearsed import hash_of
from pgmig_tui.run.process.executor import elapsed_ms

INCOMPLETE = "revert-incomplete"
"""The rule of `lint` that finds by the text what is tried here; the same comment declares both."""
_TOLD_ONLY = frozenset({"column order", "role"})
_RAISED = "P0001"
"""SQLSTATE of RAISE EXCEPTION: a script that says by itself that it won't."""

Tell = Callable[[StepName], None]


@dataclass(frozen=True, slots=True)
class ChangeScripts:
    """The scripts of a change, which is named with its tag where it was reworked; `revert` is None where there is none.
    `deploy` holds the verify script as well."""

    change: str
    deploy: TrialScript
    revert: TrialScript | None
    deploy_variables: dict[str, str] = field(default_factory=dict)
    revert_variables: dict[str, str] = field(default_factory=dict)

    @property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of the scripts that are there, by their kind."""
        found = {"deploy": hash_of(self.deploy.data)}
        if self.revert is not None:
            found["revert"] = hash_of(self.revert.data)
        if self.deploy.verify_name:
            found["verify"] = hash_of(self.deploy.verify_data)
        return found

    @property
    def invariants(self) -> tuple[str, ...]:
        """The queries that its scripts declare to stay the same."""
        return invariants_of((self.deploy.data, self.deploy.verify_data))

    @property
    def irreversible(self) -> str:
        """The reason that its revert script gives for what can't come back, "" = none."""
        if self.revert is None:
            return ""
        ignored, _ = read_ignored(self.revert.name, self.revert.data, (), lambda code: True)
        return next((one.reason for one in ignored if INCOMPLETE in one.codes), "")


class Cycle:
    """The steps of one change on a stage; `tell` hears which one begins. `data` looks at rows meanwhile."""

    def __init__(self, stage: Stage, scripts: ChangeScripts, data: DataWatch, tell: Tell) -> None:
        self._stage = stage
        self._data = data
        self._scripts = scripts
        self._tell = tell
        self._steps: list[CycleStep] = []
        self._apart: list[Apart] = []
        self._start = self._step_start = time.perf_counter()
        self._stands = False

    def run(self) -> ChangeTest:
        """All of them, as far as it comes. Never raises for what scripts do: a step fails then."""
        try:
            self._run()
        except PgmigError as error:
            told = in_a_line("\n".join((error.what, *error.details)))
            self._add(self._begun, "failed", problem=ScriptProblem("", 0, told))
        there = {one.name for one in self._steps}
        self._steps += [CycleStep(name, "not_run") for name in STEPS if name not in there]
        return ChangeTest(
            self._scripts.change,
            self._scripts.deploy.change_id,
            tuple(self._steps),
            tuple(self._apart),
            ms=elapsed_ms(self._start),
            data=self._data.found,
            hashes=self._scripts.hashes,
            stands=self._stands,
        )

    def _run(self) -> None:
        scripts = self._scripts
        self._begin("absent")
        wrong = self._data.look("before")
        first = self._objects()
        self._without("absent", "")
        self._begin("deploy")
        if not self._play("deploy", scripts.deploy, scripts.deploy_variables):
            return
        self._begin("verify")
        self._verify()
        self._begin("fingerprint")
        deployed = self._objects()
        made = self._differences("deploy", first, deployed)
        told = f"{words.count(len(made), 'object')} made, changed or dropped"
        wrong += self._data.look("deployed")
        self._add("fingerprint", "failed" if wrong else "passed", "; ".join([told, *dict.fromkeys(wrong)]))
        declared = scripts.irreversible
        self._begin("revert")
        if scripts.revert is None:
            self._add("revert", "failed", "there is no revert script")
            return
        if not self._play("revert", scripts.revert, scripts.revert_variables, declared):
            return
        self._begin("reverted")
        left = self._differences("revert", first, self._objects())
        wrong = self._data.look("reverted")
        self._compared("reverted", left, "the schema before the deploy", declared, wrong)
        self._begin("absent_again")
        self._without("absent_again", declared)
        self._begin("redeploy")
        if self._play("redeploy", scripts.deploy, scripts.deploy_variables, add=False):
            differs = self._differences("redeploy", deployed, self._objects())
            self._compared("redeploy", differs, "the schema of the first deploy", "")

    # -- one step ----------------------------------------------------------------------------------------------

    def _begin(self, name: StepName) -> None:
        self._begun = name
        self._step_start = time.perf_counter()
        self._tell(name)

    def _add(self, name: StepName, outcome: Outcome, told: str = "", problem: ScriptProblem | None = None) -> None:
        self._steps.append(CycleStep(name, outcome, told, elapsed_ms(self._step_start), problem))

    def _without(self, name: StepName, declared: str) -> None:
        when: Literal["before the deploy", "after the revert"] = "before the deploy"
        if name == "absent_again":
            when = "after the revert"
        found = self._stage.without(self._scripts.deploy, when)
        if found is None:
            self._add(name, "none", "there is no verify script")
        elif not isinstance(found, VerifiesNothing):
            self._add(name, "passed")
        elif reason := found.silenced or declared:
            self._add(name, "declared", f"{found.path} passes {when}: {reason}")
        elif name == "absent_again" and self._steps[0].outcome == "passed":  # it can fail: the revert is incomplete
            self._add(name, "failed", f"{found.path} passes {when}: what it looks for is still there")
        else:
            self._add(name, "failed", f"{found.path} passes {when}, where the change is absent: it verifies nothing")

    def _play(
        self,
        name: StepName,
        script: TrialScript,
        variables: dict[str, str],
        declared: str = "",
        *,
        add: bool = True,
    ) -> bool:
        """Run a script; False where that ends the steps. Without `add` a step that went well isn't added yet."""
        # A redeploy verifies nothing: that is a step of its own.
        action: Literal["revert", "redeploy"] = "revert" if name == "revert" else "redeploy"
        done = self._stage.play(script, action, variables, measured=False)
        if done.problem is None:
            self._stands = name != "revert"
            if add:
                self._add(name, "passed")
            return True
        if declared and done.problem.sqlstate == _RAISED:
            self._add(name, "declared", f"it refuses, as declared: {declared}", done.problem)
            rest: tuple[StepName, ...] = ("reverted", "absent_again", "redeploy")
            self._steps += [CycleStep(one, "declared", "nothing was reverted") for one in rest]
        else:
            self._add(name, "failed", problem=done.problem)
        return False

    def _verify(self) -> None:
        script = self._scripts.deploy
        if not script.verify_name:
            self._add("verify", "none", "there is no verify script")
            return
        problem = self._stage.verify(script.verify_name, script.verify_data, script.verify_variables)
        self._add("verify", "passed" if problem is None else "failed", problem=problem)

    # -- the schema --------------------------------------------------------------------------------------------

    def _objects(self) -> Objects:
        return read_objects(self._stage.observer.connection)

    def _differences(self, when: When, before: Objects, after: Objects) -> list[Apart]:
        found = [
            Apart(when, kind, name, old, new, counts=kind not in _TOLD_ONLY)
            for kind, name, old, new in changed(before, after)
            if (kind, name) != ("role", OWNER)  # it is made for the test, and a member of whatever scripts make
        ]
        self._apart += found
        return found

    def _compared(
        self, name: StepName, found: list[Apart], with_what: str, declared: str, wrong: Sequence[str] = ()
    ) -> None:
        """`wrong` are invariants that don't hold: no declaration covers them."""
        counting = [one for one in found if one.counts]
        others = [one.told for one in found if not one.counts]
        aside = f"; no failure: {words.listing(others)}" if others else ""
        told = words.listing([one.told for one in counting])
        if wrong:
            left = f"not {with_what}: {told}; " if counting else ""
            self._add(name, "failed", f"{left}{'; '.join(wrong)}{aside}")
        elif not counting:
            self._add(name, "passed", aside.removeprefix("; no failure: "))
        elif declared:
            self._add(name, "declared", f"{told}: {declared}{aside}")
        else:
            self._add(name, "failed", f"not {with_what}: {told}{aside}")
