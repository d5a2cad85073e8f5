# SPDX-License-Identifier: Apache-2.0
"""Cases that run several times, with the objects they work on coming from a different place of the union."""

import os
import sys

from support import mounts, proc, tree
from support.case import MountCase, make_layer


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
        directory = cls.shared_directory("layers")
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
