# SPDX-License-Identifier: Apache-2.0
"""HTTP servers of the tests' own, with a thread for each connection, which remember every request.

A server says in answer() how it answers; exchanges are kept in `seen`, in the order in which their requests came."""

import contextlib
import http.server
import re
import socket
import struct
import threading
import traceback
import urllib.parse

PIECE = 1 << 16


class Cut(Exception):
    """Ends the connection of an exchange, as it is. `reset`: the other side has an error, not an end."""

    def __init__(self, reset=False):
        super().__init__()
        self.reset = reset


class Exchange:
    """A request, and the means to answer it."""

    def __init__(self, handler):
        self._handler = handler
        self.method, self.target, self.headers = handler.command, handler.path, handler.headers
        parts = urllib.parse.urlsplit(self.target)
        self.path, self.query = parts.path, urllib.parse.parse_qs(parts.query, keep_blank_values=True)
        self.status = None  # of the answer
        self.received = self.sent = 0  # bytes of the two bodies
        self._unread = self._pieces()

    def __repr__(self):
        return f"{self.method} {self.target} {self.status} <{self.received} >{self.sent}"

    def body(self):
        """The body of the request, piece by piece; all of it can be had once."""
        return self._unread

    def _pieces(self):
        source = self._handler.rfile
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(source.readline().split(b";")[0], 16):
                yield self._read(size)
                source.readline()
            while source.readline().strip():
                pass
            return
        left = int(self.headers.get("Content-Length", 0))
        while left:
            piece = self._read(min(left, PIECE))
            left -= len(piece)
            yield piece

    def _read(self, size):
        data = self._handler.rfile.read(size)
        self.received += len(data)
        if len(data) < size:
            raise Cut
        return data

    def head(self, status, headers):
        """Sends the status line and these headers, and none besides."""
        self.status = status
        self._handler.send_response_only(status)
        for name, value in headers:
            self._handler.send_header(name, value)
            if name.lower() == "connection" and value == "close":
                self._handler.close_connection = True
        self._handler.end_headers()

    def send(self, data, counted=True):
        """Sends bytes of the body. `counted`: they are those of the body itself, not of its framing."""
        self._handler.wfile.write(data)
        if counted:
            self.sent += len(data)

    def reply(self, status, body=b"", kind="application/json", headers=()):
        """A whole answer; the request's body is read before."""
        for _ in self.body():
            pass
        self.head(status, [("Content-Type", kind), ("Content-Length", str(len(body))), *headers])
        if self.method != "HEAD":
            self.send(body)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def _serve(self):
        self.server.owner._serve(self)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def log_message(self, *_):
        """Says nothing: `seen` has it."""


class _Listener(http.server.ThreadingHTTPServer):
    request_queue_size = 64

    def finish_request(self, request, client_address):
        with contextlib.suppress(OSError), self.owner._tracked(request) as connection:
            super().finish_request(connection, client_address)

    def handle_error(self, request, client_address):
        """A connection that ends is no error here; one in a server of the tests itself is shown."""
        self.owner.failed(request)


class Server:
    """A server, which listens from start() to stop(). `tls`: an ssl.SSLContext (certificates.Pair.server_context())."""

    def __init__(self, *, address="127.0.0.1", port=0, tls=None, name=None):
        self._address, self._port, self._tls, self._name = address, port, tls, name or address
        self._listener = None
        self._connections = set()
        self.lock = threading.Lock()
        self.seen = []
        self.errors = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def host(self):
        """NAME:PORT, as it is in references."""
        return f"{self._name}:{self._port}"

    @property
    def url(self):
        """The URL of its root, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://{self.host}"

    def start(self):
        """Begins to listen; again, after stop(), at the same port."""
        self._listener = _Listener((self._address, self._port), _Handler)
        self._listener.owner = self
        self._port = self._listener.server_address[1]
        threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        """Ends it, and every connection."""
        listener, self._listener = self._listener, None
        if not listener:
            return
        listener.shutdown()
        with self.lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        listener.server_close()

    def answer(self, exchange):
        """Answers a request."""
        raise NotImplementedError

    def failed(self, _):
        """Keeps what went wrong in a thread of this server, for `errors`."""
        self.errors.append(traceback.format_exc())

    def requests(self, path=".", method="."):
        """The exchanges so far whose path and method match these patterns (re.search)."""
        with self.lock:
            return [one for one in self.seen if re.search(path, one.path) and re.search(method, one.method)]

    def count(self, path=".", method="."):
        """How many requests() there are."""
        return len(self.requests(path, method))

    def bytes_sent(self, path=".", method="."):
        """The bytes of the bodies of their answers."""
        return sum(one.sent for one in self.requests(path, method))

    def bytes_received(self, path=".", method="."):
        """The bytes of the bodies of these requests."""
        return sum(one.received for one in self.requests(path, method))

    def forget(self):
        """Begins to count anew."""
        with self.lock:
            self.seen.clear()

    @contextlib.contextmanager
    def _tracked(self, connection):
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True)
        with self.lock:
            self._connections.add(connection)
        try:
            yield connection
        finally:
            with self.lock:
                self._connections.discard(connection)
            if self._tls:
                connection.close()

    def _serve(self, handler):
        exchange = Exchange(handler)
        with self.lock:
            self.seen.append(exchange)
        try:
            self.answer(exchange)
        except Cut as cut:
            handler.close_connection = True
            if cut.reset:
                handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                handler.connection.close()
        except OSError:
            handler.close_connection = True  # the client went away
