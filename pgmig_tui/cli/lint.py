"""`pgmig-tui lint`: what a reviewer would say of scripts, without anybody's server."""

from __future__ import annotations

import gc
import os
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import folder_here, folder_of, project_here
from pgmig_tui.cli.schema_dump import heading, lacking_in, loaded_schema, refuse_untold, warn_of
from pgmig_tui.display.cells import line
from pgmig_tui.display.closest import did_you_mean
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import ProjectError, UsageError, in_a_line

if TYPE_CHECKING:
    from pgmig_tui.display.cells import Role
    from pgmig_tui.lint.finding import LintFinding
    from pgmig_tui.lint.inspect import LintReading, Scripts
    from pgmig_tui.project.lint_settings import LintSettings
    from pgmig_tui.project.project import Project
    from pgmig_tui.rehearse.schema_dump import SchemaDump

_NOTHING = "Nothing was looked at."
_ROLES: dict[str, Role] = {"error": "failed", "warning": "waiting", "info": "muted"}


def lint(arguments: Namespace) -> int:
    """Exit status 3 when there is a finding of severity error, or of the one that --fail-on says."""
    from pgmig_tui.lint import baseline, formats, inspect, table
    from pgmig_tui.lint.parallel import lint_all
    from pgmig_tui.script.files import ProjectFiles

    gc.disable()  # many values, none of them in circles
    style = "json" if arguments.json else arguments.format or "text"
    if arguments.json and arguments.format not in (None, "json"):
        raise UsageError(f"--json and --format {arguments.format} can't both be.", now=_NOTHING)
    project = _project(arguments)
    settings = _settings(arguments, project)
    for code in settings.severity:
        if not table.known(code):
            meant = did_you_mean(code, table.codes())
            raise ProjectError(f"pgmig.toml: lint.severity: there is no rule {code}.", now=_NOTHING, do=meant)
    rules = inspect.LintReading(ProjectFiles(project.root), settings, _variables(arguments, project))
    scripts = _scripts(arguments, project)
    with loaded_schema(arguments, project) as schema:
        if schema is not None:
            rules = _by_schema(arguments, project, scripts, rules, schema)
        found = lint_all(scripts, rules)
    if arguments.variables:
        from pgmig_tui.display.mask import hider

        hide = hider(dict(arguments.variables))
        if hide is not None:
            found = [replace(one, reason=hide(one.reason), fix=hide(one.fix)) for one in found]
    known = frozenset[str]()
    wanted = arguments.baseline or (settings.baseline and str(project.root / settings.baseline))
    if arguments.write_baseline:
        _write(Path(arguments.write_baseline), baseline.baseline_text(found))
        output.note(f"{len(found)} findings are kept in {safe(arguments.write_baseline)}; only new ones count now.")
        return 0
    if wanted:
        known = baseline.read_baseline(Path(wanted))
    told = baseline.fresh(found, known)
    if schema is not None:
        output.note(line((safe(heading(schema)), "muted")))
        warn_of(schema)
    if style == "text":
        _show(told, len(found) - len(told), len(scripts))
        _show_tests(arguments, project)
    elif style == "json" and schema is not None:
        output.text_out(formats.as_json(told, len(found) - len(told), schema.to_json()))
    elif style == "markdown":
        from pgmig_tui.report.lint_report import as_markdown

        notes = (heading(schema), *schema.lines()) if schema is not None else ()
        output.text_out(as_markdown(told, len(found) - len(told), notes))
    else:
        output.text_out(formats.WRITERS[style](told, len(found) - len(told)))
    return 3 if formats.at_least(told, arguments.fail_on or settings.fail_on) else 0


def _project(arguments: Namespace) -> Project:
    """The project here; for files and folders any folder will do."""
    try:
        return project_here(arguments)
    except (ProjectError, FileNotFoundError):
        if not arguments.file and not arguments.words:
            raise
    try:
        return folder_here(arguments)
    except FileNotFoundError:
        return folder_of(_absolute(arguments.file or arguments.words[0]))
    except ProjectError as error:
        told = in_a_line("\n".join((error.what, *error.details)))
        output.warn(f"{told} Nothing of the configuration counts here.")
        return folder_of(_absolute(arguments.file or arguments.words[0]))


