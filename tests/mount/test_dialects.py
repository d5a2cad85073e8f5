# SPDX-License-Identifier: Apache-2.0
"""Layers written by others: every way in which a directory says what it hides, read from lower layers."""

import errno
import os
import stat

from support import mounts, proc, tree
from support.case import MountCase
from support.files import names, read, write
from support.tree import Dir, File, Link, Node

WHITEOUT = Node(0o000, kind=stat.S_IFCHR, device=(0, 0), mtime_ns=None)
BOTTOM = {
    "file": "file", "link": Link(target="file"), "keep": "keep",
    "dir": Dir(entries={"a": "a", "b": "b", "sub": {"deep": "deep", "deep2": "deep2"}}),
    "test": "test", "other": {"test": "other/test"},
}


class Whiteouts(MountCase):
    """One case per dialect; all must give the same tree."""

    def check(self, top, name="w"):
        """`top` deletes file, link and dir/sub/deep, and makes a new dir/b which hides the old one."""
        lowers = [self.layer(f"{name}-top", top), self.layer(f"{name}-bottom", BOTTOM)]
        for upper in (False, True):
            mount = self.mount(lowers, upper=upper, name=f"{name}-{upper}")
            self.assertEqual(names(mount.path), ["dir", "keep", "other", "test"])
            self.assertEqual(names(mount / "dir"), ["a", "b", "sub"])
            self.assertEqual(names(mount / "dir/b"), ["new"])
            self.assertEqual(names(mount / "dir/sub"), ["deep2"])
            self.assertEqual(read(mount / "other/test"), b"other/test")
            for gone in ("file", "link", "dir/sub/deep"):
                with self.errno(errno.ENOENT):
                    os.lstat(mount / gone)
        write(mount / "file", "new file")
        os.mkdir(mount / "link")
        os.unlink(mount / "dir/sub/deep2")
        os.rmdir(mount / "dir/sub")
        os.mkdir(mount / "dir/sub")
        for _ in range(2):
            self.assertEqual(names(mount.path), ["dir", "file", "keep", "link", "other", "test"])
            self.assertEqual(names(mount / "dir/sub"), [])
            self.assertEqual(names(mount / "link"), [])
            mount.remount()

    def test_device_whiteouts(self):
        self.check({"file": WHITEOUT, "link": WHITEOUT, "none": WHITEOUT,
                    "dir": {"b": {"new": "n"}, "sub": {"deep": WHITEOUT}}})

    def test_aufs_whiteouts(self):
        self.check({".wh.file": "", ".wh.link": "", ".wh.none": "",
                    "dir": {"b": {"new": "n", ".wh..wh..opq": ""}, "sub": {".wh.deep": ""}}})

    def test_xattr_whiteouts(self):
        for namespace in ("trusted", "user"):
            white = File(xattrs={f"{namespace}.overlay.whiteout": b"y"})
            self.check({"file": WHITEOUT, "link": WHITEOUT,
                        "dir": {"b": {"new": "n"},
                                "sub": Dir(xattrs={f"{namespace}.overlay.opaque": b"x"},
                                           entries={"deep": white})}}, name=namespace)

    def test_two_dialects_in_one_mount(self):
        lowers = [self.layer("dev", {"file": WHITEOUT}), self.layer("aufs", {".wh.link": ""}),
                  self.layer("bottom", BOTTOM)]
        self.assertEqual(names(self.mount(lowers).path), ["dir", "keep", "other", "test"])

    def test_a_whiteout_in_the_root_hides_only_there(self):
        mount = self.mount([self.layer("top", {".wh.test": ""}), self.layer("bottom", BOTTOM)])
        self.assertFalse(os.path.exists(mount / "test"))
        self.assertEqual(read(mount / "other/test"), b"other/test")

    def test_aufs_names_are_reserved_in_a_layer_only(self):
        """.wh.* of a lower layer is never shown; in the upper it is a name like any other."""
        mount = self.mount([self.layer("top", {".wh.file": "", ".wh..wh.plnk": {}}),
                            self.layer("bottom", BOTTOM)])
        self.assertEqual(names(mount.path), ["dir", "keep", "link", "other", "test"])
        write(mount / ".wh.keep", "a file")
        for _ in range(2):
            self.assertEqual(read(mount / ".wh.keep"), b"a file")
            self.assertEqual(read(mount / "keep"), b"keep")
            mount.remount()

    def test_an_upper_that_becomes_a_layer_hides_by_marks_alone(self):
        """Whoever may make a file called .wh.x must not make x vanish at the next stacking."""
        bottom = self.layer("bottom", BOTTOM)
        mount = self.mount([bottom])
        write(mount / ".wh.keep", "a file")
        write(mount / "dir/.wh..wh..opq", "")
        os.unlink(mount / "test")
        upper = mount.upper
        mount.stop()
        again = self.mount([upper, bottom], name="again")
        self.assertEqual(read(again / "keep"), b"keep")
        self.assertEqual(read(again / ".wh.keep"), b"a file")
        self.assertIn("a", names(again / "dir"))
        self.assertFalse(os.path.lexists(again / "test"))

    def test_a_whiteout_in_the_bottom_layer_and_in_an_opaque_directory(self):
        mount = self.mount([
            self.layer("top", {"dir": Dir(xattrs={"trusted.overlay.opaque": b"y"},
                                          entries={"a": WHITEOUT, "x": "x"})}),
            self.layer("bottom", {**BOTTOM, "gone": WHITEOUT})])
        self.assertEqual(names(mount / "dir"), ["x"])
        self.assertNotIn("gone", names(mount.path))
        with self.errno(errno.ENOENT):
            os.stat(mount / "dir/a")
        write(mount / "gone", "new")
        write(mount / "dir/a", "new")
        proc.run(["rm", "-r", mount / "dir"], check=True)
        mount.remount()
        self.assertNotIn("dir", names(mount.path))

    def test_a_whiteout_between_layers(self):
        """What is above the whiteout is shown, what is below is not."""
        lowers = [self.layer("c", {"x": {"c": "c"}}), self.layer("b", {"x": WHITEOUT}),
                  self.layer("a", {"x": {"a": "a"}})]
        self.assertEqual(names(self.mount(lowers) / "x"), ["c"])
        self.assertEqual(names(self.mount(lowers[1:], upper=False, name="m2").path), [])


