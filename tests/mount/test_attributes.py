# SPDX-License-Identifier: Apache-2.0
"""Attributes: mode, owner, size and times, of every type of object and wherever it comes from."""

import errno
import os
import stat
import time

from support import proc, sysio
from support.case import MountCase
from support.files import read, write
from support.placed import PlacedCase, placed
from support.tree import OLD_TIME_NS, Dir, File, Link, Node, entry

TREE = {
    "file": File(0o644, 1000, 1001, data=b"0123456789"),
    "script": File(0o755, 0, 0, data=b"#!/bin/sh\nexit 7\n"),
    "privileged": File(0o6777, 0, 0, data=b"run me"),
    "empty": File(0o600, data=b""),
    "dir": Dir(0o755, entries={"child": File(0o600, data=b"child"), "sub": {"deep": "deep"}}),
    "shared": Dir(0o2775, 0, 1001),
    "link": Link(target="file"),
    "dangling": Link(target="nothing"),
    "fifo": Node(0o644, kind=stat.S_IFIFO),
    "socket": Node(0o644, kind=stat.S_IFSOCK),
    "char": Node(0o644, kind=stat.S_IFCHR, device=(1, 3)),
    "block": Node(0o644, kind=stat.S_IFBLK, device=(7, 77)),
}
WITH_MODE = ("file", "dir", "fifo", "socket", "char", "block", "empty")
STRANGER = 3333


def as_stranger(function):
    """Runs in a process without privileges and without groups."""
    return proc.in_child(function, uid=STRANGER, gid=STRANGER)


def write_to(path, data=b"x", flags=os.O_WRONLY):
    fd = os.open(path, flags)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


