"""`make demo` on machines that aren't ready for it, and on one where everything is there already."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout, as far as make looks at it, with a `bin` that is all of the PATH."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    (tmp_path / "bin").mkdir()
    make = shutil.which("make")
    assert make is not None
    (tmp_path / "bin" / "make").symlink_to(make)
    return tmp_path


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(checkout / "bin"), "HOME": str(checkout)}
    return subprocess.run(["make", *arguments], cwd=checkout, env=environment, capture_output=True, text=True)


def python(checkout: Path, text: str, name: str = "python3") -> None:
    path = checkout / "bin" / name
    path.write_text(text)
    path.chmod(0o755)


def test_make_without_python_says_which_one_is_needed(checkout: Path) -> None:
    done = make(checkout, "demo")
    assert done.returncode == 2
    assert "needs Python 3.11 or later, and there is none on the PATH. Debian: apt-get install" in done.stdout


def test_an_old_python_is_no_python(checkout: Path) -> None:
    python(checkout, "#!/bin/sh\nexit 1\n")
    assert "needs Python 3.11 or later" in make(checkout, "demo").stdout


def test_make_without_the_venv_module_says_which_package_has_it(checkout: Path) -> None:
    python(checkout, '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\n')
    done = make(checkout, "demo")
    assert done.returncode == 2
    assert done.stdout.splitlines()[0] == "This Python has no venv module. Debian: apt-get install python3-venv"


def test_a_newer_python_beside_an_old_one_is_taken(checkout: Path) -> None:
    python(checkout, "#!/bin/sh\nexit 1\n")
    python(checkout, "#!/bin/sh\nexit 0\n", "python3.12")
    done = make(checkout, "--dry-run", "demo")
    assert '"python3.12" -m venv' in done.stdout


def test_a_second_demo_asks_nothing_of_pip_until_a_lock_changes(checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    for moment, stamp in enumerate((".venv/bin/python", ".venv/.run", ".venv/.demo"), start=2_000_000_000):
        (checkout / stamp).touch()
        os.utime(checkout / stamp, (moment, moment))
    assert make(checkout, "--dry-run", "demo").stdout == ".venv/bin/pgmig-tui demo\n"
    os.utime(checkout / "requirements" / "demo.txt", (2_100_000_000, 2_100_000_000))
    assert "pip" in make(checkout, "--dry-run", "demo").stdout


def test_locks_name_versions_and_hashes_and_no_host() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        lines = [line for line in lock.read_text().splitlines() if not line.lstrip().startswith(("#", "--hash="))]
        assert lines
        assert all("==" in line for line in lines), lock
        assert "://" not in lock.read_text()