class Opaque(MountCase):
    def test_every_mark(self):
        for index, what in enumerate((
                Dir(xattrs={"trusted.overlay.opaque": b"y"}, entries={"x": "x"}),
                Dir(xattrs={"user.overlay.opaque": b"y"}, entries={"x": "x"}),
                Dir(xattrs={"user.fuseoverlayfs.opaque": b"y"}, entries={"x": "x"}),
                Dir(entries={"x": "x", ".wh..wh..opq": ""}))):
            lowers = [self.layer(f"top{index}", {"dir": what}), self.layer(f"bottom{index}", BOTTOM)]
            mount = self.mount(lowers, name=f"m{index}")
            for _ in range(2):
                self.assertEqual(names(mount / "dir"), ["x"], what)
                self.assertEqual(os.listxattr(mount / "dir"), [])
                # The mark must not be lost, nor copied with the directory, when it is copied up.
                os.chmod(mount / "dir", 0o700)
                write(mount / f"dir/new{index}", "n")
                os.unlink(mount / f"dir/new{index}")
                mount.remount()

    def test_a_copied_up_directory_still_shows_its_lower_entries(self):
        mount = self.mount([
            self.layer("top", {"dir": Dir(xattrs={"trusted.overlay.opaque": b"y"}, entries={"x": "x"})}),
            self.layer("bottom", BOTTOM)])
        os.chmod(mount / "dir", 0o711)
        mount.remount()
        self.assertEqual(names(mount / "dir"), ["x"])
        self.assertEqual(read(mount / "dir/x"), b"x")

    def test_other_values_are_not_marks(self):
        mount = self.mount([self.layer("top", {"dir": Dir(xattrs={"trusted.overlay.opaque": b"n"})}),
                            self.layer("bottom", BOTTOM)])
        self.assertEqual(names(mount / "dir"), ["a", "b", "sub"])

    def test_removed_and_remade_in_every_dialect(self):
        """rmdir of a directory that was opaque in the layer and was made again must work and stay empty."""
        for index, mark in enumerate(({".wh..wh..opq": ""}, {})):
            mount = self.mount([self.layer(f"top{index}", {"dir": {"sub": {"n": "n", **mark}}}),
                                self.layer(f"bottom{index}", BOTTOM)], name=f"m{index}")
            proc.run(["rm", "-r", mount / "dir"], check=True)
            os.makedirs(mount / "dir/sub")
            for _ in range(2):
                self.assertEqual(names(mount / "dir/sub"), [])
                mount.remount()
            os.rmdir(mount / "dir/sub")
            os.rmdir(mount / "dir")


