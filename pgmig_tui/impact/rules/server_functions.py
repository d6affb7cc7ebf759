"""Functions of the server that a query calls by name: sequences, settings, those that run SQL that they are given."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Relation
from pgmig_tui.impact.known import (
    CONTRIB_RUNS_SQL,
    DESTROYS,
    READS_EVERYTHING,
    READS_RELATION,
    RUNS_SQL,
    TAKES_STATISTICS,
)
from pgmig_tui.impact.modes import RE
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.result import LostData
from pgmig_tui.impact.rules.function_call import constants, in_order
from pgmig_tui.impact.rules.inner_sql import carry_out
from pgmig_tui.impact.rules.permitted import sequence_permitted
from pgmig_tui.impact.rules.settings import set_to
from pgmig_tui.impact.rules.statistics import take_statistics
from pgmig_tui.impact.worlds import World


def _sequence(parts: list[str], scene: Scene, out: Effect, arguments: Node) -> None:
    """nextval and setval; the latter isn't even undone by ROLLBACK."""
    sequence = _sequence_of(arguments[0], scene, out)
    if sequence is not None:
        sequence_permitted(sequence, parts[-1], scene, out)
        out.lock(sequence, RE, parts[-1])
    if parts[-1] == "setval" and (sequence is None or not sequence.fresh):
        lost = None if sequence is None else LostData("sequence", sequence.name)
        out.lose(5, f"the state of {'a sequence' if sequence is None else f'the sequence {sequence.name}'}", lost)


def _sequence_of(argument: Node, scene: Scene, out: Effect) -> Relation | None:
    """The sequence of which the name stands there, or that a column owns by pg_get_serial_sequence."""
    if argument.WhichOneof("node") == "type_cast":
        argument = argument.type_cast.arg
    if argument.WhichOneof("node") == "func_call" and len(argument.func_call.args) == 2:
        inner = argument.func_call
        table, column = (nodes.constant(one) for one in inner.args)
        if nodes.strings(inner.funcname)[-1] != "pg_get_serial_sequence" or not table or not column:
            return None
        owner = scene.catalog.get(nodes.name_from(_parts(table)))
        owned = owner.sequences if owner is not None else ()
        return next((scene.catalog.relation(one.name, "S") for one in owned if one.column == column), None)
    text = nodes.constant(argument)
    if text is None:
        return None
    name = nodes.name_from(_parts(text))
    scene.absent(name, out)
    return scene.catalog.relation(name, "S")


def _parts(text: str) -> list[str]:
    return [part.strip('"') for part in text.split(".")]


def call(parts: list[str], scene: Scene, out: Effect, arguments: Node = ()) -> None:
    """A function that is run: inside it anything can happen."""
    name, of_server = parts[-1], parts[0] == "pg_catalog" or len(parts) == 1
    if of_server and name in {"nextval", "setval", "currval"} and arguments:
        _sequence(parts, scene, out, arguments)
        return
    given = constants(in_order(arguments, parts, scene.catalog), scene.worth)
    if of_server and name == "set_config":
        set_config(given, scene, out)
    elif of_server and name in DESTROYS:
        out.lose(*DESTROYS[name])
    elif of_server and name in RUNS_SQL:
        _run_given(parts, scene, out, given)
    elif of_server and name in READS_RELATION and given:
        relation = given[READS_RELATION[name]]
        if relation is None:
            out.hide(f"which relation {name}() reads")
        else:
            _run_text(f"TABLE {relation}", scene, out)
    elif of_server and name in READS_EVERYTHING and given:
        out.hide(f"what the functions do that stand in the views that {name}() reads")
    elif of_server and name in TAKES_STATISTICS and scene.major >= 18:
        take_statistics(name, given, scene, out)
    elif of_server and name in TAKES_STATISTICS and scene.catalog.live:
        out.fail(f"{name}() does not exist before PostgreSQL 18", "42883")
    elif parts[0] not in {"pg_catalog", "information_schema"}:
        scene.rules.run_function(parts, scene, out, given)
        text = given[0] if given else None
        if text and name in CONTRIB_RUNS_SQL and any(one.extension for one in scene.catalog.functions(parts)):
            _run_text(text, scene, out)


def _run_given(parts: list[str], scene: Scene, out: Effect, given: list[str | None]) -> None:
    """A function of the server that runs the SQL that it is given."""
    position = RUNS_SQL[parts[-1]]
    text = given[position] if position < len(given) else None
    if text is None:
        if not (parts[-1] == "ts_rewrite" and len(given) > 2):
            out.hide(f"what the SQL does that {parts[-1]}() runs")
        return
    _run_text(text, scene, out)


def _run_text(text: str, scene: Scene, out: Effect) -> None:
    scene.become([world.catalog for world in carry_out(text, scene, World(scene.catalog, scene.worth), out, made=True)])


def set_config(given: list[str | None], scene: Scene, out: Effect) -> None:
    """set_config(): SET, as a function."""
    if len(given) != 3:
        return
    name, value, local = given
    if name is None:
        out.hide("which setting set_config() changes")
    else:
        set_to(name.lower(), value, scene, local=local not in {"false", "f", "0", "off", "no", "n"})
