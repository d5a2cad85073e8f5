# SPDX-License-Identifier: Apache-2.0
"""The base class of the cases with a directory, mounts and users of their own.

MountCase gives each case a directory of its own and mounts that are always taken away, and judged, at its end. It is the base
of all others: placed.py (one tree in several places of a union), callers.py (veneerfs by its command line), stores.py (the
veneer command), sessions.py (programs that run in a tree).
"""

import contextlib
import errno
import faulthandler
import gc
import os
import random
import shutil
import signal
import sys
import unittest

from support import mounts, proc, sysio, temporary, tree

# A case that takes longer hangs: its stack is printed and the whole file ends.
CASE_TIMEOUT = 150


class MountCase(unittest.TestCase):
    """A case with a private directory, `self.dir`, on the file system of the test directory."""

    maxDiff = None
    timeout = CASE_TIMEOUT
    uid = 0  # the user of the case, whose its files are and who does what act() and as_user() do
    shared = None  # a directory of the class, for all its cases

    @classmethod
    def shared_directory(cls, purpose):
        """Makes a directory for all cases of the class, which may call this in setUpClass(); the path."""
        path = temporary.directory(purpose)
        cls.addClassCleanup(remove_tree, path)
        os.chmod(path, 0o755)
        return path

    def setUp(self):
        faulthandler.dump_traceback_later(self.timeout, exit=True, file=sys.__stderr__)
        self.addCleanup(faulthandler.cancel_dump_traceback_later)
        os.umask(0o022)
        self.dir = temporary.directory("case")
        os.chmod(self.dir, 0o755)
        self.addCleanup(remove_tree, self.dir)
        self._fds = []
        self.addCleanup(self.close_all)

    def path(self, *names):
        """A path in the directory of this case."""
        return os.path.join(self.dir, *names)

    def layer(self, name, entries):
        """Builds a directory from a description (support/tree.py); its path."""
        return make_layer(self.path(name), entries)

    def mount(self, lowers, upper=True, options=(), name="mnt", start=True, **more):
        """Mounts `lowers` (top first) with an upper of its own (False: none; or the path of an upper, whose work
        directory is beside it). It is unmounted and judged when the case ends. `start`: False to mount later."""
        upper_path = work_path = None
        if upper:
            upper_path = self.path(f"{name}-upper") if upper is True else os.fspath(upper)
            work_path = f"{upper_path}-work"
            os.makedirs(upper_path, exist_ok=True)
            os.makedirs(work_path, exist_ok=True)
        mount = mounts.Mount(self.path(name), lowers, upper_path, work_path, options, **more)
        self.addCleanup(mount.discard)
        self.addCleanup(self._stop, mount)
        if start:
            mount.start()
        return mount

    def _stop(self, mount):
        self.close_all()
        os.chdir(os.path.dirname(self.dir))
        gc.collect()  # files that a failed case holds open
        mount.stop()

    @contextlib.contextmanager
    def errno(self, number, why=""):
        """The block must fail with this errno (a number, or several that are right)."""
        numbers = number if isinstance(number, tuple) else (number,)
        names = " or ".join(errno.errorcode[n] for n in numbers)
        try:
            yield
        except OSError as error:
            if error.errno not in numbers:
                raise AssertionError(f"expected {names}, got {error}. {why}") from error
        else:
            raise AssertionError(f"expected {names}, but it succeeded. {why}")

    def assert_tree(self, expected, actual, ignore=(), why=""):
        """Two snapshots must be equal."""
        lines = tree.difference(expected, actual, ignore)
        if lines:
            self.fail(f"{why or 'the trees differ'}:\n  " + "\n  ".join(lines[:40]))

    @staticmethod
    def seed():
        """A new seed, or SEED of the environment; printed, so that a failure can be repeated."""
        value = int(os.environ.get("SEED", random.SystemRandom().randrange(10**9)))
        print(f"(SEED={value})", end=" ", flush=True)
        return value

    def fd(self, path, flags=os.O_RDONLY, mode=0o666):
        """Opens; closed by close_all(), so at the latest when the case ends."""
        fd = os.open(path, flags, mode)
        self._fds.append((fd, os.fstat(fd).st_ino))
        return fd

    def close_all(self):
        """Closes what fd() opened and the case did not close itself."""
        for fd, ino in self._fds:
            with contextlib.suppress(OSError):
                if os.fstat(fd).st_ino == ino:
                    os.close(fd)
        self._fds.clear()

    def own(self, path):
        """Gives a tree to the user of this case."""
        if self.uid:
            proc.run(["chown", "-hR", f"{self.uid}:{self.uid}", path], check=True)

    def as_user(self, line, uid=None):
        """A command line as the user of this case, or as another one."""
        uid = self.uid if uid is None else uid
        if not uid:
            return line
        return ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "--", *line]

    def act(self, function, uid=None):
        """Calls a function as the user of this case, or as another one: mounts of a user are closed to others, root among
        them."""
        uid = self.uid if uid is None else uid
        if not uid:
            return function()
        return proc.in_child(function, uid=uid, gid=uid)

    @staticmethod
    def daemons():
        """The process ids of all veneerfs that run here: no other test can be seen."""
        programs = ("veneerfs", os.path.basename(mounts.VENEERFS))
        return [pid for pid, command in proc.processes().items() if os.path.basename(command[0]) in programs]

    def mounted(self):
        """The mount points in the directories of this case and its class."""
        return [point for point, _, _ in mounts.mount_info()
                if any(base and point.startswith(base + "/") for base in (self.dir, self.shared))]

    def assert_daemons_end(self, timeout=10):
        """No veneerfs is left, or each ends in this time."""
        self.assertTrue(proc.wait_until(lambda: not self.daemons(), timeout), f"after {timeout} s there still is a veneerfs")

    def clean(self):
        """For addCleanup() of cases whose mounts are not made by mount(): takes them away. A daemon that stays fails the
        case."""
        self.close_all()
        os.chdir(os.path.dirname(self.dir))
        for _ in range(3):
            for point in reversed(self.mounted()):
                mounts.unmount(point)
        try:
            self.assert_daemons_end()
        finally:
            for pid in self.daemons():
                os.kill(pid, signal.SIGKILL)


def make_layer(path, entries):
    """Builds a directory at `path` from a description; the path."""
    os.makedirs(path)
    os.chmod(path, 0o755)
    tree.build(path, entries)
    os.utime(path, ns=(tree.OLD_TIME_NS, tree.OLD_TIME_NS))
    return path


def remove_tree(path):
    """Removes a directory, after everything that is still mounted in it."""
    for point, _, _ in reversed(mounts.mount_info()):
        if point.startswith(path + "/"):
            with contextlib.suppress(OSError):
                sysio.umount2(point, sysio.MNT_DETACH)
    shutil.rmtree(path, ignore_errors=True)
