"""A bound on what a server, or whatever stands before it, may keep us waiting.

A connection whose other end has fallen silent looks alive for ever: the kernel acknowledges what is sent, keepalives
are answered, and nothing comes. `statement_timeout` is the server's to keep, so the bound has to be ours.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator

import psycopg

from pgmig_tui.database.connect import Connection, ConnectionLost


@contextlib.contextmanager
def deadline(connection: Connection, seconds: float, what: str) -> Iterator[None]:
    """Within this block no answer of `connection` is waited for longer than `seconds` in all; the session is given up
    then. Raises ConnectionLost, saying that `what` didn't answer.
    """
    try:
        fd = os.dup(connection.raw.socket)
    except psycopg.Error as error:
        raise ConnectionLost(f"the connection was lost: {error}") from None
    expired = threading.Event()

    def give_up() -> None:
        expired.set()
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(fd)) as end:
            end.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    except ConnectionLost:
        if expired.is_set():
            raise ConnectionLost(f"{what} didn't answer within {seconds:.0f} s") from None
        raise
    finally:
        timer.cancel()
        timer.join()
        os.close(fd)