class Redirects(MountCase):
    """trusted.overlay.redirect and metacopy in lower layers, as kernel overlayfs leaves them in an upper."""

    def test_absolute_and_relative_redirects(self):
        for namespace in ("trusted", "user"):
            redirect = f"{namespace}.overlay.redirect"
            lowers = [
                self.layer(f"{namespace}-top", {
                    "dir": WHITEOUT,
                    "moved": Dir(xattrs={redirect: b"dir"}, entries={"added": "added", "sub": WHITEOUT}),
                    "other": {"deep": Dir(xattrs={redirect: b"/dir/sub"})}}),
                self.layer(f"{namespace}-bottom", BOTTOM)]
            mount = self.mount(lowers, name=namespace)
            self.assertEqual(names(mount.path), ["file", "keep", "link", "moved", "other", "test"])
            self.assertEqual(names(mount / "moved"), ["a", "added", "b"])
            self.assertEqual(names(mount / "other/deep"), ["deep", "deep2"])
            self.assertEqual(read(mount / "other/deep/deep"), b"deep")
            os.rename(mount / "moved", mount / "other/moved-again")
            write(mount / "other/deep/deep", "changed")
            for _ in range(2):
                self.assertEqual(names(mount / "other/moved-again"), ["a", "added", "b"])
                self.assertEqual(read(mount / "other/deep/deep"), b"changed")
                mount.remount()

    def test_a_redirect_through_several_layers(self):
        lowers = [
            self.layer("c", {"second": Dir(xattrs={"trusted.overlay.redirect": b"/first"},
                                           entries={"c": "c"}), "first": WHITEOUT}),
            self.layer("b", {"first": Dir(xattrs={"trusted.overlay.redirect": b"/dir"},
                                          entries={"b2": "b2", "a": WHITEOUT}), "dir": WHITEOUT}),
            self.layer("a", BOTTOM)]
        mount = self.mount(lowers)
        self.assertEqual(names(mount / "second"), ["b", "b2", "c", "sub"])
        self.assertFalse(os.path.exists(mount / "first"))
        self.assertFalse(os.path.exists(mount / "dir"))

    def test_an_opaque_directory_ends_a_redirect(self):
        lowers = [
            self.layer("c", {"moved": Dir(xattrs={"trusted.overlay.redirect": b"/dir"})}),
            self.layer("b", {"dir": Dir(xattrs={"trusted.overlay.opaque": b"y"}, entries={"only": "o"})}),
            self.layer("a", BOTTOM)]
        self.assertEqual(names(self.mount(lowers) / "moved"), ["only"])

    def test_metadata_only_files(self):
        for namespace in ("trusted", "user"):
            meta, redirect = f"{namespace}.overlay.metacopy", f"{namespace}.overlay.redirect"
            lowers = [
                self.layer(f"{namespace}-top", {
                    "file": File(0o600, 7, 8, size=4, xattrs={meta: b"", "user.new": b"1"}),
                    "renamed": File(0o640, size=4, xattrs={meta: b"", redirect: b"/dir/sub/deep"}),
                    "dir": {"beside": File(size=1, xattrs={meta: b"", redirect: b"a"})}}),
                self.layer(f"{namespace}-bottom", BOTTOM)]
            mount = self.mount(lowers, name=namespace)
            self.assertEqual(read(mount / "file"), b"file")
            status = os.stat(mount / "file")
            self.assertEqual((stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_size),
                             (0o600, 7, 8, 4))
            self.assertEqual(os.listxattr(mount / "file"), ["user.new"])
            self.assertEqual(read(mount / "renamed"), b"deep")
            self.assertEqual(read(mount / "dir/beside"), b"a")
            with open(mount / "renamed", "r+b") as file:
                file.write(b"D")
            os.chmod(mount / "file", 0o644)
            for _ in range(2):
                self.assertEqual(read(mount / "renamed"), b"Deep")
                self.assertEqual(read(mount / "file"), b"file")
                self.assertEqual(read(mount / "dir/sub/deep"), b"deep")
                mount.remount()

    def test_redirects_cannot_leave_the_layers(self):
        """A hostile redirect is an error of that object, never a way out."""
        write(self.path("outside"), "outside")
        redirects = (b"../outside", b"/../../outside", b"/", b"", b"a//b", b"/dir/../keep", b"nothing")
        top = {f"d{i}": Dir(xattrs={"trusted.overlay.redirect": value}, entries={"own": ""})
               for i, value in enumerate(redirects)}
        mount = self.mount([self.layer("top", top), self.layer("bottom", BOTTOM)])
        mount.expected_log = ""
        for index in range(len(redirects)):
            try:
                found = names(mount / f"d{index}")
            except OSError as error:
                self.assertIn(error.errno, (errno.EIO, errno.ESTALE, errno.EINVAL, errno.EACCES))
            else:
                self.assertNotIn("outside", found)
        self.assertEqual(read(mount / "keep"), b"keep")


