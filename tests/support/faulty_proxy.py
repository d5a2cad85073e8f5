# SPDX-License-Identifier: Apache-2.0
"""A proxy between a client and a registry that counts what passes, and does to it what networks and bad registries do.

    proxy.fault(faulty_proxy.cut(1000), path="/blobs/", nth=1)

A fault is a function of the proxy and the exchange that gives the answer. Most ask the registry (proxy.ask()) and change its
answer."""

import http.client
import re
import ssl
import time
import urllib.parse

from support import web

# Those of one connection (RFC 9110, 7.6.1), which are made anew for the next one.
_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-connection", "expect"}


class Answer:
    """An answer on its way: `pieces` gives the body; `chunked`: it goes out so; `closes`: the connection ends behind it."""

    def __init__(self, status, headers=(), pieces=()):
        self.status, self.headers, self.pieces = status, list(headers), pieces
        self.chunked = self.closes = False

    def header(self, name):
        """The value of a header, or None."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def replace(self, name, value=None):
        """Sets a header, or takes it away."""
        self.headers = [(key, old) for key, old in self.headers if key.lower() != name.lower()]
        if value is not None:
            self.headers.append((name, str(value)))


class FaultyProxy(web.Server):
    """A proxy for the server at a URL. `delay`: seconds before each answer. `trust`: an ssl.SSLContext for that server."""

    def __init__(self, target, *, delay=0, trust=None, **more):
        super().__init__(**more)
        parts = urllib.parse.urlsplit(target)
        self._target, self._secure, self._trust = parts.netloc, parts.scheme == "https", trust
        self.delay = delay
        self._rules = []

    def fault(self, fault, path=".", method=".", nth=None):
        """From now on, requests that match these patterns have this fault: all, or the nth from now on (1, 2, ...; a number or
        a container of numbers). Of several faults for one request the one that was said first counts."""
        with self.lock:
            self._rules.append([fault, path, method, {nth} if isinstance(nth, int) else nth, 0])

    def heal(self):
        """From now on there are no faults."""
        with self.lock:
            self._rules.clear()

    def _fault_of(self, exchange):
        chosen = None
        with self.lock:
            for rule in self._rules:
                fault, path, method, nth, _ = rule
                if re.search(path, exchange.path) and re.search(method, exchange.method):
                    rule[4] += 1
                    if not chosen and (nth is None or rule[4] in nth):
                        chosen = fault
        return chosen

    def answer(self, exchange):
        fault = self._fault_of(exchange)
        answer = fault(self, exchange) if fault else self.ask(exchange)
        time.sleep(self.delay)
        headers = list(answer.headers)
        if answer.chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        if answer.closes:
            headers.append(("Connection", "close"))
        exchange.head(answer.status, headers)
        if exchange.method == "HEAD" or answer.status in (204, 304):
            return
        for piece in answer.pieces:
            if answer.chunked:
                exchange.send(b"%x\r\n" % len(piece), counted=False)
            exchange.send(piece)
            if answer.chunked:
                exchange.send(b"\r\n", counted=False)
        if answer.chunked:
            exchange.send(b"0\r\n\r\n", counted=False)

    def ask(self, exchange, body=None):
        """What the registry answers. `body`: what it gets in place of the request's body."""
        if self._secure:
            trust = self._trust or ssl.create_default_context()
            connection = http.client.HTTPSConnection(self._target, timeout=60, context=trust)
        else:
            connection = http.client.HTTPConnection(self._target, timeout=60)
        connection.putrequest(exchange.method, exchange.target, skip_host=True, skip_accept_encoding=True)
        chunked = "chunked" in exchange.headers.get("Transfer-Encoding", "")
        for name, value in exchange.headers.items():
            if name.lower() not in _HOP:
                connection.putheader(name, value)
        if self._tls:
            connection.putheader("X-Forwarded-Proto", "https")
        if chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        try:
            connection.endheaders()
            for piece in exchange.body() if body is None else body:
                connection.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            if chunked:
                connection.send(b"0\r\n\r\n")
            response = connection.getresponse()
        except (web.Cut, OSError) as error:
            connection.close()
            raise error if isinstance(error, web.Cut) else web.Cut()
        headers = [(name, value) for name, value in response.getheaders() if name.lower() not in _HOP]
        answer = Answer(response.status, headers, _read(connection, response))
        answer.chunked = response.chunked
        return answer


def _read(connection, response):
    try:
        while piece := response.read(web.PIECE):
            yield piece
    except (OSError, http.client.HTTPException):
        raise web.Cut from None
    finally:
        connection.close()


def _first(pieces, count):
    """The first bytes of a body."""
    for piece in pieces:
        if count <= 0:
            return
        yield piece[:count]
        count -= len(piece)


