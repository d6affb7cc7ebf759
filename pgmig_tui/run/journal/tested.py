"""What tests and rehearsals of changes found, kept by change with the hashes of its scripts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pgmig_tui.display import words

FILE = "tested.jsonl"


@dataclass(frozen=True, slots=True)
class KeptTest:
    """A change that was tested or rehearsed. `at` is UTC in ISO 8601, `where` the server in words, `told` what failed,
    "" = nothing; `hashes` are SHA-256 of the scripts that were there, by "deploy", "revert" and "verify"; `rows`: there
    were some in its tables."""

    at: str
    how: Literal["test", "rehearse"]
    change: str
    change_id: str
    where: str
    outcome: Literal["passed", "failed"]
    hashes: Mapping[str, str]
    told: str = ""
    rows: bool = False


@dataclass(frozen=True, slots=True)
class KeptStanding:
    """A kept result beside the scripts as they are now: `changed` are those that are others since."""

    kept: KeptTest
    changed: tuple[str, ...]

    @property
    def good(self) -> bool:
        return self.kept.outcome == "passed" and not self.changed

    @property
    def line(self) -> str:
        """When, on what, with what result, and whether a script has changed since."""
        kept = self.kept
        done = "tested" if kept.how == "test" else "rehearsed"
        rows = " with rows" if kept.rows else ""
        told = f": {kept.told}" if kept.told else ""
        scripts = f"{words.listing(self.changed)} script{'s have' if len(self.changed) > 1 else ' has'}"
        since = f"; the {scripts} changed since" if self.changed else ""
        return f"{done} {words.utc(kept.at)} on {kept.where}{rows}: {kept.outcome}{told}{since}"

    def to_json(self) -> dict[str, object]:
        """As `impact --json` and the packet have it."""
        kept = self.kept
        return {
            "at": kept.at, "how": kept.how, "where": kept.where, "outcome": kept.outcome, "told": kept.told,
            "rows": kept.rows, "changed_since": list(self.changed), "line": self.line,
        }  # fmt: skip


def note_tests(state_dir: Path, found: Iterable[KeptTest]) -> None:
    """Keep results. Raises OSError."""
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (state_dir / FILE).open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(one)) + "\n" for one in found)


def kept_tests(state_dir: Path) -> dict[str, KeptTest]:
    """The newest result of each change, by its ID; lines that can't be read are left out. Never raises."""
    try:
        lines = (state_dir / FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    found = {}
    for text in lines:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            one = _read(json.loads(text))
            found[one.change_id] = one
    return found


def _read(row: Mapping[str, Any]) -> KeptTest:
    return KeptTest(
        str(row["at"]),
        "test" if row["how"] == "test" else "rehearse",
        str(row["change"]),
        str(row["change_id"]),
        str(row["where"]),
        "passed" if row["outcome"] == "passed" else "failed",
        {str(kind): str(value) for kind, value in row["hashes"].items()},
        str(row.get("told", "")),
        bool(row.get("rows", False)),
    )


def standing_of(kept: KeptTest | None, hashes: Mapping[str, str]) -> KeptStanding | None:
    """The result beside these hashes of the scripts now; None where nothing is kept."""
    if kept is None:
        return None
    kinds = ("deploy", "revert", "verify")
    return KeptStanding(kept, tuple(one for one in kinds if kept.hashes.get(one, "") != hashes.get(one, "")))