class OverrideStat(MountCase):
    """user.containers.override_stat: owner, mode and type of objects that an ordinary user unpacked."""

    def test_owner_mode_and_type(self):
        x = "user.containers.override_stat"
        lower = self.layer("lower", {
            "file": File(0o700, 1000, 1000, data=b"f", xattrs={x: b"12:34:0640"}),
            "dir": Dir(0o700, 1000, 1000, xattrs={x: b"0:0:01777"}),
            "char": File(0o700, 1000, 1000, xattrs={x: b"0:6:0620:char-4-64"}),
            "block": File(0o700, 1000, 1000, xattrs={x: b"0:6:0660:block-8-1"}),
            "fifo": File(0o700, 1000, 1000, xattrs={x: b"1:1:0644:pipe"}),
            "socket": File(0o700, 1000, 1000, xattrs={x: b"1:1:0644:socket"}),
            "setuid": File(0o700, 1000, 1000, data=b"s", xattrs={x: b"0:0:04755:file"}),
            "bad": File(0o604, 9, 9, data=b"b", xattrs={x: b"nonsense"}),
        })
        os.setxattr(lower, x, b"0:0:0755:dir")
        mount = self.mount([lower])
        mount.expected_log = ""
        expected = {"file": (stat.S_IFREG | 0o640, 12, 34, 0), "dir": (stat.S_IFDIR | 0o1777, 0, 0, 0),
                    "char": (stat.S_IFCHR | 0o620, 0, 6, os.makedev(4, 64)),
                    "block": (stat.S_IFBLK | 0o660, 0, 6, os.makedev(8, 1)),
                    "fifo": (stat.S_IFIFO | 0o644, 1, 1, 0), "socket": (stat.S_IFSOCK | 0o644, 1, 1, 0),
                    "setuid": (stat.S_IFREG | 0o4755, 0, 0, 0), "bad": (stat.S_IFREG | 0o604, 9, 9, 0)}
        for _ in range(2):
            for name, wanted in expected.items():
                status = os.lstat(mount / name)
                self.assertEqual((oct(status.st_mode), status.st_uid, status.st_gid, status.st_rdev),
                                 (oct(wanted[0]), *wanted[1:]), name)
                self.assertEqual(tree.xattrs(mount / name), {}, "the mark is hidden")
            for name in ("file", "dir", "char"):  # copied up with what it stands for
                os.utime(mount / name, ns=(5, 5))
            mount.remount()
        self.assertEqual(read(mount / "file"), b"f")

    def test_written_with_xattr_permissions(self):
        """xattr_permissions=2: a daemon that may not chown keeps owner and mode in the xattr."""
        if mounts.kind() != "veneerfs":
            self.skipTest("an option of veneerfs")
        lower = self.layer("lower", {"file": "f", "dir": {"x": "x"}})
        mount = self.mount([lower], options=["xattr_permissions=2"])
        write(mount / "new", "new")
        os.mkdir(mount / "newdir", 0o750)
        for name in ("file", "new", "dir", "newdir"):
            os.chown(mount / name, 123, 456)
            os.chmod(mount / name, 0o2711)
        os.mkfifo(mount / "fifo")
        os.mknod(mount / "char", stat.S_IFCHR | 0o600, os.makedev(1, 7))
        for _ in range(2):
            for name in ("file", "new", "dir", "newdir"):
                status = os.stat(mount / name)
                self.assertEqual((status.st_uid, status.st_gid, oct(stat.S_IMODE(status.st_mode))),
                                 (123, 456, oct(0o2711)), name)
                self.assertEqual(os.listxattr(mount / name), [])
            self.assertEqual(os.lstat(mount / "char").st_rdev, os.makedev(1, 7))
            self.assertTrue(stat.S_ISFIFO(os.lstat(mount / "fifo").st_mode))
            mount.remount()
        on_disk = os.lstat(os.path.join(mount.upper, "new"))
        self.assertEqual((on_disk.st_uid, on_disk.st_mode & 0o7000), (0, 0),
                         "on disk the object belongs to the daemon and has no special bits")
        self.assertIn("user.containers.override_stat",
                      os.listxattr(os.path.join(mount.upper, "new")))


    def test_read_where_fuse_overlayfs_writes(self):
        """As root it writes security.fuseoverlayfs.override_stat, and user.fuseoverlayfs.override_stat did older versions."""
        for x in ("security.fuseoverlayfs.override_stat", "user.fuseoverlayfs.override_stat"):
            name = x.split(".")[0]
            lower = self.layer(name, {"file": File(0o700, data=b"f", xattrs={x: b"12:34:0640"})})
            os.setxattr(lower, x, b"5:6:0755")
            for options in ([], ["xattr_permissions=1"]):
                mount = self.mount([lower], name=f"{name}{len(options)}", options=options)
                status = os.stat(mount / "file")
                self.assertEqual((oct(status.st_mode), status.st_uid, status.st_gid), (oct(0o100640), 12, 34))
                self.assertEqual(os.stat(mount.path).st_uid, 0, "the root is the upper's")
                self.assertEqual(tree.xattrs(mount / "file"), {}, "the mark is hidden")

    def test_set_inside_it_is_data_wherever_the_upper_goes(self):
        mount = self.mount([self.layer("lower", {"f": "f"})])
        attributes = {x: b"7:7:4755" for x in ("user.containers.override_stat", "user.fuseoverlayfs.override_stat",
                                               "security.fuseoverlayfs.override_stat")}
        write(mount / "sh", "sh")
        os.chmod(mount / "sh", 0o755)
        for path in (mount.path, mount / "sh"):
            for name, value in attributes.items():
                os.setxattr(path, name, value)
        def check(path):
            status = os.stat(path)
            self.assertEqual((oct(stat.S_IMODE(status.st_mode)), status.st_uid), (oct(0o755), 0), path)
            self.assertEqual(tree.xattrs(path), attributes, path)
        mount.remount()
        check(mount / "sh")
        mount.stop()
        for name, options in (("layer", []), ("layer2", ["xattr_permissions=1"])):
            above = self.mount([mount.upper], name=name, options=options)
            check(above / "sh")
            above.stop()
        if mounts.kind() == "veneerfs":
            for permissions in (1, 2, 0):
                mount.options = [f"xattr_permissions={permissions}"]
                mount.start()
                check(mount / "sh")
                mount.stop()

    def test_a_mode_that_an_acl_says_counts_with_xattr_permissions(self):
        """cp -p sets the mode so."""
        if mounts.kind() != "veneerfs":
            self.skipTest("an option of veneerfs")
        mount = self.mount([self.layer("lower", {"f": File(0o644, data=b"f")})], options=["xattr_permissions=2"])
        os.umask(0o077)
        proc.run(["cp", "-p", mount / "f", mount / "g"], check=True)
        write(mount / "h", "h")
        proc.run(["setfacl", "-m", "u:3333:r,m::rw", mount / "h"], check=True)
        for _ in range(2):
            self.assertEqual(oct(os.stat(mount / "g").st_mode), oct(0o100644))
            self.assertEqual(oct(os.stat(mount / "h").st_mode), oct(0o100660))
            mount.remount()
        os.chmod(mount / "h", 0o604)
        shown = proc.run(["getfacl", "-cpE", mount / "h"], check=True).out.split()
        self.assertEqual(shown, ["user::rw-", "user:3333:r--", "group::---", "mask::---", "other::r--"])
        self.assertEqual(oct(os.stat(mount / "h").st_mode), oct(0o100604))


