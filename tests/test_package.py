"""What `pip install pgmig-tui` gives: the program alone, and enough of it for the demonstration, without a checkout."""

from __future__ import annotations

import email
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

from pgmig_tui.sandbox.server import scratch_folder

ROOT = Path(__file__).parents[1]


def build(source: Path, to: Path, kind: str) -> Path:
    """Build a `wheel` or an `sdist` of a source tree, with nothing but what is installed here."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", to], cwd=source, check=True)
    (made,) = to.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("sdist"), "sdist")


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the sdist, as everybody else will."""
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    (source,) = unpacked.iterdir()
    return build(source, tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh virtual environment's folder of programs. What the program needs is taken from this one's packages."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False)
    scripts = folder / "bin"
    install = ["install", "--no-deps", "--no-index", "--no-compile", "--quiet", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(scripts / "python"), *install], check=True)
    # A plain path: the .pth files of these packages, that of the checkout among them, aren't read.
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return scripts


@pytest.fixture
def home(tmp_path: Path, installed: Path) -> Iterator[dict[str, str]]:
    """The environment of a user who has nothing of ours."""
    state = scratch_folder()
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_STATE_HOME": str(state)}
    yield environment
    destroy = "from pgmig_tui.demo import project as demo; demo.server().destroy(); print(demo.server().folder)"
    said = subprocess.run(
        [installed / "python", "-c", destroy], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    subprocess.run(["rm", "-rf", said.stdout.strip(), state], check=True)


def names_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def metadata_of(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


def test_the_wheel_installs_one_package_and_nothing_beside_it(wheel: Path) -> None:
    top = {name.partition("/")[0] for name in names_in(wheel)}
    assert {name for name in top if not name.endswith(".dist-info")} == {"pgmig_tui"}


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", "pgmig_tui"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(tracked.stdout.split()) <= set(names_in(wheel))


def test_the_wheel_says_what_it_is_to_who_looks_for_it(wheel: Path) -> None:
    metadata = metadata_of(wheel)
    assert metadata.get_all("Project-URL")
    assert "sqitch" in metadata["Keywords"].split(",")
    assert "Topic :: Database" in metadata.get_all("Classifier", [])
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_sdist_holds_the_tests(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"tests/conftest.py", "sqitch.plan", "deploy", "LICENSE"} <= {*names, *(n.rpartition("/")[0] for n in names)}


def test_the_demonstration_runs_from_the_wheel_without_a_checkout(
    installed: Path, home: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [installed / "pgmig-tui", "demo"],
        cwd=tmp_path, env=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "production" in done.stdout
    where = [str(installed / "python"), "-c", "import pgmig_tui; print(pgmig_tui.__file__)"]
    used = subprocess.run(where, cwd=tmp_path, env=home, capture_output=True, text=True, check=True).stdout
    assert Path(used).is_relative_to(installed.parent)
