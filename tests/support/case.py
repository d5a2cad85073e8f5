# SPDX-License-Identifier: Apache-2.0
"""The base classes of the mount tests.

MountCase gives each case a directory of its own and mounts that are always taken away, and judged, at its end.
placed() runs the cases of a class several times, with the objects they work on coming from a different place of the union.
"""

import contextlib
import errno
import faulthandler
import gc
import os
import shutil
import sys
import unittest

from support import mounts, proc, sysio, temporary, tree

# A case that takes longer hangs: its stack is printed and the whole file ends.
CASE_TIMEOUT = 150


class MountCase(unittest.TestCase):
    """A case with a private directory, `self.dir`, on the file system of the test directory."""

    maxDiff = None
    timeout = CASE_TIMEOUT

    def setUp(self):
        faulthandler.dump_traceback_later(self.timeout, exit=True, file=sys.__stderr__)
        self.addCleanup(faulthandler.cancel_dump_traceback_later)
        os.umask(0o022)
        self.dir = temporary.directory("case")
        os.chmod(self.dir, 0o755)
        self.addCleanup(self._remove_directory)
        self._fds = []
        self.addCleanup(self.close_all)

    def _remove_directory(self):
        remove_tree(self.dir)

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


def read(path):
    """All bytes of a file."""
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    """Makes or empties a file and writes `data`."""
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def names(path):
    """The sorted names in a directory."""
    return sorted(os.listdir(path))


class PlacedCase(MountCase):
    """Cases on a tree that comes from `self.place`; use with @placed.

    TREE describes it. setUp() mounts it at self.root, as a Mount self.mnt:
      lower   in the bottom one of three layers
      merged  spread over three layers, with other objects of the same names below it
      upper   written through the mount before the case begins
      copied  lower, and its metadata (not its contents) already copied to the upper by an earlier mount
      image   an image in a store: one merged tree index, contents in the store's objects

    The layers are made once for all cases of the class: no case can change them.
    """

    TREE: dict = {}
    place = "lower"
    options: tuple = ()

    @classmethod
    def setUpClass(cls):
        directory = temporary.directory("layers")
        cls.addClassCleanup(remove_tree, directory)
        os.chmod(directory, 0o755)
        if cls.place == "image" and mounts.kind() == "veneerfs":
            cls._import(directory)
            return
        if cls.place == "merged":
            parts = spread(cls.TREE)
        else:
            bottom = {} if cls.place == "upper" else cls.TREE
            parts = [{"only-in-0": "0"}, {"only-in-1": "1"}, {"only-in-2": "2", **bottom}]
        cls.lowers = [make_layer(os.path.join(directory, f"layer{i}"), part)
                      for i, part in enumerate(parts)]
        cls.before = {lower: tree.snapshot(lower, exact=True) for lower in cls.lowers}

    @classmethod
    def _import(cls, directory):
        tree_directory = make_layer(os.path.join(directory, "tree"), cls.TREE)
        store = os.path.join(directory, "store")

        def veneer(*arguments):
            environment = {**os.environ, "VENEER_VENEERFS": mounts.VENEERFS,
                           "PATH": f"{os.path.dirname(mounts.VENEERFS)}:{os.environ['PATH']}"}
            proc.run([mounts.VENEER, "--root", store, *arguments], check=True, env=environment)

        veneer("import", tree_directory, "image")
        veneer("mount", "image", "--name", "first")  # makes the merged tree
        veneer("rm", "--force", "first")
        trees, objects = os.path.join(store, "trees"), os.path.join(store, "objects")
        cls.lowers = [os.path.join(trees, name) for name in os.listdir(trees)]
        cls.options = (f"objects={mounts.escape(objects)}",)
        cls.before = {part: tree.snapshot(part, exact=True) for part in (trees, objects)}

    def setUp(self):
        super().setUp()
        self.mnt = self.mount(self.lowers, before=self.before, options=self.options)
        if self.place == "upper":
            tree.build(self.mnt.path, self.TREE)
        if self.place == "copied":
            copy_metadata_up(self.mnt.path, self.TREE)
            self.mnt.remount()

    def at(self, *relative):
        """A path in the mount."""
        return os.path.join(self.mnt.path, *relative)

    def remount(self):
        """Closes what fd() opened and mounts again."""
        self.close_all()
        self.mnt.remount()


def placed(*places):
    """Class decorator: one class per place, each with all its cases."""
    def decorate(cls):
        module = sys.modules[cls.__module__]
        for place in places or ("lower", "merged", "upper", "copied", "image"):
            name = f"{cls.__name__}_{place}"
            setattr(module, name, type(name, (cls,), {"place": place, "__module__": cls.__module__}))
        return None  # the class itself is no set of cases
    return decorate


def spread(entries, depth=0):
    """Three layers (top first) that show `entries`: directories in all, other objects in one of them by turns, above
    an older object of the same name and another kind."""
    layers = [{}, {}, {}]
    for index, (name, what) in enumerate(entries.items()):
        if isinstance(what, dict):
            what = tree.Dir(entries=what)
        if isinstance(what, tree.Dir):
            for layer, part in zip(layers, spread(what.entries, depth + 1)):
                layer[name] = tree.Dir(what.mode, what.uid, what.gid, what.mtime_ns, what.xattrs, part)
        elif isinstance(what, tree.Hard) or _has_hard_links(entries):
            layers[1][name] = what  # all names of one file are in one layer
        else:
            own = index % 3
            layers[own][name] = what
            if own < 2:
                layers[2][name] = "older" if index % 2 else {"older": "directory"}
    return layers


def _has_hard_links(entries):
    return any(isinstance(what, tree.Hard) for what in entries.values())


def copy_metadata_up(root, entries):
    """Gives every object the attributes it has: a change that copies it up, without its contents."""
    for name, what in entries.items():
        path = os.path.join(os.fsencode(root), os.fsencode(name))
        if isinstance(what, tree.Dir):
            copy_metadata_up(path, what.entries)
        elif isinstance(what, dict):
            copy_metadata_up(path, what)
        status = os.lstat(path)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)
