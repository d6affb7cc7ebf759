"""A TCP proxy in front of a server: its connections can be cut, led to another server, and fall silent."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from pathlib import Path

_KEY_DATA = b"K\0\0\0\x0c"
"""How BackendKeyData begins: its process ID follows."""


class Proxy:
    """Listens on a free port of 127.0.0.1 and passes everything on to the server's socket in `folder`."""

    def __init__(self, folder: Path, port: int = 5432) -> None:
        self._upstream = str(folder / f".s.PGSQL.{port}")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self.silent = False
        """What servers answer is swallowed, on new connections too: they stay up, and say nothing."""
        self._muted: set[socket.socket] = set()
        self._process: dict[socket.socket, int] = {}
        """The server's process of a connection, as it announced it."""
        threading.Thread(target=self._accept, daemon=True).start()

    def lead_to(self, folder: Path, port: int = 5432) -> None:
        """Connections from now on go to another server."""
        self._upstream = str(folder / f".s.PGSQL.{port}")

    def cut(self) -> None:
        """Both ends of every connection find out that it is gone."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def mute(self, process: int | None = None) -> None:
        """From now on nothing that servers answer on today's connections, or that of one process, arrives; new ones
        work."""
        with self._lock:
            self._muted |= {server for _, server in self._pairs if process in (None, self._process.get(server))}

    def tell(self, process: int, data: bytes) -> None:
        """Send this to the client of a process, as if the server had."""
        with self._lock:
            (client,) = (client for client, server in self._pairs if self._process.get(server) == process)
        client.sendall(data)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self._upstream)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._pairs.append((client, server))
            threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        try:
            while True:
                for end in select.select([client, server], [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    if end is server and server not in self._process and (at := data.find(_KEY_DATA)) >= 0:
                        self._process[server] = int.from_bytes(data[at + 5 : at + 9])
                    if not (end is server and (self.silent or server in self._muted)):
                        other[end].sendall(data)
        except (OSError, ValueError):
            return
        finally:
            with self._lock:
                self._pairs = [pair for pair in self._pairs if pair[0] is not client]
            for end in (client, server):
                # Not close alone: a process that was forked meanwhile holds the same socket.
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
