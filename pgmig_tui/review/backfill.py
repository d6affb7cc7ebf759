"""What a backfill is going to do, in lines that command line and screen show before anything runs."""

from __future__ import annotations

from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, line
from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.display.safe import safe
from pgmig_tui.run.backfill.plan import Backfill

_SHOWN = 12
"""Lines of the statement that are shown."""


def preview_lines(spec: Backfill) -> list[Line]:
    """The statement, through which table, from where, how big, what it gives way to and where it keeps its place."""
    text = mask_secrets(spec.text).splitlines()
    told = [line(("| ", "muted"), safe(one)) for one in text[:_SHOWN]]
    if len(text) > _SHOWN:
        told.append(line((f"| … {len(text) - _SHOWN} more lines", "muted")))
    rows = "an unknown number of" if spec.about_total < 0 else f"about {words.about(spec.about_total)}"
    key = ", ".join(spec.columns)
    through = f"  through {safe(spec.table)} by {safe(key)}: {rows} rows"
    told.append(line(through, (f", index {safe(spec.index)}", "muted")))
    batches = f"  batches of {spec.batch:,} rows at first, then as many as take {words.duration(spec.aim_ms)}"
    told.append(line(batches, (", each a transaction of its own", "muted")))
    gives = f"  gives way to replicas more than {spec.max_lag_s:g} s behind, waiting sessions, the archive, vacuum"
    told.append(line(gives + (f"; at most {spec.max_rate:,.0f} rows a second" if spec.max_rate else "")))
    place = f"  its position is kept in {safe(spec.schema)}.backfill_progress"
    told.append(line(place, (", which it makes" if spec.creates else "", "waiting")))
    if spec.goes_on:
        done = f"  goes on with {spec.goes_on}: {words.count(spec.started_rows, 'row')} are changed already"
        told.append(line((done, "strong")))
    if spec.left:
        told.append(line(f"  at the end counts the rows where {safe(spec.left)}"))
    else:
        told.append(line(("  nothing says which rows are still to do: none are counted at the end", "muted")))
    told.append(line(("  rows that come in behind its position, or beyond the highest key, are not changed", "muted")))
    return told
