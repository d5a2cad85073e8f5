# SPDX-License-Identifier: Apache-2.0
"""Cases with a store of their own, driven by the veneer command, as root or as an ordinary user."""

import hashlib
import json
import os
import re
import signal
import subprocess

from support import mounts, proc, runner, temporary
from support.case import MountCase, remove_tree


def sha256(path):
    """The digest of a file, as "sha256:...". """
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return "sha256:" + digest.hexdigest()


def program_directory():
    """A directory for PATH in which veneer and veneerfs are found under their names."""
    directory = os.path.join(os.environ["TMPDIR"], "system", "bin")
    if not os.path.isdir(directory):
        os.mkdir(directory)
        os.symlink(mounts.VENEER, os.path.join(directory, "veneer"))
        os.symlink(mounts.VENEERFS, os.path.join(directory, "veneerfs"))
    return directory


class StoreCase(MountCase):
    """A private store at self.store; veneer() runs the command in self.dir. With `uid` all is done by that user: the
    directory of the case is his, and files in his mounts are looked at with act()."""

    uid = 0
    timeout = 240
    shared = None  # a directory of the class, with the store of all its cases

    def setUp(self):
        super().setUp()
        self.store = os.path.join(self.shared or self.dir, "store")
        self.environment = {**os.environ, "VENEER_ROOT": self.store, "HOME": self.path("home"),
                            "PATH": f"{program_directory()}:{os.environ['PATH']}"}
        os.mkdir(self.path("home"))
        self.own(self.dir)
        os.chdir(self.dir)
        self.addCleanup(self.clean)

    def own(self, path):
        """Gives a tree to the user of this case."""
        if self.uid:
            proc.run(["chown", "-hR", f"{self.uid}:{self.uid}", path], check=True)

    def clean(self):
        """No daemon and no mount of the case may be left; those of a failed case are taken away."""
        self.close_all()
        os.chdir(os.path.dirname(self.dir))
        for _ in range(3):
            for point, _, _ in reversed(mounts.mount_info()):
                if self.is_ours(point):
                    mounts.unmount(point)
        if not proc.wait_until(lambda: not self.daemons(), 10):
            for pid in self.daemons():
                os.kill(pid, signal.SIGKILL)
            self.fail("a veneerfs was still there 10 s after all was unmounted")

    @staticmethod
    def daemons():
        """The process ids of all veneerfs."""
        return [pid for pid, command in proc.processes().items()
                if os.path.basename(command[0]) == "veneerfs"]

    def mounted(self):
        """The mount points in the directory of this case."""
        return [point for point, _, _ in mounts.mount_info() if self.is_ours(point)]

    def is_ours(self, path):
        """Is this path in a directory of this case or its class?"""
        return any(base and path.startswith(base + "/") for base in (self.dir, self.shared))

    def command(self, *arguments):
        """The whole command line of `veneer ARGUMENTS` for the user of this case."""
        line = ["veneer", *arguments]
        return self.as_user(line)

    def as_user(self, line):
        """A command line as the user of this case."""
        if not self.uid:
            return line
        return ["setpriv", "--reuid", str(self.uid), "--regid", str(self.uid), "--clear-groups", "--", *line]

    def start(self, *arguments, **more):
        """Starts veneer and gives the process, with its own process group."""
        return subprocess.Popen(self.command(*arguments), env=self.environment, cwd=self.dir,
                                start_new_session=True, **more)

    def veneer(self, *arguments, code=0, err="", environment=None, **more):
        """Runs veneer; the exit code and the whole of standard error must be as said (err: a pattern). Its output."""
        done = proc.run(self.command(*arguments), env={**self.environment, **(environment or {})},
                        cwd=self.dir, **more)
        self.assertEqual(done.code, code, done)
        self.assert_said(err, done)
        return done.out

    def assert_said(self, pattern, done):
        """The whole of standard error; without the note that a user without ids gets from `mount` and `chroot`."""
        said = done.err
        if self.uid == runner.USER_WITHOUT_IDS:
            said = re.sub(r"veneer: only root exists inside, [^\n]*\n", "", said)
        self.assertRegex(said, rf"\A(?:{pattern})\Z", done)

    def refused(self, *arguments, code, say, **more):
        """It fails with this exit code and one line that matches `say`."""
        done = proc.run(self.command(*arguments), env=self.environment, cwd=self.dir, **more)
        self.assertIn(done.code, code if isinstance(code, tuple) else (code,), done)
        lines = done.err.splitlines()
        self.assertEqual(len(lines), 1, f"one line, but: {done}")
        self.assertTrue(lines[0].startswith("veneer: "), lines[0])
        self.assertRegex(lines[0], say)
        self.assertEqual(done.out, "", done)

    def act(self, function):
        """Calls a function as the user of this case: his mounts are closed to others, root among them."""
        if not self.uid:
            return function()
        return proc.in_child(function, uid=self.uid, gid=self.uid)

    def import_tree(self, entries, name, tree_name=None):
        """Imports an archive of a tree built from a description, of root unless it says otherwise; the image id."""
        path = self.layer(tree_name or re.sub(r"\W", "_", name) + ".dir", entries)
        proc.run(["tar", "-C", path, "--format=posix", "--numeric-owner", "-cf", path + ".tar", "."], check=True)
        return self.veneer("import", path + ".tar", name).strip()

    def diff(self, container):
        """`veneer diff` as a set of lines."""
        return set(self.veneer("diff", container).splitlines())

    def chain_of(self, image):
        """The path of the merged tree of an image in the store."""
        with open(self.config_of(image), encoding="utf-8") as file:
            layers = json.load(file)["rootfs"]["diff_ids"]
        chain = layers[0]
        for layer in layers[1:]:
            chain = "sha256:" + hashlib.sha256(f"{chain} {layer}".encode()).hexdigest()
        return os.path.join(self.store, "trees", chain.removeprefix("sha256:"))

    def config_of(self, image):
        """The path of the config of an image in the store."""
        for line in self.veneer("images", "--no-trunc").splitlines()[1:]:
            repository, tag, image_id = line.split()[:3]
            if image in (f"{repository}:{tag}", image_id):
                return os.path.join(self.store, "blobs", "sha256", image_id.removeprefix("sha256:"))
        raise AssertionError(f"no image {image}")


