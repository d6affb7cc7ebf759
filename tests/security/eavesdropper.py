"""Stands between the program and the server, reads along what each connection says first, and may change the answer."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.servers import Server

_VERSION_3 = 3
_NO = b"N"


@dataclass
class Heard:
    """One connection: its startup parameters and its queries, each with how many answers had come in before it."""

    startup: dict[str, str] = field(default_factory=dict)
    queries: list[tuple[int, str]] = field(default_factory=list)
    answers: int = 0


class Eavesdropper:
    """Listens on 127.0.0.1:`port`. `twist` gets each message of the server (its kind and body) and gives the one that
    is passed on."""

    def __init__(self, server: Server, twist: Callable[[bytes, bytes], bytes] | None = None) -> None:
        self._path = f"{server.parameters['host']}/.s.PGSQL.{server.parameters['port']}"
        self._twist = twist or (lambda kind, body: body)
        self.connections: list[Heard] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = str(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.socket(socket.AF_UNIX) as server:
            while True:
                (length,) = struct.unpack("!I", _exactly(client, 4))
                body = _exactly(client, length - 4)
                if body[:2] == struct.pack("!H", _VERSION_3):
                    break
                client.sendall(_NO)  # neither TLS nor GSS
            heard = Heard()
            words = body[4:].rstrip(b"\0").split(b"\0")
            heard.startup = dict(zip((w.decode() for w in words[::2]), (w.decode() for w in words[1::2]), strict=True))
            server.connect(self._path)
            server.sendall(struct.pack("!I", length) + body)
            if "user" in heard.startup:
                self.connections.append(heard)
            threading.Thread(target=self._answer, args=(server, client, heard), daemon=True).start()
            while True:
                kind, body = _message(client)
                if kind in (b"Q", b"P"):
                    heard.queries.append((heard.answers, body.rstrip(b"\0").decode("utf-8", "replace")))
                server.sendall(kind + struct.pack("!I", len(body) + 4) + body)

    def _answer(self, server: socket.socket, client: socket.socket, heard: Heard) -> None:
        with suppress(OSError):
            while True:
                kind, body = _message(server)
                if kind == b"Z":
                    heard.answers += 1
                body = self._twist(kind, body)
                client.sendall(kind + struct.pack("!I", len(body) + 4) + body)


def _message(connection: socket.socket) -> tuple[bytes, bytes]:
    kind = _exactly(connection, 1)
    (length,) = struct.unpack("!I", _exactly(connection, 4))
    return kind, _exactly(connection, length - 4)


def _exactly(connection: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        chunk = connection.recv(length - len(found))
        if not chunk:
            raise ConnectionError
        found += chunk
    return found


@contextmanager
def eavesdropper(server: Server, twist: Callable[[bytes, bytes], bytes] | None = None) -> Iterator[Eavesdropper]:
    made = Eavesdropper(server, twist)
    try:
        yield made
    finally:
        made.close()
