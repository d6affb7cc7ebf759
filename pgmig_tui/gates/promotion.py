"""Have the changes of a run gone through the environment that comes before? Pure: facts in, results of checks out.

What that environment's registry and our rows there say answers the guide's "deploy to staging" and "verify staging",
and the policies `promote_from` and `soak`. A person isn't asked what can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pgmig_tui.database.checks import CheckResult, State
from pgmig_tui.database.source import ChangeThere, SourceFacts
from pgmig_tui.display import words

DEPLOYED, VERIFIED = "staging_deployed", "staging_verified"
PROMOTED, SOAKED = "policy:promote_from", "policy:soak"
_TITLES = {
    DEPLOYED: "Deploy to staging environment",
    VERIFIED: "Verify staging deployment",
    PROMOTED: "Same scripts deployed there first",
    SOAKED: "In use there for long enough",
}
_SHOWN = 200
"""So many changes are listed in the evidence."""

Verdict = tuple[State, str]


@dataclass(frozen=True, slots=True)
class Promoted:
    """A change that is about to be deployed: `script_hash` is the SHA-1 of its deploy script, as registries have it;
    `verifiable`: it has a verify script. `included` stands for the files that its deploy script includes, "" where it
    includes none."""

    change_id: str
    name: str
    script_hash: str | None
    verifiable: bool = True
    included: str = ""


@dataclass(frozen=True, slots=True)
class ScriptDifference:
    """How the script that was deployed there differs: `same`, both say the same, None where that isn't known. `lines`
    as diff -u writes them."""

    same: bool | None
    lines: tuple[str, ...] = ()


def results(
    changes: Sequence[Promoted], source: SourceFacts, soak_ms: int, differences: Mapping[str, ScriptDifference]
) -> tuple[CheckResult, ...]:
    """The results of DEPLOYED, VERIFIED, PROMOTED, and of SOAKED where that is asked for. `differences` are those of
    scripts whose bytes differ, by change ID."""
    answers: list[tuple[str, Callable[[], Verdict]]] = [
        (DEPLOYED, lambda: _deployed(changes, source)),
        (VERIFIED, lambda: _verified(changes, source)),
        (PROMOTED, lambda: _promoted(changes, source, differences)),
    ]
    if soak_ms:
        answers.append((SOAKED, lambda: _soaked(changes, source, soak_ms)))
    problem = _nothing_known(source)
    rows = () if problem else _rows(changes, source, differences)
    at = "" if source.now is None else words.iso(source.now)
    return tuple(
        CheckResult(name, _TITLES[name], *(problem or answer()), rows, "", at, at, source.role)
        for name, answer in answers
    )


def without_changes(soak_ms: int) -> tuple[CheckResult, ...]:
    """The results of a run that deploys no change of the plan."""
    names = (DEPLOYED, VERIFIED, PROMOTED, *((SOAKED,) if soak_ms else ()))
    return tuple(CheckResult(name, _TITLES[name], "N-A", "no change is deployed") for name in names)


def differing(changes: Sequence[Promoted], source: SourceFacts) -> tuple[ChangeThere, ...]:
    """What is deployed there under the ID of a change, from other bytes."""
    found = [(one, source.changes.get(one.change_id)) for one in changes]
    return tuple(
        there
        for one, there in found
        if there is not None
        and None not in (one.script_hash, there.script_hash)
        and one.script_hash != there.script_hash
    )


def _nothing_known(source: SourceFacts) -> Verdict | None:
    if source.problem:
        return "UNKNOWN", f"{source.name} didn't say: {source.problem}"
    if source.same_database:
        return "UNKNOWN", f"{source.name} leads to this very database: nothing was tried anywhere else"
    return None


def _deployed(changes: Sequence[Promoted], source: SourceFacts) -> Verdict:
    missing = [one for one in changes if one.change_id not in source.changes]
    if missing:
        reverted = [f"{one.name} at {words.utc(source.reverted[one.change_id])}" for one in missing
                    if one.change_id in source.reverted]  # fmt: skip
        told = f"{source.name} doesn't have {words.listing([one.name for one in missing])}"
        return "FAIL", told + (f"; reverted there: {words.listing(reverted)}" if reverted else "")
    recorded = [one.name for one in _there(changes, source) if one.recorded_only]
    if recorded:
        return "FAIL", f"{source.name} only has a record of {words.listing(recorded)}: the script was never run there"
    last = max((one.deployed_at for one in _there(changes, source)), default=None)
    return "PASS", _all(changes, f"deployed on {source.name}", last)


def _verified(changes: Sequence[Promoted], source: SourceFacts) -> Verdict:
    deployed = _deployed(changes, source)
    if deployed[0] != "PASS":
        return "FAIL", deployed[1]
    there = _there(changes, source)
    failed = [f"{one.name} at {words.utc(one.failed_at)}" for one in there if one.failed_at is not None]
    if failed:
        return "FAIL", f"its last verification failed on {source.name}: {words.listing(failed)}"
    without = {one.change_id for one in changes if not one.verifiable}
    unknown = [one.name for one in there if one.verified_at is None and one.change_id not in without]
    if unknown:
        return "UNKNOWN", (
            f"whether {words.listing(unknown)} was verified on {source.name} isn't known:"
            f" {_why_unknown(there, source)}; `pgmig-tui verify {source.name}` tells"
        )
    if without:
        names = [one.name for one in changes if not one.verifiable]
        return "WARN", f"deployed on {source.name}, and nothing verifies {words.listing(names)}: no verify script"
    last = max((one.verified_at for one in there if one.verified_at is not None), default=None)
    return "PASS", _all(changes, f"verified on {source.name}", last)


def _promoted(changes: Sequence[Promoted], source: SourceFacts, differences: Mapping[str, ScriptDifference]) -> Verdict:
    deployed = _deployed(changes, source)
    if deployed[0] != "PASS":
        return deployed
    held = [f"{one.name} ({source.marked[one.change_id]})" for one in changes if one.change_id in source.marked]
    if held:
        return "FAIL", f"must not be deployed according to {source.name}: {words.listing(held, 2)}"
    hashless = [one.name for one in changes
                if one.script_hash is None or source.changes[one.change_id].script_hash is None]  # fmt: skip
    others = [one.change_id for one in differing(changes, source)]
    unlike = [one.name for one in changes if one.change_id in others and not _same(differences, one.change_id)]
    if unlike:
        return "FAIL", f"other scripts were deployed on {source.name} under the names of {words.listing(unlike)}"
    read = [(one.name, one.included, source.changes[one.change_id]) for one in changes]
    files = [name for name, included, there in read if there.files_noted and included != there.included]
    if files:
        return "FAIL", f"other files were included on {source.name} by the scripts of {words.listing(files)}"
    unseen = [name for name, included, there in read if included and not there.files_noted]
    if unseen:
        return "UNKNOWN", f"which files {words.listing(unseen)} included on {source.name} isn't recorded there"
    if hashless:
        return "UNKNOWN", f"which script {source.name} had of {words.listing(hashless)} isn't recorded there"
    if others:
        alike = [one.name for one in changes if one.change_id in others]
        return "WARN", (
            f"the scripts of {words.listing(alike)} differ from those of {source.name} in comments or white space; they"
            " say the same"
        )
    return "PASS", f"{words.count(len(changes), 'change')}, byte for byte what {source.name} has"


def _soaked(changes: Sequence[Promoted], source: SourceFacts, soak_ms: int) -> Verdict:
    deployed = _deployed(changes, source)
    if deployed[0] != "PASS":
        return "FAIL", deployed[1]
    assert source.now is not None
    there = _there(changes, source)
    without = {one.change_id for one in changes if not one.verifiable}
    since = {
        one.name: one.verified_at or (one.deployed_at if one.change_id in without and one.tracked else None)
        for one in there
        if one.failed_at is None
    }
    failed = [one.name for one in there if one.failed_at is not None]
    if failed:
        return "FAIL", f"the last verification of {words.listing(failed)} failed on {source.name}"
    latest = max((one for one in since.values() if one is not None), default=None)
    soak = timedelta(milliseconds=soak_ms)
    if latest is not None and latest + soak > source.now:
        young = [name for name, moment in since.items() if moment is not None and moment + soak > source.now]
        left = words.duration((latest + soak - source.now) / timedelta(milliseconds=1))
        return "FAIL", (
            f"{words.listing(young)} must be on {source.name} for {words.duration(soak_ms)}; that is over at"
            f" {words.utc(latest + soak)}, in {left}"
        )
    unknown = [name for name, moment in since.items() if moment is None]
    if unknown:
        return "UNKNOWN", (
            f"since when {words.listing(unknown)} has been in use and verified on {source.name} isn't known:"
            f" {_why_unknown(there, source)}"
        )
    return "PASS", _all(changes, f"in use on {source.name} for more than {words.duration(soak_ms)}", latest)


def _same(differences: Mapping[str, ScriptDifference], change_id: str) -> bool:
    found = differences.get(change_id)
    return found is not None and found.same is True


def _why_unknown(there: Sequence[ChangeThere], source: SourceFacts) -> str:
    if source.untracked:
        return source.untracked
    strange = [one.name for one in there if not one.tracked]
    if strange:
        return f"{words.listing(strange)} was deployed there by another program"
    return "it was deployed there without verification"


def _there(changes: Sequence[Promoted], source: SourceFacts) -> list[ChangeThere]:
    return [source.changes[one.change_id] for one in changes if one.change_id in source.changes]


def _all(changes: Sequence[Promoted], what: str, last: datetime | None) -> str:
    told = f"{changes[0].name} is {what}" if len(changes) == 1 else f"all {len(changes)} changes are {what}"
    return told if last is None else f"{told}, {'at' if len(changes) == 1 else 'the last at'} {words.utc(last)}"


def _rows(
    changes: Sequence[Promoted], source: SourceFacts, differences: Mapping[str, ScriptDifference]
) -> tuple[dict[str, object], ...]:
    rows: list[dict[str, object]] = []
    for one in changes[:_SHOWN]:
        there = source.changes.get(one.change_id)
        row: dict[str, object] = {
            "change": one.name,
            "change_id": one.change_id,
            "environment": source.name,
            "server": source.server,
            "deployed_at": None if there is None else words.iso(there.deployed_at),
            "deployed_by": None if there is None else there.by,
            "verified_at": None if there is None or there.verified_at is None else words.iso(there.verified_at),
            "script_hash_there": None if there is None else there.script_hash,
            "script_hash_here": one.script_hash,
        }
        if one.change_id in differences:
            row["difference"] = list(differences[one.change_id].lines)
        rows.append(row)
    return tuple(rows)
