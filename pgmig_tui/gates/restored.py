"""What a test restore of a dump has shown, and where that is kept: beside the dump, bound to its bytes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pgmig_tui.display import words
from pgmig_tui.gates.backup import Backup

SUFFIX = ".restored"


@dataclass(frozen=True, slots=True)
class RestoreProof:
    """A dump that was restored into a server of our own, and what was found there.

    `started_at` is UTC by this host's clock. `restore_s` is how long the restore itself took, from an empty database to
    its last index: the recovery time that was measured; `seconds` is all of it. `tables` and `rows` were compared with
    the counts of the dump's snapshot: `differing` names those that are other, `rows` is None where the dump has no
    counts. `problems` are what couldn't be restored, `failed` the verify scripts that failed there, `unverified` the
    changes that none could be run for, each with why. `lacking` is what that server hasn't and the database needs;
    `limits` are ways in which it is another, which may be why something is wrong.
    """

    path: str
    sha256: str
    database: str
    system_identifier: str | None
    server: str
    started_at: str
    restore_s: float
    seconds: float
    tables: int
    rows: int | None
    verified: int
    differing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def wrong(self) -> tuple[str, ...]:
        """Everything that isn't as it should be, worst first."""
        return (*self.differing, *self.problems, *self.failed)

    @property
    def state(self) -> Literal["PASS", "WARN", "FAIL", "UNKNOWN"]:
        """What it is as evidence; what may be the fault of the server it was tried on shows nothing."""
        if self.lacking or self.rows is None or (self.wrong and self.limits):
            return "UNKNOWN"
        if self.wrong:
            return "FAIL"
        return "WARN" if self.unverified else "PASS"

    @property
    def summary(self) -> str:
        """All of it in a sentence."""
        took = f"restored into {self.server} in {words.duration(self.restore_s * 1000)}"
        if self.lacking:
            return f"{took}, but that lacks {words.listing(self.lacking)}"
        if self.rows is None:
            return f"{took}, but its rows weren't counted when it was dumped"
        if self.wrong:
            many = words.count(len(self.wrong), "problem")
            because = f" (there {words.listing(self.limits)})" if self.limits else ""
            return f"{took} with {many}: {words.listing(self.wrong, 3)}{because}"
        same = f"{words.count(self.rows, 'row')} of {words.count(self.tables, 'table')} as dumped"
        scripts = f"{words.count(self.verified, 'verify script')} passed" if self.verified else "nothing to verify"
        rest = f", {words.count(len(self.unverified), 'change')} not verified" if self.unverified else ""
        return f"{took}: {same}, {scripts}{rest}"


def keep(proof: RestoreProof) -> None:
    """Write it beside the dump, over what was there. Raises OSError."""
    draft = Path(proof.path).with_suffix(f"{SUFFIX}.unfinished")
    draft.write_text(json.dumps(asdict(proof), indent=1) + "\n", encoding="utf-8")
    draft.rename(Path(proof.path).with_suffix(SUFFIX))


def kept(backup: Backup) -> RestoreProof | None:
    """What the last test restore of these very bytes has shown; None where there was none."""
    found = _read(Path(backup.path).with_suffix(SUFFIX))
    return found if found is not None and found.sha256 == backup.sha256 else None


def proofs_of(folder: Path, system_identifier: str | None, database: str) -> list[RestoreProof]:
    """All that are kept of that database's dumps, the newest first."""
    found = (_read(path) for path in folder.glob(f"*{SUFFIX}"))
    key = (system_identifier, database)
    ours = [one for one in found if one is not None and (one.system_identifier, one.database) == key]
    return sorted(ours, key=lambda one: one.started_at, reverse=True)


def _read(path: Path) -> RestoreProof | None:
    """A proof by its file; None for what we wouldn't have written: it may have been edited, or cut off."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        values: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        proof = RestoreProof(**{name: _listed(value) for name, value in values.items()})
        if datetime.fromisoformat(proof.started_at).tzinfo is None or not _sound(proof):
            raise ValueError("not ours")
        return proof
    return None


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _sound(proof: RestoreProof) -> bool:
    lists: Iterable[object] = (getattr(proof, one.name) for one in fields(proof) if one.name in _LISTS)
    numbers = (proof.restore_s, proof.seconds, proof.tables, proof.verified, proof.rows or 0)
    texts = (proof.path, proof.sha256, proof.database, proof.server)
    return (
        all(isinstance(one, tuple) and all(isinstance(text, str) for text in one) for one in lists)
        and all(isinstance(one, int | float) for one in numbers)
        and all(isinstance(one, str) for one in texts)
    )


_LISTS = frozenset({"differing", "problems", "failed", "unverified", "lacking", "limits", "notes"})
