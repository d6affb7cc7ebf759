"""The catalog as it will be before each of several scripts, carried on from a schema dump."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pgmig_tui.database.dumped import DumpedCatalog
from pgmig_tui.database.forecast import ForecastScript, walk
from pgmig_tui.impact.names import names_in
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.script.batch import parse_together
from pgmig_tui.script.preview import Preview
from pgmig_tui.script.shape import wraps

_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class ThereAndBack:
    """A deploy script as it was read, and what takes it back."""

    path: str
    deploy: Preview
    revert: Preview | None = None


def catalogs_before(scripts: Sequence[ThereAndBack], dumped: DumpedCatalog) -> dict[str, Catalog]:
    """The catalog before each deploy script, by its path; they run one after the other, and nothing is reverted but to
    be looked at. Raises what the dump's connection raises."""
    views = [view for one in scripts for view in (one.deploy, one.revert) if view is not None]
    parse_together([one for view in views for one in view.statements if one.control is None])
    names = names_in(one for view in views for one in view.statements)
    found: dict[str, Catalog] = {}
    for _ in range(_ROUNDS):
        catalog = Catalog(dumped.read(names))
        for one in scripts:
            found[one.path] = catalog.clone()
            walk([_script(one.path, one.deploy)], catalog, dumped.version_num)
            if one.revert is not None:
                back = catalog.clone()
                back.put_to_use()
                walk([_script(one.path, one.revert)], back, dumped.version_num)
        if not names.update(catalog.doubts.names):
            break
    return found


def _script(path: str, view: Preview) -> ForecastScript:
    return ForecastScript(path, view.statements, wraps(view), view.complete, straight=view.straight)
