"""The plan of a backfill: which statement is carried out in batches, through which table, from which checkpoint.

It is made once (`backfill.planning`) and written into the run's folder (`backfill.json` beside `plan.json`): what was
shown is what the run process carries out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pgmig_tui.database import backfill as batches_on
from pgmig_tui.database.backfill import Key
from pgmig_tui.display.mask import put_away, put_back
from pgmig_tui.run.backfill.pace import TIMEOUT_MS, PaceLimits
from pgmig_tui.run.journal import private

SPEC = "backfill.json"
SCRIPT = "backfill.sql"
"""The name of the recorded script: the settings and one batch, with the keys of the first."""
_TEXTS = ("text", "before", "after", "left")
"""Fields in which values of variables may stand."""
DEFAULT_BATCH = 1000
DEFAULT_AIM_MS = 200


@dataclass(frozen=True, slots=True)
class BackfillOptions:
    """What the operator asked for: a change, or a statement with its table and key, or neither with `resume`.

    `batch` 0 = as declared, else DEFAULT_BATCH; `aim_ms` is how long a batch should take; `max_rate` rows of the table
    a second, 0 = no limit; a batch is cancelled after `timeout_ms`. `resume` is the run to go on with; `from_start`:
    begin again although it was done or begun.
    """

    change: str | None = None
    statement: str = ""
    table: str = ""
    key: tuple[str, ...] = ()
    left: str = ""
    batch: int = 0
    aim_ms: int = DEFAULT_AIM_MS
    max_rate: float = 0.0
    max_lag_s: float = PaceLimits().lag_s
    max_lag_bytes: int = PaceLimits().lag_bytes
    timeout_ms: int = TIMEOUT_MS
    analyze: bool = False
    resume: str = ""
    from_start: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    lock_wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Backfill:
    """What the run process carries out. `before` and `after` stand around the condition of a batch, `alias` is what the
    table is called there. `schema` holds the checkpoints; `creates` as `database.backfill.missing`. `goes_on` is the ID
    of the run that began it, "" for a new one. `about_total` are the table's rows by estimate, -1 = unknown."""

    name: str
    change: str
    kind: str
    text: str
    before: str
    after: str
    alias: str
    settings: tuple[str, ...]
    left: str
    table: str
    oid: int
    columns: tuple[str, ...]
    index: str
    digest: str
    schema: str
    creates: str
    goes_on: str
    started_rows: int
    started_seen: int
    about_total: int
    batch: int
    aim_ms: int
    max_rate: float
    max_lag_s: float
    max_lag_bytes: int
    timeout_ms: int
    analyze: bool
    types: tuple[str, ...] = ()
    operators: str = "pg_catalog"
    needs: tuple[str, ...] = ()
    """Variables of --set whose values it was loaded without: it can be shown, and not carried out."""

    @property
    def order(self) -> batches_on.Order:
        """The key, and how it is compared."""
        return batches_on.Order(self.columns, self.types, self.operators)

    @property
    def limits(self) -> PaceLimits:
        return PaceLimits(lag_s=self.max_lag_s, lag_bytes=self.max_lag_bytes, max_rate=self.max_rate)

    def sql(self, last: Key, upto: Key) -> str:
        """The statement over the rows beyond `last` and up to `upto`."""
        return f"{self.before}{batches_on.between(self.alias, self.order, last, upto)}{self.after}"

    def save(self, folder: Path, given: Mapping[str, str]) -> None:
        """`given` are the values of --set: variables stand in their places."""
        data = asdict(self)
        if away := put_away(given):
            data |= {name: away(data[name]) for name in _TEXTS}
            data["settings"] = [away(setting) for setting in self.settings]
        private.write(folder / SPEC, json.dumps(data, ensure_ascii=False))

    @staticmethod
    def load(folder: Path, given: Mapping[str, str] | None = None) -> Backfill:
        """`given` are the values that it was saved without. Raises OSError, ValueError, TypeError."""
        data: dict[str, Any] = json.loads((folder / SPEC).read_text(encoding="utf-8"))
        needs: set[str] = set()

        def back(text: str) -> str:
            whole, needed = put_back(text, given or {})
            needs.update(needed)
            return whole

        data |= {name: back(data[name]) for name in _TEXTS}
        lists = {name: tuple(data.get(name, ())) for name in ("columns", "types")}
        lists["settings"] = tuple(back(setting) for setting in data["settings"])
        return Backfill(**{**data, **lists, "needs": tuple(sorted(needs))})
