"""The real program in a process of its own, and small Sqitch projects to run it on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60
HEARS_HANGUPS = (
    sys.executable, "-c",
    "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])",
)  # fmt: skip
"""Before a command: started under nohup, the tests would hand on that nobody hears SIGHUP."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it said where."""

    status: int
    out: str
    err: str


def environment(home: Path, **extra: str) -> dict[str, str]:
    """An environment in which nothing of the developer's own configuration counts."""
    left_out = ("PG", "SQITCH_", "XDG_", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {
        **kept,
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "SQITCH_SYSTEM_CONFIG": "/dev/null",
        "SQITCH_USER_CONFIG": "/dev/null",
        "SQITCH_FULLNAME": "Maria Test",
        "SQITCH_EMAIL": "maria@example.org",
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
        **extra,
    }


@dataclass(frozen=True)
class Checkout:
    """A Sqitch project in a folder of its own, with the program to run on it."""

    root: Path
    home: Path

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> Outcome:
        """Run `pgmig-tui` here without a terminal, to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "pgmig_tui", *arguments],
            cwd=self.root,
            env=environment(self.home, **(env or {})),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    def command(self, *arguments: str) -> tuple[str, list[str], dict[str, str]]:
        """Program, arguments and environment of a command of this project, for whoever starts it otherwise."""
        words = [sys.executable, "-m", "pgmig_tui", "-C", str(self.root), *arguments]
        return sys.executable, words, environment(self.home)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def plan(self, *lines: str, project: str = "shop") -> None:
        """A plan of these lines; `{at}` in them stands for time and planner."""
        at = "2024-01-02T03:04:05Z Maria Test <maria@example.org>"
        body = "\n".join(line.replace("{at}", at) for line in lines)
        self.write(
            "sqitch.plan", f"%syntax-version=1.0.0\n%project={project}\n%uri=https://example.org/{project}\n\n{body}\n"
        )

    def targets(self, targets: Mapping[str, str], extra: str = "") -> None:
        """A sqitch.conf with these targets."""
        sections = "".join(f'[target "{name}"]\n\turi = {uri}\n' for name, uri in targets.items())
        self.write("sqitch.conf", f"[core]\n\tengine = pg\n{sections}{extra}")

    def change(self, name: str, deploy: str, revert: str = "SELECT 1;", verify: str | None = "SELECT 1;") -> None:
        """The scripts of a change, each as one transaction; `verify` None = no such file."""
        self.write(f"deploy/{name}.sql", f"BEGIN;\n{deploy}\nCOMMIT;\n")
        self.write(f"revert/{name}.sql", f"BEGIN;\n{revert}\nCOMMIT;\n")
        if verify is not None:
            self.write(f"verify/{name}.sql", f"BEGIN;\n{verify}\nROLLBACK;\n")


CHANGES: Sequence[tuple[str, str, str, str | None]] = (
    (
        "schema",
        "CREATE SCHEMA shop;",
        "DROP SCHEMA shop;",
        "SELECT 1/count(*) FROM pg_namespace WHERE nspname = 'shop';",
    ),
    (
        "orders",
        "CREATE TABLE shop.orders (id int PRIMARY KEY);",
        "DROP TABLE shop.orders;",
        "SELECT id FROM shop.orders WHERE FALSE;",
    ),
    ("total", "ALTER TABLE shop.orders ADD COLUMN total int;", "ALTER TABLE shop.orders DROP COLUMN total;", None),
)


def shop(root: Path, targets: Mapping[str, str]) -> Checkout:
    """A project of three changes: schema, orders @v1, total (which has no verify script)."""
    checkout = Checkout(root / "project", root / "home")
    checkout.root.mkdir()
    checkout.home.mkdir()
    checkout.plan(
        "schema {at} # Add the schema",
        "orders [schema] {at} # Add orders",
        "@v1 {at} # First",
        "total [orders] {at} # Totals",
    )
    checkout.targets(targets)
    for name, deploy, revert, verify in CHANGES:
        checkout.change(name, deploy, revert, verify)
    return checkout
