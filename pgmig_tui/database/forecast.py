"""What scripts will do to a database: its catalog is read once, before the first statement, and everything is carried
forward from there. The one road for reviews, `impact`, dry runs and rehearsals.

Code that makes SQL at run time can bring up names that nobody has asked the server for. Then these are asked for, too,
and all is looked at again; what is still not known after a few rounds is told as unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pgmig_tui.database.catalog import Executes, read_script_facts
from pgmig_tui.impact.facts import DatabaseFacts
from pgmig_tui.impact.names import names_in
from pgmig_tui.impact.predict import predict_script
from pgmig_tui.impact.rates import DEFAULT_RATES, Rates
from pgmig_tui.impact.result import ScriptImpact
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.impact.statement_like import StatementLike
from pgmig_tui.impact.wanted import Names

_ROUNDS = 5

Read = Callable[[Names], DatabaseFacts]
SoFar = Callable[[ScriptImpact], None]


@dataclass(frozen=True, slots=True)
class ForecastScript:
    """A script as it will be sent; its `statements` are gone through several times where a server is asked.

    `wrapped`: we put it between BEGIN and COMMIT; `complete`, `straight`: see Preview. `so_far` is told of its
    beginning while the rest is looked at. `later`: it runs when what the scripts before it have made is in use.
    `missing`: what it does isn't known.
    """

    path: str
    statements: Iterable[StatementLike]
    wrapped: bool = False
    complete: frozenset[int] = frozenset()
    so_far: SoFar | None = None
    later: bool = False
    straight: bool = False
    missing: bool = False


def forecast(
    scripts: Sequence[ForecastScript], connection: Executes, version_num: int, rates: Rates = DEFAULT_RATES
) -> list[ScriptImpact]:
    """The impact of scripts that run one after the other, each in a session of its own. Raises what the connection
    raises."""
    return forecast_by(scripts, lambda names: read_script_facts(connection, names), version_num, rates)


def forecast_by(
    scripts: Sequence[ForecastScript], read: Read, version_num: int, rates: Rates = DEFAULT_RATES
) -> list[ScriptImpact]:
    """The same by facts that `read` has of names. Raises what it raises."""
    names = names_in(one for script in scripts for one in script.statements)
    for _ in range(_ROUNDS):
        catalog = Catalog(read(names))
        found = walk(scripts, catalog, version_num, rates)
        if not names.update(catalog.doubts.names):
            break
    return found


def doubt(catalog: Catalog) -> None:
    """What has run nobody knows."""
    for one in (catalog, *catalog.others):
        one.doubt()


def walk(
    scripts: Iterable[ForecastScript], catalog: Catalog, version_num: int, rates: Rates = DEFAULT_RATES
) -> list[ScriptImpact]:
    """The same from a catalog that is there already (one without facts: from the text alone)."""
    found = []
    for script in scripts:
        if script.later:
            catalog.put_to_use()
        if script.missing:
            doubt(catalog)
        found.append(
            predict_script(
                script.statements,
                None,
                version_num,
                wrapped=script.wrapped,
                path=script.path,
                catalog=catalog,
                rates=rates,
                so_far=script.so_far,
                complete=script.complete,
                straight=script.straight,
            )
        )
        catalog.settle()
        if any(one.kind == "UNPARSED" for one in found[-1].statements):  # if it has run after all, it wasn't so
            doubt(catalog)
    return found
