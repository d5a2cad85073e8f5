# SPDX-License-Identifier: Apache-2.0
"""Extended attributes, POSIX ACLs, inode flags; and names that mean something to a union, which are data inside one."""

import errno
import os
import stat

from support import mounts, proc, sysio, tree
from support.case import MountCase
from support.files import names, read, write
from support.placed import PlacedCase, placed
from support.tree import Dir, File, Link, Node

CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")  # cap_net_raw+ep, version 2
TREE = {
    "file": File(0o644, data=b"x", xattrs={"user.old": b"old", "trusted.t": b"\0\1\2",
                                           "user.empty": b""}),
    "dir": Dir(0o755, xattrs={"user.on-dir": b"d", "trusted.on-dir": b"td"}, entries={"in": "in"}),
    "link": Link(target="file", xattrs={"trusted.on-link": b"link"}),
    "absolute": Link(target="/absolute/target"),
    "fifo": Node(kind=stat.S_IFIFO, xattrs={"trusted.on-fifo": b"f"}),
    "char": Node(kind=stat.S_IFCHR, device=(1, 3), xattrs={"trusted.on-char": b"c"}),
    "capable": File(0o755, data=b"program", xattrs={"security.capability": CAPABILITY}),
}
MARKS = ("trusted.overlay.opaque", "trusted.overlay.redirect", "trusted.overlay.metacopy",
         "trusted.overlay.origin", "trusted.overlay.veneer.origin", "trusted.overlay.anything",
         "trusted.overlay.overlay.opaque", "trusted.overlay.whiteout", "user.overlay.opaque", "user.overlay.whiteout",
         "user.overlay.veneer.origin", "user.fuseoverlayfs.opaque", "user.containers.override_stat")


def set_x(path, name, value, flags=0):
    os.setxattr(path, name, value, flags, follow_symlinks=False)


def get_x(path, name):
    return os.getxattr(path, name, follow_symlinks=False)


def list_x(path):
    return sorted(os.listxattr(path, follow_symlinks=False))


