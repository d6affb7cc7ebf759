"""The documentation of a project's schema: what it would say now, and the file that says it."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pgmig_tui.errors import ProjectError, Refused
from pgmig_tui.project.document_settings import document_file
from pgmig_tui.review.schema_markdown import MARKER, markdown
from pgmig_tui.script.regular import Inside

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

PLAN = "plan"
MOST_BYTES = 64 << 20
_NOTHING = "Nothing was written."
_DIFF_LINES = 40
_COMPARED = 2000
"""Lines on either side of which the differences are told."""
State = Literal["current", "stale", "absent", "foreign"]
"""`foreign`: a file is there that was not written by `document`."""


@dataclass(frozen=True, slots=True)
class DocumentStanding:
    """What the file on disk is beside what would be written; `diff` tells a few lines of a stale one."""

    path: Path
    state: State
    diff: tuple[str, ...] = ()


def is_stale(
    project: Project, *, state_dir: Path, say: Callable[[str], None] = lambda text: None, path: Path | None = None
) -> bool | None:
    """Whether the document on disk isn't what the plan makes; None where the project keeps none.

    The plan is deployed on a server of our own for that, which takes a second or two: no environment is asked. Raises
    PgmigError where that can't be told.
    """
    path = path or default_path(project)
    if standing(project, path, "").state in ("absent", "foreign"):
        return None
    return standing(project, path, of_plan(project, state_dir=state_dir, say=say)).state == "stale"


def default_path(project: Project) -> Path:
    """Where pgmig.toml says that the document lies. Raises ProjectError."""
    return document_file(project.config.local_file.parent if project.config.local_file else project.root)


def of_plan(
    project: Project,
    *,
    state_dir: Path,
    say: Callable[[str], None],
    variables: Mapping[str, str] | None = None,
) -> str:
    """The document of what the whole plan makes. Raises what `rehearse.from_plan.describe_plan` raises."""
    from pgmig_tui.rehearse.from_plan import describe_plan

    environment = project.any_environment
    values = project.variables("deploy", environment.target, variables)
    return markdown(project.plan.project, describe_plan(project, environment, values, state_dir=state_dir, say=say))


def of_environment(project: Project, environment: Environment) -> str:
    """The document of what an environment's database has. Raises Unreachable, ServerError."""
    from pgmig_tui.database.connect import application_name, connect
    from pgmig_tui.database.described import read_described

    with connect(environment.target, application_name=application_name("document", "read")) as connection:
        return markdown(project.plan.project, read_described(connection, environment.own_schemas))


# -- the file ----------------------------------------------------------------------------------------------------------


def standing(project: Project, path: Path, text: str) -> DocumentStanding:
    """What the file is beside this text. Raises ProjectError for one that can't be read, Refused out of the project."""
    found = _read(project, path)
    if found is None:
        return DocumentStanding(path, "absent")
    if found == text:
        return DocumentStanding(path, "current")
    if not _ours(found, text):
        return DocumentStanding(path, "foreign")
    return DocumentStanding(path, "stale", tuple(_diff(found, text, project.relative(path))))


def write(project: Project, path: Path, text: str, *, force: bool = False) -> DocumentStanding:
    """Write the text, in one piece or not at all; a file that says it already isn't touched. Returns what was there.

    Raises Refused where another file would be overwritten and `force` doesn't allow it, or where the path leads out of
    the project; ProjectError where it can't be written.
    """
    before = standing(project, path, text)
    if before.state == "current":
        return before
    if before.state == "foreign" and not force:
        raise Refused(
            f"{project.relative(path)} was not written by pgmig-tui document.",
            now="It was left as it is.",
            do="Name another file with -o, or overwrite it with --force.",
        )
    real = _inside(project, path)
    new = real.with_name(f".{real.name}.{secrets.token_hex(4)}")
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        _put(new, text)
        new.replace(real)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        raise ProjectError(
            f"{project.relative(path)} can't be written: {error.strerror or error}.", now=_NOTHING
        ) from None
    return before


def _put(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _ours(found: str, text: str) -> bool:
    """Written by us, for the same purpose: its first line is the one that we would write, or there is nothing in it."""
    first = text.partition("\n")[0] or MARKER
    return not found.strip() or found.partition("\n")[0] == first


def _inside(project: Project, path: Path) -> Path:
    """Where the path really leads. Raises Refused when that isn't in the project."""
    root = os.path.realpath(project.root)
    real = os.path.realpath(path)
    if not real.startswith(root.rstrip("/") + "/"):
        raise Refused(
            f"{path} leads out of the project, to {real}.",
            now=_NOTHING,
            do="Name a file in the project's folder, or write it to stdout with -o - and redirect that.",
        )
    return Path(real)


def _read(project: Project, path: Path) -> str | None:
    """What the file says, with line feeds alone; None where there is none."""
    _inside(project, path)
    try:
        data = Inside(project.root).read(path, MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ProjectError(
            f"{project.relative(path)} can't be read: {error.strerror or error}.", now=_NOTHING
        ) from None
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def _diff(found: str, text: str, name: str) -> Iterator[str]:
    """A unified diff, cut where it gets long."""
    import difflib

    old, new = found.splitlines(), text.splitlines()
    start = _alike(old, new)
    start = max(0, start - 3)
    sides = (old[start : start + _COMPARED], new[start : start + _COMPARED])
    lines = list(difflib.unified_diff(*sides, f"{name} (on disk)", f"{name} (as it would be)", n=1, lineterm=""))
    yield from lines[:_DIFF_LINES]
    if len(lines) > _DIFF_LINES or max(len(old), len(new)) > start + _COMPARED:
        yield "…"


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines both begin with."""
    return next(
        (at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), min(len(old), len(new))
    )
