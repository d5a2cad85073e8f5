# SPDX-License-Identifier: Apache-2.0
"""Builders: Veneer, and the judges of the same Dockerfiles: the Docker engine with its two builders, and Debian's buildah."""

import contextlib
import dataclasses
import http.server
import os
import shutil
import stat
import threading

from support import builds, built, engines, proc, tree
from support.files import write

CASE = "case:1"


@contextlib.contextmanager
def serve(files):
    """Meanwhile a web server of this machine has these files, by name: its URL without a slash."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            data = files.get(self.path.lstrip("/"))
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Length", str(len(data or b"")))
            self.send_header("Last-Modified", "Thu, 13 Jul 2017 02:40:00 GMT")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data or b"")
        do_HEAD = do_GET

        def log_message(self, *_):
            pass
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class Unsaved(Exception):
    """A builder cannot save what it built."""


class Builder:
    """Builds cases. A directory for contexts, and how the command is called, are given by the subclasses."""

    name = None
    folder = None  # where contexts are made

    def __init__(self):
        self._number = 0

    def context_directory(self):
        """A new path each time: from a context of the same name BuildKit takes no file of a size and time that it has seen."""
        self._number += 1
        return os.path.join(self.folder, f"context{self._number}")

    def build_words(self, name, cache=True):
        """The words of the command line, up to the options of the case. cache: False where steps may not be taken from there."""
        raise NotImplementedError

    def call(self, words, directory, **more):
        """Runs a command line there: what it did (proc.Finished)."""
        raise NotImplementedError

    def save(self, name):
        """The image, as built.Built."""
        raise NotImplementedError

    def own(self, path):
        """Gives a context to the user who builds."""

    def build(self, case):
        """Builds a case, with what is built before: its Outcome."""
        directory = self.context_directory()
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, directory, ignore_errors=True)
            serves = dict(case.serves)
            if serves:
                url = stack.enter_context(serve(serves))
                case = dataclasses.replace(case, dockerfile=case.dockerfile.replace("URL", url),
                                           where=case.where.replace("URL", url))
            case.make_context(directory)
            self.own(directory)
            for name, dockerfile in case.before.items():
                done = self.call([*self.build_words(name), "-f", "-", "."], directory, input=case.text(dockerfile))
                if done.code:
                    return builds.Outcome(done.code, done.out + done.err)
            outcome = self.finish(case, directory)
            if not isinstance(case, builds.Twice) or not outcome.image:
                return outcome
            case.change(directory, serves)
            if case.again is not None:
                write(os.path.join(directory, case.file), case.text(case.again))
            options = case.options if case.more is None else case.more
            second = self.finish(dataclasses.replace(case, options=options), directory)
            second.first = outcome.image
            return second

    def finish(self, case, directory):
        """The last build of a case, whose context is made."""
        where = directory if case.where == "." else case.where
        done = self.call([*self.build_words(CASE, isinstance(case, builds.Twice)), *case.options, where], directory,
                         input=case.input.decode(errors="surrogateescape") if isinstance(case.input, bytes) else case.input,
                         environment=case.environment)
        if done.code:
            return builds.Outcome(done.code, done.out + done.err)
        try:
            return builds.Outcome(0, done.out + done.err, self.save(CASE))
        except Unsaved as error:  # as good as none
            return builds.Outcome(0, f"{done.out}{done.err}{error}")


class DockerBuilder(Builder):
    """One of the two builders of a Docker engine (engines.Docker)."""

    def __init__(self, docker, name):
        super().__init__()
        self.docker, self.name, self.folder = docker, name, docker.dir

    def build_words(self, name, cache=True):
        progress = ["--progress", "plain"] if self.name == builds.BUILDKIT else []
        return self.docker.command("build", "--network", "host", *progress, "-t", name)

    def call(self, words, directory, environment=None, **more):
        environment = {**self.docker.environment, "DOCKER_BUILDKIT": str(int(self.name == builds.BUILDKIT)),
                       **(environment or {})}
        return proc.run(words, env=environment, cwd=directory, **more)

    def save(self, name):
        path = self.docker.path("saved.tar")
        done = self.docker.run("save", "-o", path, name, check=False)
        if done.code:
            raise Unsaved(done.err)
        image = built.read_archive(path)
        with self.docker.mounted(name) as root:  # the archive has no xattrs but capabilities
            for path, what in image.tree.items():
                found = tree.xattrs(root + path)
                what.xattrs = {key: value.decode("latin-1") for key, value in found.items() if what.kind != "link"}
        return image


class BuildahBuilder(Builder):
    """buildah bud with layers, isolated by chroot. Its cache does not know flags of ADD (E51) and is not used."""

    name = builds.BUILDAH

    def __init__(self, buildah):
        super().__init__()
        self.buildah, self.folder = buildah, buildah.dir

    def build_words(self, name, cache=True):
        return self.buildah.command("bud", "--layers", *(() if cache else ("--no-cache",)), "--isolation", "chroot", "--network",
                                    "host", "--format", "docker",
                                    "--pull-never", "-t", name)

    def call(self, words, directory, environment=None, **more):
        return proc.run(words, env={**self.buildah.environment, **(environment or {})}, cwd=directory, **more)

    def load(self, archive, names):
        """Takes images of a docker-archive over."""
        for name in names:
            self.buildah.run("pull", f"docker-archive:{archive}:docker.io/library/{name}:latest")

    def save(self, name):
        path = self.buildah.path("saved.tar")
        if os.path.exists(path):
            os.unlink(path)
        done = self.buildah.run("push", name, f"docker-archive:{path}:{name}", check=False)
        if done.code:
            raise Unsaved(done.err)
        image = built.read_archive(path)
        for key, value in image.config.items():  # it signs each image, and writes lists that are empty
            if isinstance(value, dict):
                value.pop("io.buildah.version", None)
            image.config[key] = value or None
        return image


class VeneerBuilder(Builder):
    """veneer build, with the store and the user of a StoreCase."""

    name = "veneer"

    def __init__(self, case):
        super().__init__()
        self.case, self.folder = case, case.dir

    def own(self, path):
        found = tree.snapshot(path)
        self.case.own(path)
        for name, entry in found.items():  # chown(2) takes bits and capabilities away
            full = os.path.join(os.fsencode(path), name)
            if entry["type"] == stat.S_IFREG and self.case.uid:
                os.chmod(full, entry["mode"])
                for key, value in entry["xattrs"].items():
                    os.setxattr(full, key, value)

    def build_words(self, name, cache=True):
        return self.case.command("build", "-t", name)

    def call(self, words, directory, environment=None, **more):
        return proc.run(words, env={**self.case.environment, **(environment or {})}, cwd=directory, **more)

    def save(self, name):
        path = self.case.path("saved.tar")
        if os.path.exists(path):
            os.unlink(path)
        self.case.veneer("save", "-o", path, name)
        return built.read_archive(path)