def _settings(arguments: Namespace, project: Project) -> LintSettings:
    from pgmig_tui.project.lint_settings import LintSettings, lint_settings

    try:
        settings = lint_settings(project.root)
    except ProjectError:
        if project.plan.changes:
            raise
        settings = LintSettings()  # it was told that the configuration doesn't count
    off = dict.fromkeys(arguments.off, "off")
    return replace(settings, severity={**settings.severity, **off}) if off else settings


def _variables(arguments: Namespace, project: Project) -> dict[str, str]:
    names = ("core", "deploy", "revert", "verify", "engine.pg")
    configured = {key: one for name in names for key, one in project.config.section(f"{name}.variables").items()}
    return {**configured, **dict(arguments.variables)}


def _scripts(arguments: Namespace, project: Project) -> list[Scripts]:
    from pgmig_tui.lint.sources import of_changes, of_paths

    if arguments.file:
        if arguments.words:
            raise UsageError("--file stands instead of changes and folders.", now=_NOTHING)
        return list(of_paths(project, [_absolute(arguments.file)]))
    if not arguments.words:
        return list(of_changes(project, project.plan.changes))
    changes, paths = [], []
    for word in arguments.words:
        if project.plan.contains(word):
            changes.append(project.plan.find(word))
        elif Path(word).exists() or "/" in word or word.endswith(".sql"):
            paths.append(_absolute(word))
        else:
            meant = did_you_mean(word, project.plan.names())
            raise UsageError(f"{word} is neither a change of the plan nor a file or folder.", now=_NOTHING, do=meant)
    return [*of_changes(project, changes), *of_paths(project, paths)]


def _by_schema(
    arguments: Namespace, project: Project, scripts: list[Scripts], rules: LintReading, schema: SchemaDump
) -> LintReading:
    """How scripts are read where a dump says what is there before them: files in their order, and of changes those that
    the dump lacks."""
    from pgmig_tui.gates.carried import ThereAndBack, catalogs_before
    from pgmig_tui.lint.sources import of_changes

    named = [project.plan.find(one.change) for one in scripts if one.change]
    lacking = lacking_in(schema, project, arguments.since, named if arguments.words or arguments.file else ())
    if lacking is None and named:
        raise refuse_untold(schema)
    last = max((one.index for one in lacking or () if one in named), default=-1)
    wanted = [one for one in lacking or () if one.index <= last]
    chain = [*of_changes(project, wanted), *(one for one in scripts if not one.change)]
    views = [
        ThereAndBack(one.deploy.path, rules.preview(one.deploy), rules.preview(one.revert) if one.revert else None)
        for one in chain
        if one.deploy is not None
    ]
    dumped = schema.catalog
    return replace(rules, catalogs=catalogs_before(views, dumped), version_num=dumped.version_num)


def _absolute(file: str) -> Path:
    try:
        return Path(file).absolute()
    except FileNotFoundError as error:  # the current folder
        raise UsageError(f"The file {file} can't be found: the current folder is gone.", now=_NOTHING) from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"The baseline {path} can't be written: {error.strerror or error}.", now="It is as it was.", do=""
        ) from error


def _show_tests(arguments: Namespace, project: Project) -> None:
    """What is kept of tests of the changes that were looked at."""
    from pgmig_tui.review.tests_kept import told_of
    from pgmig_tui.run.journal.folder import default_state_dir

    if arguments.file:
        return
    named = [project.plan.find(word) for word in arguments.words if project.plan.contains(word)]
    changes = named if arguments.words else list(project.plan.changes)
    for text, good in told_of(project, changes, default_state_dir(os.environ)):
        output.say(line((safe(text), "done" if good else "waiting")))


def _show(found: list[LintFinding], known: int, scripts: int) -> None:
    from pgmig_tui.lint.formats import counts

    for one in found:
        place = safe(f"{one.path}:{one.line}:{one.column}: ")
        role = _ROLES[one.severity]
        output.say(line((place, "plain"), (f"{one.severity} {one.code}", role), (safe(f": {one.reason}"), "plain")))
        for told in one.fix.splitlines():
            output.say(line((safe(f"    {told}"), "muted")))
    number = counts(found)
    words = [f"{number['error']} errors", f"{number['warning']} warnings", f"{number['info']} of information alone"]
    looked = f"{scripts} change{'s' if scripts != 1 else ''} or file{'s' if scripts != 1 else ''}"
    more = f"; {known} more in the baseline" if known else ""
    output.say(line((("no findings" if not found else ", ".join(words)) + f" in {looked}{more}", "strong")))
