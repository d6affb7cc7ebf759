"""A rehearsal touches nothing but its database, whatever its environment allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgmig_tui.errors import Refused
from tests.rehearse.conftest import Theatre, script_of
from tests.run.conftest import Workshop, workshop18

__all__ = ["workshop18"]

TOML = '[[environment]]\nname = "box"\ntarget = "$URI"\nallow_files = true\nallow_shell = true\n'


def test_files_that_a_script_writes_are_thrown_away(workshop18: Workshop, theatre: Theatre, tmp_path: Path) -> None:
    workshop = workshop18
    outside = tmp_path / "outside.txt"
    inside, never = workshop.root / "inside.txt", tmp_path / "never.txt"
    for path in (outside, inside):
        path.write_text("untouched")
    writes = (
        f"\\o {outside}\nSELECT 1;\n\\o\nSELECT 2 \\g {outside}\nSELECT 3 \\g inside.txt\n"
        "\\o sub/new.txt\nSELECT 4;\n\\o\n"
        f"\\copy (SELECT 5) to '{outside}'\nSELECT 6 \\g {never}\nSELECT 7 \\g {tmp_path}/project/../never.txt\n"
    )
    workshop.toml = TOML
    workshop.change("one", f"CREATE TABLE public.t ();\n{writes}", f"DROP TABLE public.t;\n{writes}", writes)
    found = theatre(workshop)
    for action in ("deploy", "revert", "redeploy"):
        assert script_of(found, "one", action).problem is None
    assert script_of(found, "one").verified is True
    assert (outside.read_text(), inside.read_text()) == ("untouched", "untouched")
    assert not never.exists()
    assert not (workshop.root / "sub").exists()


@pytest.mark.parametrize(
    "reaches",
    ["COPY public.t TO PROGRAM 'touch {0}';", "COPY public.t TO '{0}';", "DO $$BEGIN COPY t TO '{0}'; END$$;"],
)
@pytest.mark.parametrize("where", ["deploy", "revert", "verify"])
def test_a_script_that_reaches_the_server_s_host_is_refused(
    workshop18: Workshop, theatre: Theatre, tmp_path: Path, reaches: str, where: str
) -> None:
    workshop = workshop18
    file = tmp_path / "file"
    sql = {"deploy": "CREATE TABLE public.t ();\n", "revert": "DROP TABLE public.t;\n", "verify": "SELECT 1;\n"}
    sql[where] = reaches.replace("{0}", str(file))
    workshop.toml = TOML
    workshop.change("one", sql["deploy"], sql["revert"], sql["verify"])
    with pytest.raises(Refused, match="reaches beyond its database"):
        theatre(workshop)
    assert not file.exists()
