# SPDX-License-Identifier: Apache-2.0
"""Files and directories without a name that are still open: everything the plain file system allows goes on."""

import errno
import fcntl
import os
import stat
import subprocess
import sys

from support import mounts, proc, sysio
from support.case import MountCase
from support.files import names, read, write
from support.placed import PlacedCase, placed
from support.tree import File, Hard, Link, Node

TREE = {
    "file": File(0o644, 1, 2, data=b"0123456789" * 1000, xattrs={"user.old": b"value"}),
    "pair": File(0o644, data=b"two names"),
    "pair2": Hard("pair"),
    "dir": {"sub": {}},
    "fifo": Node(0o644, kind=stat.S_IFIFO),
    "link": Link(target="file"),
    "small": "small",
}


def unlink(case, name):
    os.unlink(case.at(name))


def replace(case, name):
    """The last name goes because another file takes it."""
    write(case.at("replacement"), "replacement")
    os.rename(case.at("replacement"), case.at(name))


@placed()
class Unlinked(PlacedCase):
    TREE = TREE

    def after_each_loss(self, flags=os.O_RDWR):
        """A descriptor of `file` after it lost its name, for every way in which it can lose it."""
        for lose in (unlink, replace):
            for dropped in (False, True):
                self.doCleanups()
                self.setUp()
                fd = self.fd(self.at("file"), flags)
                lose(self, "file")
                if dropped:
                    write("/proc/sys/vm/drop_caches", "2")
                yield fd

    def test_read(self):
        for fd in self.after_each_loss(os.O_RDONLY):
            self.assertEqual(os.pread(fd, 20_000, 0), b"0123456789" * 1000)
            self.assertEqual(os.lseek(fd, 0, os.SEEK_END), 10_000)

    def test_write_and_read_back(self):
        for fd in self.after_each_loss():
            os.pwrite(fd, b"WRITTEN", 5)
            os.pwrite(fd, b"END", 20_000)
            self.assertEqual(os.pread(fd, 15, 0), b"01234WRITTEN234")
            self.assertEqual(os.fstat(fd).st_size, 20_003)
            os.fsync(fd)

    def test_fstat(self):
        for fd in self.after_each_loss(os.O_RDONLY):
            status = os.fstat(fd)
            self.assertEqual((status.st_nlink, status.st_size, status.st_uid, status.st_gid,
                              stat.S_IMODE(status.st_mode)), (0, 10_000, 1, 2, 0o644))

    def test_fchmod_fchown_ftruncate_and_times(self):
        for fd in self.after_each_loss():
            os.fchmod(fd, 0o600)
            os.fchown(fd, 33, 44)
            os.ftruncate(fd, 5)
            sysio.futimens(fd, (7, 7), (8, 8))
            status = os.fstat(fd)
            self.assertEqual((stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_size,
                              status.st_mtime_ns, status.st_nlink), (0o600, 33, 44, 5, 8_000_000_008, 0))
            self.assertEqual(os.pread(fd, 10, 0), b"01234")

    def test_xattrs(self):
        for fd in self.after_each_loss():
            self.assertEqual(os.getxattr(fd, "user.old"), b"value")
            os.setxattr(fd, "user.new", b"new")
            os.removexattr(fd, "user.old")
            self.assertEqual(os.listxattr(fd), ["user.new"])
            self.assertEqual(os.getxattr(fd, "user.new"), b"new")

    def test_fallocate_holes_and_copies(self):
        for fd in self.after_each_loss():
            sysio.fallocate(fd, sysio.FALLOC_FL_PUNCH_HOLE | sysio.FALLOC_FL_KEEP_SIZE, 0, 4096)
            self.assertEqual(os.pread(fd, 4096, 0), bytes(4096))
            target = self.fd(self.at("copy"), os.O_RDWR | os.O_CREAT)
            self.assertEqual(os.copy_file_range(fd, target, 1000, 5000), 1000)
            self.assertEqual(os.pread(target, 1000, 0), b"0123456789" * 100)
            self.assertEqual(os.copy_file_range(target, fd, 500, 0, 0), 500)
            self.assertEqual(os.pread(fd, 500, 0), b"0123456789" * 50)

    def test_opened_again_through_proc(self):
        for fd in self.after_each_loss():
            again = self.fd(f"/proc/self/fd/{fd}", os.O_RDWR)
            os.pwrite(again, b"again", 0)
            self.assertEqual(os.pread(fd, 10, 0), b"again56789")
            truncated = self.fd(f"/proc/self/fd/{fd}", os.O_RDWR | os.O_TRUNC)
            self.assertEqual(os.fstat(truncated).st_size, 0)

    def test_no_new_name(self):
        """linkat(2): a file whose link count reached zero gets no new name."""
        for fd in self.after_each_loss():
            with self.errno(errno.ENOENT):
                sysio.linkat(fd, "", self.at("named"), sysio.AT_EMPTY_PATH)
            self.assertFalse(os.path.exists(self.at("named")))

    def test_locks(self):
        for fd in self.after_each_loss():
            again = self.fd(f"/proc/self/fd/{fd}", os.O_RDWR)
            fcntl.flock(fd, fcntl.LOCK_EX)
            with self.errno(errno.EAGAIN):
                fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def test_a_new_file_of_the_name_is_another_file(self):
        fd = self.fd(self.at("file"), os.O_RDWR)
        ino = os.fstat(fd).st_ino
        os.unlink(self.at("file"))
        write(self.at("file"), "new")
        self.assertNotEqual(os.stat(self.at("file")).st_ino, ino)
        os.pwrite(fd, b"old one", 0)
        self.assertEqual(read(self.at("file")), b"new")
        self.assertEqual(os.pread(fd, 7, 0), b"old one")
        self.remount()
        self.assertEqual(read(self.at("file")), b"new")

    def test_one_of_two_names(self):
        fd = self.fd(self.at("pair"), os.O_RDWR)
        os.unlink(self.at("pair"))
        self.assertEqual(os.fstat(fd).st_nlink, 1)
        os.pwrite(fd, b"TWO", 0)
        self.assertEqual(read(self.at("pair2")), b"TWO names")
        os.link(self.at("pair2"), self.at("pair3"))
        self.assertEqual(os.fstat(fd).st_nlink, 2)
        os.unlink(self.at("pair2"))
        os.unlink(self.at("pair3"))
        self.assertEqual(os.fstat(fd).st_nlink, 0)
        self.assertEqual(os.pread(fd, 9, 0), b"TWO names")

    def test_created_and_unlinked_at_once_as_temporary_files_are(self):
        fd = self.fd(self.at("dir", "tmp"), os.O_CREAT | os.O_EXCL | os.O_RDWR)
        os.unlink(self.at("dir", "tmp"))
        os.write(fd, b"x" * 100_000)
        os.ftruncate(fd, 50_000)
        self.assertEqual(os.pread(fd, 100_000, 0), b"x" * 50_000)
        self.assertEqual((os.fstat(fd).st_nlink, os.fstat(fd).st_size), (0, 50_000))
        os.fchmod(fd, 0o400)
        os.setxattr(fd, "user.a", b"1")
        self.assertEqual(names(self.at("dir")), ["sub"])

    def test_a_removed_directory(self):
        fd = self.fd(self.at("dir", "sub"), os.O_RDONLY | os.O_DIRECTORY)
        os.rmdir(self.at("dir", "sub"))
        self.assertTrue(stat.S_ISDIR(os.fstat(fd).st_mode))
        self.assertEqual(os.fstat(fd).st_nlink, 0)
        os.fchmod(fd, 0o700)
        self.assertEqual(stat.S_IMODE(os.fstat(fd).st_mode), 0o700)
        for make in (lambda: os.mkdir("x", dir_fd=fd), lambda: os.open("x", os.O_CREAT, dir_fd=fd),
                     lambda: os.symlink("t", "x", dir_fd=fd), lambda: os.stat("x", dir_fd=fd)):
            with self.errno(errno.ENOENT):
                make()
        os.mkdir(self.at("dir", "sub"))
        self.assertEqual(names(self.at("dir", "sub")), [])
        self.assertNotEqual(os.stat(self.at("dir", "sub")).st_ino, os.fstat(fd).st_ino)

    def test_special_files_and_symlinks(self):
        fifo = self.fd(self.at("fifo"), os.O_RDWR)
        link = self.fd(self.at("link"), os.O_PATH | os.O_NOFOLLOW)
        os.unlink(self.at("fifo"))
        os.unlink(self.at("link"))
        os.write(fifo, b"pipe")
        self.assertEqual(os.read(fifo, 10), b"pipe")
        self.assertEqual((os.fstat(fifo).st_nlink, os.fstat(link).st_nlink), (0, 0))
        self.assertEqual(os.readlink("", dir_fd=link), "file")

    def test_the_space_of_a_removed_file_is_free(self):
        """After the last close nothing holds the contents any more, the daemon neither."""
        if mounts.kind() != "veneerfs":
            self.skipTest("looks into the daemon")
        write(self.at("small"), b"x" * 100_000)
        read(self.at("small"))
        os.unlink(self.at("small"))
        write(self.at("new"), b"x" * 100_000)
        write(self.at("other"), "other")
        os.rename(self.at("other"), self.at("new"))
        with open(self.at("file"), "r+b") as file:
            file.write(b"x")
            os.unlink(self.at("file"))

        def held():
            return [path for path in proc.open_paths(self.mnt.pid)
                    if path.endswith(" (deleted)") and not path.startswith("/memfd:")]

        self.assertTrue(proc.wait_until(lambda: not held(), 5), f"still open: {held()}")


