"""Windows and freezes of pgmig.toml: what can't be meant is an error that says what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.config import Config
from pgmig_tui.project.environments import read_environments
from pgmig_tui.project.targets import Target, resolve_target

WINDOW = 'a window such as "Sun 02:00-05:00 Europe/Oslo"'
ZONE = "a time zone of the IANA database, such as Europe/Oslo or UTC, and"
FREEZE = 'a table such as { from = 2026-12-18, to = 2027-01-04, why = "…" }'


def resolve(name: str) -> Target:
    return resolve_target(name, Config(), {}, Path("/work"))


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("Sun 02:00-05:00", f"{WINDOW}: days, from and to as hh:mm, and a time zone"),
        ("Sun 2-5 UTC", f"{WINDOW}: days, from and to as hh:mm, and a time zone"),
        ("Sun 02:00-05:00 Europe/Olso", f'{ZONE} "Europe/Olso" is none; did you mean Europe/Oslo?'),
        ("Sun 02:00-05:00 ../../etc/passwd", f'{ZONE} "../../etc/passwd" is none'),
        ("Sun 02:00-05:00 Europe", f'{ZONE} "Europe" is none'),
        ("Sun 02:00-05:00 right/Europe/Oslo", f'{ZONE} "right/Europe/Oslo" is none'),
        ("Sun 02:00-05:00 localtime", f'{ZONE} "localtime" is none'),
        ("Søn 02:00-05:00 UTC", f"{WINDOW}: days, from and to as hh:mm, and a time zone"),
        ("Son 02:00-05:00 UTC", f"{WINDOW}: days are Mon, Tue, Wed, Thu, Fri, Sat, Sun, as in Mon-Fri or Sat,Sun"),
        ("Sun 02:00-25:00 UTC", f"{WINDOW}: 25:00 is no time of a day (00:00 to 24:00)"),
        ("Sun 02:60-05:00 UTC", f"{WINDOW}: 02:60 is no time of a day (00:00 to 24:00)"),
        ("Sun 02:00-02:00 UTC", f"{WINDOW}, which ends at another time than it begins; a whole day is 00:00-24:00"),
    ],
)
def test_a_window_that_nobody_can_mean(window: str, expected: str) -> None:
    assert error(f'window = ["Sat 01:00-02:00 UTC", "{window}"]').startswith(
        f'pgmig.toml:4: window = ["Sat 01:00-02:00 UTC", "{window}"]: expected {expected}'
    )


@pytest.mark.parametrize(
    ("freeze", "expected"),
    [
        (
            '{ from = 2027-01-04, to = 2026-12-18, why = "x" }',
            "a freeze that ends after it begins, and 2027-01-04 is not before 2026-12-18",
        ),
        (
            '{ from = 2026-12-18T10:00:00Z, to = 2026-12-18T10:30:00+01:00, why = "x" }',
            "a freeze that ends after it begins, and 2026-12-18 10:00:00+00:00 is not before 2026-12-18 10:30:00+01:00",
        ),
        ("{ from = 2026-12-18, to = 2027-01-04 }", f"{FREEZE}, which may have a zone, too"),
        ('{ from = 2026-12-18, to = 2027-01-04, why = "" }', f"{FREEZE}, with the reason as a text"),
        ('{ from = 1, to = 2027-01-04, why = "x" }', FREEZE),
        ('{ from = "tomorrow", to = 2027-01-04, why = "x" }', FREEZE),
        ('{ from = 2026-12-18, to = 2027-01-04, why = "x", zone = "Oslo" }', f'{ZONE} "Oslo" is none'),
        ('"x"', f"{FREEZE}, which may have a zone, too"),
    ],
)
def test_a_freeze_that_nobody_can_mean(freeze: str, expected: str) -> None:
    found = error(f"freeze = [{freeze}]")
    assert found.startswith("pgmig.toml:4: freeze = [")
    assert f": expected {expected}" in found


def test_a_freeze_is_meant_where_the_windows_are() -> None:
    text = 'window = "Sun 02:00-05:00 Europe/Oslo"\nfreeze = { from = 2026-12-18, to = 2027-01-04, why = "x" }\n'
    (found,) = read_environments(f'[[environment]]\nname = "a"\ntarget = "db:pg:a"\n{text}'.encode(), PATH, resolve)
    assert [one.zone for one in found.policy.freeze] == ["Europe/Oslo"]


PATH = Path("pgmig.toml")


def error(line: str) -> str:
    with pytest.raises(ProjectError) as caught:
        read_environments(f'[[environment]]\nname = "a"\ntarget = "db:pg:a"\n{line}\n'.encode(), PATH, resolve)
    assert caught.value.exit_status == 2
    (found,) = caught.value.details
    return found


def test_a_soak_that_nobody_can_mean() -> None:
    text = '[[environment]]\nname = "s"\ntarget = "db:pg:s"\n' + (
        '[[environment]]\nname = "a"\ntarget = "db:pg:a"\npromote_from = "s"\nsoak = "soon"\n'
    )
    with pytest.raises(ProjectError) as caught:
        read_environments(text.encode(), PATH, resolve)
    assert caught.value.details == (
        'pgmig.toml:8: soak = "soon": expected a duration in quotes, such as "24h" or "3d"',
    )
