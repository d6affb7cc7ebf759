"""A project: plan, configuration, environments and scripts of one checkout, read once and immutable.

Sources: `sqitch`, `sqitch-rework`, `sqitch-configuration` and `sqitch-environment` manual pages; file names of reworked
changes as observed on Sqitch 1.3.1.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha1
from pathlib import Path
from typing import Literal

from pgmig_tui.display.closest import did_you_mean
from pgmig_tui.errors import ProjectError, UsageError
from pgmig_tui.project.changes import Change, DeployedLike, Plan
from pgmig_tui.project.config import Config, read_config
from pgmig_tui.project.environments import FILE_NAME as ENVIRONMENTS_FILE
from pgmig_tui.project.environments import Environment, read_environments, rooted, target_environment
from pgmig_tui.project.identity import Operator, OsUser, find_operator
from pgmig_tui.project.plan import read_plan
from pgmig_tui.project.targets import (
    Override,
    ProjectLayout,
    Target,
    TargetOptions,
    default_target_name,
    overridden,
    resolve_target,
    target_names,
)
from pgmig_tui.project.uris import ENGINES, is_uri
from pgmig_tui.script.regular import CONFIG_BYTES, Inside

__all__ = ["ForeignTarget", "Kind", "Operator", "OsUser", "Project", "load_project"]

Kind = Literal["deploy", "revert", "verify"]
_Resolve = Callable[[str], Target]


@dataclass(frozen=True, slots=True)
class ForeignTarget:
    """A target that this project's plan isn't for: it has a plan or folders of its own, or another engine."""

    name: str
    reason: str
    plan_file: Path | None


@dataclass(frozen=True)
class Project:
    """Everything that the checkout says. `root` is psql's working directory; relative paths count from it.

    `environments` are those that this plan is for; `elsewhere` those with a plan or folders of their own, see
    `for_target`. `warnings` are sentences for people.
    """

    root: Path
    plan: Plan
    config: Config
    environments: tuple[Environment, ...]
    operator: Operator
    foreign: tuple[ForeignTarget, ...]
    warnings: tuple[str, ...]
    layout: ProjectLayout
    default_target: str | None
    elsewhere: tuple[Environment, ...] = ()
    options: TargetOptions = field(default_factory=TargetOptions)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    os_user: OsUser | None = None

    # -- environments --------------------------------------------------------------------------------------------------

    def environment(self, name_or_uri: str, override: Override | None = None) -> Environment:
        """Return the environment that a person means: one of pgmig.toml, a target of sqitch.conf, or a db:pg: URI.

        Whatever way it is written, the policy is that of the environment with the same host, port and database; a
        protected one wins. With an `override` that leads to another database, it is that database's environment: under
        its own name, and protected where the one that was named is. Raises UsageError, naming what is known, for
        anything else.
        """
        if not override:
            return self._named(name_or_uri)
        named = self._named(name_or_uri)
        target = overridden(named.target, override, self.env)
        if target.address.same(named.target.address):
            return replace(named, target=target)
        found = self._of_address(target) or target_environment(target.display, target)
        if named.policy.protected and not found.policy.protected:
            found = replace(found, policy=named.policy)
        return found

    @property
    def any_environment(self) -> Environment:
        """The one whose variables and policy count for scripts that run on no environment."""
        if self.environments:
            named = (one for one in self.environments if one.name == self.default_target)
            return next(named, self.environments[0])
        return self.environment("db:pg:")

    def _named(self, name_or_uri: str) -> Environment:
        known = self.environments + self.elsewhere
        for environment in known:
            if environment.name == name_or_uri:
                return environment
        if not is_uri(name_or_uri) and self.config.get(f"target.{name_or_uri}.uri") is None:
            names = dict.fromkeys([*(environment.name for environment in known), *target_names(self.config)])
            raise UsageError(
                f'There is no environment or target "{name_or_uri}".',
                do=" ".join(
                    one
                    for one in (
                        did_you_mean(name_or_uri, names),
                        f"Known: {', '.join(names)}." if names else "Write a db:pg: URI.",
                    )
                    if one
                ),
            )
        target = self._resolve(name_or_uri)
        if target.engine != "pg":
            raise UsageError(
                f'"{target.name}" is a {target.engine} database.', do="pgmig-tui works on PostgreSQL only."
            )
        return self._of_address(target) or target_environment(target.name, target)

    def _of_address(self, target: Target) -> Environment | None:
        """The environment whose database a target's is; a protected one wins."""
        known = self.environments + self.elsewhere
        same = [environment for environment in known if environment.target.address.same(target.address)]
        if not same:
            return None
        return replace(next((twin for twin in same if twin.policy.protected), same[0]), target=target)

    def names(self, argument: str) -> str | None:
        """Return what a positional argument means where it means an environment: itself, or the target of an engine or
        of a plan file, as Sqitch takes them. None where it is something else."""
        known = {environment.name for environment in (*self.environments, *self.elsewhere)}
        if is_uri(argument) or argument in known or self.config.get(f"target.{argument}.uri") is not None:
            return argument
        if argument in ENGINES:
            return self.config.get(f"engine.{argument}.target") or f"db:{argument}:"
        path = Path(os.path.normpath(self.root / argument))
        if not path.is_file():
            return None
        names = [self.default_target, *self.config_targets()]
        layouts = _layouts([name for name in names if name], self._resolve)
        return next((name for name, layout in layouts.items() if layout.plan_file == path), None)

    def config_targets(self) -> tuple[str, ...]:
        """Return the names of sqitch.conf's targets, in file order."""
        return target_names(self.config)

    def _resolve(self, name: str) -> Target:
        return resolve_target(name, self.config, self.env, self.root, self.options)

    def for_target(self, target: Target) -> Project:
        """Return the project whose plan and scripts `target` uses: this one, or the target's own."""
        if target.layout == self.layout:
            return self
        return _load(self.root, self.config, self.env, self.options, self.os_user, target.layout)

    def verify_mode(self, environment: Environment, option: bool | None = None) -> Literal["inside", "after", "off"]:
        """Return where verify scripts run: the option counts, then pgmig.toml, then `[deploy] verify`, then inside."""
        wanted = environment.policy.verify
        if wanted == "after" and option is not False:
            return "after"
        configured = wanted != "off" and (wanted == "inside" or self.config.bool("deploy.verify") is not False)
        return "inside" if option or (option is None and configured) else "off"

    @cached_property
    def inside(self) -> Inside:
        """What opens and reads this project's files: its folder is the only one, and what --top-dir says."""
        return Inside(self.root, *_said(self.root, self.options))

    # -- scripts -------------------------------------------------------------------------------------------------------

    def script_path(self, change: Change, kind: Kind) -> Path:
        """Return the script of a planned change; it may not exist.

        A change that a later instance supersedes has the file `name@tag`: the first candidate tag whose *deploy* file
        exists, or the first candidate. Its revert and verify scripts carry the same name.
        """
        folder, name = self._file(change)
        return self._folder(kind, reworked=folder) / name

    def has_script(self, change: Change, kind: Kind) -> bool:
        return self.script_path(change, kind).exists()

    def relative(self, path: Path) -> str:
        """Return `path` as psql and people see it: relative to the project when it lies inside."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)

    def script_hash(self, change: Change) -> str | None:
        """Return the SHA-1, in lowercase hex, of the deploy script's bytes; None when there is no file."""
        try:
            data = self.inside.read(self.script_path(change, "deploy"))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise ProjectError(f"{error.filename} can't be read: {error.strerror}.") from None
        return sha1(data, usedforsecurity=False).hexdigest()

    def revert_path_for(self, deployed: DeployedLike, later_deployed: Sequence[DeployedLike] = ()) -> Path:
        """Return the revert script for a change in the registry; `later_deployed` are those deployed after it.

        An ID that the plan holds has that change's script. One that it doesn't hold, of a name that was or may have
        been reworked, has none that can be told: Sqitch would run the *latest* script on the old version, which can
        succeed and leave the object behind. Raises ProjectError then.
        """
        planned = self.plan.by_id.get(deployed.change_id)
        if planned is not None:
            return self.script_path(planned, "revert")
        name = deployed.name
        instances = [change for change in self.plan.changes if change.name == name]
        if len(instances) > 1 or any(change.name == name for change in later_deployed) or self._has_tagged_file(name):
            raise ProjectError(
                f'Change "{name}" is deployed as {deployed.change_id}, which {self.plan.path.name} doesn\'t hold, and '
                f'"{name}" was reworked: which revert script belongs to it can\'t be told.',
                now="Nothing was changed.",
                do="Check out the plan that it was deployed from, and revert with that.",
            )
        return self._folder("revert", reworked=False) / f"{name}.{self.layout.extension}"

    def _file(self, change: Change) -> tuple[bool, str]:
        """Return whether the change's files lie in the folders for reworked ones, and their name."""
        extension = self.layout.extension
        if change.superseded_by is None:
            return False, f"{change.name}.{extension}"
        names = [f"{change.name}@{tag.name}.{extension}" for tag in self.plan.rework_tags(change)]
        folder = self.layout.reworked_deploy_dir
        return True, next((name for name in names if (folder / name).exists()), names[0])

    def _folder(self, kind: Kind, *, reworked: bool) -> Path:
        layout = self.layout
        if reworked:
            folders = (layout.reworked_deploy_dir, layout.reworked_revert_dir, layout.reworked_verify_dir)
        else:
            folders = (layout.deploy_dir, layout.revert_dir, layout.verify_dir)
        return folders[("deploy", "revert", "verify").index(kind)]

    def _has_tagged_file(self, name: str) -> bool:
        folder, _, base = name.rpartition("/")
        prefix, suffix = f"{base}@", f".{self.layout.extension}"
        for root in (self.layout.reworked_revert_dir, self.layout.reworked_deploy_dir):
            try:
                found = os.listdir(root / folder)  # noqa: PTH208 - names only, and it may be large
            except OSError:
                continue
            if any(entry.startswith(prefix) and entry.endswith(suffix) for entry in found):
                return True
        return False

    # -- variables -----------------------------------------------------------------------------------------------------

    def variables(self, kind: Kind, target: Target, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return psql's variables for a command: core, deploy, the command's own, engine, target, then `extra`; and
        `registry`, the target's, which nothing sets otherwise.

        Revert and verify see the deploy variables too. A verify that belongs to a deploy takes kind "deploy".
        """
        sections = ["core", "deploy"]
        if kind != "deploy":
            sections.append(kind)
        sections += [f"engine.{target.engine}", f"target.{target.name}"]
        found: dict[str, str] = {}
        for section in sections:
            found.update(self.config.section(f"{section}.variables"))
        return {**found, **(extra or {}), "registry": target.registry}


def load_project(
    directory: Path,
    env: Mapping[str, str],
    *,
    plan_file: str | None = None,
    top_dir: str | None = None,
    registry: str | None = None,
    os_user: OsUser | None = None,
    wanted: Sequence[str] = (),
) -> Project:
    """Read the project in `directory`; `env` are the environment variables, the options win over the configuration.

    Where the configured plan isn't there it is the project of the first of the `wanted` environments that has one.
    Raises ProjectError when there is no project, or a file of it has errors.
    """
    root = Path(os.path.abspath(directory))  # noqa: PTH100 - symbolic links stay, as in psql's messages
    if not root.is_dir():
        raise UsageError(f"There is no folder {root}.")
    return _load(root, read_config(root, env), env, TargetOptions(plan_file, top_dir, registry), os_user, None, wanted)


def load_bare(
    directory: Path,
    env: Mapping[str, str],
    *,
    plan_file: str | None = None,
    top_dir: str | None = None,
    registry: str | None = None,
    configured: bool = True,
) -> Project:
    """The folder of a file that belongs to no project: an empty plan, and what the configuration says, if any and if it
    is to be `configured`. Raises ProjectError where that can't be read."""
    root = Path(os.path.abspath(directory))  # noqa: PTH100 - as above
    config = read_config(root, env) if configured else Config()
    options = TargetOptions(plan_file, top_dir, registry)
    return _load(root, config, env, options, None, None, bare=True, configured=configured)


def _load(
    root: Path,
    config: Config,
    env: Mapping[str, str],
    options: TargetOptions,
    os_user: OsUser | None,
    layout: ProjectLayout | None,
    wanted: Sequence[str] = (),
    bare: bool = False,
    configured: bool = True,
) -> Project:
    default = default_target_name(config, env)

    def resolve(name: str) -> Target:
        return resolve_target(name, config, env, root, options)

    layout = layout or _main_layout(default, config, resolve)
    if not bare and not layout.plan_file.exists():
        instead = _layout_of(wanted, root, config, default, resolve)
        if instead is None:
            raise _no_plan(root, config, layout, resolve)
        layout = instead
    inside = None if options.plan_file else Inside(root, *_said(root, options))
    if bare:
        plan = Plan("", None, (), (), layout.plan_file)
    else:
        plan = read_plan(layout.plan_file, _shown(layout.plan_file, root), inside)
    nothing: tuple[list[Environment], list[ForeignTarget], list[str]] = ([], [], [])
    found, foreign, warnings = _environments(root, config, default, layout, resolve) if configured else nothing
    mode = config.get("deploy.mode")
    if mode and mode != "change":
        warnings.append(f"[deploy] mode = {mode} is ignored: what was committed is never reverted by itself.")
    warnings += [str(warning) for warning in plan.warnings]
    return Project(
        root=root,
        plan=plan,
        config=config,
        environments=tuple(one for one in found if one.target.layout == layout),
        elsewhere=tuple(one for one in found if one.target.layout != layout),
        operator=find_operator(config, env, os_user),
        foreign=tuple(foreign),
        warnings=tuple(warnings),
        layout=layout,
        default_target=default,
        options=options,
        env=env,
        os_user=os_user,
    )


def _said(root: Path, options: TargetOptions) -> list[Path]:
    """The folder that a person has named on the command line."""
    return [root / options.top_dir] if options.top_dir else []


def _main_layout(default: str | None, config: Config, resolve: _Resolve) -> ProjectLayout:
    """Return the layout of the default target, or of the first one on PostgreSQL: that is the project.

    Where nobody chose the default target (it is only the engine's) and it has no plan, the first one that has one.
    """
    chosen = [default] if default and not _only_engine(default) else []
    layouts = _layouts([*chosen, *([default] if default else []), *target_names(config)], resolve)
    first = next(iter(layouts.values()), None)
    if first is None:
        return resolve("db:pg:").layout
    if chosen:
        return first
    return next((layout for layout in layouts.values() if layout.plan_file.exists()), first)


def _layout_of(
    wanted: Sequence[str], root: Path, config: Config, default: str | None, resolve: _Resolve
) -> ProjectLayout | None:
    """Return the layout of the first of these environments (by name, target or URI) that has a plan; None without."""
    if not wanted:
        return None
    named = {environment.name: environment.target for environment in _configured(root, config, default, resolve, [])}
    for name in wanted:
        layout = named[name].layout if name in named else _layouts([name], resolve).get(name)
        if layout is not None and layout.plan_file.exists():
            return layout
    return None


def _only_engine(target: str) -> bool:
    """True for `db:pg:`, which Sqitch makes of an engine without a target."""
    return is_uri(target) and target.endswith(":")


def _layouts(names: Sequence[str], resolve: _Resolve) -> dict[str, ProjectLayout]:
    """Return the layouts of those targets that can be read and are on PostgreSQL, in their order."""
    found: dict[str, ProjectLayout] = {}
    for name in names:
        try:
            target = resolve(name)
        except UsageError:
            continue
        if target.engine == "pg":
            found[name] = target.layout
    return found


def _no_plan(root: Path, config: Config, layout: ProjectLayout, resolve: _Resolve) -> ProjectError:
    shown = _shown(layout.plan_file, root)
    if config.local_file is None:
        return ProjectError(
            f"There is no Sqitch project in {root}: neither sqitch.conf nor {shown}.",
            do="Go to the project's folder, or name it with -C. `pgmig-tui init NAME` begins a new one.",
        )
    others = [name for name, one in _layouts(target_names(config), resolve).items() if one.plan_file.exists()]
    if others:
        return ProjectError(
            f"Plan file {shown} does not exist.",
            do=f"These targets have a plan of their own: {', '.join(others)}. Name one of them.",
        )
    if config.local_file.parent != root:
        return ProjectError(
            f"Plan file {shown} does not exist. Paths in {config.local_file} count from the current folder, {root}.",
            do=f"Go to {config.local_file.parent}, or use -C {config.local_file.parent}.",
        )
    return ProjectError(f"Plan file {shown} does not exist.", do=f"See plan_file in {config.local_file}.")


def _shown(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path


def _environments(
    root: Path, config: Config, default: str | None, layout: ProjectLayout, resolve: _Resolve
) -> tuple[list[Environment], list[ForeignTarget], list[str]]:
    """Return the environments on PostgreSQL, the targets that aren't this layout's, and warnings."""
    warnings: list[str] = []
    found = _configured(root, config, default, resolve, warnings)
    foreign: dict[str, ForeignTarget] = {}
    for environment in found:
        if reason := _foreign_reason(environment.target, layout, root):
            own = environment.target.plan_file if environment.target.engine == "pg" else None
            foreign[environment.name] = ForeignTarget(environment.name, reason, own)
    names = {environment.target.name for environment in found}
    for name in target_names(config):
        try:
            target = resolve(name) if name not in names else None
        except UsageError as error:
            if (warning := _left_out(name, error)) not in warnings:
                warnings.append(warning)
            continue
        if target and name not in foreign and (reason := _foreign_reason(target, layout, root)):
            foreign[name] = ForeignTarget(name, reason, target.plan_file if target.engine == "pg" else None)
    mine = [environment for environment in found if environment.target.engine == "pg"]
    return _protect_twins(mine, warnings), list(foreign.values()), warnings


def _configured(
    root: Path, config: Config, default: str | None, resolve: _Resolve, warnings: list[str]
) -> list[Environment]:
    """Return the environments of pgmig.toml, without that file one for each target. Raises ProjectError."""
    path = (config.local_file.parent if config.local_file else root) / ENVIRONMENTS_FILE
    try:
        data = Inside(path.parent).read(path, CONFIG_BYTES)
        found = read_environments(data, _shown(path, root), resolve)
        return [rooted(environment, path.parent) for environment in found]
    except FileNotFoundError:
        return _from_targets(config, default, resolve, warnings)
    except OSError as error:
        raise ProjectError(f"{_shown(path, root)} can't be read: {error.strerror}.") from None


def _protect_twins(environments: Sequence[Environment], warnings: list[str]) -> list[Environment]:
    """Give every environment whose database is also that of a protected one the protected one's policy."""
    found: list[Environment] = []
    for environment in environments:
        address = environment.target.address
        twins = [other for other in environments if other.policy.protected and other.target.address.same(address)]
        if twins and not environment.policy.protected:
            name, twin = environment.name, twins[0].name
            warnings.append(f'"{name}" and "{twin}" are the same database: the policy of "{twin}" counts.')
            environment = replace(environment, policy=twins[0].policy)
        found.append(environment)
    return found


def _from_targets(config: Config, default: str | None, resolve: _Resolve, warnings: list[str]) -> list[Environment]:
    """Every target of sqitch.conf in file order; the default first when it is a URI, and only then."""
    names = list(target_names(config))
    if default and is_uri(default) and (not names or not _only_engine(default)):
        names.insert(0, default)
    found: list[Environment] = []
    for name in names:
        try:
            target = resolve(name)
        except UsageError as error:
            warnings.append(_left_out(name, error))
            continue
        found.append(target_environment(target.name, target))
    return found


def _left_out(name: str, error: UsageError) -> str:
    return f'Target "{name if ":" not in name else "by URI"}" is left out: {error.what}'


def _foreign_reason(target: Target, layout: ProjectLayout, root: Path) -> str:
    if target.engine != "pg":
        return f"engine {target.engine}: pgmig-tui works on PostgreSQL only"
    if target.layout.plan_file != layout.plan_file:
        return f"has a plan of its own: {_shown(target.layout.plan_file, root)}"
    if target.layout != layout:
        return "has script folders of its own"
    return ""