@placed()
class Attributes(PlacedCase):
    TREE = TREE

    def changed(self, before, after, *fields):
        """Exactly these fields of entry() differ."""
        different = {name for name in before if before[name] != after.get(name)}
        self.assertEqual(different, set(fields), f"before {before}, after {after}")

    def test_shows_what_the_layers_hold(self):
        for name, what in TREE.items():
            with self.subTest(name):
                is_entry = entry(self.at(name))
                self.assertEqual(is_entry["mtime"], OLD_TIME_NS)
                if what.mode is not None:
                    self.assertEqual(oct(is_entry["mode"]), oct(what.mode))
                if what.uid is not None:
                    self.assertEqual((is_entry["uid"], is_entry["gid"]), (what.uid, what.gid))
                if isinstance(what, File):
                    self.assertEqual(read(self.at(name)), what.data)
                if isinstance(what, Link):
                    self.assertEqual(is_entry["target"], what.target)
                    self.assertEqual(is_entry["size"], len(what.target))
                if isinstance(what, Node):
                    self.assertEqual(is_entry["type"], what.kind)
        self.assertEqual(entry(self.at("block"))["rdev"], (7, 77))

    def test_chmod_changes_the_mode_only(self):
        for name in WITH_MODE:
            with self.subTest(name):
                before = entry(self.at(name), exact=True)
                os.chmod(self.at(name), 0o7421)
                after = entry(self.at(name), exact=True)
                self.assertEqual(oct(after["mode"]), oct(0o7421))
                self.changed(before, after, "mode", "ctime")
        self.remount()
        for name in WITH_MODE:
            self.assertEqual(oct(entry(self.at(name))["mode"]), oct(0o7421), f"{name} after a remount")

    def test_chown_changes_the_owner_only(self):
        for name in WITH_MODE + ("link", "dangling"):
            with self.subTest(name):
                before = entry(self.at(name), exact=True)
                os.lchown(self.at(name), 4_000_000_000, -1)
                os.lchown(self.at(name), -1, 77)
                after = entry(self.at(name), exact=True)
                self.assertEqual((after["uid"], after["gid"]), (4_000_000_000, 77))
                self.changed(before, after, "uid", "gid", "ctime")
        self.assertEqual(entry(self.at("shared"))["mode"], 0o2775)
        os.chown(self.at("shared"), 5, 5)
        self.assertEqual(oct(entry(self.at("shared"))["mode"]), oct(0o2775),
                         "chown does not clear the set-group-ID bit of a directory")
        self.remount()
        self.assertEqual(entry(self.at("link"))["uid"], 4_000_000_000)

    def test_chown_clears_setuid_and_setgid(self):
        os.chown(self.at("privileged"), 5, -1)
        self.assertEqual(oct(entry(self.at("privileged"))["mode"]), oct(0o777),
                         "chown(2): the bits are cleared, by root too, when the file is executable")
        os.chmod(self.at("file"), 0o6644)
        os.chown(self.at("file"), 6, 6)
        self.assertFalse(entry(self.at("file"))["mode"] & stat.S_ISUID)

    def test_a_write_by_a_stranger_clears_setuid_and_setgid(self):
        as_stranger(lambda: write_to(self.at("privileged")))
        self.assertEqual(oct(entry(self.at("privileged"))["mode"]), oct(0o777))
        self.assertEqual(read(self.at("privileged")), b"xun me")

    def test_a_write_by_root_keeps_setuid_and_setgid(self):
        write_to(self.at("privileged"))
        self.assertEqual(oct(entry(self.at("privileged"))["mode"]), oct(0o6777))

    def test_truncate_by_a_stranger_clears_setuid_and_setgid(self):
        as_stranger(lambda: os.truncate(self.at("privileged"), 3))
        self.assertEqual(oct(entry(self.at("privileged"))["mode"]), oct(0o777))
        os.chmod(self.at("privileged"), 0o6777)
        as_stranger(lambda: os.close(os.open(self.at("privileged"), os.O_WRONLY | os.O_TRUNC)))
        self.assertEqual(oct(entry(self.at("privileged"))["mode"]), oct(0o777))

    def test_chmod_by_the_owner_outside_the_group_drops_setgid(self):
        os.chown(self.at("file"), STRANGER, 1001)
        as_stranger(lambda: os.chmod(self.at("file"), 0o2755))
        self.assertEqual(oct(entry(self.at("file"))["mode"]), oct(0o755),
                         "chmod(2): only a member of the group may set its bit")

    def test_times_are_set_to_the_nanosecond(self):
        for name in WITH_MODE + ("link", "dangling"):
            with self.subTest(name):
                before = entry(self.at(name), exact=True)
                os.utime(self.at(name), ns=(1_234_567_890_000_000_001, 987_654_321_123_456_789),
                         follow_symlinks=False)
                status = os.lstat(self.at(name))
                self.assertEqual(status.st_atime_ns, 1_234_567_890_000_000_001)
                self.assertEqual(status.st_mtime_ns, 987_654_321_123_456_789)
                self.changed(before, entry(self.at(name), exact=True), "mtime", "ctime")
        self.remount()
        self.assertEqual(os.lstat(self.at("dangling")).st_mtime_ns, 987_654_321_123_456_789)

    def test_times_before_1970_and_after_2106(self):
        for name in ("file", "dir", "link"):
            for when in (-1_500_000_001, (2**32 + 5) * 10**9 + 7, 0):
                os.utime(self.at(name), ns=(when, when), follow_symlinks=False)
                status = os.lstat(self.at(name))
                self.assertEqual((status.st_atime_ns, status.st_mtime_ns), (when, when), name)
            os.utime(self.at(name), ns=(-1_500_000_001, -1_500_000_001), follow_symlinks=False)
        self.remount()
        for name in ("file", "dir", "link"):
            self.assertEqual(os.lstat(self.at(name)).st_mtime_ns, -1_500_000_001, name)

    def test_utime_now_and_omit(self):
        for name in ("file", "dir", "link", "fifo"):
            with self.subTest(name):
                path = self.at(name)
                sysio.utimensat(path, (0, sysio.UTIME_OMIT), (555, 5))
                self.assertEqual(os.lstat(path).st_mtime_ns, 555_000_000_005)
                sysio.utimensat(path, (666, 6), (0, sysio.UTIME_OMIT))
                status = os.lstat(path)
                self.assertEqual((status.st_atime_ns, status.st_mtime_ns),
                                 (666_000_000_006, 555_000_000_005))
                sysio.utimensat(path, (0, sysio.UTIME_OMIT), (0, sysio.UTIME_OMIT))
                self.assertEqual(os.lstat(path).st_ctime_ns, status.st_ctime_ns,
                                 "both omitted: nothing is changed")
                begin = time.time_ns()
                sysio.utimensat(path, (0, sysio.UTIME_OMIT), (0, sysio.UTIME_NOW))
                self.assertAlmostEqual(os.lstat(path).st_mtime_ns, begin, delta=2 * 10**9)
                self.assertEqual(os.lstat(path).st_atime_ns, 666_000_000_006)

    def test_utime_now_needs_write_permission_only(self):
        os.chmod(self.at("file"), 0o666)
        as_stranger(lambda: os.utime(self.at("file")))
        with self.errno(errno.EPERM, "explicit times are for the owner"):
            as_stranger(lambda: os.utime(self.at("file"), ns=(1, 1)))

    def test_a_write_moves_mtime_and_ctime(self):
        for how, change in (
                ("write", lambda path: write_to(path)),
                ("truncate down", lambda path: os.truncate(path, 2)),
                ("truncate up", lambda path: os.truncate(path, 2000)),
                ("truncate to the same size", lambda path: os.truncate(path, os.stat(path).st_size)),
                ("O_TRUNC", lambda path: os.close(os.open(path, os.O_WRONLY | os.O_TRUNC)))):
            with self.subTest(how):
                os.utime(self.at("file"), ns=(OLD_TIME_NS, OLD_TIME_NS))
                before = os.stat(self.at("file"))
                change(self.at("file"))
                after = os.stat(self.at("file"))
                self.assertAlmostEqual(after.st_mtime_ns, time.time_ns(), delta=5 * 10**9)
                self.assertGreater(after.st_ctime_ns, before.st_ctime_ns)

    def test_a_read_or_an_open_for_writing_changes_nothing(self):
        before = entry(self.at("file"), exact=True)
        read(self.at("file"))
        os.close(os.open(self.at("file"), os.O_RDWR))
        os.close(os.open(self.at("file"), os.O_WRONLY | os.O_APPEND))
        self.changed(before, entry(self.at("file"), exact=True))

    def test_a_change_of_a_file_leaves_its_directory_alone(self):
        before = entry(self.at("dir"), exact=True)
        os.chmod(self.at("dir", "child"), 0o644)
        write_to(self.at("dir", "child"))
        os.truncate(self.at("dir", "child"), 1)
        os.setxattr(self.at("dir", "child"), "user.a", b"1")
        after = entry(self.at("dir"), exact=True)
        del before["ctime"], after["ctime"]  # a copy-up may move it: no program can set a ctime back
        self.changed(before, after)

    def test_making_and_removing_moves_the_times_of_the_directory(self):
        path = self.at("dir")
        for how, change in (
                ("create", lambda: write_to(self.at("dir", "new"), flags=os.O_CREAT | os.O_WRONLY)),
                ("link", lambda: os.link(self.at("dir", "new"), self.at("dir", "more"))),
                ("rename", lambda: os.rename(self.at("dir", "new"), self.at("dir", "new2"))),
                ("unlink", lambda: os.unlink(self.at("dir", "new2"))),
                ("unlink of what was there", lambda: os.unlink(self.at("dir", "child"))),
                ("mkdir", lambda: os.mkdir(self.at("dir", "d"))),
                ("rmdir", lambda: os.rmdir(self.at("dir", "d"))),
                ("symlink", lambda: os.symlink("x", self.at("dir", "s"))),
                ("mknod", lambda: os.mkfifo(self.at("dir", "f")))):
            with self.subTest(how):
                os.utime(path, ns=(OLD_TIME_NS, OLD_TIME_NS))
                change()
                self.assertAlmostEqual(os.stat(path).st_mtime_ns, time.time_ns(), delta=5 * 10**9)

    def test_link_unlink_and_rename_move_the_ctime_of_the_file(self):
        path = self.at("file")
        for how, change in (("link", lambda: os.link(path, self.at("other"))),
                            ("unlink of another name", lambda: os.unlink(self.at("other"))),
                            ("setxattr", lambda: os.setxattr(path, "user.a", b"1")),
                            ("removexattr", lambda: os.removexattr(path, "user.a"))):
            with self.subTest(how):
                before = os.stat(path)
                time.sleep(0.02)
                change()
                after = os.stat(path)
                self.assertGreater(after.st_ctime_ns, before.st_ctime_ns)
                self.assertEqual(after.st_mtime_ns, before.st_mtime_ns)

    def test_truncate_keeps_the_bytes_before_and_zeroes_those_after(self):
        os.truncate(self.at("file"), 4)
        self.assertEqual(read(self.at("file")), b"0123")
        os.truncate(self.at("file"), 8)
        self.assertEqual(read(self.at("file")), b"0123\0\0\0\0")
        self.remount()
        self.assertEqual(read(self.at("file")), b"0123\0\0\0\0")
        self.assertEqual(os.stat(self.at("file")).st_size, 8)

    def test_truncate_far_beyond_is_sparse(self):
        os.truncate(self.at("file"), 1 << 40)
        status = os.stat(self.at("file"))
        self.assertEqual(status.st_size, 1 << 40)
        self.assertLess(status.st_blocks, 1000)
        with self.errno(errno.EINVAL):
            os.truncate(self.at("file"), -1)
        with self.errno(errno.EISDIR):
            os.truncate(self.at("dir"), 1)

    def test_attributes_through_a_descriptor(self):
        fd = self.fd(self.at("file"), os.O_RDWR)
        os.fchmod(fd, 0o640)
        os.fchown(fd, 12, 13)
        os.ftruncate(fd, 3)
        sysio.futimens(fd, (11, 1), (22, 2))
        status = os.fstat(fd)
        self.assertEqual((stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_size,
                          status.st_mtime_ns), (0o640, 12, 13, 3, 22_000_000_002))
        by_name = os.stat(self.at("file"))
        self.assertEqual((status.st_ino, status.st_mode), (by_name.st_ino, by_name.st_mode))

    def test_statx_agrees_with_stat(self):
        for name in TREE:
            with self.subTest(name):
                status, more = os.lstat(self.at(name)), sysio.statx(self.at(name))
                self.assertEqual(more["mask"] & sysio.STATX_TYPE_TO_BLOCKS, sysio.STATX_TYPE_TO_BLOCKS)
                self.assertEqual(
                    (more["mode"], more["ino"], more["size"], more["nlink"], more["blocks"], more["mtime"],
                     more["ctime"], more["uid"]),
                    (status.st_mode, status.st_ino, status.st_size, status.st_nlink, status.st_blocks,
                     status.st_mtime_ns, status.st_ctime_ns, status.st_uid))
                self.assertGreaterEqual(more["blksize"], 512)

    def test_files_are_executed_with_their_mode(self):
        self.assertEqual(proc.run([self.at("script")]).code, 7)
        os.chmod(self.at("script"), 0o644)
        with self.errno(errno.EACCES):
            proc.run([self.at("script")])
        self.assertTrue(os.access(self.at("file"), os.R_OK))
        self.assertFalse(os.access(self.at("file"), os.X_OK))

    def test_strangers_are_refused(self):
        for number, what in ((errno.EPERM, lambda: os.chmod(self.at("file"), 0o777)),
                             (errno.EPERM, lambda: os.chown(self.at("file"), STRANGER, -1)),
                             (errno.EACCES, lambda: os.truncate(self.at("file"), 0)),
                             (errno.EACCES, lambda: read(self.at("empty"))),
                             (errno.EACCES, lambda: os.unlink(self.at("file"))),
                             (errno.EACCES, lambda: os.mkdir(self.at("dir", "new")))):
            with self.errno(number):
                as_stranger(what)
        self.assertEqual(entry(self.at("file"))["mode"], 0o644)


