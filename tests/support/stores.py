# SPDX-License-Identifier: Apache-2.0
"""Cases with a store of their own, driven by the veneer command, as root or as an ordinary user."""

import json
import os
import re
import subprocess
import sys

from support import mounts, proc, runner, tree
from support.case import MountCase
from support.files import digest, file_digest, read, write


def program_directory():
    """A directory for PATH in which veneer and veneerfs are found under their names."""
    directory = os.path.join(os.environ["TMPDIR"], "system", "bin")
    if not os.path.isdir(directory):
        os.mkdir(directory)
        os.symlink(mounts.VENEER, os.path.join(directory, "veneer"))
        os.symlink(mounts.VENEERFS, os.path.join(directory, "veneerfs"))
    return directory


class StoreCase(MountCase):
    """A private store at self.store, below self.shared if the class has that; veneer() runs the command in self.dir. With `uid`
    that user does all: the directory of the case is the user's, and act() looks at files in the mounts."""

    timeout = 240

    def setUp(self):
        super().setUp()
        self.store = os.path.join(self.shared or self.dir, "store")
        self.environment = {**os.environ, "VENEER_ROOT": self.store, "HOME": self.path("home"),
                            "PATH": f"{program_directory()}:{os.environ['PATH']}"}
        os.mkdir(self.path("home"))
        self.own(self.dir)
        os.chdir(self.dir)
        self.addCleanup(self.clean)

    def command(self, *arguments):
        """The whole command line of `veneer ARGUMENTS` for the user of this case."""
        return self.as_user(["veneer", *arguments])

    def start(self, *arguments, **more):
        """Starts veneer and gives the process, with its own process group."""
        return subprocess.Popen(self.command(*arguments), env=self.environment, cwd=self.dir,
                                start_new_session=True, **more)

    def run_veneer(self, *arguments, environment=None, **more):
        """Runs veneer; what it did, as text."""
        return proc.run(self.command(*arguments), env={**self.environment, **(environment or {})}, cwd=self.dir, **more)

    def run_on_bytes(self, *arguments, **more):
        """Runs veneer with files and bytes; what it did, as subprocess.run() says it."""
        more.setdefault("stderr", subprocess.PIPE)
        more.setdefault("stdout", subprocess.PIPE)
        return subprocess.run(self.command(*arguments), env=self.environment, cwd=self.dir, check=False, **more)

    def veneer(self, *arguments, code=0, err="", **more):
        """Runs veneer; the exit code and the whole of standard error must be as said (err: a pattern). Its output."""
        done = self.run_veneer(*arguments, **more)
        self.assertEqual(done.code, code, done)
        self.assert_said(err, done)
        return done.out

    def said(self, done):
        """The whole of standard error, without the note that a user without ids gets from `mount` and `chroot`."""
        if self.uid != runner.USER_WITHOUT_IDS:
            return done.err
        return re.sub(r"\Aveneer: only root exists inside, since [^\n]*`usermod [^\n]*`\n", "", done.err)

    def assert_said(self, pattern, done):
        """The whole of said() matches."""
        self.assertRegex(self.said(done), rf"\A(?:{pattern})\Z", done)

    def refused(self, *arguments, code=1, say=".", keeps_store=True, **more):
        """It fails with this exit code (or one of several) and one line that matches `say`, and a store that was there is as
        before, unless `keeps_store` says otherwise. What it said."""
        before = keeps_store and self.contents()
        done = self.run_veneer(*arguments, **more)
        self.assertIn(done.code, code if isinstance(code, tuple) else (code,), done)
        self.assertEqual(done.out, "", done)
        self.assert_said("veneer: [^\n]*\n", done)
        self.assertRegex(done.err, say, done)
        if before:
            self.assertEqual(self.contents(), before, done)
        return self.said(done)

    def contents(self):
        """Every file of the store with the digest of its bytes, but for LMDB's locks, which readers write, and the table of
        slices, which is knowledge that may be out of date; and but for the trees of containers, which a daemon may change."""
        digests = {}
        for folder, folders, files in os.walk(self.store):
            if os.path.dirname(folder) == os.path.join(self.store, "containers"):
                folders.clear()
            if os.path.basename(folder) != "slices":
                paths = [os.path.join(folder, name) for name in files if "lock" not in name]
                digests.update({os.path.relpath(path, self.store): file_digest(path) for path in paths})
        return digests

    def import_tree(self, entries, name, tree_name=None):
        """Imports an archive of a tree built from a description, of root unless it says otherwise; the image id."""
        path = self.layer(tree_name or re.sub(r"\W", "_", name) + ".dir", entries)
        proc.run(["tar", "-C", path, "--format=posix", "--numeric-owner", "-cf", path + ".tar", "."], check=True)
        return self.veneer("import", path + ".tar", name).strip()

    def diff(self, container):
        """`veneer diff` as a set of lines."""
        return set(self.veneer("diff", container).splitlines())

    def images(self):
        """The ids of all names in the store."""
        rows = [line.split() for line in self.veneer("images", "--no-trunc").splitlines()[1:]]
        return {f"{row[0]}:{row[1]}": row[2] for row in rows}

    def config_of(self, image):
        """The path of the config of an image in the store: by its id, or by its name."""
        if not image.startswith("sha256:"):
            image = self.images()[image]
        return os.path.join(self.store, "blobs", "sha256", image.removeprefix("sha256:"))

    def config(self, image):
        """The config of an image in the store: by its id, which is the digest of the config, or by its name."""
        path = self.config_of(image)
        self.assertEqual(file_digest(path).removeprefix("sha256:"), os.path.basename(path))
        return json.loads(read(path))

    def tree_of(self, name):
        """The snapshot of an image, mounted for that."""
        point = self.veneer("mount", "-r", "-n", "look", name).strip()
        found = self.act(lambda: tree.snapshot(point))
        self.veneer("umount", "look")
        self.veneer("rm", "look")
        return found

    def chain_of(self, image):
        """The path of the merged tree of an image in the store."""
        chain, *others = self.config(image)["rootfs"]["diff_ids"]
        for layer in others:
            chain = digest(f"{chain} {layer}".encode())
        return os.path.join(self.store, "trees", chain.removeprefix("sha256:"))

    def layer_tar(self, name, number=1):
        """The tar of a layer, from 1 at the bottom."""
        done = self.run_on_bytes("layer", "tar", f"{name}@{number}")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout

    def write(self, name, data):
        """Makes a file in the directory of this case; its path."""
        write(self.path(name), data)
        return self.path(name)


def for_users(cls):
    """Class decorator: the cases of the class as root, as a user with subordinate ids and as one without."""
    module = sys.modules[cls.__module__]
    for name, uid in (("root", 0), ("user", runner.USER_WITH_IDS), ("single", runner.USER_WITHOUT_IDS)):
        full = f"{cls.__name__}_{name}"
        setattr(module, full, type(full, (cls,), {"uid": uid, "__module__": cls.__module__}))
    return None  # the class itself is no set of cases
