"""Other programs that say something of locks, or deploy: installed into a folder of the benchmarks' own, and run there.

Nothing of them gets into the environment that pgmig-tui runs in. What can't be installed is said and left out.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / ".venv" / "peers"
_BIN = FOLDER / ("Scripts" if sys.platform == "win32" else "bin")


@dataclass(frozen=True, slots=True)
class Peer:
    """A program as it can be run; `command` is empty when it could not be installed, and `why_not` says why."""

    name: str
    command: tuple[str, ...] = ()
    version: str = ""
    why_not: str = ""

    def __bool__(self) -> bool:
        return bool(self.command)

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip() if self else f"{self.name}: not installed ({self.why_not})"


def squawk() -> Peer:
    """squawk, a linter written in Rust."""
    return _from_pypi("squawk-cli", "squawk")


def localtools() -> Peer:
    """localtools-postgres-migration-checker; its command is the interpreter that can import it."""
    name = "localtools-postgres-migration-checker"
    found = _from_pypi(name, name)
    return Peer(name, (str(_BIN / "python"),), found.version) if found else found


def pgfence() -> Peer:
    """pgfence, an analyzer written for node."""
    name, npm, node = "@flvmnt/pgfence", shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return Peer(name, why_not="node and npm are needed")
    program = FOLDER / "node_modules" / "@flvmnt" / "pgfence" / "dist" / "index.js"
    if not program.is_file():
        FOLDER.mkdir(parents=True, exist_ok=True)
        trouble = _run([npm, "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(FOLDER), name])
        if trouble or not program.is_file():
            return Peer(name, why_not=trouble or "the package holds no program")
    said = subprocess.run([node, str(program), "--version"], capture_output=True, text=True, check=False)
    return Peer(name, (node, str(program)), said.stdout.strip())


def dbmate() -> Peer:
    """dbmate, a migration program written in Go: what npm has beside its starter is the program itself."""
    name, npm = "dbmate", shutil.which("npm")
    if npm is None:
        return Peer(name, why_not="npm is needed")
    program = _dbmate()
    if program is None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        trouble = _run([npm, "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(FOLDER), name])
        program = _dbmate()
        if trouble or program is None:
            return Peer(name, why_not=trouble or "the package holds no program for this machine")
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
    return Peer(name, (str(program),), said.stdout.strip().rpartition(" ")[2])


def _dbmate() -> Path | None:
    found = sorted((FOLDER / "node_modules" / "@dbmate").glob("*/bin/dbmate*"))
    return found[0] if found else None


def _from_pypi(package: str, program: str) -> Peer:
    if not (_BIN / program).is_file():
        if not (_BIN / "pip").is_file():
            trouble = _run([sys.executable, "-m", "venv", str(FOLDER)])
            if trouble:
                return Peer(package, why_not=trouble)
        trouble = _run([str(_BIN / "python"), "-m", "pip", "install", "--quiet", package])
        if trouble or not (_BIN / program).is_file():
            return Peer(package, why_not=trouble or f"the package holds no {program}")
    asked = [str(_BIN / "python"), "-c", f"from importlib.metadata import version; print(version({package!r}))"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False)
    return Peer(package, (str(_BIN / program),), said.stdout.strip())


def _run(command: list[str]) -> str:
    """ "" when it went well, else the last line that it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = (done.stderr or done.stdout).strip().splitlines()
    return "" if done.returncode == 0 else lines[-1] if lines else f"exit status {done.returncode}"
