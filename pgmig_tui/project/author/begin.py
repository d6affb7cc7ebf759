"""A project begun: sqitch.conf and the plan as `sqitch init --engine pg` writes them, and the folders of the scripts.

Source: Sqitch 1.3.1, `sqitch-init` manual page; bytes as observed on the program. Without --engine Sqitch writes a
configuration that names no engine; here it is always PostgreSQL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from pgmig_tui.errors import ProjectError, UsageError
from pgmig_tui.project.author.files import Write, write_all
from pgmig_tui.project.config import FILE_NAME, Config
from pgmig_tui.project.ids import canonical_uri
from pgmig_tui.project.names import name_problem
from pgmig_tui.project.plan import PlanErrors, parse_plan
from pgmig_tui.project.uris import is_uri, parse_uri
from pgmig_tui.script.regular import Inside

FOLDERS = ("deploy", "revert", "verify")
DIRECTORIES = ("reworked", *FOLDERS, *(f"reworked_{one}" for one in FOLDERS))
_IN_CORE = ("extension", *(f"{one}_dir" for one in (*FOLDERS, "reworked", *DIRECTORIES[4:])))
_NOTHING = "Nothing was changed."
_VARIABLE = re.compile(r"[^\W\d][\w-]*")


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the command line says of a new project; None or empty: nothing. `folders` by `deploy`, `reworked` …"""

    name: str
    uri: str | None = None
    target: str | None = None
    plan_file: str | None = None
    top_dir: str | None = None
    extension: str | None = None
    registry: str | None = None
    client: str | None = None
    folders: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


def begin(root: Path, wanted: Beginning, config: Config, config_name: str = FILE_NAME) -> list[str]:
    """Write in `root` (absolute) what isn't there yet; Sqitch's sentences of it. `config` is what the user's and the
    system's files say. Raises UsageError, and ProjectError where a plan of another project is there; nothing is
    written then."""
    _require_fine(wanted)
    top = _clean(wanted.top_dir) or config.get("core.top_dir") or "."
    plan = _clean(wanted.plan_file) or config.get("core.plan_file") or str(PurePath(top) / "sqitch.plan")
    inside = Inside(root)
    said: list[str] = []
    writes: list[Write] = []
    if not (root / config_name).is_file():
        writes.append(Write(root / config_name, configuration(wanted, config, plan, top).encode()))
        said.append(f"Created {config_name}")
    if not _has_plan(root, plan, wanted.name, inside):
        uri = f"%uri={canonical_uri(wanted.uri)}\n" if wanted.uri else ""
        writes.append(Write(root / plan, f"%syntax-version=1.0.0\n%project={wanted.name}\n{uri}\n".encode()))
        if not (root / plan).parent.is_dir():
            said.append(f"Created {PurePath(plan).parent}/")
        said.append(f"Created {plan}")
    folders = [one for one in _script_folders(wanted, config, top) if not (root / one).is_dir()]
    made = _make(root, folders, inside)
    try:
        write_all(writes, inside, root)
    except BaseException:
        _unmake(made)
        raise
    return [*said, *(f"Created {one}/" for one in folders)]


def configuration(wanted: Beginning, config: Config, plan: str, top: str) -> str:
    """The text of sqitch.conf: what is set, then in comments what may be."""
    set_in_core = {
        "plan_file": _clean(wanted.plan_file),
        "top_dir": _clean(wanted.top_dir),
        "extension": wanted.extension,
        **{f"{name}_dir": _clean(folder) for name, folder in wanted.folders.items()},
    }
    text = "[core]\n" + _definition("engine", "pg")
    text += "".join(
        _definition(key, value) for key in ("plan_file", "top_dir", *_IN_CORE) if (value := set_in_core.get(key))
    )
    if wanted.variables:
        text += '[core "variables"]\n' + "".join(_definition(key, value) for key, value in wanted.variables.items())
    text += "".join(
        f"\t# {key} = {value}\n" for key, value in (("plan_file", plan), ("top_dir", top)) if not set_in_core[key]
    )
    given = {"target": wanted.target, "registry": wanted.registry, "client": wanted.client}
    known = {
        "target": config.get("engine.pg.target") or config.get("core.target") or "db:pg:",
        "registry": config.get("engine.pg.registry") or config.get("core.registry") or "sqitch",
        "client": config.get("engine.pg.client") or config.get("core.client") or "psql",
    }
    text += '[engine "pg"]\n' if any(given.values()) else '# [engine "pg"]\n'
    text += "".join(_definition(key, value) for key, value in given.items() if value)
    text += "".join(f"\t# {key} = {known[key]}\n" for key, value in given.items() if not value)
    if wanted.target and not is_uri(wanted.target):
        uri = config.get(f"target.{wanted.target}.uri") or "db:pg:"
        text += f'[target "{wanted.target}"]\n' + _definition("uri", uri)
    return text


