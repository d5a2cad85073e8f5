# SPDX-License-Identifier: Apache-2.0
"""io=: in every mode a file is the same for all who have it open, and no write ever reaches a layer.

The trap: a reader holds a file of a layer, then a writer opens it and it is copied up. With passthrough both have one
backing file, and if that were the layer's, the write would go there.
"""

import mmap
import os
import stat
import time

from support import mounts, proc, runner, sysio
from support.case import MountCase
from support.files import read, write
from support.placed import PlacedCase, placed
from support.tree import OLD_TIME_NS, File

PAGE = mmap.PAGESIZE
PATTERN = b"".join(bytes([65 + i]) * PAGE for i in range(16))
WRITABLE = mmap.PROT_READ | mmap.PROT_WRITE


class Trap:
    """Readers and a writer of one file that comes from a layer, in both orders; self.mode is the mode."""

    TREE = {"file": File(0o644, data=PATTERN), "small": File(0o644, data=b"0123456789" * 3)}

    def setUp(self):
        self.options = (*self.options, f"io={self.mode}")
        super().setUp()

    def map(self, fd, protection=mmap.PROT_READ):
        mapping = mmap.mmap(fd, 0, mmap.MAP_SHARED, protection)
        self.addCleanup(mapping.close)
        return mapping

    def check(self, name, expected, *readers):
        """Everybody sees `expected`: open files and mappings, a new reader, the upper; and the layers are as before."""
        for reader in readers:
            seen = os.pread(reader, len(expected) + 1, 0) if isinstance(reader, int) else reader[:]
            self.assertEqual(seen[:len(expected)], expected, f"seen through {reader}")
        self.assertEqual(read(self.at(name)), expected, "seen by a new reader")
        self.assertEqual(os.stat(self.at(name)).st_size, len(expected))
        sysio.syncfs(self.fd(self.at()))  # what was written through a mapping may still be with the kernel
        self.assertEqual(read(os.path.join(self.mnt.upper, name)), expected, "in the upper")
        self.mnt.check_lowers()

    def test_a_reader_before_the_writer(self):
        for name, old in (("file", PATTERN), ("small", b"0123456789" * 3)):
            reader = self.fd(self.at(name))
            mapping = self.map(reader)
            self.assertEqual((os.pread(reader, len(old), 0), mapping[:]), (old, old))
            writer = self.fd(self.at(name), os.O_RDWR)
            os.pwrite(writer, b"new", 0)
            self.check(name, b"new" + old[3:], reader, mapping, writer)
            os.close(writer)
            writer = self.fd(self.at(name), os.O_WRONLY)  # now that the contents are in the upper
            os.pwrite(writer, b"newer", len(old) - 5)
            self.check(name, b"new" + old[3:-5] + b"newer", reader, mapping)

    def test_a_mapping_alone_before_the_writer(self):
        reader = os.open(self.at("file"), os.O_RDONLY)
        mapping = self.map(reader)
        os.close(reader)
        self.assertEqual(mapping[:3], b"AAA")
        for text in (b"one", b"two"):
            with open(self.at("file"), "r+b") as writer:
                writer.write(text)
            self.check("file", text + PATTERN[3:], mapping)

    def test_a_writer_before_the_reader(self):
        writer = self.fd(self.at("file"), os.O_RDWR)
        reader = self.fd(self.at("file"))
        mapping = self.map(reader)
        self.assertEqual(mapping[:3], b"AAA")
        if self.place != "copied":
            self.assertFalse(os.path.exists(os.path.join(self.mnt.upper, "file")), "copied up by open alone")
        os.pwrite(writer, b"new", PAGE)
        expected = PATTERN[:PAGE] + b"new" + PATTERN[PAGE + 3:]
        self.check("file", expected, reader, mapping, writer)
        os.close(writer)
        os.close(reader)
        mapping.close()
        writer = self.fd(self.at("file"), os.O_RDWR)
        late = self.fd(self.at("file"))
        os.pwrite(writer, b"X", 0)
        self.check("file", b"X" + expected[1:], writer, late, self.map(late))

    def test_a_writer_through_a_mapping(self):
        reader = self.fd(self.at("file"))
        mapping = self.map(reader)
        writing = self.map(self.fd(self.at("file"), os.O_RDWR), WRITABLE)
        writing[PAGE:PAGE + 3] = b"new"
        writing.flush()
        self.check("file", PATTERN[:PAGE] + b"new" + PATTERN[PAGE + 3:], reader, mapping, writing)

    def test_truncation_and_growth_under_a_reader(self):
        reader = self.fd(self.at("file"))
        mapping = self.map(reader)
        self.assertEqual(mapping[2 * PAGE:2 * PAGE + 1], b"C")
        os.truncate(self.at("file"), PAGE + 10)
        self.check("file", PATTERN[:PAGE + 10], reader)
        with open(self.at("file"), "ab") as writer:
            writer.write(b"appended")
        self.check("file", PATTERN[:PAGE + 10] + b"appended", reader)
        write(self.at("file"), b"replaced")
        self.check("file", b"replaced", reader)
        self.assertEqual(mapping[:8], b"replaced")

    def test_from_a_layer_to_the_upper_and_from_cached_to_passed(self):
        """Pages that were cached before the file was passed must not come back."""
        expected = PATTERN
        for turn in range(4):
            readers = [self.fd(self.at("file")) for _ in range(3)]
            self.assertEqual(os.pread(readers[0], len(PATTERN), 0), expected)
            writer = self.fd(self.at("file"), os.O_RDWR)
            text = f"turn {turn}".encode()
            os.pwrite(writer, text, turn * PAGE)
            expected = expected[:turn * PAGE] + text + expected[turn * PAGE + len(text):]
            self.check("file", expected, writer, *readers)
            self.close_all()
        self.remount()
        self.check("file", expected)


