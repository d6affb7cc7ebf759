"""What people do at three in the morning, in a real tmux less its status line, with every key counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.e2e.terminal import make_project
from tests.e2e.tmux import Tmux
from tests.servers import Server

MOST_KEYS = 10
"""From the home screen to what was wanted; the word that is typed counts as one."""
LEAST_ACTS = 3
"""So many keys are deliberate acts where data is lost or a session ends: each alone does nothing."""
TABLE = "BEGIN;\nCREATE TABLE public.orders (id int PRIMARY KEY);\nCOMMIT;\n"
COLUMN = "BEGIN;\nALTER TABLE public.orders ADD COLUMN total int;\nCOMMIT;\n"
REVERT = "BEGIN;\nALTER TABLE public.orders DROP COLUMN total;\nCOMMIT;\n"
STAGING = '[[environment]]\nname = "staging"\ntarget = "staging"\nlock_timeout = "30s"\n'
LIVE = '[[environment]]\nname = "live"\ntarget = "live"\nprotected = true\nconfirm_word = "live"\n'


def reads(tmux: Tmux) -> None:
    """All of the last question."""
    tmux.sees("looked again at").press("pagedown").sees("to enable Enter")


def deploys(tmux: Tmux) -> None:
    """With an item of the checklist attested."""
    tmux.sees("staging: 1 pending").press("d").sees("ready to start", "[ ] Backup database")
    tmux.press(" ").sees("it goes into the journal").word("dump of 02:00, restored").press("enter").sees("restored")
    tmux.press("E")
    reads(tmux)
    tmux.word("yes").press("enter").sees("1/1 + DONE")


def ends_who_is_in_the_way(tmux: Tmux, holder: psycopg.Connection[tuple[object, ...]]) -> None:
    """A new change is deployed, waits for somebody who has come meanwhile, and goes on when that session is ended."""
    pid = str(holder.info.backend_pid)
    tmux.press("d").sees("ready to start").press("E")
    reads(tmux)
    holder.execute("SELECT count(*) FROM public.orders")
    tmux.word("yes").press("enter")
    tmux.sees("WAITING", f"for pid {pid} (reporting)", "idle in transaction").press("K")
    tmux.sees(f"> {pid} reporting").press("T").sees(f"TERMINATE pid {pid} (reporting) on staging")
    tmux.word(pid).press("enter").sees(f"pid {pid} terminated", "1/1 + DONE")


def rolls_back(tmux: Tmux, unchanged: Callable[[], None]) -> int:
    """How many deliberate acts it took: after each of them but the last, nothing is changed."""
    tmux.sees("live: up to date").press("R").sees("Roll back run", "LOSES public.orders.total: 12 values")
    acts: tuple[tuple[Callable[[], Tmux], str], ...] = (
        (lambda: tmux.press("a"), "ready to start"), (lambda: tmux.press("E"), "looked again at"),
        (lambda: tmux.press("pagedown").word("live"), "live"),
    )  # fmt: skip
    for act, shown in acts:
        act().sees(shown)
        unchanged()
    tmux.press("enter").sees("# Incident: Rollback on live", "ROLLED BACK: live")
    return len(acts) + 1


def columns(server: Server, database: str) -> list[str]:
    named = "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'orders' ORDER BY 1"
    return [str(name) for (name,) in server.execute(named, database)]


def add(project: Path, name: str, deploy: str, revert: str) -> None:
    with (project / "sqitch.plan").open("a") as plan:
        plan.write(f"{name} 2025-01-02T00:00:00Z Maria Berg <maria@example.org> # {name}\n")
    (project / "deploy" / f"{name}.sql").write_text(deploy)
    (project / "revert" / f"{name}.sql").write_text(revert)


def test_deploy_with_its_checklist_a_blocked_run_and_a_rollback_are_ten_keys_each(
    tmp_path: Path, pg18: Server, database: str
) -> None:
    uri = pg18.uri(database)
    project = make_project(tmp_path, {"orders": TABLE}, {"staging": uri, "live": uri})
    (project / "pgmig.toml").write_text(STAGING)
    with Tmux(project) as tmux:
        deploys(tmux)
        assert tmux.counted() <= MOST_KEYS
        assert columns(pg18, database) == ["id"]
        add(project, "total", COLUMN, REVERT)
        tmux.press("escape").sees("staging: 1 pending").counted()
        with psycopg.connect(pg18.conninfo(database), application_name="reporting") as holder:
            ends_who_is_in_the_way(tmux, holder)
            with pytest.raises(psycopg.OperationalError):
                holder.execute("SELECT 1")
        assert tmux.counted() <= MOST_KEYS
    assert columns(pg18, database) == ["id", "total"]
    pg18.execute("INSERT INTO public.orders SELECT g, g FROM generate_series(1, 12) g", database)
    (project / "pgmig.toml").write_text(LIVE)

    def unchanged() -> None:
        assert columns(pg18, database) == ["id", "total"]

    with Tmux(project) as tmux:
        acts = rolls_back(tmux, unchanged)
        assert LEAST_ACTS <= acts <= tmux.counted() <= MOST_KEYS
    assert columns(pg18, database) == ["id"]
