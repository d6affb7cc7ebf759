"""Which environments a script means the same for, so that it is judged once for these. Nothing is parsed here."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgmig_tui.project.changes import Change
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Kind, Project

NamesIn = dict[tuple[str, int, int], frozenset[str]]
"""By path, time of change (ns) and size of a script: what it names that an environment may have otherwise."""
_VARIABLE = re.compile(rb"(?<!:):(?:\{\?|['\"])?([A-Za-z_0-9]+)")
_OF_THE_SESSION = frozenset(["DBNAME", "HOST", "PORT", "USER", "\\"])
_COMMANDS = frozenset(["\\"])
"""Stands for a script with commands of psql, which may depend on anything; so does one that can't be read."""


def judged_alike(
    project: Project, changes: Sequence[Change], kind: Kind, environment: Environment, names: NamesIn
) -> Hashable:
    """The variables, with their values, that the deploy scripts of these changes name, and the last one's script of
    this kind; the environment's own name where they hold commands of psql, or name what psql knows of the session."""
    found: set[str] = set()
    for one in changes:
        found |= _names_in(project, one, "deploy", names)
    found |= _names_in(project, changes[-1], kind, names)
    if not found:
        return ()
    if found & _OF_THE_SESSION:
        return environment.name
    # What is set nowhere stays in the script as it stands there.
    variables = project.variables("revert" if kind == "revert" else "deploy", environment.target)
    return tuple((name, variables[name]) for name in sorted(found.intersection(variables)))


def _names_in(project: Project, change: Change, kind: Kind, known: NamesIn) -> frozenset[str]:
    path = project.script_path(change, kind)
    try:
        about = path.stat()
        key = (str(path), about.st_mtime_ns, about.st_size)
        if key not in known:
            text = project.inside.read(path)
            known[key] = _COMMANDS if b"\\" in text else frozenset(one.decode() for one in _VARIABLE.findall(text))
        return known[key]
    except FileNotFoundError:
        return frozenset()
    except OSError:
        return _COMMANDS