@placed()
class Xattrs(PlacedCase):
    TREE = TREE

    def test_all_that_the_layers_hold_are_shown(self):
        for name, what in TREE.items():
            self.assertEqual(tree.xattrs(self.at(name)), what.xattrs, name)

    def test_set_get_list_remove_on_every_type(self):
        for name, prefix in (("file", "user."), ("file", "trusted."), ("dir", "user."), ("dir", "trusted."),
                             ("link", "trusted."), ("fifo", "trusted."), ("char", "trusted."),
                             ("file", "security."), ("link", "security.")):
            with self.subTest(f"{prefix} on {name}"):
                path, before = self.at(name), tree.xattrs(self.at(name))
                attribute = prefix + "new"
                set_x(path, attribute, b"value")
                self.assertEqual(get_x(path, attribute), b"value")
                self.assertEqual(tree.xattrs(path), {**before, attribute: b"value"})
                set_x(path, attribute, b"\0replaced\xff")
                self.assertEqual(get_x(path, attribute), b"\0replaced\xff")
                self.remount()
                self.assertEqual(tree.xattrs(path), {**before, attribute: b"\0replaced\xff"})
                os.removexattr(path, attribute, follow_symlinks=False)
                self.assertEqual(tree.xattrs(path), before)
                with self.errno(errno.ENODATA):
                    get_x(path, attribute)

    def test_removing_what_a_layer_holds(self):
        for name in ("file", "dir", "link", "fifo", "char"):
            for attribute in TREE[name].xattrs:
                os.removexattr(self.at(name), attribute, follow_symlinks=False)
            self.assertEqual(list_x(self.at(name)), [])
        self.remount()
        for name in ("file", "dir", "link", "fifo", "char"):
            self.assertEqual(list_x(self.at(name)), [], name)

    def test_a_symlink_is_not_followed(self):
        """Setting through the link's own path changes the link, also one that points into the mount by its full path."""
        os.symlink(self.at("file"), self.at("into"))
        set_x(self.at("into"), "trusted.mine", b"link")
        set_x(self.at("absolute"), "trusted.mine", b"absolute")
        self.assertEqual(list_x(self.at("into")), ["trusted.mine"])
        self.assertNotIn("trusted.mine", list_x(self.at("file")))
        os.setxattr(self.at("into"), "user.through", b"followed")
        self.assertEqual(get_x(self.at("file"), "user.through"), b"followed")
        with self.errno(errno.EPERM, "xattr(7): no user attributes on symlinks"):
            set_x(self.at("link"), "user.a", b"1")
        with self.errno(errno.EPERM):
            set_x(self.at("fifo"), "user.a", b"1")

    def test_create_and_replace_flags(self):
        path = self.at("file")
        with self.errno(errno.EEXIST):
            set_x(path, "user.old", b"1", os.XATTR_CREATE)
        with self.errno(errno.ENODATA):
            set_x(path, "user.none", b"1", os.XATTR_REPLACE)
        set_x(path, "user.none", b"1", os.XATTR_CREATE)
        set_x(path, "user.none", b"2", os.XATTR_REPLACE)
        self.assertEqual((get_x(path, "user.none"), get_x(path, "user.old")), (b"2", b"old"))
        with self.errno(errno.ENODATA):
            os.removexattr(path, "user.nothing")

    def test_limits(self):
        path = self.at("file")
        set_x(path, "user." + "n" * 250, b"v" * 1000)
        self.assertEqual(get_x(path, "user." + "n" * 250), b"v" * 1000)
        with self.errno(errno.ERANGE, "xattr(7): a name has at most 255 bytes"):
            set_x(path, "user." + "n" * 251, b"v")
        with self.errno(errno.E2BIG, "xattr(7): a value has at most 64 KiB"):
            set_x(path, "user.big", b"v" * 65537)
        with self.errno((errno.ENOSPC, errno.E2BIG)):
            set_x(path, "user.big", b"v" * 65536)  # more than ext4 has room for
        self.assertNotIn("user.big", list_x(path))
        with self.errno(errno.EOPNOTSUPP):
            set_x(path, "unknown.namespace", b"v")
        for index in range(40):
            set_x(path, f"user.number-{index}", b"%d" % index)
        self.assertEqual(len([n for n in list_x(path) if n.startswith("user.number-")]), 40)

    def test_strangers(self):
        def as_stranger(function):
            return proc.in_child(function, uid=3333, gid=3333)
        path = self.at("file")
        self.assertEqual(as_stranger(lambda: get_x(path, "user.old")), b"old")
        self.assertEqual(as_stranger(lambda: list_x(path)), ["user.empty", "user.old"])
        with self.errno(errno.ENODATA):
            as_stranger(lambda: get_x(path, "trusted.t"))
        for attribute in ("user.a", "trusted.a", "security.a"):
            with self.errno((errno.EPERM, errno.EACCES)):
                as_stranger(lambda: set_x(path, attribute, b"1"))
        with self.errno((errno.EPERM, errno.EACCES)):
            as_stranger(lambda: os.removexattr(path, "user.old"))

    def test_a_label_of_selinux_is_read_as_it_was_set(self):
        """Also where there is no SELinux; what has none may say that it is not supported."""
        label = "security.selinux"
        with self.errno((errno.ENODATA, errno.EOPNOTSUPP)):
            get_x(self.at("file"), label)
        for name in ("file", "dir", "link"):
            set_x(self.at(name), label, b"system_u:object_r:bin_t:s0")
            for _ in range(2):
                self.assertIn(label, list_x(self.at(name)))
                self.assertEqual(get_x(self.at(name), label), b"system_u:object_r:bin_t:s0")
                self.remount()
        with self.errno((errno.ENODATA, errno.EOPNOTSUPP)):
            get_x(self.at("fifo"), label)

    def test_file_capabilities(self):
        path = self.at("capable")
        self.assertEqual(get_x(path, "security.capability"), CAPABILITY)
        os.chmod(path, 0o700)
        self.assertEqual(get_x(path, "security.capability"), CAPABILITY)
        os.rename(path, self.at("capable2"))
        self.assertEqual(get_x(self.at("capable2"), "security.capability"), CAPABILITY)
        with open(self.at("capable2"), "ab") as file:
            file.write(b"more")
        with self.errno(errno.ENODATA, "capabilities(7): a write takes them away"):
            get_x(self.at("capable2"), "security.capability")

    def test_chown_takes_capabilities_away(self):
        os.chown(self.at("capable"), 5, 5)
        with self.errno(errno.ENODATA):
            get_x(self.at("capable"), "security.capability")

    def test_truncate_takes_capabilities_away(self):
        os.truncate(self.at("capable"), 3)
        with self.errno(errno.ENODATA):
            get_x(self.at("capable"), "security.capability")

    def test_names_of_marks_are_data_inside(self):
        """Set, listed, read and removed like any other, as the kernel's overlayfs has it since Linux 6.7."""
        before = {name: tree.xattrs(self.at(name)) for name in ("file", "dir")}
        contents = names(self.at("dir"))
        for name in ("file", "dir"):
            for attribute in MARKS:
                with self.errno(errno.ENODATA):
                    get_x(self.at(name), attribute)
                set_x(self.at(name), attribute, b"y")
        marks = dict.fromkeys(MARKS, b"y")
        for _ in range(2):
            for name in ("file", "dir"):
                self.assertEqual(tree.xattrs(self.at(name)), {**before[name], **marks}, name)
            self.assertEqual(read(self.at("file")), b"x")
            self.assertEqual(names(self.at("dir")), contents)
            self.remount()
        os.rename(self.at("dir"), self.at("moved"))
        os.rename(self.at("file"), self.at("moved", "file"))
        for name, path in (("dir", "moved"), ("file", "moved/file")):
            self.assertEqual(tree.xattrs(self.at(path)), {**before[name], **marks}, path)
            for attribute in MARKS:
                os.removexattr(self.at(path), attribute)
            self.assertEqual(tree.xattrs(self.at(path)), before[name])

    def test_marks_of_a_copy_up_are_not_seen(self):
        os.chmod(self.at("file"), 0o600)
        os.rename(self.at("dir"), self.at("moved"))
        os.rename(self.at("file"), self.at("moved", "file"))
        os.mkdir(self.at("dir"))
        for path in ("moved", "moved/file", "moved/in", "dir", "link"):
            for found in list_x(self.at(path)):
                self.assertNotRegex(found, r"overlay|veneer|containers", path)
        self.assertEqual(list_x(self.at("dir")), [])

    def test_inode_flags(self):
        """chattr(1), where the upper's file system has it."""
        for name in ("file", "dir"):
            path = self.at(name)
            flags = sysio.get_flags(path)
            sysio.set_flags(path, flags | sysio.FS_NODUMP_FL)
            self.assertTrue(sysio.get_flags(path) & sysio.FS_NODUMP_FL)
            self.remount()
            self.assertTrue(sysio.get_flags(path) & sysio.FS_NODUMP_FL)
            sysio.set_flags(path, sysio.get_flags(path) & ~sysio.FS_NODUMP_FL)
            self.assertFalse(sysio.get_flags(path) & sysio.FS_NODUMP_FL)
        shown = proc.run(["lsattr", self.at("file")], check=True)
        self.assertEqual(shown.err, "")

    def test_new_objects_take_the_flags_of_their_directory(self):
        """Also where the image had a name, so that they are made in the work directory."""
        parent = self.at("dir")
        sysio.set_flags(parent, sysio.get_flags(parent) | sysio.FS_NODUMP_FL)
        os.unlink(self.at("dir", "in"))
        for name in ("in", "other"):
            with open(self.at("dir", name), "w"):
                pass
        os.mkdir(self.at("dir", "beside"))
        expected = sysio.get_flags(self.at("dir", "other"))
        self.assertEqual(sysio.get_flags(self.at("dir", "in")) & sysio.FS_NODUMP_FL,
                         expected & sysio.FS_NODUMP_FL)
        os.unlink(self.at("dir", "in"))
        os.mkdir(self.at("dir", "in"))
        self.assertEqual(sysio.get_flags(self.at("dir", "in")) & sysio.FS_NODUMP_FL,
                         sysio.get_flags(self.at("dir", "beside")) & sysio.FS_NODUMP_FL)

    def set_flag(self, path, flag):
        """Also takes it away at the end, or nobody could remove the upper."""
        sysio.set_flags(path, sysio.get_flags(path) | flag)
        self.addCleanup(lambda: os.path.exists(path) and
                        sysio.set_flags(path, sysio.get_flags(path) & ~flag))

    def test_append_only(self):
        path = self.at("file")
        old = self.fd(path, os.O_RDWR)
        self.set_flag(path, sysio.FS_APPEND_FL)
        for _ in range(2):
            with open(path, "ab") as file:
                file.write(b"+" * 3)
                file.flush()
                file.write(b"-")
        self.assertEqual(read(path), b"x+++-+++-")
        with self.errno(errno.EPERM):
            os.pwrite(old, b"over", 0)
        with self.errno(errno.EPERM):
            os.ftruncate(old, 1)
        for change in (lambda: os.truncate(path, 0), lambda: os.chmod(path, 0o600), lambda: os.unlink(path),
                       lambda: os.rename(path, path + "2"), lambda: os.link(path, path + "2"),
                       lambda: open(path, "wb")):
            with self.errno(errno.EPERM):
                change()
        self.assertEqual(read(path), b"x+++-+++-")
        os.close(old)
        sysio.set_flags(path, sysio.get_flags(path) & ~sysio.FS_APPEND_FL)
        write(path, "again")
        self.assertEqual(read(path), b"again")

    def test_immutable(self):
        path = self.at("file")
        old = self.fd(path, os.O_RDWR)
        self.set_flag(path, sysio.FS_IMMUTABLE_FL)
        with self.errno(errno.EPERM):
            os.pwrite(old, b"over", 0)
        def append():
            with open(path, "ab", buffering=0) as file:
                file.write(b"more")
        for change in (append, lambda: os.truncate(path, 0), lambda: os.chmod(path, 0o600),
                       lambda: os.unlink(path), lambda: os.utime(path), lambda: set_x(path, "user.new", b"1")):
            with self.errno(errno.EPERM):
                change()
        self.assertEqual(read(path), b"x")
        os.close(old)
        sysio.set_flags(path, sysio.get_flags(path) & ~sysio.FS_IMMUTABLE_FL)
        write(path, "again")
        self.assertEqual(read(path), b"again")

    def test_whiteouts_cannot_be_made(self):
        with self.errno(errno.EPERM, "a character device 0:0 is a whiteout"):
            os.mknod(self.at("dir", "white"), stat.S_IFCHR | 0o600, os.makedev(0, 0))
        self.assertEqual(names(self.at("dir")), ["in"])

    def test_a_file_may_be_called_like_a_whiteout(self):
        """The upper's dialect reserves no names: these are files like any other, and hide nothing."""
        for name in (".wh.in", ".wh..wh..opq", ".wh.", ".wh..wh.plnk"):
            write(self.at("dir", name), name)
        os.mkdir(self.at(".wh.dir"))
        os.rename(self.at("dir", ".wh."), self.at(".wh.file"))
        for _ in range(2):
            self.assertEqual(names(self.at("dir")), [".wh..wh..opq", ".wh..wh.plnk", ".wh.in", "in"])
            self.assertEqual(read(self.at("dir", ".wh.in")), b".wh.in")
            self.assertEqual(read(self.at("file")), b"x")
            self.assertTrue({".wh.dir", ".wh.file", "dir", "file"} <= set(names(self.mnt.path)))
            self.remount()
        os.unlink(self.at("dir", ".wh.in"))
        os.rmdir(self.at(".wh.dir"))
        self.assertEqual(read(self.at("dir", "in")), b"in")


