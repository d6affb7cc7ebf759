"""Which scripts a new change gets, and of which templates.

Source: Sqitch 1.3.1, `sqitch-add` manual page; order and names as observed on the program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.author.places import Place
from pgmig_tui.project.author.templates import TEMPLATE_BYTES, Value, render
from pgmig_tui.project.config import SYSTEM_FILE
from pgmig_tui.project.project import Project
from pgmig_tui.project.targets import ProjectLayout
from pgmig_tui.script.regular import Inside, read_regular

KINDS = ("deploy", "revert", "verify")
_NOTHING = "Nothing was changed."
_BUILT_IN = {
    "deploy": """\
-- Deploy [% project %]:[% change %] to [% engine %]
[% FOREACH item IN requires -%]
-- requires: [% item %]
[% END -%]
[% FOREACH item IN conflicts -%]
-- conflicts: [% item %]
[% END -%]

BEGIN;

-- XXX Add DDLs here.

COMMIT;
""",
    "revert": """\
-- Revert [% project %]:[% change %] from [% engine %]

BEGIN;

-- XXX Add DDLs here.

COMMIT;
""",
    "verify": """\
-- Verify [% project %]:[% change %] on [% engine %]

BEGIN;

-- XXX Add verifications here.

ROLLBACK;
""",
}
"""Those that Sqitch installs for PostgreSQL, for a machine on which it isn't installed."""


@dataclass(frozen=True, slots=True)
class TemplateChoice:
    """How the command line chooses templates: --template, --template-directory, --use, --with and --without, --set."""

    name: str | None = None
    directory: Path | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    chosen: Mapping[str, bool] = field(default_factory=dict)
    variables: Mapping[str, Value] = field(default_factory=dict)

    def wants(self, kind: str) -> bool:
        return self.chosen.get(kind, True)


@dataclass(frozen=True, slots=True)
class Template:
    """A template's text, and what messages call it."""

    shown: str
    text: str


def script_file(layout: ProjectLayout, kind: str, name: str) -> Path:
    """The script of the last instance of a change: a kind that isn't Sqitch's own has its folder in the top folder."""
    folders = {"deploy": layout.deploy_dir, "revert": layout.revert_dir, "verify": layout.verify_dir}
    return folders.get(kind, layout.top_dir / kind) / f"{name}.{layout.extension}"


def templates(project: Project, choice: TemplateChoice, place: Place) -> dict[str, Template]:
    """The template of each script that a change gets in this place, in the order of their kinds.

    The command line counts, then `[add "templates"]`, then --template-directory, the user's and the system's folder.
    Raises ProjectError for one that isn't there, or that the project's own configuration has elsewhere.
    """
    named = choice.name or project.config.get("add.template_name") or place.engine
    found = {kind: (path, None) for kind, path in choice.files.items()}
    for kind, path, inside in _configured(project):
        found.setdefault(kind, (path, inside))  # type: ignore[arg-type]
    for folder, inside in _folders(project, choice):
        for path in sorted(folder.glob(f"*/{_file_name(named)}")) if folder.is_dir() else ():
            if path.is_file():
                found.setdefault(path.parent.name, (path, inside))  # type: ignore[arg-type]
    read = {kind: _read(project, *found[kind]) for kind in found if choice.wants(kind)}
    for kind in KINDS:
        if kind not in read and choice.wants(kind):
            if named != "pg":
                raise ProjectError(
                    f"Cannot find {kind} template.",
                    now=_NOTHING,
                    do=f"There is no {kind}/{_file_name(named)} in a folder of templates. --without {kind} needs none.",
                )
            read[kind] = Template(f"{kind}/pg.tmpl", _BUILT_IN[kind])
    return {kind: read[kind] for kind in sorted(read)}


def script(
    template: Template, project_name: str, change: str, place: Place, choice: TemplateChoice, more: SaidDependencies
) -> bytes:
    """What a template makes of a change. Raises ProjectError."""
    values: dict[str, Value] = {
        **choice.variables,
        "change": change,
        "engine": place.engine,
        "project": project_name,
        "requires": more.requires,
        "conflicts": more.conflicts,
    }
    return render(template.text, values, template.shown).encode()


@dataclass(frozen=True, slots=True)
class SaidDependencies:
    """Dependencies as they were said."""

    requires: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


def variables(project: Project, said: Mapping[str, Value]) -> dict[str, Value]:
    """`[add "variables"]`, and over them what --set says; of one that is set more than once all values."""
    found: dict[str, Value] = {}
    for (section, key), values in project.config.values.items():
        if section == "add.variables" and "." not in key:
            texts = [value.text for value in values]
            found[values[0].name] = texts[0] if len(texts) == 1 else [text or "" for text in texts]
    return {**found, **said}


def _file_name(named: str) -> str:
    if "/" in named or any(sign in named for sign in "*?["):
        raise ProjectError(f"{named} is no name of templates.", now=_NOTHING, do="Say the name of the .tmpl files.")
    return f"{named}.tmpl"


def _configured(project: Project) -> Iterator[tuple[str, Path, Inside | None]]:
    for (section, key), values in project.config.values.items():
        if section == "add.templates" and "." not in key and values[-1].text:
            inside = project.inside if values[-1].path == project.config.local_file else None
            yield values[-1].name, project.root / values[-1].text, inside


def _folders(project: Project, choice: TemplateChoice) -> Iterator[tuple[Path, Inside | None]]:
    """The folders of templates; what the project's configuration names lies in the project."""
    if choice.directory is not None:
        yield _folder(choice.directory), None
    elif (value := project.config.value("add.template_directory")) is not None and value.text:
        own = value.path == project.config.local_file
        yield _folder(project.root / value.text), project.inside if own else None
    if home := project.env.get("HOME"):
        yield Path(home) / ".sqitch" / "templates", None
    yield SYSTEM_FILE.parent / "templates", None


def _folder(path: Path) -> Path:
    if not path.exists():
        raise ProjectError(f'Directory "{path}" does not exist.', now=_NOTHING, do="Name a folder of templates.")
    if not path.is_dir():
        raise ProjectError(f'"{path}" is not a directory.', now=_NOTHING, do="Name a folder of templates.")
    return path


def _read(project: Project, path: Path, inside: Inside | None) -> Template:
    shown = project.relative(path)
    try:
        data = read_regular(path, TEMPLATE_BYTES) if inside is None else inside.read(path, TEMPLATE_BYTES)
        return Template(shown, data.decode())
    except FileNotFoundError:
        raise ProjectError(f"Template {shown} does not exist.", now=_NOTHING, do="Name one that does.") from None
    except IsADirectoryError:
        raise ProjectError(f"Template {shown} is not a file.", now=_NOTHING, do="Name a file.") from None
    except UnicodeDecodeError:
        raise ProjectError(f"Template {shown} is not valid UTF-8.", now=_NOTHING, do="Save it as UTF-8.") from None
    except OSError as error:
        raise ProjectError(
            f"Template {shown} can't be read: {error.strerror}.",
            now=_NOTHING,
            do="One elsewhere is named with --use or --template-directory, or in your own sqitch.conf.",
        ) from None