class ImageData(MountCase):
    """Names that look like marks but came as data are escaped on disk: no marks, and not lost by a copy-up."""

    def test_escaped_xattrs_are_no_marks_and_stay(self):
        lower = self.layer("lower", {"d": Dir(xattrs={"trusted.overlay.overlay.opaque": b"y"},
                                              entries={"x": "x"}),
                                     "f": File(xattrs={"trusted.overlay.overlay.metacopy": b""}, data=b"f")})
        mount = self.mount([lower, self.layer("bottom", {"d": {"y": "y"}, "f": "other"})])
        for _ in range(2):
            self.assertEqual(names(mount / "d"), ["x", "y"], "as a mark it would hide y")
            self.assertEqual(read(mount / "f"), b"f")
            self.assertEqual(tree.xattrs(mount / "d"), {"trusted.overlay.opaque": b"y"})
            self.assertEqual(tree.xattrs(mount / "f"), {"trusted.overlay.metacopy": b""})
            os.chmod(mount / "d", 0o700)
            with open(mount / "f", "r+b") as file:
                file.write(b"f")
            mount.remount()
        for name, mark in (("d", "opaque"), ("f", "metacopy")):
            self.assertIn(f"trusted.overlay.overlay.{mark}",
                          os.listxattr(os.path.join(mount.upper, name)), "it is part of the image's data")
