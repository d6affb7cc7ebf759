"""The screen behind a websocket: it looks, one at a time, and what it has started outlives it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from aiohttp import ClientSession, DummyCookieJar, WSMsgType, WSServerHandshakeError

from pgmig_tui.cli import serve as serve_command
from pgmig_tui.web import server as web_server
from tests.cli.program import Checkout, shop
from tests.e2e.terminal import make_project
from tests.servers import Server
from tests.web.served import DEADLINE_S, Drawn, served

NOBODY = "db:pg://nobody@127.0.0.1:1/none"


async def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_S} s"
        await asyncio.sleep(0.02)


def processes(*words: str) -> dict[int, str]:
    """The command lines that hold these words, by process."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if all(word in line for word in words):
            found[int(entry.parent.name)] = line
    return found


async def test_one_window_looks_and_a_second_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = shop(tmp_path, {"dev": NOBODY})
    monkeypatch.setattr(web_server, "WAITS_SECONDS", 0.2)
    async with served(checkout.root, [f"--top-dir={checkout.root}"], checkout.home) as site:
        mine = f"--top-dir={checkout.root}"
        headers = {"Cookie": site.cookie, "Origin": site.origin}
        async with site.screen() as drawn:
            await drawn.sees("ALL ENVIRONMENTS  shop", "READ-ONLY", "dev: no answer")
            assert len(processes(mine, "pgmig_tui.ui.served")) == 1
            assert not processes(site.access.token)
            with pytest.raises(WSServerHandshakeError) as refused:
                await site.client.ws_connect(site.url("{path}ws"), headers=headers)
            assert refused.value.status == 409
            assert "open in another window" in (await site.ask("{path}state", headers=headers))[1]
            await (await drawn.press("Y")).sees("no file was written, the screen is read-only")
            await drawn.opened.send_json(["resize", {"width": 70, "height": 24}])
            await drawn.opened.send_str("what is no message")
            await drawn.opened.send_json(["resize", {"width": "?"}])
            await (await drawn.press("?")).sees("HELP for HOME")
        await until(lambda: not processes(mine, "pgmig_tui.ui.served"), "a closed window ends its screen")
        async with site.screen() as drawn:
            await (await drawn.sees("ALL ENVIRONMENTS")).press("q")
            await drawn.ends()
        assert (await site.ask("{path}state", headers=headers))[1] == "The screen has ended."
        files = [path for path in checkout.home.rglob("*") if path.is_file()]
        assert not any(site.access.token.encode() in path.read_bytes() for path in files)
        assert not any(path.suffix == ".txt" for path in files)


async def test_a_project_that_cannot_be_read_is_said_in_the_page(tmp_path: Path) -> None:
    async with served(tmp_path) as site:
        async with site.screen() as drawn:
            await drawn.ends()
        status, text, _ = await site.ask("{path}state", headers={"Cookie": site.cookie})
        assert (status, "sqitch.plan" in text or "sqitch.conf" in text) == (200, True), text


async def test_a_run_outlives_the_window_that_started_it_and_the_next_one_joins_it(
    tmp_path: Path, pg18: Server, database: str
) -> None:
    slow = "BEGIN;\nSET LOCAL lock_timeout = 0;\nSELECT pg_advisory_lock(4712);\nCREATE TABLE public.t ();\nCOMMIT;\n"
    project = make_project(tmp_path, {"slow": slow}, {"dev": pg18.uri(database)})
    with psycopg.connect(pg18.conninfo(database), autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(4712)")
        async with served(project, ["--allow-changes"]) as site:
            async with site.screen() as drawn:
                await (await drawn.sees("dev: 1 pending")).press("d")
                await (await drawn.sees("ready to start")).press("E")
                await (await drawn.sees("Type yes and press Enter", "to enable Enter")).press("yes")
                await (await drawn.sees("Enter starts it")).press("\r")
                await drawn.sees("1/1", "slow")
            async with site.screen() as drawn:
                await drawn.sees("A run is ALIVE on dev")
                holder.execute("SELECT pg_advisory_unlock(4712)")
                await (await drawn.press("w")).sees("DONE")
        assert pg18.execute("SELECT change FROM sqitch.changes", database) == [("slow",)]


@contextmanager
def command(checkout: Checkout, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """`pgmig-tui serve` as a process, and the address that it prints."""
    _, arguments, env = checkout.command("serve", *words)
    process = subprocess.Popen(arguments, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().decode().strip()
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_no_screen_is_left_when_the_server_goes(tmp_path: Path, how: signal.Signals) -> None:
    checkout = shop(tmp_path, {})
    with command(checkout, "--top-dir", str(checkout.root)) as (process, url):
        origin, _, token = url.partition("/#")
        async with ClientSession(cookie_jar=DummyCookieJar()) as client:
            async with client.post(f"{origin}/open", data=token, headers={"Origin": origin}) as answer:
                path, cookie = await answer.text(), answer.headers["Set-Cookie"].partition(";")[0]
            socket = await client.ws_connect(f"{origin}{path}ws", headers={"Origin": origin, "Cookie": cookie})
            await Drawn(socket, 80, 24).sees("shop")
            assert not processes(token)
            assert len(processes("pgmig_tui.ui.served", str(checkout.root))) == 1
            process.send_signal(how)
            async with asyncio.timeout(DEADLINE_S):
                while (await socket.receive()).type is WSMsgType.BINARY:
                    pass
        _, said = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == (-how if how is signal.SIGKILL else 0), said
        assert token.encode() not in said
        await until(lambda: not processes("pgmig_tui.ui.served", str(checkout.root)), "a screen without a server ends")


def test_what_serve_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = shop(tmp_path, {})
    for words, said in (
        (("--bind", "0.0.0.0"), "ssh -L"), (("--bind", "example.org"), "ssh -L"), (("--port", "0"), "port from 1"),
    ):  # fmt: skip
        done = checkout.run("serve", *words)
        assert (done.status, said in done.err, done.out) == (2, True, ""), done
    with command(checkout) as (_, url):
        port = url.partition("/#")[0].rpartition(":")[2]
        done = checkout.run("serve", "--port", port)
        assert (done.status, f"127.0.0.1 port {port} can't be listened on" in done.err) == (2, True), done


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pgmig_tui.__main__ import main

    monkeypatch.setattr(serve_command, "find_spec", lambda name: None)
    monkeypatch.chdir(shop(tmp_path, {}).root)
    assert main(["serve"]) == 2
    assert "pip install 'pgmig-tui[web]'" in capsys.readouterr().err


def test_a_strangers_modules_in_the_project_are_not_taken(tmp_path: Path) -> None:
    """The screen starts in the project's folder, which anybody may have written."""
    checkout = shop(tmp_path, {})
    for name in ("textual.py", "aiohttp.py", "psycopg.py", "pgmig_tui.py", "json.py"):
        (checkout.root / name).write_text("open('taken', 'w').close()\n")
    from pgmig_tui.web.screen import ScreenCommand

    done = subprocess.run(
        [*ScreenCommand(checkout.root, ("--help",), {}).argv],
        cwd=checkout.root, env=ScreenCommand(checkout.root, (), dict(os.environ)).environment(80, 24),
        capture_output=True, check=True,
    )  # fmt: skip
    assert b"--allow-changes" in done.stdout
    assert sys.executable == ScreenCommand(checkout.root, (), {}).argv[0]
    assert not (checkout.root / "taken").exists()
