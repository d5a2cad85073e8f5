# SPDX-License-Identifier: Apache-2.0
"""A union inside the union: the layers, the upper and the work directory of another one lie in the mount."""

import os
import re
import shutil
import stat
import tarfile

from support import mounts, proc, sysio, tree
from support.case import MountCase
from support.files import names, read, write
from support.stores import StoreCase
from support.tree import Dir, File

LOWER = {"a": "a", "b": File(0o640, data=b"b" * 10000), "dir": {"x": "x", "y": "y", "sub": {"deep": "deep"}},
         "gone": {"z": "z"}, "moved": {"m": "m"}}


class Nested(MountCase):
    def setUp(self):
        super().setUp()
        self.outer = self.mount([self.layer("outer", {"n": {"l": LOWER, "u": {}, "w": {}, "m": {}}})])
        self.dirs = {d: self.outer / f"n/{d}" for d in ("l", "u", "w", "m")}

    def options(self):
        return "lowerdir={l},upperdir={u},workdir={w}".format(**self.dirs)

    def change(self):
        """Every kind of change, in the inner union."""
        at = lambda *path: os.path.join(self.dirs["m"], *path)
        os.unlink(at("a"))
        with open(at("b"), "ab") as file:
            file.write(b"more")
        os.unlink(at("dir", "x"))
        proc.run(["rm", "-r", at("gone")], check=True)
        os.mkdir(at("gone"))
        write(at("gone", "new"), "new")
        os.rename(at("dir", "y"), at("dir", "z"))
        os.mkdir(at("made"))
        os.chmod(at("made"), 0o1777)
        os.symlink("b", at("made", "link"))
        self.check()

    def check(self):
        at = lambda *path: os.path.join(self.dirs["m"], *path)
        self.assertEqual(names(self.dirs["m"]), ["b", "dir", "gone", "made", "moved"])
        self.assertEqual(names(at("dir")), ["sub", "z"])
        self.assertEqual(names(at("gone")), ["new"])
        self.assertEqual(read(at("b")), b"b" * 10000 + b"more")
        self.assertEqual(read(at("dir", "z")), b"y")
        self.assertEqual(stat.S_IMODE(os.stat(at("made")).st_mode), 0o1777)

    def unmount_inner(self):
        if mounts.is_mounted(self.dirs["m"]):
            sysio.umount2(self.dirs["m"])

    def test_veneerfs_in_veneerfs(self):
        if mounts.kind() != "veneerfs":
            self.skipTest("mounts veneerfs")
        for turn in range(3):
            proc.run([mounts.VENEERFS, "-o", self.options(), self.dirs["m"]], check=True)
            self.addCleanup(self.unmount_inner)
            if turn == 0:
                self.change()
                os.rename(os.path.join(self.dirs["m"], "moved"), os.path.join(self.dirs["m"], "dir", "moved"))
                os.rename(os.path.join(self.dirs["m"], "dir", "moved"), os.path.join(self.dirs["m"], "moved"))
            self.check()
            self.assertEqual(names(os.path.join(self.dirs["m"], "moved")), ["m"])
            self.unmount_inner()
            if turn == 1:
                self.outer.remount()

    def test_fuse_overlayfs_in_the_mount(self):
        for turn in range(3):
            proc.run(["fuse-overlayfs", "-o", self.options(), self.dirs["m"]], check=True)
            self.addCleanup(self.unmount_inner)
            if turn == 0:
                self.change()
            self.check()
            self.unmount_inner()
            if turn == 1:
                self.outer.remount()

    def test_kernel_overlayfs_over_layers_in_the_mount(self):
        """A directory of the mount can be a lower one of it. No union's can be an upper: the kernel refuses that of its own
        overlayfs, too."""
        top = self.outer / "n/top"
        os.mkdir(top)
        write(os.path.join(top, "t"), "t")
        sysio.mount("overlay", self.dirs["m"], "overlay", 0, f"lowerdir={top}:{self.dirs['l']}")
        self.addCleanup(self.unmount_inner)
        self.assertEqual(names(self.dirs["m"]), ["a", "b", "dir", "gone", "moved", "t"])
        self.assertEqual(read(os.path.join(self.dirs["m"], "dir/sub/deep")), b"deep")
        self.unmount_inner()
        # What makes it opaque inside is an attribute inside.
        os.mkdir(os.path.join(top, "dir"))
        os.setxattr(os.path.join(top, "dir"), "trusted.overlay.opaque", b"y")
        sysio.mount("overlay", self.dirs["m"], "overlay", 0, f"lowerdir={top}:{self.dirs['l']}")
        self.assertEqual(names(os.path.join(self.dirs["m"], "dir")), [])

    def test_rsync_of_a_store(self):
        """rsync -aX brings every attribute along, those of another union too."""
        store = {"diff": Dir(0o755, xattrs={"trusted.overlay.opaque": b"y", "user.fuseoverlayfs.opaque": b"y",
                                            "user.overlay.redirect": b"/x"},
                             entries={".wh.gone": "", ".wh..wh..opq": "",
                                      "f": File(0o600, data=b"f", xattrs={
                                          "trusted.overlay.metacopy": b"", "user.overlay.origin": b"o",
                                          "user.containers.override_stat": b"1:2:0640"})})}
        source = self.layer("store", store)
        proc.run(["rsync", "-aX", source + "/", self.outer / "copy/"], check=True)
        for _ in range(2):
            self.assert_tree(tree.snapshot(source), tree.snapshot(self.outer / "copy"))
            self.outer.remount()