def _definition(key: str, value: str) -> str:
    quote = '"' if value != value.strip() or ";" in value or "#" in value else ""
    for sign, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\t", "\\t"), ("\n", "\\n")):
        value = value.replace(sign, escaped)
    return f"\t{key} = {quote}{value}{quote}\n"


def _clean(path: str | None) -> str | None:
    return str(PurePath(path)) if path else None


def _require_fine(wanted: Beginning) -> None:
    if (problem := name_problem(wanted.name)) or wanted.name == "0":
        why = problem.message if problem else "Sqitch takes it for an empty name"
        raise UsageError(
            f'invalid project name "{wanted.name}": {why}.',
            now=_NOTHING,
            do="Begin and end it with a letter, a digit or _; no blanks, @, :, # or \\ in it.",
        )
    if unknown := sorted(set(wanted.folders) - set(DIRECTORIES)):
        raise UsageError(
            f"Unknown directory name{'s' * (len(unknown) > 1)}: {', '.join(unknown)}.",
            now=_NOTHING,
            do=f"Known are {', '.join(DIRECTORIES)}.",
        )
    for name in wanted.variables:
        if not _VARIABLE.fullmatch(name):
            raise UsageError(f'"{name}" is no name of a variable.', now=_NOTHING, do="Use letters, digits, _ and -.")
    if wanted.target and is_uri(wanted.target) and (engine := parse_uri(wanted.target).engine) != "pg":
        raise UsageError(
            f"The target is a {engine} database.", now=_NOTHING, do="pgmig-tui works on PostgreSQL only: db:pg:…"
        )
    if wanted.target and not is_uri(wanted.target) and re.search(r'["\\\n\].]', wanted.target):
        raise UsageError(
            f'"{wanted.target}" is no name of a target.', now=_NOTHING, do="Choose one without . and quotes."
        )


def _has_plan(root: Path, plan: str, name: str, inside: Inside) -> bool:
    """Whether this project's plan is there already. Raises ProjectError where something else is."""
    path = root / plan
    try:
        found = parse_plan(inside.read(path), Path(plan))
    except FileNotFoundError:
        return False
    except PlanErrors as error:
        raise ProjectError(
            f"Cannot initialize because {plan} already exists and is not a valid plan file.",
            now=_NOTHING,
            do="Correct it, or move it away.",
            details=[str(problem) for problem in error.problems],
        ) from None
    except OSError as error:
        raise ProjectError(
            f"Cannot initialize because {plan} already exists and can't be read: {error.strerror}.", now=_NOTHING
        ) from None
    if found.project != name:
        raise ProjectError(
            f'Cannot initialize because project "{found.project}" already initialized in {plan}.',
            now=_NOTHING,
            do="Begin the new project in a folder of its own, or with another --plan-file.",
        )
    return True


def _script_folders(wanted: Beginning, config: Config, top: str) -> list[str]:
    found = []
    for prefix, base in (("", top), ("reworked_", _clean(wanted.folders.get("reworked")) or top)):
        for kind in FOLDERS:
            said = _clean(wanted.folders.get(f"{prefix}{kind}"))
            found.append(said or config.get(f"core.{prefix}{kind}_dir") or str(PurePath(base) / kind))
    return list(dict.fromkeys(found))


def _make(root: Path, folders: list[str], inside: Inside) -> list[Path]:
    made: list[Path] = []
    try:
        for one in folders:
            if out := inside.leads_out(root / one):
                raise ProjectError(
                    f"{one} leads out of the project, to {out}.", now=_NOTHING, do="Name a folder in the project's."
                )
            missing = [path for path in (root / one, *(root / one).parents) if not path.exists()]
            for path in reversed(missing):
                path.mkdir()
                made.append(path)
    except OSError as error:
        _unmake(made)
        raise ProjectError(f"{error.filename} can't be made: {error.strerror}.", now=_NOTHING) from None
    except ProjectError:
        _unmake(made)
        raise
    return made


def _unmake(made: list[Path]) -> None:
    import contextlib

    for path in reversed(made):
        with contextlib.suppress(OSError):
            path.rmdir()