class BesideTheMount(MountCase):
    """Who can write a directory of the upper puts a symlink in the place of a file that the daemon, as root, changes."""

    def test_no_change_follows_a_symlink_in_the_upper(self):
        secret = self.path("secret")
        write(secret, "secret")
        os.chmod(secret, 0o600)
        os.setxattr(secret, "user.kept", b"1")
        before, changed = entry(secret), os.stat(secret).st_ctime_ns

        def allocate(path):
            with open(path, "r+b") as file:
                sysio.fallocate(file.fileno(), 0, 0, 1 << 20)
        changes = {
            "chmod": lambda path: os.chmod(path, 0o4777),
            "chown": lambda path: os.chown(path, STRANGER, STRANGER),
            "utime": lambda path: os.utime(path, ns=(1, 1)),
            "setxattr": lambda path: os.setxattr(path, "trusted.new", b"1"),
            "removexattr": lambda path: os.removexattr(path, "user.kept"),
            "truncate": lambda path: os.truncate(path, 0),
            "write": lambda path: write_to(path, b"over"),
            "read": lambda path: self.assertNotEqual(read(path), b"secret"),
            "chattr": lambda path: sysio.set_flags(path, sysio.FS_NODUMP_FL),
            "setfacl": lambda path: os.setxattr(path, "system.posix_acl_access", os.getxattr(secret + ".acl",
                                                "system.posix_acl_access")),
            "fallocate": allocate,
        }
        write(secret + ".acl", "")
        proc.run(["setfacl", "-m", "u:3333:rwx", secret + ".acl"], check=True)
        mount = self.mount([self.layer("lower", {})])
        for name in changes:
            write(mount / name, "made here")
        mount.remount()  # no descriptor of them is open
        for name in changes:
            os.stat(mount / name)
            os.unlink(os.path.join(mount.upper, name))
            os.symlink(secret, os.path.join(mount.upper, name))
        for name, change in changes.items():
            with self.subTest(name):
                try:
                    change(mount / name)
                except OSError:
                    pass  # what it says is of no matter; the file is not there any more
                self.assertEqual(entry(secret), before)
                self.assertEqual(os.stat(secret).st_ctime_ns, changed)
