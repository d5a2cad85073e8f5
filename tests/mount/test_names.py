# SPDX-License-Identifier: Apache-2.0
"""Names: looking up, making and removing every type of object, name and path limits."""

import contextlib
import errno
import os
import stat

from support import proc
from support.case import MountCase
from support.files import names, read, write
from support.placed import PlacedCase, placed
from support.tree import Dir, File, Hard, Link, Node, entry

TREE = {
    "file": File(0o644, data=b"content"),
    "twin": File(0o644, data=b"two names"),
    "twin2": Hard("twin"),
    "full": Dir(0o755, entries={"a": "a", "b": {"c": "c"}, "l": Link(target="a")}),
    "empty": Dir(0o755),
    "link": Link(target="file"),
    "dirlink": Link(target="full"),
    "dangling": Link(target="nothing"),
    "loop": Link(target="loop"),
    "fifo": Node(0o644, kind=stat.S_IFIFO),
    "char": Node(0o644, kind=stat.S_IFCHR, device=(1, 3)),
    ".hidden": "dot",
    b"\xff\xfe not utf-8 \x01": "bytes",
    "new\nline": "n",
    "back\\slash:colon,comma": "s",
}
OBJECTS = ("file", "full", "empty", "link", "dangling", "fifo", "char")


@placed()
class Names(PlacedCase):
    TREE = TREE

    def test_lists_and_finds_every_name(self):
        for name in TREE:
            self.assertTrue(os.path.lexists(os.path.join(os.fsencode(self.mnt.path), os.fsencode(name))), name)
            self.assertIn(os.fsdecode(name), os.listdir(self.mnt.path))
        self.assertEqual(names(self.at("full")), ["a", "b", "l"])
        self.assertEqual(read(self.at("dirlink", "b", "c")), b"c")
        self.assertEqual(read(self.at("link")), b"content")

    def test_a_missing_name_is_enoent_until_it_is_made(self):
        for _ in range(3):
            with self.errno(errno.ENOENT):
                os.stat(self.at("full", "none"))
        write(self.at("full", "none"), "now")
        self.assertEqual(read(self.at("full", "none")), b"now")
        os.unlink(self.at("full", "none"))
        with self.errno(errno.ENOENT):
            os.stat(self.at("full", "none"))
        with self.errno(errno.ENOTDIR):
            os.stat(self.at("file", "x"))
        with self.errno(errno.ELOOP):
            os.stat(self.at("loop"))
        with self.errno(errno.ENOENT):
            os.stat(self.at("dangling"))

    def test_exclusive_create_refuses_everything_that_exists(self):
        for name in OBJECTS:
            with self.subTest(name), self.errno(errno.EEXIST):
                os.open(self.at(name), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
            with self.subTest(name), self.errno(errno.EEXIST):
                os.mkdir(self.at(name))
            with self.subTest(name), self.errno(errno.EEXIST):
                os.symlink("x", self.at(name))
            with self.subTest(name), self.errno(errno.EEXIST):
                os.mknod(self.at(name), stat.S_IFIFO | 0o600)
            with self.subTest(name), self.errno(errno.EEXIST):
                os.link(self.at("twin"), self.at(name))
        fd = os.open(self.at("fresh"), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o640)
        os.write(fd, b"mine")
        os.close(fd)
        self.assertEqual(read(self.at("fresh")), b"mine")
        self.assertEqual(entry(self.at("fresh"))["mode"], 0o640)

    def test_create_through_a_dangling_link_makes_its_target(self):
        write(self.at("dangling"), "made")
        self.assertEqual(read(self.at("nothing")), b"made")
        self.assertTrue(os.path.islink(self.at("dangling")))

    def test_open_flags(self):
        with self.errno(errno.ELOOP):
            os.open(self.at("link"), os.O_RDONLY | os.O_NOFOLLOW)
        with self.errno(errno.ENOTDIR):
            os.open(self.at("file"), os.O_RDONLY | os.O_DIRECTORY)
        with self.errno(errno.EISDIR):
            os.open(self.at("full"), os.O_RDWR)
        with self.errno(errno.EISDIR):
            os.open(self.at("full"), os.O_RDONLY | os.O_CREAT)
        fd = self.fd(self.at("file"), os.O_PATH)
        self.assertEqual(os.stat(f"/proc/self/fd/{fd}").st_ino, os.stat(self.at("file")).st_ino)
        with self.errno(errno.EBADF):
            os.read(fd, 1)

    def test_unlink_of_every_type_and_making_it_again(self):
        for name in ("file", "link", "dangling", "fifo", "char", ".hidden", "new\nline"):
            with self.subTest(name):
                os.unlink(self.at(name))
                with self.errno(errno.ENOENT):
                    os.lstat(self.at(name))
                self.assertNotIn(name, os.listdir(self.mnt.path))
                with self.errno(errno.ENOENT):
                    os.unlink(self.at(name))
                write(self.at(name), "again " + name)
                self.assertEqual(read(self.at(name)), b"again " + name.encode())
        self.remount()
        for name in ("file", "link", "fifo", "char"):
            self.assertEqual(read(self.at(name)), b"again " + name.encode(), "after a remount")
            self.assertEqual(entry(self.at(name))["type"], stat.S_IFREG)

    def test_unlinked_stays_unlinked_after_a_remount(self):
        for name in ("file", "link", "dangling", "fifo", "char"):
            os.unlink(self.at(name))
        os.unlink(self.at("full", "a"))
        self.remount()
        for name in ("file", "link", "dangling", "fifo", "char"):
            self.assertNotIn(name, os.listdir(self.mnt.path))
            self.assertFalse(os.path.lexists(self.at(name)))
        self.assertEqual(names(self.at("full")), ["b", "l"])

    def test_rmdir_and_unlink_refuse_the_wrong_type(self):
        with self.errno(errno.ENOTDIR):
            os.rmdir(self.at("file"))
        with self.errno(errno.EISDIR):
            os.unlink(self.at("full"))
        with self.errno(errno.ENOTEMPTY):
            os.rmdir(self.at("full"))
        with self.errno(errno.ENOTDIR):
            os.rmdir(self.at("dirlink"))
        with self.errno(errno.ENOENT):
            os.rmdir(self.at("none"))

    def test_rmdir_of_a_directory_that_became_empty(self):
        os.rmdir(self.at("empty"))
        for path in (("full", "b", "c"), ("full", "a"), ("full", "l")):
            os.unlink(self.at(*path))
        os.rmdir(self.at("full", "b"))
        self.assertEqual(names(self.at("full")), [])
        os.rmdir(self.at("full"))
        self.assertNotIn("full", os.listdir(self.mnt.path))
        self.assertNotIn("empty", os.listdir(self.mnt.path))
        self.remount()
        self.assertNotIn("full", os.listdir(self.mnt.path))
        self.assertNotIn("empty", os.listdir(self.mnt.path))

    def test_a_directory_made_again_is_empty(self):
        proc.run(["rm", "-r", self.at("full")], check=True)
        os.mkdir(self.at("full"), 0o700)
        self.assertEqual(names(self.at("full")), [])
        with self.errno(errno.ENOENT):
            os.stat(self.at("full", "a"))
        os.mkdir(self.at("full", "b"))
        self.assertEqual(names(self.at("full", "b")), [])
        self.remount()
        self.assertEqual(names(self.at("full")), ["b"])
        self.assertEqual(names(self.at("full", "b")), [])
        os.rmdir(self.at("full", "b"))
        os.rmdir(self.at("full"))

    def test_a_file_in_the_place_of_a_directory_and_back(self):
        proc.run(["rm", "-r", self.at("full")], check=True)
        write(self.at("full"), "file now")
        self.remount()
        self.assertEqual(read(self.at("full")), b"file now")
        os.unlink(self.at("full"))
        os.mkdir(self.at("full"))
        self.remount()
        self.assertEqual(names(self.at("full")), [])
        os.unlink(self.at("file"))
        os.mkdir(self.at("file"))
        write(self.at("file", "in"), "in")
        self.remount()
        self.assertEqual(names(self.at("file")), ["in"])

    def test_nested_directories_made_again_stay_empty(self):
        """Removing and making again nested directories must not show the old entries (they were opaque)."""
        proc.run(["rm", "-r", self.at("full")], check=True)
        os.makedirs(self.at("full", "b"))
        os.rmdir(self.at("full", "b"))
        os.mkdir(self.at("full", "b"))
        os.rmdir(self.at("full", "b"))
        os.rmdir(self.at("full"))
        os.makedirs(self.at("full", "b"))
        self.remount()
        self.assertEqual(names(self.at("full", "b")), [])
        os.rmdir(self.at("full", "b"))
        os.rmdir(self.at("full"))

    def test_mknod_of_every_type(self):
        for name, kind, device in (("reg", stat.S_IFREG, 0), ("fif", stat.S_IFIFO, 0), ("sock", stat.S_IFSOCK, 0),
                                   ("chr", stat.S_IFCHR, os.makedev(5, 1)),
                                   ("blk", stat.S_IFBLK, os.makedev(259, 70000)),
                                   ("chr01", stat.S_IFCHR, os.makedev(0, 1))):
            with self.subTest(name):
                os.mknod(self.at("full", name), kind | 0o624, device)
                status = os.lstat(self.at("full", name))
                self.assertEqual((stat.S_IFMT(status.st_mode), status.st_rdev), (kind, device))
        self.remount()
        self.assertEqual(os.lstat(self.at("full", "blk")).st_rdev, os.makedev(259, 70000))

    def test_devices_and_fifos_work(self):
        os.mknod(self.at("zero"), stat.S_IFCHR | 0o666, os.makedev(1, 5))
        if not _nodev(self.at("zero")):
            with open(self.at("zero"), "rb") as file:
                self.assertEqual(file.read(4), bytes(4))
        reader = self.fd(self.at("fifo"), os.O_RDONLY | os.O_NONBLOCK)
        writer = self.fd(self.at("fifo"), os.O_WRONLY)
        os.write(writer, b"through")
        self.assertEqual(os.read(reader, 10), b"through")

    def test_unix_sockets_are_bound_and_connected(self):
        import socket  # only here
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        os.chdir(self.at("full"))  # a socket address holds 107 bytes only
        self.addCleanup(os.chdir, self.dir)
        server.bind("sock")
        server.listen()
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.connect("sock")
        accepted, _ = server.accept()
        client.send(b"hello")
        self.assertEqual(accepted.recv(10), b"hello")
        accepted.close()
        self.assertTrue(stat.S_ISSOCK(os.stat("sock").st_mode))

    def test_symlinks_hold_any_bytes(self):
        for target in (b"x", b"/absolute/\xff", b"../" * 100, b"t" * 4095):
            os.symlink(target, self.at("s"))
            self.assertEqual(os.readlink(os.fsencode(self.at("s"))), target)
            self.assertEqual(os.lstat(self.at("s")).st_size, len(target))
            os.unlink(self.at("s"))
        with self.errno(errno.EINVAL):
            os.readlink(self.at("file"))
        with self.errno(errno.ENOENT):
            os.symlink("", self.at("s"))

    def test_hard_links_share_everything(self):
        os.link(self.at("file"), self.at("full", "file2"))
        one, two = os.stat(self.at("file")), os.stat(self.at("full", "file2"))
        self.assertEqual((one.st_ino, one.st_nlink, two.st_nlink), (two.st_ino, 2, 2))
        write(self.at("file"), "changed")
        os.chmod(self.at("full", "file2"), 0o600)
        self.assertEqual(read(self.at("full", "file2")), b"changed")
        self.assertEqual(entry(self.at("file"))["mode"], 0o600)
        os.unlink(self.at("file"))
        self.assertEqual(os.stat(self.at("full", "file2")).st_nlink, 1)
        self.remount()
        self.assertEqual(read(self.at("full", "file2")), b"changed")
        self.assertEqual(os.stat(self.at("full", "file2")).st_nlink, 1)

    def test_hard_links_to_symlinks_and_special_files(self):
        for name in ("link", "fifo", "char"):
            os.link(self.at(name), self.at(name + "2"), follow_symlinks=False)
            one, two = os.lstat(self.at(name)), os.lstat(self.at(name + "2"))
            self.assertEqual((one.st_ino, one.st_mode, one.st_nlink), (two.st_ino, two.st_mode, 2))
        with self.errno(errno.EPERM):
            os.link(self.at("full"), self.at("full2"))

    def test_a_removed_directory_that_is_the_working_directory(self):
        os.chdir(self.at("empty"))
        self.addCleanup(os.chdir, self.dir)
        os.rmdir(self.at("empty"))
        with self.errno(errno.ENOENT):
            write("x", "x")
        with self.errno(errno.ENOENT):
            os.mkdir("d")
        self.assertEqual(os.listdir("."), [])
        with self.errno(errno.ENOENT):
            os.getcwd()
        self.assertEqual(os.stat(".").st_nlink, 0)
        os.chdir(self.dir)


def _nodev(path):
    return bool(os.statvfs(path).f_flag & 4)  # ST_NODEV


@placed("lower", "upper", "image")
class Limits(PlacedCase):
    TREE = {"n" * 255: "long", "dir": {}}

    def test_a_name_of_255_bytes_works_everywhere(self):
        self.assertEqual(read(self.at("n" * 255)), b"long")
        self.assertEqual(os.statvfs(self.mnt.path).f_namemax, 255)
        for make in (lambda p: write(p, "x"), os.mkdir, lambda p: os.symlink("t", p), os.mkfifo,
                     lambda p: os.link(self.at("n" * 255), p)):
            name = "ä" * 127 + "x"
            self.assertEqual(len(name.encode()), 255)
            make(self.at("dir", name))
            self.assertEqual(names(self.at("dir")), [name])
            os.rename(self.at("dir", name), self.at("dir", "m" * 255))
            path = self.at("dir", "m" * 255)
            os.rmdir(path) if stat.S_ISDIR(os.lstat(path).st_mode) else os.unlink(path)
        os.unlink(self.at("n" * 255))
        self.assertFalse(os.path.exists(self.at("n" * 255)))
        self.remount()
        self.assertEqual(names(self.mnt.path)[-1:] == ["n" * 255], False)

    def test_a_name_of_256_bytes_is_too_long_everywhere(self):
        long = self.at("n" * 256)
        for call in (lambda: os.stat(long), lambda: write(long, "x"), lambda: os.mkdir(long),
                     lambda: os.symlink("x", long), lambda: os.mkfifo(long), lambda: os.unlink(long),
                     lambda: os.rmdir(long), lambda: os.link(self.at("dir"), long),
                     lambda: os.rename(self.at("dir"), long), lambda: os.rename(long, self.at("x")),
                     lambda: os.listdir(self.at("n" * 256))):
            with self.errno(errno.ENAMETOOLONG):
                call()
        self.assertTrue(os.path.isdir(self.at("dir")))

    def test_paths_of_4095_bytes_work_and_longer_ones_do_not(self):
        deep = self.at("dir")
        while len(deep) < 4095 - 250:
            deep += "/" + "d" * 200
            os.mkdir(deep)
        last = deep + "/" + "f" * (4095 - len(deep) - 1)
        self.assertEqual(len(last), 4095)
        write(last, "deep")
        self.assertEqual(read(last), b"deep")
        os.chmod(last, 0o600)
        with self.errno(errno.ENAMETOOLONG):
            write(last + "x", "too long")
        self.remount()
        self.assertEqual(read(last), b"deep")
        proc.run(["rm", "-r", self.at("dir")], check=True)

    def test_trees_deeper_than_path_max(self):
        """Made and removed step by step, as programs that go by descriptors do."""
        with contextlib.ExitStack() as stack:
            fd = os.open(self.at("dir"), os.O_PATH)
            for depth in range(40):
                os.mkdir("d" * 150, dir_fd=fd)
                deeper = os.open("d" * 150, os.O_PATH | os.O_DIRECTORY, dir_fd=fd)
                stack.callback(os.close, fd)
                fd = deeper
            stack.callback(os.close, fd)
            self.assertEqual(os.write(f := os.open("file", os.O_CREAT | os.O_RDWR, dir_fd=fd), b"bottom"), 6)
            self.assertEqual(os.pread(f, 10, 0), b"bottom")
            os.close(f)
            os.rename("file", "renamed", src_dir_fd=fd, dst_dir_fd=fd)
            self.assertEqual(os.stat("renamed", dir_fd=fd).st_size, 6)
        self.remount()
        found = proc.run(["find", self.at("dir"), "-name", "renamed", "-printf", "%s %d\n"], check=True)
        self.assertEqual(found.out, "6 41\n")
        proc.run(["rm", "-r", self.at("dir")], check=True)
        self.assertFalse(os.path.exists(self.at("dir")))


class DeepLowers(MountCase):
    def test_a_lower_tree_deeper_than_path_max(self):
        lower = self.layer("deep-lower", {"top": {}})
        fd = os.open(os.path.join(lower, "top"), os.O_PATH)
        for _ in range(30):
            os.mkdir("d" * 200, dir_fd=fd)
            deeper = os.open("d" * 200, os.O_PATH | os.O_DIRECTORY, dir_fd=fd)
            os.close(fd)
            fd = deeper
        out = os.open("leaf", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=fd)
        os.write(out, b"leaf")
        os.close(out)
        os.close(fd)
        mount = self.mount([lower], name="deep")
        fd = os.open(mount / "top", os.O_PATH)
        for _ in range(30):
            deeper = os.open("d" * 200, os.O_PATH | os.O_DIRECTORY, dir_fd=fd)
            os.close(fd)
            fd = deeper
        leaf = os.open("leaf", os.O_RDWR, dir_fd=fd)
        self.assertEqual(os.read(leaf, 10), b"leaf")
        os.pwrite(leaf, b"L", 0)
        os.close(leaf)
        os.close(fd)
        found = proc.run(["find", mount / "top", "-type", "f", "-printf", "%s %d\n"], check=True)
        self.assertEqual(found.out, "4 31\n")
        proc.run(["rm", "-r", mount / "top"], check=True)
        self.assertEqual(names(mount.path), [])
        mount.remount()
        self.assertEqual(names(mount.path), [])