def acl(path, default=False):
    """What getfacl(1) prints, without the comments."""
    output = proc.run(["getfacl", "-cpnE", *(["-d"] if default else []), path], check=True).out
    return [line for line in output.splitlines() if line]


def setfacl(*arguments):
    proc.run(["setfacl", *arguments], check=True)


@placed("lower", "upper", "merged", "image")
class Acls(PlacedCase):
    TREE = {"file": File(0o640, 0, 0, data=b"secret"), "dir": Dir(0o755, entries={"in": "in"})}

    def read_as(self, path, uid):
        return proc.in_child(lambda: read(path), uid=uid, gid=uid)

    def test_access(self):
        with self.errno(errno.EACCES):
            self.read_as(self.at("file"), 3333)
        setfacl("-m", "u:3333:r,g:4444:rw", self.at("file"))
        for _ in range(2):
            self.assertEqual(self.read_as(self.at("file"), 3333), b"secret")
            self.assertEqual(acl(self.at("file")), ["user::rw-", "user:3333:r--", "group::r--",
                                                    "group:4444:rw-", "mask::rw-", "other::---"])
            self.assertEqual(stat.S_IMODE(os.stat(self.at("file")).st_mode), 0o660, "the mask shows")
            self.remount()
        os.chmod(self.at("file"), 0o600)
        self.assertIn("mask::---", acl(self.at("file")), "chmod changes the mask")
        with self.errno(errno.EACCES):
            self.read_as(self.at("file"), 3333)
        setfacl("-b", self.at("file"))
        self.assertEqual(len(acl(self.at("file"))), 3)
        self.assertNotIn("system.posix_acl_access", os.listxattr(self.at("file")))

    def test_a_minimal_acl_is_only_a_mode(self):
        setfacl("-m", "u::rwx,g::r-x,o::---", self.at("file"))
        self.assertEqual(stat.S_IMODE(os.stat(self.at("file")).st_mode), 0o750)
        self.assertNotIn("system.posix_acl_access", os.listxattr(self.at("file")))

    def test_inheritance(self):
        """acl(5), OBJECT CREATION AND DEFAULT ACLs: the default ACL counts instead of the umask."""
        setfacl("-d", "-m", "u:3333:rwx,g::rx,o::---", self.at("dir"))
        os.umask(0o077)
        write(self.at("dir", "created"), "x")
        os.mkdir(self.at("dir", "sub"))
        os.mkfifo(self.at("dir", "fifo"))
        os.symlink("x", self.at("dir", "link"))
        fd = os.open(self.at("dir", "private"), os.O_CREAT | os.O_WRONLY, 0o600)
        os.close(fd)
        os.mkdir(self.at("dir", "sub", "deeper"))
        tmp = self.fd(self.at("dir"), os.O_TMPFILE | os.O_RDWR, 0o666)
        sysio.linkat(tmp, "", self.at("dir", "tmpfile"), sysio.AT_EMPTY_PATH)
        for _ in range(2):
            for name in ("created", "fifo", "tmpfile"):
                self.assertEqual(acl(self.at("dir", name)),
                                 ["user::rw-", "user:3333:rwx", "group::r-x", "mask::rw-", "other::---"],
                                 name)
            self.assertEqual(acl(self.at("dir", "private")),
                             ["user::rw-", "user:3333:rwx", "group::r-x", "mask::---", "other::---"])
            for name in ("sub", "sub/deeper"):
                self.assertEqual(acl(self.at("dir", name), default=True),
                                 ["user::rwx", "user:3333:rwx", "group::r-x", "mask::rwx", "other::---"])
                self.assertEqual(acl(self.at("dir", name))[:5],
                                 ["user::rwx", "user:3333:rwx", "group::r-x", "mask::rwx", "other::---"])
            self.assertEqual(stat.S_IMODE(os.stat(self.at("dir", "created")).st_mode), 0o660)
            self.remount()

    def test_a_default_acl_does_not_change_what_is_copied_up(self):
        before = tree.entry(self.at("dir", "in"))
        setfacl("-d", "-m", "u:3333:rwx", self.at("dir"))
        os.chmod(self.at("dir", "in"), before["mode"])
        os.utime(self.at("dir", "in"), ns=(before["mtime"], before["mtime"]))
        self.assertEqual(tree.entry(self.at("dir", "in")), before)
        os.rename(self.at("file"), self.at("dir", "file"))
        self.assertEqual(acl(self.at("dir", "file")), ["user::rw-", "group::r--", "other::---"])

    def test_acls_from_a_layer_count(self):
        lower = self.layer("acl-lower", {"d": {"f": File(0o600, data=b"f")}})
        setfacl("-m", "u:3333:r", os.path.join(lower, "d/f"))
        setfacl("-d", "-m", "u:3333:rwx", os.path.join(lower, "d"))
        mount = self.mount([lower], name="acl-mnt")
        self.assertEqual(self.read_as(mount / "d/f", 3333), b"f")
        write(mount / "d/new", "new")
        self.assertIn("user:3333:rwx", acl(mount / "d/new"))
        os.chmod(mount / "d/f", 0o640)
        self.assertIn("user:3333:r--", acl(mount / "d/f"))

    def test_setgid_and_acl(self):
        os.chown(self.at("dir"), 0, 55)
        os.chmod(self.at("dir"), 0o2775)
        setfacl("-d", "-m", "g:66:rwx", self.at("dir"))
        write(self.at("dir", "f"), "f")
        os.mkdir(self.at("dir", "d"))
        self.assertEqual(os.stat(self.at("dir", "f")).st_gid, 55)
        self.assertEqual(os.stat(self.at("dir", "d")).st_mode & 0o2000, 0o2000)
        self.assertIn("group:66:rwx", acl(self.at("dir", "f")))