class DebianCase(StoreCase):
    """Cases on a real Debian root file system (VENEER_DEBIAN_TAR), imported once per class as debian:12. Each case uses
    containers of its own."""

    @classmethod
    def setUpClass(cls):
        archive = os.environ.get("VENEER_DEBIAN_TAR")
        if not archive:
            raise AssertionError("VENEER_DEBIAN_TAR is not set: make the archive with make_debian_tar.py")
        cls.archive = archive
        cls.shared = temporary.directory("shared")
        cls.addClassCleanup(remove_tree, cls.shared)
        os.chmod(cls.shared, 0o755)
        os.chown(cls.shared, cls.uid, cls.uid)
        case = cls("setUp")
        case.setUp()
        try:
            case.veneer("import", archive, "debian:12", timeout=200)
        finally:
            case.doCleanups()

    def chroot(self, *arguments, code=0, err=None, **more):
        """`veneer chroot ARGUMENTS`: what it wrote. err: a pattern for standard error; None: not looked at."""
        done = proc.run(self.command("chroot", *arguments), env=self.environment, cwd=self.dir, **more)
        self.assertEqual(done.code, code, done)
        if err is not None:
            self.assert_said(err, done)
        return done.out

    def drop(self, container):
        """Removes a container at the end of the case."""
        self.addCleanup(proc.run, self.command("rm", "-f", container), env=self.environment)


def for_users(cls):
    """Class decorator: the cases of the class as root, as a user with subordinate ids and as one without."""
    import sys  # only here
    module = sys.modules[cls.__module__]
    for name, uid in (("root", 0), ("user", runner.USER_WITH_IDS), ("single", runner.USER_WITHOUT_IDS)):
        full = f"{cls.__name__}_{name}"
        setattr(module, full, type(full, (cls,), {"uid": uid, "__module__": cls.__module__}))
    return None  # the class itself is no set of cases