# Makes argv[2] files in argv[1], writes to each and deletes it while it is open; says so, waits for
# a line, and then goes on with all of them.
HOLDER = """
import os, sys
fds = []
for number in range(int(sys.argv[2])):
    path = os.path.join(sys.argv[1], f"{os.getpid()}.{number}")
    fds.append(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    os.write(fds[-1], b"%d" % number)
    os.unlink(path)
print("ready", flush=True)
sys.stdin.readline()
for number, fd in enumerate(fds):
    os.pwrite(fd, b"+", 20)
    assert os.pread(fd, 30, 0) == (b"%d" % number).ljust(20, b"\\0") + b"+", number
"""


class ManyUnlinked(MountCase):
    LIMIT = 2000

    def test_an_open_file_that_was_deleted_takes_one_descriptor_of_the_daemon(self):
        """Two programs with as many as they may have, nearly, and the daemon has the limit of one."""
        lower = self.layer("lower", {f"d{i}": {"f": str(i)} for i in range(300)})
        mount = self.mount([lower], descriptors=self.LIMIT)
        for number in range(300):  # the caches are full
            self.assertEqual(read(mount / f"d{number}/f"), b"%d" % number)
        holders = [subprocess.Popen([sys.executable, "-c", HOLDER, mount.path, str(self.LIMIT * 9 // 20)],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]
        for holder in holders:
            self.addCleanup(holder.kill)
            self.assertEqual(holder.stdout.readline(), b"ready\n")
        for number in range(300):
            write(mount / f"d{number}/f", "new")
            self.assertEqual(read(mount / f"d{number}/f"), b"new")
        for holder in holders:
            holder.communicate(b"go on\n", timeout=60)
            self.assertEqual(holder.returncode, 0)