class FlagsAtOpen(MountCase):
    def test_open_is_refused_where_the_daemon_is_asked(self):
        if mounts.kind() != "veneerfs":
            self.skipTest("an option of veneerfs")
        mount = self.mount([self.layer("lower", {"file": "x"})], options=["x-disable=stateless"])
        path = mount / "file"
        self.addCleanup(lambda: sysio.set_flags(path, 0))
        for flag, append in ((sysio.FS_APPEND_FL, True), (sysio.FS_IMMUTABLE_FL, False)):
            sysio.set_flags(path, flag)
            for how in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC):
                with self.errno(errno.EPERM):
                    os.open(path, how)
            self.assertEqual(read(path), b"x")
            if append:
                os.close(os.open(path, os.O_WRONLY | os.O_APPEND))
            else:
                with self.errno(errno.EPERM):
                    os.open(path, os.O_WRONLY | os.O_APPEND)


class NoAcl(MountCase):
    def test_noacl_offers_none(self):
        if mounts.kind() != "veneerfs":
            self.skipTest("an option of veneerfs")
        lower = self.layer("lower", {"file": "x", "dir": {}})
        mount = self.mount([lower], options=["noacl"])
        with self.errno(errno.EOPNOTSUPP):
            os.getxattr(mount / "file", "system.posix_acl_access")
        self.assertNotEqual(proc.run(["setfacl", "-m", "u:3333:r", mount / "file"]).code, 0)
        os.umask(0o027)
        write(mount / "dir/new", "x")
        self.assertEqual(stat.S_IMODE(os.stat(mount / "dir/new").st_mode), 0o640)
