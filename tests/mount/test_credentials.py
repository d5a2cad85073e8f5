# SPDX-License-Identifier: Apache-2.0
"""Whose file it is: the caller's user, groups and umask count, never the daemon's."""

import errno
import os
import stat

from support import proc
from support.files import names, read, write
from support.placed import PlacedCase, placed
from support.tree import Dir, File

ONE, TWO, GROUP, OTHER_GROUP = 3001, 3002, 5001, 5002
TREE = {
    "open": Dir(0o777),
    "sticky": Dir(0o1777, entries={"of-one": File(0o644, ONE, ONE, data=b"1"),
                                   "dir-of-one": Dir(0o755, ONE, ONE)}),
    "setgid": Dir(0o2777, 0, GROUP),
    "for-group": Dir(0o770, 0, GROUP, entries={"secret": File(0o640, 0, GROUP, data=b"secret")}),
    "of-one": Dir(0o700, ONE, ONE, entries={"file": File(0o600, ONE, ONE, data=b"mine")}),
    "read-only": File(0o444, ONE, ONE, data=b"read only"),
    "write-only": File(0o222, 0, 0, data=b"write only"),
    "closed": File(0o000, ONE, ONE, data=b"closed"),
}


@placed("lower", "merged", "upper", "image")
class Credentials(PlacedCase):
    TREE = TREE

    def setUp(self):
        mask = os.umask(0o077)  # the daemon's, which must not matter
        super().setUp()
        os.umask(mask)

    def act(self, function, uid=ONE, groups=(), umask=0o022):
        """Does something as an ordinary user."""
        return proc.in_child(function, uid=uid, gid=uid, groups=groups, umask=umask)

    def make_all(self, directory):
        """Makes one object of every type with mode 0666 or 0777."""
        os.close(os.open(os.path.join(directory, "file"), os.O_CREAT | os.O_WRONLY, 0o666))
        os.mkdir(os.path.join(directory, "dir"), 0o777)
        os.mkfifo(os.path.join(directory, "fifo"), 0o666)
        os.mknod(os.path.join(directory, "reg"), stat.S_IFREG | 0o666)
        os.mknod(os.path.join(directory, "sock"), stat.S_IFSOCK | 0o666)
        os.symlink("t", os.path.join(directory, "link"))

    def test_umask_and_owner_of_what_is_made(self):
        for umask in (0o000, 0o022, 0o027, 0o077):
            directory = self.at("open", f"{umask:o}")
            os.mkdir(directory)
            os.chmod(directory, 0o777)
            self.act(lambda d=directory: self.make_all(d), umask=umask)
            for name in ("file", "dir", "fifo", "reg", "sock", "link"):
                status = os.lstat(os.path.join(directory, name))
                self.assertEqual((status.st_uid, status.st_gid), (ONE, ONE), name)
                full = {"dir": 0o777, "link": 0o777}.get(name, 0o666)
                expected = full if name == "link" else full & ~umask
                self.assertEqual(oct(stat.S_IMODE(status.st_mode)), oct(expected),
                                 f"{name}, umask {umask:o}")

    def test_a_setgid_directory_gives_its_group(self):
        self.act(lambda: self.make_all(self.at("setgid")))
        for _ in range(2):
            for name in ("file", "dir", "fifo", "reg", "sock", "link"):
                status = os.lstat(self.at("setgid", name))
                self.assertEqual((status.st_uid, status.st_gid), (ONE, GROUP), name)
            self.assertEqual(oct(os.stat(self.at("setgid", "dir")).st_mode & 0o7777), oct(0o2755),
                             "a new directory gets the bit too")
            self.remount()
        self.act(lambda: os.mkdir(self.at("setgid", "dir", "deeper")))
        self.assertEqual(os.stat(self.at("setgid", "dir", "deeper")).st_gid, GROUP)

    def test_setgid_of_a_new_file_is_dropped_for_strangers_to_the_group(self):
        def create():
            os.close(os.open(self.at("setgid", "s"), os.O_CREAT | os.O_WRONLY, 0o2775))
        self.act(create)
        self.assertEqual(oct(os.stat(self.at("setgid", "s")).st_mode & 0o7777), oct(0o755))

    def test_supplementary_groups_count(self):
        with self.errno(errno.EACCES):
            self.act(lambda: read(self.at("for-group", "secret")))
        self.assertEqual(self.act(lambda: read(self.at("for-group", "secret")), groups=(7, GROUP)), b"secret")
        self.act(lambda: write(self.at("for-group", "new"), "new"), groups=(GROUP,))
        status = os.stat(self.at("for-group", "new"))
        self.assertEqual((status.st_uid, status.st_gid), (ONE, ONE))
        with self.errno(errno.EACCES):
            self.act(lambda: write(self.at("for-group", "secret"), "x"), groups=(GROUP,))

    def test_chgrp_to_a_supplementary_group(self):
        path = self.at("read-only")
        self.act(lambda: os.chown(path, -1, OTHER_GROUP), groups=(OTHER_GROUP,))
        self.assertEqual(os.stat(path).st_gid, OTHER_GROUP)
        with self.errno(errno.EPERM):
            self.act(lambda: os.chown(path, -1, GROUP), groups=(OTHER_GROUP,))
        with self.errno(errno.EPERM):
            self.act(lambda: os.chown(path, TWO, -1))
        self.act(lambda: os.chmod(path, 0o2755), groups=(OTHER_GROUP,))
        self.assertEqual(oct(os.stat(path).st_mode & 0o7777), oct(0o2755))

    def test_a_sticky_directory(self):
        file, directory = self.at("sticky", "of-one"), self.at("sticky", "dir-of-one")
        for number, what in ((errno.EPERM, lambda: os.unlink(file)),
                             (errno.EPERM, lambda: os.rmdir(directory)),
                             (errno.EPERM, lambda: os.rename(file, file + "2"))):
            with self.errno(number):
                self.act(what, uid=TWO)
        self.act(lambda: write(self.at("sticky", "of-two"), "2"), uid=TWO)
        with self.errno(errno.EPERM):
            self.act(lambda: os.rename(self.at("sticky", "of-two"), file), uid=TWO)
        self.act(lambda: os.rename(file, file + "2"))
        self.act(lambda: os.rmdir(directory))
        self.act(lambda: os.unlink(file + "2"))
        self.assertEqual(names(self.at("sticky")), ["of-two"])

    def test_access_to_files(self):
        with self.errno(errno.EACCES):
            self.act(lambda: read(self.at("of-one", "file")), uid=TWO)
        self.assertEqual(self.act(lambda: read(self.at("of-one", "file"))), b"mine")
        with self.errno(errno.EACCES):
            self.act(lambda: os.close(os.open(self.at("read-only"), os.O_WRONLY)), uid=TWO)
        with self.errno(errno.EACCES):
            self.act(lambda: read(self.at("closed")))
        self.assertEqual(read(self.at("closed")), b"closed", "root reads everything")
        self.act(lambda: os.close(os.open(self.at("write-only"), os.O_WRONLY)))
        with self.errno(errno.EACCES):
            self.act(lambda: read(self.at("write-only")))

    def test_changes_without_read_permission(self):
        """The owner may chmod, and a writer may write, what he cannot read: the daemon copies it up all the same."""
        self.act(lambda: os.chmod(self.at("closed"), 0o200))
        self.act(lambda: self.append(self.at("closed"), b"+"))
        self.act(lambda: self.append(self.at("write-only"), b"+"), uid=TWO)
        self.assertEqual(read(self.at("closed")), b"closed+")
        self.assertEqual(read(self.at("write-only")), b"write only+")
        self.remount()
        self.assertEqual(read(self.at("closed")), b"closed+")
        self.assertEqual(os.stat(self.at("closed")).st_uid, ONE)

    @staticmethod
    def append(path, data):
        fd = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.write(fd, data)
        os.close(fd)

    def test_a_descriptor_keeps_the_access_it_was_opened_with(self):
        def write_after_chmod():
            fd = os.open(self.at("of-one", "file"), os.O_RDWR)
            os.fchmod(fd, 0o000)
            os.pwrite(fd, b"MINE", 0)
            os.ftruncate(fd, 3)
            return os.pread(fd, 10, 0)
        self.assertEqual(self.act(write_after_chmod), b"MIN")

        def create_read_only():
            fd = os.open(self.at("open", "created"), os.O_CREAT | os.O_RDWR, 0o000)
            os.write(fd, b"written")
            return os.pread(fd, 10, 0)
        self.assertEqual(self.act(create_read_only), b"written")

    def test_copied_up_objects_keep_their_owner(self):
        self.act(lambda: write(self.at("of-one", "new"), "x"))
        os.chmod(self.at("of-one", "file"), 0o640)
        write(self.at("of-one", "file"), "by root")
        for _ in range(2):
            for path in ("of-one", "of-one/file", "of-one/new"):
                status = os.stat(self.at(path))
                self.assertEqual((status.st_uid, status.st_gid), (ONE, ONE), path)
            self.remount()

    def test_protected_directories_stop_strangers_but_not_their_owner(self):
        with self.errno(errno.EACCES):
            self.act(lambda: os.listdir(self.at("of-one")), uid=TWO)
        with self.errno(errno.EACCES):
            self.act(lambda: os.stat(self.at("of-one", "file")), uid=TWO)
        self.assertEqual(self.act(lambda: os.listdir(self.at("of-one"))), ["file"])
        self.act(lambda: os.chmod(self.at("of-one"), 0o755))
        self.assertEqual(self.act(lambda: os.listdir(self.at("of-one")), uid=TWO), ["file"])
