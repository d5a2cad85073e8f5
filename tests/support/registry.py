# SPDX-License-Identifier: Apache-2.0
"""Registries that the tests start: Debian's docker-registry, and nginx in front of it, on this machine alone."""

import base64
import collections
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess

from support import proc
from support.engines import need
from support.files import digest, read, write
from support.images import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST

ACCEPT = ", ".join((OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST))

Response = collections.namedtuple("Response", "status headers body")


class _Service:
    """A program that serves a port of this machine, with a directory of its own."""

    program = None

    def __init__(self, directory, *, name="127.0.0.1", port=0, address="127.0.0.1"):
        self.dir = directory
        os.makedirs(directory, exist_ok=True)
        self.name, self.port, self.address = name, port, address
        self._program = need(self.program)
        self._process = None

    def path(self, *names):
        """A path in the directory of this service."""
        return os.path.join(self.dir, *names)

    @property
    def host(self):
        """NAME:PORT, as it is in references."""
        return f"{self.name}:{self.port}"

    @property
    def pid(self):
        """Its process, while it runs."""
        return self._process.pid

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def _run(self, line, ready):
        """Starts it; ready(), called again and again, is true when it serves."""
        with open(self.path("log"), "wb") as log:
            self._process = subprocess.Popen(line, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                             start_new_session=True)
        if not proc.wait_until(lambda: self._process.poll() is not None or ready(), 30) or self._process.poll() is not None:
            said = self.said()
            self.stop()
            raise AssertionError(f"{self.program} does not start: {said[-2000:]}")

    def said(self):
        """Its log since it was started."""
        return read(self.path("log")).decode(errors="replace")

    def stop(self, number=signal.SIGTERM):
        """Ends it; its data stay."""
        process, self._process = self._process, None
        if process and process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def restart(self):
        """Ends it and starts it again, at the same port and with the same data."""
        self.stop()
        self.start()