def _then_cut(pieces, count, reset):
    yield from _first(pieces, count)
    raise web.Cut(reset)


def cut(at=0, reset=False):
    """The connection ends after so many bytes of the body; `reset`: with an error of the connection."""
    def act(proxy, exchange):
        answer = proxy.ask(exchange)
        answer.pieces = _then_cut(answer.pieces, at, reset)
        return answer
    return act


def no_answer(reset=False):
    """The connection ends before the answer, though the registry has done what it was asked for."""
    def act(proxy, exchange):
        for _ in proxy.ask(exchange).pieces:
            pass
        raise web.Cut(reset)
    return act


def cut_request(at=0):
    """The connection ends after so many bytes of the request's body, which the registry gets."""
    def act(proxy, exchange):
        return proxy.ask(exchange, _then_cut(exchange.body(), at, False))
    return act


def says(status, body=None, kind="application/json", headers=()):
    """Answered with this, and the registry is not asked; without `body`, with an error as registries write it."""
    def act(_, exchange):
        data = b'{"errors":[{"code":"UNKNOWN","message":"said by a test"}]}' if body is None else body
        for _ in exchange.body():
            pass
        return Answer(status, [("Content-Type", kind), ("Content-Length", str(len(data))), *headers], [data])
    return act


def busy(status, seconds=None):
    """429 or 5xx, with Retry-After if that is given."""
    return says(status, headers=[] if seconds is None else [("Retry-After", str(seconds))])


def html(status=200):
    """A page for people, as proxies in front of registries give it."""
    return says(status, b"<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>", "text/html; charset=utf-8")


def redirect(url, status=307):
    """Sent to another server, for the same path."""
    def act(_, exchange):
        for _ in exchange.body():
            pass
        return Answer(status, [("Location", url + exchange.target), ("Content-Length", "0")])
    return act


def changed(at=0):
    """One byte of the body is another one."""
    def act(proxy, exchange):
        answer, position = proxy.ask(exchange), 0

        def pieces(source):
            nonlocal position
            for piece in source:
                if position <= at < position + len(piece):
                    piece = bytearray(piece)
                    piece[at - position] ^= 0x20
                position += len(piece)
                yield bytes(piece)
        answer.pieces = pieces(answer.pieces)
        return answer
    return act


def shorter(count):
    """The body has only so many bytes, and the answer says so: nothing but its digest and its size are wrong."""
    def act(proxy, exchange):
        answer = proxy.ask(exchange)
        answer.replace("Content-Length", count)
        answer.pieces = _first(answer.pieces, count)
        return answer
    return act


def longer(more):
    """Behind the body there are these bytes, and the answer says so."""
    def act(proxy, exchange):
        answer = proxy.ask(exchange)
        if answer.header("Content-Length"):
            answer.replace("Content-Length", int(answer.header("Content-Length")) + len(more))
        answer.pieces = _both(answer.pieces, [more])
        return answer
    return act


def _both(first, second):
    yield from first
    yield from second


def says_length(difference):
    """The answer says a length that is wrong by so much; the connection ends with the body."""
    def act(proxy, exchange):
        answer = proxy.ask(exchange)
        answer.replace("Content-Length", int(answer.header("Content-Length")) + difference)
        answer.closes = True
        return answer
    return act


def without_length(chunked=True):
    """The answer says no length: it is chunked, or ends with the connection."""
    def act(proxy, exchange):
        answer = proxy.ask(exchange)
        answer.replace("Content-Length")
        answer.chunked, answer.closes = chunked, not chunked
        return answer
    return act


def without_ranges():
    """The whole body comes whatever part was asked for, as of a server that knows no ranges."""
    def act(proxy, exchange):
        del exchange.headers["Range"]
        answer = proxy.ask(exchange)
        answer.replace("Accept-Ranges")
        return answer
    return act


def slow(seconds, size=1024):
    """The body comes in pieces of this size, with so many seconds before each."""
    def act(proxy, exchange):
        answer = proxy.ask(exchange)

        def pieces(source):
            for piece in source:
                for start in range(0, len(piece), size):
                    time.sleep(seconds)
                    yield piece[start:start + size]
        answer.pieces = pieces(answer.pieces)
        return answer
    return act


def held(event, at=0, timeout=30):
    """The body stops after so many bytes until an event (threading.Event) is set."""
    def act(proxy, exchange):
        answer = proxy.ask(exchange)

        def pieces(source):
            left = at
            for piece in source:
                if left is not None and len(piece) > left:
                    yield piece[:left]
                    event.wait(timeout)
                    piece, left = piece[left:], None
                elif left is not None:
                    left -= len(piece)
                yield piece
        answer.pieces = pieces(answer.pieces)
        return answer
    return act
