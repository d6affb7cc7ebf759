"""`pgmig-tui serve`: the screen in a browser of this machine, for whoever has the address that is printed."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import project_here
from pgmig_tui.errors import UsageError
from pgmig_tui.web.access import TOKEN_SECONDS, BrowserAccess, hosts_of, is_loopback
from pgmig_tui.web.screen import ScreenCommand

_NEEDED = ("aiohttp", "textual_serve")


def serve(arguments: Namespace) -> int:
    """Until Ctrl-C or SIGTERM. Raises UsageError."""
    if not is_loopback(arguments.bind):
        raise UsageError(
            f"--bind {arguments.bind} would let other machines in: the screen is served on this machine alone.",
            now="Nothing was opened.",
            do="From another machine: `ssh -L PORT:127.0.0.1:PORT THIS-HOST`, with the PORT that is printed here, then"
            " open the printed address there.",
        )
    if any(find_spec(name) is None for name in _NEEDED):
        raise UsageError(
            "The screen in a browser needs packages that are not installed.",
            now="Nothing was opened.",
            do="Install them with `pip install 'pgmig-tui[web]'`.",
        )
    project = project_here(arguments)
    words = ["--allow-changes"] if arguments.allow_changes else []
    for name in ("plan_file", "top_dir", "registry"):
        if value := getattr(arguments, name):
            words.append(f"--{name.replace('_', '-')}={value}")
    command = ScreenCommand(Path.cwd(), words, dict(os.environ))
    with _listening(arguments.bind, int(arguments.port or 0)) as listener:
        address, port = listener.getsockname()[:2]
        access = BrowserAccess(hosts_of(address, port))
        changes_as = project.operator.name if arguments.allow_changes else ""
        announce = partial(_announce, address, port, access.token, changes_as)
        asyncio.run(_serve(listener, access, command, announce))
    output.note("The screen is closed to browsers. A run that is under way is a process of its own: `pgmig-tui runs`.")
    return 0


def _listening(address: str, port: int) -> socket.socket:
    address = "127.0.0.1" if address == "localhost" else address
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family)
    except OSError as error:
        raise UsageError(
            f"{address} port {port or 'any'} can't be listened on: {error.strerror or error}.",
            now="Nothing was opened.",
            do="Take another one with --port, or leave it out: then a free one is taken.",
        ) from error


def _announce(address: str, port: int, token: str, changes_as: str) -> None:
    host = f"[{address}]" if ":" in address else address
    # On its own line and whole, for whoever copies it.
    output.say(f"http://{host}:{port}/#{token}")
    sys.stdout.flush()
    minutes = f"{TOKEN_SECONDS / 60:.0f} minutes"
    output.note(f"Open it in a browser of this machine. It works once, within {minutes}, for whoever opens it first.")
    output.note(f"From another machine: `ssh -L {port}:{host}:{port} THIS-HOST`, then open the same address there.")
    if changes_as:
        output.warn(f"what is done in that browser is done as {changes_as}, with the rights that you have here")
    else:
        output.note("It only looks; with --allow-changes it can change something.")
    output.note("Ctrl-C closes it.")


async def _serve(
    listener: socket.socket, access: BrowserAccess, command: ScreenCommand, announce: Callable[[], None]
) -> None:
    """`announce` is called once it can be opened, and ended."""
    from aiohttp import web

    from pgmig_tui.web.server import ScreenServer

    # What it would log are others' requests; what matters of them is told.
    logging.getLogger("aiohttp").addHandler(logging.NullHandler())
    logging.getLogger("aiohttp").propagate = False
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it for SIGHUP
            asyncio.get_running_loop().add_signal_handler(number, over.set)
    runner = web.AppRunner(
        ScreenServer(access, command, output.note).application(),
        access_log=None,
        handle_signals=False,
        shutdown_timeout=5.0,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        announce()
        await over.wait()
    finally:
        await runner.cleanup()
