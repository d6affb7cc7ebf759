"""The names that the project and the account know, for whoever asks while a line is being typed or was mistyped.

As little is read as tells them: of sqitch.conf and pgmig.toml the names of targets and environments, of the plan its
lines, of the runs their folders. No server is asked and nothing is written.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgmig_tui.project.config import Config
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.script.regular import Inside

Named = Iterator[tuple[str, str]]
"""Names, and what each is."""
_LINE = re.compile(
    r"^[ \t]*(?:(@)|\+[ \t]*)?([^\s%#@+-][^\s#]*)[ \t][^\n]*?\d\d:\d\d:\d\dZ[^\n#]*(?:#[ \t]*(.*))?$", re.M
)
"""An item of a plan: not all that the plan's own reader demands, but nothing that it would refuse costs more here than
a name that isn't found. What is reverted in the plan (`-`) is no change to name."""

_PROJECT = re.compile(r"^[ \t]*%[ \t]*project[ \t]*=[ \t]*(\S+)", re.M)
_POSTGRES = re.compile(r"(?:db:)?(?:pg|postgres|postgresql):", re.I)


@dataclass(frozen=True)
class Here:
    """The folder, and the options that say where plan and scripts are; as a command line has them."""

    root: Path
    plan_file: str | None = None
    top_dir: str | None = None

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Here:
        """From the options of a line that is being typed, by their names in the parsed namespace."""
        folder = Path(os.path.expandvars(values.get("directory") or ""))
        return cls(Path.cwd() / folder.expanduser(), values.get("plan_file"), values.get("top_dir"))

    @cached_property
    def _config(self) -> Config:
        from pgmig_tui.project.config import read_config

        return read_config(self.root, os.environ)

    @cached_property
    def _toml(self) -> dict[str, str]:
        """The environments of pgmig.toml with their targets."""
        import tomllib

        from pgmig_tui.script.regular import CONFIG_BYTES

        path = (self._config.local_file.parent if self._config.local_file else self.root) / "pgmig.toml"
        try:
            text = self._inside(path.parent).read(path, CONFIG_BYTES).decode()
        except FileNotFoundError:
            return {}
        tables = tomllib.loads(text).get("environment", [])
        return {str(table["name"]): str(table.get("target", table["name"])) for table in tables if "name" in table}

    def _inside(self, *more: Path) -> Inside:
        from pgmig_tui.script.regular import Inside

        return Inside(self.root, *more)

    @cached_property
    def _targets(self) -> tuple[str, ...]:
        uris = ((name, self._config.get(f"target.{name}.uri") or "") for name in self._config.subsections("target"))
        found = [name for name, uri in uris if _POSTGRES.match(uri)]
        return tuple(dict.fromkeys([*self._toml, *found]))

    def targets(self) -> Named:
        """The environments, and the targets that are none."""
        for name in self._targets:
            yield name, "environment" if name in self._toml else "target"

    def is_target(self, word: str) -> bool:
        """Whether a word means a database and no change."""
        return word in self._targets or ":" in word

    def changes(self, target: str = "") -> Named:
        """The changes and tags of the plan, the newest first, with their notes; of a name that stands there more than
        once each instance, as `users@v1` and `users@HEAD`."""
        from pgmig_tui.script.regular import PLAN_BYTES

        text = self._inside(*self._said()).read(self._plan(target), PLAN_BYTES).decode(errors="replace")
        items = _LINE.findall(text)
        count = Counter(name for at, name, _ in items if not at)
        seen: set[str] = set()
        newest: set[str] = set()
        tag = ""
        for at, name, note in reversed(items):
            word = f"@{name}" if at else name if count[name] == 1 else f"{name}@{tag if name in newest else 'HEAD'}"
            if word not in seen:
                seen.add(word)
                yield word, note.strip()
            if at:
                tag = name
            else:
                newest.add(name)

    def project(self) -> str:
        """The name of the project; "" where there is none, or none that can be read."""
        from pgmig_tui.errors import PgmigError
        from pgmig_tui.script.regular import PLAN_BYTES

        try:
            head = self._inside(*self._said()).read(self._plan(""), PLAN_BYTES).decode(errors="replace")
        except (OSError, PgmigError, ValueError):
            return ""
        found = _PROJECT.search(head)
        return found[1] if found else ""

    def _said(self) -> list[Path]:
        """Folders that the line itself names are trusted as it is."""
        said = [self.root / self.top_dir] if self.top_dir else []
        return [*said, (self.root / self.plan_file).parent] if self.plan_file else said

    def _plan(self, target: str) -> Path:
        from pgmig_tui.project.targets import TargetOptions, default_target_name, resolve_target

        name = self._toml.get(target, target) or default_target_name(self._config, os.environ) or "db:pg:"
        options = TargetOptions(self.plan_file, self.top_dir, None)
        return resolve_target(name, self._config, os.environ, self.root, options).plan_file

    def runs(self) -> Named:
        """The runs of this account, newest first."""
        from pgmig_tui.run.journal.folder import RUN_ID, default_state_dir

        folders = sorted((one.name for one in (default_state_dir(os.environ) / "runs").iterdir()), reverse=True)
        yield from ((name, "run") for name in folders if RUN_ID.fullmatch(name))

    def items(self, target: str = "") -> Named:
        """The items of all checklists on an environment, on all of them where none is named."""
        from pgmig_tui.gates.checklist import after, items_for, own_items

        for environment in self._environments():
            if target in ("", environment.name):
                lists = (items_for(environment, "deploy"), items_for(environment, "rollback"))
                own = own_items(environment, ("post", "emergency"))
                afterwards = (*after("deploy", environment.name), *after("rollback"), *own)
                yield from ((one.id, one.title) for one in (*lists[0], *lists[1], *afterwards))

    def roles(self) -> Named:
        """Who approves, by pgmig.toml."""
        for environment in self._environments():
            for name in environment.policy.approvals:
                yield name, f"approves for {environment.name}"

    def keys(self) -> Named:
        """The keys of sqitch.conf."""
        yield from ((f"{section}.{key}", "") for section, key in self._config.values)

    def _environments(self) -> tuple[Environment, ...]:
        from pgmig_tui.project.project import load_bare

        found = load_bare(self.root, os.environ, plan_file=self.plan_file, top_dir=self.top_dir)
        return (*found.environments, *found.elsewhere)