class InImages(StoreCase):
    """The attributes of unions are data in images, from the archive or directory they come in to the one they go out in."""

    OLD = {"trusted.overlay.opaque": b"y", "user.overlay.redirect": b"/x", "user.fuseoverlayfs.opaque": b"y",
           "user.containers.override_stat": b"1:2:0640"}
    NEW = {"trusted.overlay.metacopy": b"", "user.overlay.veneer.origin": b"7"}

    def check(self, image, expected):
        """What a mount of the image shows."""
        path = self.veneer("mount", "-r", "--name", "look", image).strip()
        for name, xattrs in expected.items():
            self.assertEqual(tree.xattrs(os.path.join(path, name)), xattrs, f"{name} of {image}")
        self.assertEqual(names(os.path.join(path, "d")), ["f"])
        self.veneer("umount", "look")
        self.veneer("rm", "look")

    def records(self, archive, expected):
        """What the entries of an archive say."""
        with tarfile.open(archive) as tar:
            for name, xattrs in expected.items():
                entry = next(e for e in tar if os.path.normpath(e.name) == name)
                said = {key[len("SCHILY.xattr."):]: value.encode() for key, value in entry.pax_headers.items()
                        if key.startswith("SCHILY.xattr.")}
                self.assertEqual(said, xattrs, f"{name} in {archive}")

    def test_they_come_in_and_go_out(self):
        source = self.layer("source", {"d": Dir(0o755, xattrs=self.OLD, entries={"f": File(data=b"f", xattrs=self.OLD)})})
        proc.run(["tar", "-C", source, "--xattrs", "--xattrs-include=*", "-cf", "source.tar", "."], check=True)
        expected = {"d": self.OLD, "d/f": self.OLD}
        for index, what in enumerate(("source.tar", source)):
            self.veneer("import", what, f"in:{index}")
            self.check(f"in:{index}", expected)
        path = self.veneer("mount", "--name", "c", "in:0").strip()
        for name in ("d", "d/f"):
            for attribute, value in self.NEW.items():
                os.setxattr(os.path.join(path, name), attribute, value)
        expected = {"d": {**self.OLD, **self.NEW}, "d/f": {**self.OLD, **self.NEW}}
        self.assertEqual(self.diff("c"), {"C /d", "C /d/f"})
        self.veneer("export", "-o", "out.tar", "c")
        self.records("out.tar", expected)
        self.veneer("commit", "c", "new:1")
        proc.run(["sh", "-c", "veneer layer tar new:1 >layer.tar"], env=self.environment, check=True)
        self.records("layer.tar", expected)
        self.check("new:1", expected)
        self.veneer("save", "-o", "saved.tar", "new:1")
        self.veneer("umount", "c")
        self.veneer("rm", "c")
        self.veneer("rmi", "new:1", "in:0", "in:1")
        self.veneer("load", "-i", "saved.tar")
        self.check("new:1", expected)


    def test_set_at_the_root_of_a_container_they_mean_nothing_either(self):
        """There the names say how a whole tree is written."""
        attributes = {"user.containers.override_stat": b"7:7:4711", "user.fuseoverlayfs.override_stat": b"7:7:4711",
                      "security.fuseoverlayfs.override_stat": b"7:7:4711", "user.overlay.veneer.upper": b"mixed"}
        source = self.layer("source", {"d": Dir(0o755, entries={"f": File(data=b"f")})})
        for name, value in attributes.items():
            os.setxattr(source, name, value)
        self.veneer("import", source, "in:1")
        path = self.veneer("mount", "--name", "c", "in:1").strip()
        self.assertEqual(tree.xattrs(path), attributes)
        for below in ("d", "d/f"):
            for name, value in {**attributes, "user.fuseoverlayfs.opaque": b"y"}.items():
                os.setxattr(os.path.join(path, below), name, value)
        self.assertEqual(self.diff("c"), {"C /d", "C /d/f"})
        self.veneer("export", "-o", "out.tar", "c")
        self.veneer("commit", "c", "new:1")
        proc.run(["sh", "-c", "veneer layer tar new:1 >layer.tar"], env=self.environment, check=True)
        for archive in ("out.tar", "layer.tar"):
            with tarfile.open(archive) as tar:
                for entry in tar:
                    self.assertEqual((entry.mode & 0o7000, entry.uid), (0, 0), f"{entry.name} in {archive}")
        expected = {**attributes, "user.fuseoverlayfs.opaque": b"y"}
        self.check("new:1", {".": attributes, "d": expected, "d/f": expected})
        self.veneer("umount", "c")


