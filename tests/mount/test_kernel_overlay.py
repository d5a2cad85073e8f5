# SPDX-License-Identifier: Apache-2.0
"""An upper directory written as root can be mounted by kernel overlayfs, and one that it wrote by veneerfs, with the same tree
to be seen; also when they take turns."""

import os
import random
import stat

from support import mounts, parity, proc, sysio, tree
from support.case import MountCase
from support.files import names, read, write
from support.tree import Dir, File, Link, Node

LOWER = {
    "file": File(0o644, 1, 2, data=b"the file"), "file2": File(0o600, data=b"second" * 2000),
    "full": Dir(0o750, 3, 4, entries={"a": "a", "b": "b", "sub": {"deep": "deep", "more": {"x": "x"}}}),
    "full2": Dir(entries={"c": "c", "sub": {"d": "d"}}),
    "full3": Dir(entries={"e": "e"}),
    "empty": {}, "link": Link(target="file"), "fifo": Node(kind=stat.S_IFIFO),
}
KEPT_AS = {"user.containers.override_stat": "user.containers.overlay.override_stat"}
TOP = {"full": {"top": "top"}, "full2": {"c": "newer c"}}


def has_overlay():
    with open("/proc/filesystems", encoding="ascii") as file:
        if "\toverlay\n" in file.read():
            return True
    return proc.run(["modprobe", "overlay"]).code == 0


