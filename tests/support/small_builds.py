# SPDX-License-Identifier: Apache-2.0
"""Builds of a few lines, with a base image of a shell and some programs."""

import os
import re

from support import proc
from support.files import read, write
from support.stores import StoreCase
from support.tree import Dir, File, Link

TOOLS = ("cat", "chmod", "cp", "date", "ln", "ls", "mkdir", "mv", "rm", "sh", "sleep", "stat", "touch")


def base_tree():
    """A root file system with a shell: the machine's busybox and its libraries."""
    tree = {"bin": Dir(entries={name: Link(target="busybox") for name in TOOLS}), "tmp": Dir(0o1777)}
    libraries = re.findall(r"(/\S+) \(0x", proc.run(["ldd", "/usr/bin/busybox"], check=True).out)
    for path in ("/bin/busybox", *libraries):
        *folders, name = path.removeprefix("/").split("/")
        inside = tree
        for folder in folders:
            inside = inside.setdefault(folder, {})
            inside = inside.entries if isinstance(inside, Dir) else inside
        inside[name] = File(0o755, data=read(path))
    return tree


class BuildCase(StoreCase):
    """A store and a context, both the user's."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("context"))
        self.own(self.path("context"))

    def put(self, name, data="x"):
        """A file of the context."""
        path = self.path("context", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write(path, data)
        self.own(self.path("context"))
        return path

    def build(self, dockerfile, *options, code=0, **more):
        """Builds; what it did."""
        write(self.path("context", "Dockerfile"), dockerfile)
        done = self.run_veneer("build", "--progress", "plain", *options, "context", **more)
        self.assertEqual(done.code, code, done)
        return done
