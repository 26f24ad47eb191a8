"""A wire between a client and a server on the loopback that can be cut, at any byte.

Always true: what was let through before the cut has reached the other side; nothing passes after.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread
from typing import Final, final

__all__ = ["Wire", "wire"]

#: Closing sends a reset then, as a machine does that was switched off and on.
_RESET: Final = struct.pack("ii", 1, 0)


@final
class Wire:
    """Passes bytes on between whoever connects to ``port`` and a server's port."""

    def __init__(self, server: int) -> None:
        self._server = server
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._lock = Lock()
        self._clients: list[socket.socket] = []
        self.sendings = 0
        """How often clients have sent something."""
        self._left: tuple[int, int] | None = None
        self._reset = False
        Thread(target=self._accept, daemon=True).start()

    def cut_after(self, sendings: int, count: int, *, reset: bool) -> None:
        """Cut every connection in the middle of what the clients will send.

        Args:
            sendings: So many are let through whole, and answered but for the last.
            count: So many bytes more arrive, of the sending that follows.
            reset: The client's side is reset, not closed.
        """
        with self._lock:
            self._left, self._reset = (sendings, count), reset

    def cut(self, *, reset: bool = False) -> None:
        """Cut every connection now; who connects later is let through."""
        with self._lock:
            self._cut(reset=reset)

    def close(self) -> None:
        """Cut everything and let nobody connect any more."""
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.cut()

    def _cut(self, *, reset: bool) -> None:
        clients, self._clients, self._left = self._clients, [], None
        for client in clients:
            with suppress(OSError):
                if reset:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    client.shutdown(socket.SHUT_RD)  # wakes whoever reads from it
                    client.close()
                else:
                    client.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._server))
                except OSError:
                    client.close()
                    continue
                with self._lock:
                    self._clients.append(client)
                Thread(target=self._carry, args=(client, server), daemon=True).start()
                Thread(target=self._answer, args=(server, client), daemon=True).start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on what a client sends, and no byte more than may arrive."""
        with suppress(OSError):
            while data := client.recv(1 << 20):
                with self._lock:
                    self.sendings += 1
                    if self._left is None:
                        server.sendall(data)
                        continue
                    sendings, count = self._left
                    self._left = (sendings - 1, count)
                    server.sendall(data if sendings else data[:count])
                    # before an answer can pass
                    if sendings == 0 or (sendings, count) == (1, 0):
                        self._cut(reset=self._reset)
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)  # what was sent still arrives

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        """Pass on what the server answers; to nobody after the cut, but to the end."""
        with suppress(OSError), server, client:
            while data := server.recv(1 << 20):
                with suppress(OSError):
                    client.sendall(data)


@contextmanager
def wire(server: int) -> Iterator[Wire]:
    """Lay a wire to the port *server* for one ``with`` block."""
    laid = Wire(server)
    try:
        yield laid
    finally:
        laid.close()