MODES = ("cached", "passthrough", "auto")
for _mode in MODES:
    placed("lower", "copied", "image")(
        type(f"Trap_{_mode}", (Trap, PlacedCase), {"mode": _mode, "__module__": __name__}))


class Passed(MountCase):
    """What the kernel does with a file of the upper by itself."""

    def setUp(self):
        super().setUp()
        self.mnt = self.mount([self.layer("lower", {"below": "below"})], options=["io=passthrough"])
        self.file = self.mnt / "file"
        write(self.file, PATTERN)

    def requests(self, action):
        """The reads and writes that the daemon makes meanwhile."""
        with proc.system_calls(self.mnt.pid, ["pwrite64", "preadv2"]) as counted:
            action()
        return counted["pwrite64"] + counted["preadv2"]

    def test_reads_and_writes_are_no_requests(self):
        fd = self.fd(self.file, os.O_RDWR)

        def use(fd):
            for page in range(16):
                os.pwrite(fd, b"new", page * PAGE)
                os.pread(fd, 10, page * PAGE)

        self.assertEqual(self.requests(lambda: use(fd)), 0)
        below = self.fd(self.mnt / "below", os.O_RDWR)
        self.assertGreater(self.requests(lambda: use(below)), 0, "a file of a layer that was opened before its copy-up")

    def test_attributes_follow(self):
        os.utime(self.file, ns=(OLD_TIME_NS, OLD_TIME_NS))
        fd = self.fd(self.file, os.O_WRONLY | os.O_APPEND)
        os.write(fd, b"more")
        after = os.stat(self.file)
        self.assertEqual(after.st_size, len(PATTERN) + 4)
        self.assertAlmostEqual(after.st_mtime_ns, time.time_ns(), delta=10 * 10**9)

    def test_a_write_through_a_mapping_moves_the_times_after_the_file_was_closed(self):
        fd = os.open(self.file, os.O_RDWR)
        mapping = mmap.mmap(fd, 0, mmap.MAP_SHARED, WRITABLE)
        os.close(fd)
        self.addCleanup(mapping.close)
        os.utime(self.file, ns=(OLD_TIME_NS, OLD_TIME_NS))
        self.assertEqual(os.stat(self.file).st_mtime_ns, OLD_TIME_NS)
        mapping[0:1] = b"x"
        self.assertAlmostEqual(os.stat(self.file).st_mtime_ns, time.time_ns(), delta=10 * 10**9)
        with open(self.file, "rb") as file:
            self.assertEqual(file.read(2), b"xA")

    def test_a_write_of_another_user_takes_set_user_id_away(self):
        for name, mode, left in (("a", 0o6777, 0o777), ("b", 0o2767, 0o767), ("c", 0o4766, 0o766)):
            path = self.mnt / name
            write(path, "program")
            os.chmod(path, mode)
            fd = self.fd(path, os.O_WRONLY)
            os.write(fd, b"by root")
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), mode)

            def change(path=path):
                with open(path, "r+b") as file:
                    file.write(b"by him ")

            proc.in_child(change, uid=4711, gid=4711)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), left, name)

    def test_a_write_takes_capabilities_away(self):
        os.setxattr(self.file, "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))
        with open(self.file, "r+b") as file:
            file.write(b"new")
        self.assertNotIn("security.capability", os.listxattr(self.file))

    def test_append_only_and_immutable_files(self):
        try:
            sysio.set_flags(self.file, sysio.get_flags(self.file) | 0x20)  # FS_APPEND_FL
        except OSError as error:
            self.skipTest(f"the file system of the test directory has no flags: {error}")
        self.addCleanup(lambda: sysio.set_flags(self.file, sysio.get_flags(self.file) & ~0x30))
        with self.errno(1):
            os.open(self.file, os.O_WRONLY)
        fd = self.fd(self.file, os.O_WRONLY | os.O_APPEND)
        os.write(fd, b"more")
        self.assertEqual(read(self.file), PATTERN + b"more")

    def test_a_file_without_a_name(self):
        fd = self.fd(self.file, os.O_RDWR)
        os.unlink(self.file)
        again = self.fd(f"/proc/self/fd/{fd}", os.O_RDWR)
        os.pwrite(again, b"new", 0)
        self.assertEqual(os.pread(fd, 4, 0), b"newA")
        temporary = self.fd(self.mnt.path, os.O_TMPFILE | os.O_RDWR)
        os.write(temporary, b"hidden")
        again = self.fd(f"/proc/self/fd/{temporary}")
        self.assertEqual(os.pread(again, 10, 0), b"hidden")

    def test_direct_writes_and_the_daemons_own(self):
        """O_DIRECT, copy_file_range and fallocate, beside a reader and a mapping."""
        reader = self.fd(self.file)
        mapping = mmap.mmap(reader, 0, mmap.MAP_SHARED, mmap.PROT_READ)
        self.addCleanup(mapping.close)
        block = mmap.mmap(-1, PAGE)
        block[:] = b"d" * PAGE
        os.pwritev(self.fd(self.file, os.O_WRONLY | os.O_DIRECT), [block], 2 * PAGE)
        fd = self.fd(self.file, os.O_RDWR)
        os.copy_file_range(fd, fd, PAGE, 2 * PAGE, 5 * PAGE)
        sysio.fallocate(fd, sysio.FALLOC_FL_PUNCH_HOLE | sysio.FALLOC_FL_KEEP_SIZE, 0, PAGE)
        expected = bytes(PAGE) + PATTERN[PAGE:2 * PAGE] + b"d" * PAGE + PATTERN[3 * PAGE:5 * PAGE] + b"d" * PAGE
        self.assertEqual(os.pread(reader, len(expected), 0), expected)
        self.assertEqual(mapping[:len(expected)], expected)

    def test_what_is_executed(self):
        path = self.mnt / "program"
        write(path, read("/bin/true"))
        os.chmod(path, 0o755)
        self.assertEqual(proc.run([path]).code, 0)


class Elsewhere(MountCase):
    """Mounts that cannot pass files, or need not."""

    def test_a_read_only_mount(self):
        mount = self.mount([self.layer("lower", {"file": PATTERN})], upper=False, options=["io=passthrough"])
        self.assertEqual(read(mount / "file"), PATTERN)

    def test_an_ordinary_user_is_told_and_has_io_cached(self):
        uid = runner.USER_WITH_IDS
        self.layer("lower", {"file": "old"})
        for name in ("upper", "work", "mnt"):
            os.mkdir(self.path(name))
        proc.run(["chown", "-R", f"{uid}:{uid}", self.dir], check=True)
        options = "lowerdir=lower,upperdir=upper,workdir=work,io=passthrough"
        done = proc.run(self.as_user([mounts.VENEERFS, "-o", options, "mnt"], uid), cwd=self.dir)
        self.addCleanup(lambda: mounts.is_mounted(self.path("mnt")) and mounts.unmount(self.path("mnt")))
        self.assertEqual((done.code, done.out), (0, ""), done)
        self.assertRegex(done.err, r"^veneerfs: .*io=passthrough is not possible here, using io=cached: it needs "
                                   r"CAP_SYS_ADMIN in the initial user namespace\n$")

        def use():
            write(self.path("mnt", "file"), "new")
            return read(self.path("mnt", "file"))

        self.assertEqual(proc.in_child(use, uid=uid, gid=uid), b"new")
        self.assertEqual(read(self.path("lower", "file")), b"old")
