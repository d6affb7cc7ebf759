"""The parameters of functions that statements name or make."""

from __future__ import annotations

from collections.abc import Iterable

from pgmig_tui.impact import nodes
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.types import type_of
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.impact.shadow_objects import ANY_NUMBER


def signature(parameters: Iterable[Node], catalog: Catalog) -> tuple[Name, ...]:
    """The types that a function takes."""
    return tuple(
        type_of(item.function_parameter.arg_type, catalog) for item in parameters if is_given(item.function_parameter)
    )


def is_given(parameter: Node) -> bool:
    """Whether a call gives this parameter a value."""
    mode = nodes.enum_name("FunctionParameterMode", parameter.mode)
    return mode not in {"FUNC_PARAM_OUT", "FUNC_PARAM_TABLE"}


def argument_range(node: Node) -> tuple[int, int]:
    """How many arguments a new function takes, at least and at most."""
    least = most = 0
    for item in node.parameters:
        parameter = item.function_parameter
        if nodes.enum_name("FunctionParameterMode", parameter.mode) == "FUNC_PARAM_VARIADIC":
            return least, ANY_NUMBER
        if is_given(parameter):
            most += 1
            least += not nodes.has(parameter, "defexpr")
    return least, most


def parameter_names(node: Node) -> frozenset[str]:
    """The names that parameters of a new function have, its own name among them: it may stand before theirs."""
    names = {item.function_parameter.name for item in node.parameters}
    return frozenset({*names, nodes.strings(node.funcname)[-1]})
