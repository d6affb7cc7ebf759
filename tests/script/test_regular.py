"""Files of somebody else's project: regular ones, inside it, of a bounded size; everything else is refused in words."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pgmig_tui.script.regular import Inside, read_bounded, read_regular


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "deploy").mkdir(parents=True)
    (root / "deploy" / "a.sql").write_text("SELECT 1;")
    (tmp_path / "secret").write_text("hunter2")
    (tmp_path / "project-two").mkdir()
    (tmp_path / "project-two" / "b.sql").write_text("hunter2")
    return root


def test_links_inside_are_followed(project: Path) -> None:
    (project / "deploy" / "b.sql").symlink_to("a.sql")
    (project / "other").symlink_to("deploy")
    inside = Inside(project)
    for path in ("deploy/a.sql", "deploy/b.sql", "other/a.sql", "other/b.sql"):
        assert inside.read(project / path) == b"SELECT 1;"
        assert inside.read(str(project / path)) == b"SELECT 1;"


def test_a_project_may_itself_be_a_link(project: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(project)
    inside = Inside(tmp_path / "link")
    assert inside.read(tmp_path / "link" / "deploy" / "a.sql") == b"SELECT 1;"
    assert inside.read(project / "deploy" / "a.sql") == b"SELECT 1;"


@pytest.mark.parametrize(
    "make",
    [
        lambda root: (root / "deploy" / "x.sql").symlink_to(root.parent / "secret"),
        lambda root: (root / "deploy" / "x.sql").symlink_to("../../project-two/b.sql"),
        lambda root: (root / "deploy" / "x.sql").symlink_to("/dev/zero"),
        lambda root: (root / "sub").symlink_to(root.parent / "project-two"),
    ],
)
def test_what_leads_out_is_not_read(project: Path, make: Callable[[Path], object]) -> None:
    make(project)
    inside = Inside(project)
    for name in ("deploy/x.sql", "sub/b.sql", "../secret", "../project-two/b.sql"):
        with pytest.raises(OSError, match=r"No such file or directory|it leads out of the project"):
            inside.read(project / name)
    assert inside.read(project / "deploy" / "a.sql") == b"SELECT 1;"


def test_a_folder_that_was_named_counts_too(project: Path, tmp_path: Path) -> None:
    assert Inside(project, tmp_path / "project-two").read(tmp_path / "project-two" / "b.sql") == b"hunter2"


def _inside(path: Path) -> bytes:
    return Inside(path.parent).read(path)


def _anywhere(path: Path) -> bytes:
    return read_regular(path, 512 << 20)


@pytest.mark.parametrize("read", [_inside, _anywhere])
def test_what_never_ends_is_not_begun(tmp_path: Path, read: Callable[[Path], bytes]) -> None:
    fifo, folder = tmp_path / "fifo", tmp_path / "folder"
    os.mkfifo(fifo)
    folder.mkdir()
    with pytest.raises(OSError, match="it is no regular file"):
        read(fifo)
    with pytest.raises(IsADirectoryError):
        read(folder)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "missing")
    with pytest.raises(OSError, match="it is no regular file"):
        read_regular(Path("/dev/zero"), 1 << 20)


def test_sizes_are_bounded_and_told(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, 2 << 30)
    for read in (_inside, _anywhere):
        with pytest.raises(OSError, match="it is larger than 512 MB"):
            read(path)
    os.truncate(path, 1 << 20)
    assert len(read_regular(path, 1 << 20)) == 1 << 20
    os.truncate(path, (1 << 20) + 1)
    with pytest.raises(OSError, match="it is larger than 1 MB"):
        read_regular(path, 1 << 20)


def test_what_a_person_names_may_be_a_pipe_but_not_endless(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"SELECT 1;")
    os.close(writer)
    assert read_bounded(Path(f"/dev/fd/{reader}"), 1 << 20) == b"SELECT 1;"
    os.close(reader)
    with pytest.raises(OSError, match="it is larger than 1 MB"):
        read_bounded(Path("/dev/zero"), 1 << 20)
