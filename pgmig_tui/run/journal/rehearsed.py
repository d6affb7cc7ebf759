"""What rehearsals found, kept by what was rehearsed: the very bytes of a script, on a schema that was the very same.

A rehearsal runs on a copy without rows: it names the objects that a statement reaches, and clears no loss of rows.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pgmig_tui.database.fingerprint import Objects, digest, outside
from pgmig_tui.impact.modes import LockMode

FILE = "rehearsed.jsonl"
_NOT_COPIED = frozenset({"role", "setting", "user mapping"})
_WRITES = LockMode.ROW_EXCLUSIVE
"""From this mode on a lock lets its holder change or drop what it is on."""


@dataclass(frozen=True, slots=True)
class Reached:
    """One statement as it ran: `locks` are the strongest mode on each relation that was there before, by its name as in
    pg_locks; `rewrites` are relations that got a new file; `ms` milliseconds without rows."""

    line: int
    path: str
    kind: str
    locks: tuple[tuple[str, str], ...] = ()
    rewrites: tuple[str, ...] = ()
    ms: float = 0.0
    measured: bool = True

    @property
    def told(self) -> str:
        """What it reached that it could have taken something from."""
        if not self.measured:
            return "what it reached wasn't measured"
        strong = [(name, mode) for name, text in self.locks if (mode := LockMode.from_pg_name(text)) >= _WRITES]
        if not strong:
            return "it took no lock on what was there by which it could change it"
        return f"it reached {', '.join(f'{name} ({mode.sql_name})' for name, mode in strong)}"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A script that went through a rehearsal. `at` is UTC in ISO 8601, `script` the SHA-256 of its bytes, `schema` and
    `after` are digests of all objects before and after it ("" = not known), `server` is where it ran, `by` whose it
    was.
    """

    at: str
    environment: str
    change_id: str
    script: str
    action: Literal["deploy", "revert"] = "revert"
    schema: str = ""
    after: str = ""
    by: str = ""
    server: str = ""
    version_num: int = 0
    ms: int = 0
    statements: tuple[Reached, ...] = ()


def hash_of(script: bytes) -> str:
    return sha256(script).hexdigest()


def note(state_dir: Path, found: Iterable[Rehearsed]) -> None:
    """Keep what a rehearsal found. Raises OSError."""
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (state_dir / FILE).open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(one)) + "\n" for one in found)


def kept(state_dir: Path) -> list[Rehearsed]:
    """All that is kept, the oldest first; lines that can't be read are left out. Never raises."""
    try:
        lines = (state_dir / FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for text in lines:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            found.append(_read(json.loads(text)))
    return found


def _read(row: Mapping[str, Any]) -> Rehearsed:
    known = {key: value for key, value in row.items() if key in Rehearsed.__dataclass_fields__}
    known["statements"] = tuple(
        Reached(
            int(one["line"]),
            str(one["path"]),
            str(one["kind"]),
            tuple((str(name), str(mode)) for name, mode in one.get("locks", ())),
            tuple(one.get("rewrites", ())),
            float(one.get("ms", 0)),
            bool(one.get("measured", True)),
        )
        for one in row.get("statements", ())
    )
    return Rehearsed(**known)


def schema_digest(objects: Objects, ours: Iterable[str]) -> str:
    """The digest of all objects but for those in schemas of `ours`, which change with every run, and those that a copy
    of the database hasn't: the cluster's other roles, settings, the way to other servers."""
    own = {key: text for key, text in objects.items() if key[0] not in _NOT_COPIED}
    return digest(outside(own, frozenset(ours)))


def counting(
    rehearsed: Sequence[Rehearsed], scripts: Iterable[tuple[str, bytes | None]], schema: str
) -> list[Rehearsed | None]:
    """For each script (its action, its bytes) in the order of a run the newest rehearsal that counts: of these bytes,
    on the schema that it will meet. `schema` is the digest of all objects now; what a script that wasn't rehearsed
    leaves isn't known, and nothing after it counts."""
    found: list[Rehearsed | None] = []
    for action, data in scripts:
        wanted = (action, hash_of(data) if data is not None else "", schema)
        same = (one for one in reversed(rehearsed) if schema and (one.action, one.script, one.schema) == wanted)
        one = next(same, None)
        found.append(one)
        schema = one.after if one is not None else ""
    return found


def evidence(found: Iterable[Rehearsed | None]) -> dict[tuple[str, int], str]:
    """What rehearsals say of statements, by path and line."""
    told: dict[tuple[str, int], str] = {}
    for one in found:
        for statement in one.statements if one is not None else ():
            assert one is not None
            told[statement.path, statement.line] = f"rehearsed without rows at {one.at}: {statement.told}"
    return told