class KernelOverlay(MountCase):
    def setUp(self):
        super().setUp()
        if not has_overlay():
            self.skipTest("this kernel has no overlayfs")

    def kernel(self, mount, name="kernel", options="redirect_dir=on,metacopy=on,index=off,xino=off"):
        """Mounts the layers and the upper of `mount` (which is stopped) with the kernel; the path."""
        path = self.path(name)
        os.makedirs(path, exist_ok=True)
        data = ",".join([mount.option_string(), options])
        sysio.mount("overlay", path, "overlay", 0, data)
        self.addCleanup(self._unmount, path)
        return path

    @staticmethod
    def _unmount(path):
        if mounts.is_mounted(path):
            sysio.umount2(path)

    def seen_by_kernel(self, mount):
        """The tree as the kernel sees it."""
        path = self.kernel(mount)
        try:
            return tree.snapshot(path)
        finally:
            sysio.umount2(path)

    def seen_by_veneerfs(self, mount):
        mount.start()
        try:
            return tree.snapshot(mount.path)
        finally:
            mount.stop()

    def two_layers(self):
        return [self.layer("top", TOP), self.layer("bottom", LOWER)]

    def changes(self, root):
        """Every kind of change, at `root`."""
        def at(*path):
            return os.path.join(root, *path)
        os.chmod(at("file"), 0o600)
        os.setxattr(at("file"), "user.x", b"1")
        with open(at("file2"), "r+b") as file:
            file.seek(5000)
            file.write(b"changed")
        os.unlink(at("link"))
        os.symlink("elsewhere", at("link"))
        os.rename(at("fifo"), at("empty", "fifo"))
        os.mknod(at("device"), stat.S_IFCHR | 0o600, os.makedev(1, 3))
        os.rename(at("full"), at("moved"))
        os.unlink(at("moved", "a"))
        os.rename(at("moved", "sub", "more"), at("full2", "more"))
        os.mkdir(at("full"))
        write(at("full", "new"), "new")
        proc.run(["rm", "-r", at("full3")], check=True)
        os.mkdir(at("full3"))
        os.mkdir(at("fresh"))
        write(at("fresh", "f"), "f")
        proc.run(["rm", "-r", at("full2", "sub")], check=True)
        os.rename(at("fresh"), at("full2", "sub"))
        sysio.renameat2(at("full2"), at("moved"), sysio.RENAME_EXCHANGE)
        os.rename(at("file"), at("moved", "file"))
        os.chown(at("moved", "c"), 5, 6)
        os.truncate(at("full2", "b"), 0)
        os.mkdir(at("sticky"), 0o1777)
        # Names that mean something to a union are data inside, as both have it.
        for path in (at("full2"), at("full2", "b"), at("sticky")):
            for name in ("trusted.overlay.opaque", "trusted.overlay.overlay.x", "user.overlay.opaque",
                         "user.overlay.metacopy", "user.fuseoverlayfs.opaque", "user.containers.override_stat"):
                os.setxattr(path, name, b"y")

    def test_the_kernel_reads_what_veneerfs_wrote(self):
        mount = self.mount(self.two_layers())
        self.changes(mount.path)
        write(mount / ".wh.file", "a name like any other")
        mine = tree.snapshot(mount.path)
        mount.stop()
        # What would say how a whole tree is written is never on disk under its own name.
        theirs = {path: {**entry, "xattrs": {KEPT_AS.get(name, name): value for name, value in entry["xattrs"].items()}}
                  for path, entry in mine.items()}
        self.assert_tree(theirs, self.seen_by_kernel(mount), why="kernel overlayfs sees another tree")
        self.assert_tree(mine, self.seen_by_veneerfs(mount), why="after the kernel had it mounted")

    def test_veneerfs_reads_what_the_kernel_wrote(self):
        mount = self.mount(self.two_layers(), start=False)
        path = self.kernel(mount)
        self.changes(path)
        write(os.path.join(path, ".wh.file"), "a name like any other")
        theirs = tree.snapshot(path)
        sysio.umount2(path)
        self.assert_tree(theirs, self.seen_by_veneerfs(mount), why="veneerfs sees another tree")
        self.assert_tree(theirs, self.seen_by_kernel(mount), why="after veneerfs had it mounted")

    def test_what_the_kernel_wrote_as_a_lower_layer(self):
        mount = self.mount(self.two_layers(), start=False)
        path = self.kernel(mount)
        self.changes(path)
        theirs = tree.snapshot(path)
        sysio.umount2(path)
        stacked = self.mount([mount.upper, *mount.lowers], name="stacked")
        seen = tree.snapshot(stacked.path)
        del theirs[b"."], seen[b"."]  # the root is that of the new upper
        self.assert_tree(theirs, seen)
        proc.run(["chown", "-R", "77:77", stacked.path], check=True)
        with open(stacked / "moved/file", "ab") as file:
            file.write(b"!")
        stacked.remount()
        self.assertEqual(read(stacked / "moved/file"), b"the file!")
        self.assertEqual(os.stat(stacked / "full2/sub/deep").st_uid, 77)

    def test_what_a_program_sets_in_the_kernels_mount_is_data_afterwards(self):
        """The kernel keeps user.* names as they are, also those that say how a whole tree is written."""
        for started in (True, False):
            kind = "ours" if started else "theirs"
            lower = self.layer(f"{kind}-lower", {
                "f": File(0o755, 1000, 1000, data=b"f"), "moved": Dir(0o755, 1000, 1000),
                "secret": Dir(0o700, entries={"key": File(0o644, data=b"key")})})
            mount = self.mount([lower], name=kind, start=False)
            os.chown(mount.upper, 1000, 1000)
            if started:
                mount.start()
                mount.stop()
            path = self.kernel(mount, name=f"{kind}-kernel")
            override = "user.containers.override_stat"

            def attack(path=path, override=override):
                os.setxattr(path, override, b"0:0:0755")
                os.setxattr(os.path.join(path, "f"), override, b"0:0:4755")
                os.setxattr(path, "user.overlay.veneer.upper", b"mixed")
                os.mkdir(os.path.join(path, "pub"))
                os.setxattr(os.path.join(path, "pub"), "user.overlay.redirect", b"/secret")
                os.rename(os.path.join(path, "moved"), os.path.join(path, "there"))
            proc.in_child(attack, uid=1000, gid=1000)
            theirs = tree.snapshot(path)
            sysio.umount2(path)
            self.assertIn(override, os.listxattr(mount.upper), "else this test shows nothing")
            stacked = self.mount([mount.upper, lower], name=f"{kind}-layer")
            seen = tree.snapshot(stacked.path)
            stacked.stop()
            self.assert_tree(theirs, self.seen_by_veneerfs(mount), why=f"{kind}: an upper again")
            del theirs[b"."], seen[b"."]  # the root is that of the new upper
            self.assert_tree(theirs, seen, why=f"{kind}: a layer")

    def test_the_user_form(self):
        """The kernel with userxattr writes user.overlay.*; it has neither redirects nor metadata-only copies."""
        mount = self.mount(self.two_layers(), start=False)
        path = self.kernel(mount, options="userxattr")
        proc.run(["rm", "-r", os.path.join(path, "full")], check=True)
        os.mkdir(os.path.join(path, "full"))
        write(os.path.join(path, "full", "new"), "new")
        os.unlink(os.path.join(path, "file"))
        os.chmod(os.path.join(path, "file2"), 0o711)
        theirs = tree.snapshot(path)
        sysio.umount2(path)
        stacked = self.mount([mount.upper, *mount.lowers], name="stacked")
        seen = tree.snapshot(stacked.path)
        del theirs[b"."], seen[b"."]  # the root is that of the new upper
        self.assert_tree(theirs, seen)
        self.assertEqual(names(stacked / "full"), ["new"])

    def test_contents_written_to_an_empty_file_that_the_kernel_copied_up(self):
        """The kernel marks an empty file as a copy of attributes alone, too."""
        mount = self.mount([self.layer("bottom", {"empty": "", "moved": "", "cut": "not empty"})], start=False)
        path = self.kernel(mount)
        os.chmod(os.path.join(path, "empty"), 0o600)
        os.rename(os.path.join(path, "moved"), os.path.join(path, "there"))
        os.chmod(os.path.join(path, "there"), 0o600)
        os.chmod(os.path.join(path, "cut"), 0o600)
        sysio.umount2(path)
        mount.start()
        write(mount / "empty", "now")
        with open(mount / "there", "ab") as file:
            file.write(b"then")
        os.truncate(mount / "cut", 0)
        write(mount / "cut", "again")
        mine = tree.snapshot(mount.path)
        mount.stop()
        self.assert_tree(mine, self.seen_by_kernel(mount), why="kernel overlayfs sees another tree")
        self.assert_tree(mine, self.seen_by_veneerfs(mount), why="after the kernel had it mounted")

    def test_random_changes_by_turns(self):
        seed = self.seed()
        rng = random.Random(seed)
        lowers = [self.layer(f"layer{i}", tree.random_entries(rng)) for i in range(3)]
        mount = self.mount(lowers, start=False)
        done = []
        for turn in range(8):
            if turn % 2:
                path = self.kernel(mount)
            else:
                mount.start()
                path = mount.path
            done += [f"{turn}: {line}" for line in parity.apply(path, seed + turn, 120, "no-links")]
            seen = tree.snapshot(path)
            if turn % 2:
                sysio.umount2(path)
            else:
                mount.stop()
            why = "\n".join(done[-400:]) if os.environ.get("VERBOSE") else f"turn {turn}, see SEED"
            self.assert_tree(seen, self.seen_by_kernel(mount), why=f"the kernel sees another tree: {why}")
            self.assert_tree(seen, self.seen_by_veneerfs(mount), why=f"veneerfs sees another tree: {why}")
