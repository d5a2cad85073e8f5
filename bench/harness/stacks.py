# SPDX-License-Identifier: Apache-2.0
"""Stacks of layers over a Debian root file system: seeded, in the kernel's overlay format, which everybody reads."""

import os
import random
import shutil
import stat
import subprocess

from . import systems


class Stack:
    """`layers` directories, the root file system first, each later one over all before it; the same as an image in a
    store, and merged as one plain directory."""

    SEED = 20_240_229
    CHANGED, ADDED, REMOVED = 100, 150, 20

    def __init__(self, folder, archive):
        self._folder, self._archive = folder, archive
        self._random = random.Random(self.SEED)
        self._made = 0
        self.store = folder / "store"

    def layer(self, number):
        return self._folder / "l" / str(number)

    def lowerdirs(self, layers):
        """Top first, relative to cwd(): 500 names must fit into the one page of mount options."""
        return [f"l/{number}" for number in reversed(range(layers))]

    def cwd(self):
        return self._folder

    def image(self, layers):
        return f"stack:{layers}"

    def grow(self, layers):
        """Makes what is missing of the first `layers` layers, and of their image."""
        if self._made == 0:
            self.layer(0).mkdir(parents=True)
            systems.run("tar", "-xf", self._archive, "-C", self.layer(0))
            self._look_around()
            systems.run("veneer", "import", self._archive, self.image(1), env=systems.store(self.store))
            self._made = 1
        while self._made < layers:
            self._make_layer(self._made)
            self._commit(self._made)
            self._made += 1

    def merged(self, layers):
        """The whole stack as one plain directory, for the bare figures; the last one asked for is kept."""
        folder = self._folder / f"merged-{layers}"
        if not folder.exists():
            for old in self._folder.glob("merged-*"):
                shutil.rmtree(old)
            point = self._folder / "merging"
            point.mkdir()
            # Without an upper, overlayfs wants two layers; more than 500 it does not take.
            lowers = self.lowerdirs(layers) + ["empty"] * (layers == 1)
            systems.mount_kernel(self.cwd(), point, "lowerdir=" + ":".join(lowers))
            try:
                systems.run("cp", "-a", point, folder)
            finally:
                systems.unmount(point)
                point.rmdir()
        return folder

    def _look_around(self):
        (self._folder / "empty").mkdir()
        self._files, self._folders = [], []
        for parent, folders, files in os.walk(self.layer(0)):
            relative = os.path.relpath(parent, self.layer(0))
            if relative.split("/")[0] in ("dev", "proc", "sys", "run"):
                continue
            folders.sort()
            if relative.startswith(("usr", "etc", "var")):
                self._folders.append(relative)
            for name in sorted(files):
                path = os.path.join(relative, name)
                if stat.S_ISREG(os.lstat(self.layer(0) / path).st_mode):
                    self._files.append(path)
        # Programs and libraries stay as they are, so that what is run in the stack goes on working.
        self._changeable = [f for f in self._files if f.startswith("usr/share/")
                            and not f.endswith((".so", ".py", ".pm", ".pl"))
                            and not f.startswith(("usr/share/perl", "usr/share/python", "usr/share/dpkg", "usr/share/debconf"))]
        self._random.shuffle(self._changeable)

    def _make_layer(self, number):
        layer, rng = self.layer(number), self._random
        layer.mkdir()
        for path in rng.sample(self._changeable, self.CHANGED):
            self._new_file(layer, path, rng.randrange(100, 8000))
        for index in range(self.ADDED):
            self._new_file(layer, f"{rng.choice(self._folders)}/added-{number}-{index}", rng.randrange(10, 5000))
        # Documentation goes; what a layer above changed before comes back.
        removable = [f for f in rng.sample(self._changeable, 4 * self.REMOVED) if f.startswith("usr/share/doc/")]
        for path in removable[:self.REMOVED]:
            if not os.path.lexists(layer / path):
                self._parents(layer, path)
                os.mknod(layer / path, stat.S_IFCHR | 0o600, os.makedev(0, 0))
        opaque = f"usr/share/opaque-{number % 7}"
        for index in range(5):
            self._new_file(layer, f"{opaque}/file-{index}", 500)
        os.setxattr(layer / opaque, "trusted.overlay.opaque", b"y")

    def _parents(self, layer, path):
        """The directories on the way, with the attributes that they have below."""
        parts = path.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            folder = layer / "/".join(parts[:depth])
            below = self.layer(0) / "/".join(parts[:depth])
            if not folder.exists():
                folder.mkdir()
                if below.exists():
                    shutil.copystat(below, folder)
                    os.chown(folder, below.stat().st_uid, below.stat().st_gid)

    def _new_file(self, layer, path, size):
        self._parents(layer, path)
        if os.path.lexists(layer / path):
            os.unlink(layer / path)
        with open(layer / path, "wb") as file:
            file.write(self._random.randbytes(size))

    def _commit(self, number):
        env = systems.store(self.store)
        systems.run("veneer", "mount", self.image(number), "--name", "grow", env=env)
        systems.run("veneer", "umount", "grow", env=env)
        subprocess.run(["cp", "-a", f"{self.layer(number)}/.", self.store / "containers/grow/upper"], check=True)
        systems.run("veneer", "commit", "grow", self.image(number + 1), env=env)
        systems.run("veneer", "rm", "grow", env=env)
