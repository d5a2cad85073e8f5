# SPDX-License-Identifier: Apache-2.0
"""Cases with a store of their own, driven by the built program, without mounts."""

import hashlib
import json
import os
import shutil
import subprocess
import unittest

from support import proc, temporary

VENEER = os.environ["VENEER"]


class StoreCase(unittest.TestCase):
    """A private directory, self.dir, and a store in it."""

    maxDiff = None

    def setUp(self):
        self.dir = temporary.directory("case")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.store = self.path("store")
        self.environment = {**os.environ, "VENEER_ROOT": self.store, "LC_ALL": "C.UTF-8"}

    def path(self, *names):
        """A path in the directory of this case."""
        return os.path.join(self.dir, *names)

    def run_veneer(self, *arguments, **more):
        """Runs veneer; what it did."""
        return proc.run([VENEER, *arguments], env=self.environment, cwd=self.dir, **more)

    def veneer(self, *arguments, **more):
        """It succeeds and says nothing on standard error; its output."""
        done = self.run_veneer(*arguments, **more)
        self.assertEqual((done.code, done.err), (0, ""), done)
        return done.out

    def refused(self, *arguments, say, code=1, **more):
        """It fails with this exit code and one line that matches `say`, and the store is as before."""
        before = self.everything()
        done = self.run_veneer(*arguments, **more)
        self.assertEqual(done.code, code, done)
        self.assertEqual(done.out, "", done)
        self.assertEqual(done.err.count("\n"), 1, done)
        self.assertTrue(done.err.startswith("veneer: "), done)
        self.assertRegex(done.err, say)
        self.assertEqual(self.everything(), before, done)

    def everything(self):
        """Every file of the store with the hash of its contents, but LMDB's locks, which readers write, and the table of
        slices, which is knowledge that may be out of date."""
        files = {}
        for folder, _, names in os.walk(self.store):
            for name in names:
                path = os.path.join(folder, name)
                if "lock" in name or os.path.basename(folder) == "slices":
                    continue
                with open(path, "rb") as file:
                    files[os.path.relpath(path, self.store)] = hashlib.sha256(file.read()).hexdigest()
        return files

    def images(self):
        """The ids of all names in the store."""
        rows = [line.split() for line in self.veneer("images", "--no-trunc").splitlines()[1:]]
        return {f"{row[0]}:{row[1]}": row[2] for row in rows}

    def config(self, image_id):
        """The config of an image in the store."""
        with open(os.path.join(self.store, "blobs", "sha256", image_id.removeprefix("sha256:")), "rb") as file:
            data = file.read()
        self.assertEqual("sha256:" + hashlib.sha256(data).hexdigest(), image_id)
        return json.loads(data)

    def layer_tar(self, name, number):
        """The tar of a layer, from 1 at the bottom."""
        return subprocess.run([VENEER, "layer", "tar", f"{name}@{number}"], env=self.environment,
                              stdout=subprocess.PIPE, check=True).stdout

    def write(self, name, data):
        """A file in the directory of this case; its path."""
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)