class Builds(StoreCase):
    PROGRAMS = ("buildah", "fuse-overlayfs", "fusermount3", "mount", "umount", "busybox")
    DOCKERFILE = """FROM scratch
COPY root /
RUN ["/busybox", "mkdir", "/d"]
RUN ["/busybox", "touch", "/d/x"]
RUN ["/busybox", "rm", "/d/x"]
RUN ["/busybox", "rmdir", "/d"]
"""

    @staticmethod
    def install(program, root, place):
        """Copies a program and the libraries it needs into a root file system."""
        path = shutil.which(program)
        libraries = re.findall(r"/\S+\.so\S*", proc.run(["ldd", path]).out)
        for source, target in ((path, place), *((library, library) for library in libraries)):
            target = os.path.join(root, target.lstrip("/"))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(source, target)

    def test_buildah_with_fuse_overlayfs_builds_in_a_chroot(self):
        root = self.layer("builder", {"etc": {"passwd": "root:x:0:0:root:/root:/bin/sh\n"}, "root": {}, "run": {},
                                      "tmp": Dir(0o1777), "var": {"tmp": Dir(0o1777)}, "proc": {}, "sys": {}, "dev": {},
                                      "build": {"Dockerfile": self.DOCKERFILE, "root": {"tmp": Dir(0o1777)}}})
        for program in self.PROGRAMS:
            self.install(program, root, "usr/bin/" + program)
        self.install("sh", root, "bin/sh")
        self.install("busybox", os.path.join(root, "build/root"), "busybox")
        shutil.copytree("/etc/containers", os.path.join(root, "etc/containers"), symlinks=True)
        shutil.copytree("/usr/share/containers", os.path.join(root, "usr/share/containers"), symlinks=True)
        self.veneer("import", root, "builder:1")
        self.veneer("chroot", "-b", "/dev/fuse:/dev/fuse", "-e", "STORAGE_DRIVER=overlay",
                    "-e", "STORAGE_OPTS=overlay.mount_program=/usr/bin/fuse-overlayfs", "builder:1", "--",
                    "/usr/bin/buildah", "bud", "--isolation", "chroot", "--layers", "-t", "made", "/build",
                    err=r"[\s\S]*", timeout=self.timeout)
