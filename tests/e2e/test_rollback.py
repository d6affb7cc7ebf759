"""An on-call engineer at three in the morning: keys in a real terminal, on a protected environment of a real server."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.terminal import Terminal, make_project
from tests.servers import Server

TABLE = "BEGIN;\nCREATE TABLE public.orders (id int PRIMARY KEY);\nCOMMIT;\n"
COLUMN = "BEGIN;\nALTER TABLE public.orders ADD COLUMN total int;\nCOMMIT;\n"


def deployed(tmp_path: Path, server: Server, database: str) -> Path:
    """Two runs of a project on an environment that is protected from then on."""
    uri = server.uri(database)
    project = make_project(tmp_path, {"orders": TABLE, "total": COLUMN}, {"dev": uri, "live": uri})
    (project / "revert" / "total.sql").write_text("BEGIN;\nALTER TABLE public.orders DROP COLUMN total;\nCOMMIT;\n")
    environment = '[[environment]]\nname = "{0}"\ntarget = "{0}"\n'
    (project / "pgmig.toml").write_text(environment.format("dev"))
    for to in ("orders", "total"):
        with Terminal(project, "deploy", "dev", "--to", to, "--yes") as terminal:
            assert terminal.ends() == 0, terminal.text
    server.execute("INSERT INTO public.orders SELECT g, g FROM generate_series(1, 12) g", database)
    word = 'protected = true\nconfirm_word = "live"\n'
    (project / "pgmig.toml").write_text(environment.format("live") + word)
    return project


def columns(server: Server, database: str) -> list[str]:
    rows = server.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0", database
    )
    return [str(row[0]) for row in rows if not str(row[0]).startswith(".")]


def test_eight_keys_to_a_rollback_of_the_last_run(tmp_path: Path, pg18: Server, database: str) -> None:
    project = deployed(tmp_path, pg18, database)
    with Terminal(project) as terminal:
        terminal.sees("live: up to date")
        pressed = ["R"]
        terminal.press("R").sees("Roll back run", "1 of 1)", "LOSES public.orders.total: 12 values")
        terminal.sees("1  total", "ACCESS EXCLUSIVE public.orders", "back to orders", "never tried")
        terminal.press("enter", " ", "y").sees("copied 1 line").press("E").sees(
            "E is off: the data loss is not accepted (a)"
        )
        pressed += ["a", "E", *"live", "enter"]
        terminal.press("a").sees("ready to start").press("E").sees("Type live and press Enter")
        terminal.sees("looked again at", "to enable Enter").press("enter").sees("to enable Enter")
        assert columns(pg18, database) == ["id", "total"]
        terminal.press("live", "enter")
        assert len(pressed) <= 10
        terminal.sees(
            "# Incident: Rollback on live", "ROLLED BACK: live", "do not deploy, unless that was lifted since: total"
        )
        terminal.sees("now: verify", "y copies the six lines")
        assert columns(pg18, database) == ["id"]
        terminal.press("w").sees("written to").press("escape").misses("# Incident")
        terminal.sees("live: 1 pending").press("d")
        terminal.sees("1 change must not be deployed on live", "Nothing was changed.")
        terminal.press("escape").sees("live: 1 pending").press("q")
        assert terminal.ends() == 0


def test_what_is_saved_by_a_key_comes_back(tmp_path: Path, pg18: Server, database: str) -> None:
    project = deployed(tmp_path, pg18, database)
    with Terminal(project, size=(80, 24)) as terminal:
        terminal.sees("live: up to date").press("R").sees("cannot start").press("S").sees("SAVES", "ready to start")
        terminal.press("E").sees("what would be lost is saved first", "looked again at", "to enable Enter").press(
            "live", "enter"
        )
        terminal.sees("# Incident: Rollback on live").press("q")
        assert terminal.ends() == 0
    assert columns(pg18, database) == ["id"]
    (run,) = pg18.execute("SELECT run FROM pgmig_keep.kept", database)
    pg18.execute("ALTER TABLE orders ADD COLUMN total int", database)
    with Terminal(project, "undo", str(run[0]), "--confirm", "live") as terminal:
        assert terminal.ends() == 0, terminal.text
    assert pg18.execute("SELECT count(*), sum(total) FROM orders WHERE id = total", database) == [(12, 78)]
