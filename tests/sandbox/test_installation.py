"""Where PostgreSQL's programs are found, and what is said where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgmig_tui.errors import PgmigError
from pgmig_tui.sandbox import installation as module
from pgmig_tui.sandbox.account import server_account
from pgmig_tui.sandbox.installation import choose_installation, find_installations
from pgmig_tui.sandbox.server import home_for, scratch_folder


def program(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    path = folder / "postgres"
    path.write_text(text)
    path.chmod(0o755)
    return folder


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any PostgreSQL; what is put below the folder is as if below /usr/lib/postgresql."""
    monkeypatch.setattr(module, "_WHEELS", (("no_such_package", "pginstall"),))
    monkeypatch.setattr(module, "_DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    return tmp_path


def test_wheels_carry_16_and_18_and_the_demo_takes_the_newest() -> None:
    majors = [installation.major for installation in find_installations()]
    assert {16, 18} <= set(majors)
    assert choose_installation().major == 18
    assert (choose_installation().bin_dir / "pg_dump").exists()


def test_a_machine_without_postgresql_is_told_what_helps(bare: Path) -> None:
    with pytest.raises(PgmigError, match="needs the programs of a PostgreSQL server") as refused:
        choose_installation()
    assert "pip install 'pgmig-tui[demo]'" in refused.value.do


def test_programs_of_another_kind_of_machine_are_left_out(bare: Path) -> None:
    program(bare / "18" / "bin", "\x7fELF, but for a machine that nobody has")
    program(bare / "17" / "bin", "#!/bin/sh\nexit 127\n")
    program(bare / "14" / "bin", "#!/bin/sh\necho 'postgres (PostgreSQL) 14.9 (Debian 14.9-1)'\n")
    program(bare / "12" / "bin", "#!/bin/sh\necho 'postgres (PostgreSQL) 12.1'\n")
    assert [installation.version for installation in find_installations()] == ["14.9", "12.1"]
    assert choose_installation().version == "14.9"


def test_a_server_too_old_is_no_choice(bare: Path) -> None:
    program(bare / "12" / "bin", "#!/bin/sh\necho 'postgres (PostgreSQL) 12.1'\n")
    with pytest.raises(PgmigError, match="13 to 18"):
        choose_installation()


def test_a_copy_runs_on_its_own_and_is_made_once(tmp_path: Path) -> None:
    original = choose_installation()
    copy = original.copy_to(tmp_path)
    assert copy.bin_dir.is_relative_to(tmp_path)
    assert module.version_of(copy.bin_dir) == original.version
    made = copy.bin_dir.stat().st_ino
    assert original.copy_to(tmp_path) == copy
    assert copy.bin_dir.stat().st_ino == made


def test_a_home_is_one_that_the_servers_account_may_enter() -> None:
    account = server_account()
    closed = scratch_folder()
    try:
        assert home_for(closed / "server") == closed / "server"
        closed.chmod(0o700)
        home = home_for(closed / "server")
        assert (home == closed / "server") == account.ours
        assert account.may_enter(home)
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        closed.rmdir()