class Registry(_Service):
    """docker-registry with a file system. It serves HTTP, or with `tls` (certificates.Pair) HTTPS.

    `users`: names and passwords, by htpasswd; `tokens`: a TokenService whose tokens it takes; `clients`: the Authority that signs
    the certificates of its clients; `deletes`: DELETE is allowed; `mirror_of`: the URL of a registry that this one is a
    pull-through cache of."""

    program = "docker-registry"

    def __init__(self, directory, *, tls=None, clients=None, users=None, tokens=None, deletes=False, mirror_of=None, **more):
        super().__init__(directory, **more)
        self.tls, self.clients, self.users, self.tokens = tls, clients, users or {}, tokens
        self.deletes, self.mirror_of = deletes, mirror_of
        self.trust = None  # an ssl.SSLContext for request(), with TLS

    @property
    def url(self):
        """The URL of its root, without a slash at the end."""
        return f"{'https' if self.tls else 'http'}://{self.host}"

    def start(self):
        write(self.path("config.json"), json.dumps(self._configuration(), indent=1))  # JSON is YAML too
        self._run([self._program, "serve", self.path("config.json")], lambda: "listening on" in self.said())
        self.port = int(re.search(r"listening on [^ \"]*:(\d+)", self.said())[1])

    def _configuration(self):
        web = {"addr": f"{self.address}:{self.port}", "secret": "of the tests"}  # the same after a restart: uploads go on
        if self.tls:
            web["tls"] = {"certificate": self.tls.certificate, "key": self.tls.key}
            if self.clients:
                web["tls"]["clientcas"] = [self.clients.certificate]
        document = {"version": "0.1", "log": {"level": "info", "accesslog": {"disabled": True}}, "http": web,
                    "storage": {"filesystem": {"rootdirectory": self.path("data")}, "delete": {"enabled": self.deletes},
                                "maintenance": {"uploadpurging": {"enabled": False}}}}
        if self.users:
            lines = [proc.run([need("htpasswd"), "-niBC", "4", name], input=password, check=True).out.strip()
                     for name, password in self.users.items()]
            write(self.path("htpasswd"), "\n".join(lines) + "\n")
            document["auth"] = {"htpasswd": {"realm": "tests", "path": self.path("htpasswd")}}
        if self.tokens:
            document["auth"] = {"token": {"realm": self.tokens.realm, "service": self.tokens.service,
                                          "issuer": self.tokens.issuer, "rootcertbundle": self.tokens.pair.certificate}}
        if self.mirror_of:
            document["proxy"] = {"remoteurl": self.mirror_of}
        return document

    # What the tests ask it for, without any client.

    def request(self, method, path, body=None, headers=None):
        """Asks it, as the first of its users: a Response."""
        headers = dict(headers or {})
        if self.users:
            headers["Authorization"] = basic(*next(iter(self.users.items())))
        if self.tokens:
            headers["Authorization"] = "Bearer " + self.tokens.token("tests", _scopes(path))
        if self.tls:
            connection = http.client.HTTPSConnection(self.host, timeout=60, context=self.trust)
        else:
            connection = http.client.HTTPConnection(self.host, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Response(response.status, response.headers, response.read())

    def ask(self, method, path, *statuses, **more):
        """request() that must be answered with one of these statuses."""
        response = self.request(method, path, **more)
        if response.status not in statuses:
            raise AssertionError(f"{method} {path}: {response.status} {response.body[:500]}")
        return response

    def manifest(self, repository, tag):
        """The bytes of a manifest or an index as they are there."""
        return self.ask("GET", f"/v2/{repository}/manifests/{tag}", 200, headers={"Accept": ACCEPT}).body

    def has(self, repository, tag):
        """Is there a manifest of this tag or digest?"""
        return self.ask("GET", f"/v2/{repository}/manifests/{tag}", 200, 404, headers={"Accept": ACCEPT}).status == 200

    def digest(self, repository, tag):
        """The digest of a manifest or an index."""
        return digest(self.manifest(repository, tag))

    def blob(self, repository, name):
        """The bytes of a blob, by its digest."""
        return self.ask("GET", f"/v2/{repository}/blobs/{name}", 200).body

    def has_blob(self, repository, name):
        """Is a blob there, by its digest?"""
        return self.ask("HEAD", f"/v2/{repository}/blobs/{name}", 200, 404).status == 200

    def tags(self, repository):
        """The tags of a repository; none if there is no such repository."""
        response = self.ask("GET", f"/v2/{repository}/tags/list", 200, 404)
        return sorted(json.loads(response.body)["tags"] or []) if response.status == 200 else []

    def put_blob(self, repository, data):
        """Puts a blob there."""
        place = self.ask("POST", f"/v2/{repository}/blobs/uploads/", 202).headers["Location"]
        place = re.sub(r"^https?://[^/]*", "", place)
        self.ask("PUT", f"{place}&digest={digest(data)}", 201, body=data,
                 headers={"Content-Type": "application/octet-stream"})

    def put(self, layout, descriptor, repository, tag=None):
        """Puts an image, or an index with all its images, of a Layout (support/images.py) there; its digest. Foreign layers
        and blobs that the layout lacks are left out."""
        data = layout.blobs[descriptor["digest"].removeprefix("sha256:")]
        document = json.loads(data)
        for child in document.get("manifests", []):
            self.put(layout, child, repository)
        for blob in [document[key] for key in ("config",) if key in document] + document.get("layers", []):
            name = blob["digest"].removeprefix("sha256:")
            if name in layout.blobs and not self.has_blob(repository, blob["digest"]):
                self.put_blob(repository, layout.blobs[name])
        self.ask("PUT", f"/v2/{repository}/manifests/{tag or descriptor['digest']}", 201, body=data,
                 headers={"Content-Type": descriptor["mediaType"]})
        return descriptor["digest"]

    def empty(self):
        """Removes all its data, while it runs."""
        shutil.rmtree(self.path("data"), ignore_errors=True)


def basic(name, password):
    """The value of Authorization for a name and a password."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def _scopes(path):
    found = re.match(r"/v2/(.+)/(?:manifests|blobs|tags)/", path)
    if found:
        return [("repository", found[1], ["pull", "push", "delete"])]
    return [("registry", "catalog", ["*"])] if path.startswith("/v2/_catalog") else []


class Nginx(_Service):
    """nginx as a mirror with a path of its own: PREFIX/v2/ of it is /v2/ of a registry, of which it asks with GET and HEAD."""

    program = "nginx"

    def __init__(self, directory, target, prefix, *, tls=None, **more):
        super().__init__(directory, **more)
        self.target, self.prefix, self.tls = target, prefix, tls

    @property
    def url(self):
        """The URL of the mirror, without a slash at the end."""
        return f"{'https' if self.tls else 'http'}://{self.host}{self.prefix}"

    def start(self):
        self.port = self.port or free_port(self.address)
        secure = f"ssl_certificate {self.tls.certificate}; ssl_certificate_key {self.tls.key};" if self.tls else ""
        folders = "\n".join(f"    {kind}_temp_path {self.path(kind)};" for kind in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        write(self.path("nginx.conf"), f"""
daemon off;
worker_processes 1;
user root;
pid {self.path("pid")};
error_log stderr;
events {{}}
http {{
    access_log {self.path("access")};
{folders}
    server {{
        listen {self.address}:{self.port}{" ssl" if self.tls else ""};
        {secure}
        location {self.prefix}/v2/ {{
            limit_except GET {{ deny all; }}
            proxy_pass {self.target}/v2/;
            proxy_set_header Host $http_host;
        }}
    }}
}}
""")
        self._run([self._program, "-p", self.dir, "-c", self.path("nginx.conf"), "-e", "stderr"],
                  lambda: os.path.exists(self.path("pid")))

    def asked(self):
        """The lines of the requests that it had: "GET /path HTTP/1.1"."""
        return re.findall(r'"([A-Z]+ [^"]*)"', read(self.path("access")).decode())


def free_port(address="127.0.0.1"):
    """A port at which nothing listens; in a network of the tests' own nothing will but what the tests start."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]
