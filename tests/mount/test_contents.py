# SPDX-License-Identifier: Apache-2.0
"""Contents: reading, writing, holes, space, copying, syncing and locking."""

import errno
import fcntl
import os
import random
import struct
import threading

from support import proc, sysio
from support.case import MountCase
from support.files import read, write
from support.placed import PlacedCase, placed
from support.tree import File, Hard

BLOCK = 4096
PATTERN = bytes(range(256)) * 1024  # 256 KiB
HOLE_SIZE = 1 << 20
TREE = {
    "small": File(0o644, data=b"0123456789"),
    "big": File(0o644, data=PATTERN),
    "sparse": File(0o644, data=[(0, b"head"), (HOLE_SIZE, b"middle"), (3 * HOLE_SIZE, b"tail")],
                   size=4 * HOLE_SIZE),
    "all-hole": File(0o644, data=b"", size=5 * HOLE_SIZE),
    "empty": File(0o644, data=b""),
    "dir": {},
}


def segments(fd):
    """The data segments of a file, as (start, end)."""
    result, position, size = [], 0, os.fstat(fd).st_size
    while position < size:
        try:
            start = os.lseek(fd, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                break
            raise
        position = os.lseek(fd, start, os.SEEK_HOLE)
        result.append((start, position))
    return result


@placed()
class Contents(PlacedCase):
    TREE = TREE

    def check(self, name, expected):
        """The contents are these, also after a remount."""
        self.assertEqual(read(self.at(name)), expected)
        self.remount()
        self.assertEqual(read(self.at(name)), expected, "after a remount")

    def test_read_at_every_edge(self):
        fd = self.fd(self.at("big"))
        size = len(PATTERN)
        for offset, length in ((0, 1), (1, BLOCK), (BLOCK - 1, 2), (size - 1, 10), (size, 10),
                               (size + 10**9, 10), (0, 2 * size), (12345, 100_000)):
            self.assertEqual(os.pread(fd, length, offset), PATTERN[offset:offset + length])

    def test_write_in_the_middle_keeps_the_rest(self):
        fd = self.fd(self.at("big"), os.O_RDWR)
        expected = bytearray(PATTERN)
        for offset, data in ((0, b"A"), (BLOCK - 1, b"BB"), (100_000, b"C" * 10_000),
                             (len(PATTERN) - 1, b"DDD"), (len(PATTERN) + 5000, b"E")):
            self.assertEqual(os.pwrite(fd, data, offset), len(data))
            expected[len(expected):] = bytes(max(0, offset + len(data) - len(expected)))
            expected[offset:offset + len(data)] = data
        self.check("big", bytes(expected))

    def test_a_short_text_over_a_longer_one_and_back(self):
        """Overwritten files must be neither old contents nor zeros."""
        for data in (b"x" * 10_000, b"short", b"y" * 23_456, b""):
            for name in ("small", "big", "empty", "sparse"):
                write(self.at(name), data)
                self.assertEqual(read(self.at(name)), data)
            self.remount()
            for name in ("small", "big", "empty", "sparse"):
                self.assertEqual(read(self.at(name)), data)

    def test_append(self):
        one = self.fd(self.at("small"), os.O_WRONLY | os.O_APPEND)
        two = self.fd(self.at("small"), os.O_RDWR | os.O_APPEND)
        os.write(one, b"A")
        os.write(two, b"B")
        os.lseek(one, 0, os.SEEK_SET)
        os.write(one, b"C")
        os.pwrite(two, b"D", 0)  # pwrite(2), BUGS: appends on Linux
        self.check("small", b"0123456789ABCD")

    def test_appends_of_several_processes_are_all_there(self):
        def append(index):
            def work():
                fd = os.open(self.at("small"), os.O_WRONLY | os.O_APPEND)
                for number in range(200):
                    os.write(fd, b"%d:%03d\n" % (index, number))
                os.close(fd)
            return threading.Thread(target=work)
        threads = [append(index) for index in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lines = read(self.at("small"))[10:].splitlines()
        self.assertEqual(sorted(lines), sorted(b"%d:%03d" % (i, n) for i in range(4) for n in range(200)))

    def test_truncate_on_open(self):
        fd = self.fd(self.at("big"), os.O_RDWR | os.O_TRUNC)
        self.assertEqual(os.fstat(fd).st_size, 0)
        os.write(fd, b"new")
        self.check("big", b"new")

    def test_open_with_truncate_of_what_cannot_be_written(self):
        os.chmod(self.at("small"), 0o444)
        with self.errno(errno.EACCES):
            proc.in_child(lambda: os.close(os.open(self.at("small"), os.O_WRONLY | os.O_TRUNC)),
                          uid=3333, gid=3333)
        self.assertEqual(read(self.at("small")), b"0123456789")

    def test_direct_io(self):
        buffer = sysio.AlignedBuffer(2 * BLOCK)
        self.addCleanup(buffer.close)
        fd = self.fd(self.at("big"), os.O_RDWR | os.O_DIRECT)
        self.assertEqual(os.preadv(fd, [buffer.view], BLOCK), 2 * BLOCK)
        self.assertEqual(bytes(buffer.view), PATTERN[BLOCK:3 * BLOCK])
        buffer.view[:] = b"D" * (2 * BLOCK)
        self.assertEqual(os.pwritev(fd, [buffer.view], 4 * BLOCK), 2 * BLOCK)
        buffered = self.fd(self.at("big"))
        self.assertEqual(os.pread(buffered, 2 * BLOCK, 4 * BLOCK), b"D" * (2 * BLOCK))
        self.check("big", PATTERN[:4 * BLOCK] + b"D" * (2 * BLOCK) + PATTERN[6 * BLOCK:])

    def test_direct_and_buffered_io_see_each_other(self):
        buffer = sysio.AlignedBuffer(BLOCK)
        self.addCleanup(buffer.close)
        direct = self.fd(self.at("big"), os.O_RDWR | os.O_DIRECT)
        buffered = self.fd(self.at("big"), os.O_RDWR)
        os.pread(buffered, BLOCK, 0)
        buffer.view[:] = b"1" * BLOCK
        os.pwritev(direct, [buffer.view], 0)
        self.assertEqual(os.pread(buffered, BLOCK, 0), b"1" * BLOCK)
        os.pwrite(buffered, b"2" * BLOCK, 0)
        os.preadv(direct, [buffer.view], 0)
        self.assertEqual(bytes(buffer.view), b"2" * BLOCK)
        os.pwrite(buffered, b"3" * BLOCK, len(PATTERN))
        os.preadv(direct, [buffer.view], len(PATTERN))
        self.assertEqual(bytes(buffer.view), b"3" * BLOCK)

    def test_an_open_reader_sees_later_writes(self):
        """Also when the write copies the file up: POSIX knows one file, not two."""
        reader = self.fd(self.at("big"))
        self.assertEqual(os.pread(reader, 4, 0), PATTERN[:4])
        write_fd = self.fd(self.at("big"), os.O_WRONLY)
        os.pwrite(write_fd, b"seen", 0)
        self.assertEqual(os.pread(reader, 4, 0), b"seen")
        os.pwrite(write_fd, b"end", len(PATTERN))
        self.assertEqual(os.pread(reader, 10, len(PATTERN)), b"end")
        self.assertEqual(os.fstat(reader).st_size, len(PATTERN) + 3)
        os.ftruncate(write_fd, 2)
        self.assertEqual(os.pread(reader, 10, 0), b"se")
        os.chmod(self.at("big"), 0o600)
        self.assertEqual(os.fstat(reader).st_mode & 0o777, 0o600)

    def test_seek_hole_and_data(self):
        fd = self.fd(self.at("sparse"))
        expected = [(0, BLOCK), (HOLE_SIZE, HOLE_SIZE + BLOCK), (3 * HOLE_SIZE, 3 * HOLE_SIZE + BLOCK)]
        self.assertEqual(segments(fd), expected)
        fd = self.fd(self.at("all-hole"))
        with self.errno(errno.ENXIO):
            os.lseek(fd, 0, os.SEEK_DATA)
        self.assertEqual(os.lseek(fd, 0, os.SEEK_HOLE), 0)
        with self.errno(errno.ENXIO):
            os.lseek(fd, 5 * HOLE_SIZE, os.SEEK_HOLE)
        fd = self.fd(self.at("small"))
        self.assertEqual(os.lseek(fd, 3, os.SEEK_DATA), 3)
        self.assertEqual(os.lseek(fd, 3, os.SEEK_HOLE), 10)
        self.assertEqual(os.lseek(fd, -3, os.SEEK_END), 7)

    def test_holes_survive_a_copy_up(self):
        blocks = os.stat(self.at("sparse")).st_blocks
        fd = self.fd(self.at("sparse"), os.O_RDWR)
        os.pwrite(fd, b"HEAD", 0)
        self.assertEqual(len(segments(fd)), 3)
        self.assertLessEqual(os.fstat(fd).st_blocks, blocks + 16)
        os.close(fd)
        expected = bytearray(4 * HOLE_SIZE)
        expected[0:4], expected[HOLE_SIZE:HOLE_SIZE + 6] = b"HEAD", b"middle"
        expected[3 * HOLE_SIZE:3 * HOLE_SIZE + 4] = b"tail"
        self.check("sparse", bytes(expected))
        self.assertLessEqual(os.stat(self.at("sparse")).st_blocks, blocks + 16)

    def test_fallocate(self):
        fd = self.fd(self.at("big"), os.O_RDWR)
        expected = bytearray(PATTERN)
        keep = sysio.FALLOC_FL_KEEP_SIZE
        sysio.fallocate(fd, sysio.FALLOC_FL_PUNCH_HOLE | keep, BLOCK, 2 * BLOCK)
        expected[BLOCK:3 * BLOCK] = bytes(2 * BLOCK)
        self.assertEqual(os.pread(fd, len(PATTERN), 0), expected)
        sysio.fallocate(fd, sysio.FALLOC_FL_ZERO_RANGE, 8 * BLOCK, BLOCK)
        expected[8 * BLOCK:9 * BLOCK] = bytes(BLOCK)
        self.assertEqual(os.pread(fd, len(PATTERN), 0), expected)
        sysio.fallocate(fd, keep, len(PATTERN), 10 * BLOCK)
        self.assertEqual(os.fstat(fd).st_size, len(PATTERN))
        sysio.fallocate(fd, 0, len(PATTERN), BLOCK)
        expected += bytes(BLOCK)
        self.assertEqual(os.fstat(fd).st_size, len(PATTERN) + BLOCK)
        self.check("big", bytes(expected))

    def test_fallocate_refused_as_elsewhere(self):
        """A range that is collapsed or inserted moves pages: done as the upper does, or EOPNOTSUPP; never wrong."""
        fd = self.fd(self.at("big"), os.O_RDWR)
        expected = PATTERN
        try:
            sysio.fallocate(fd, sysio.FALLOC_FL_COLLAPSE_RANGE, 0, BLOCK)
            expected = expected[BLOCK:]
        except OSError as error:
            self.assertIn(error.errno, (errno.EOPNOTSUPP, errno.EINVAL))
        self.assertEqual(os.pread(fd, 2 * len(PATTERN), 0), expected)
        with self.errno(errno.EINVAL):
            sysio.fallocate(fd, 0, 0, 0)
        with self.errno(errno.EBADF):
            sysio.fallocate(self.fd(self.at("big")), 0, 0, BLOCK)
        self.check("big", expected)

    def test_fallocate_makes_space_that_reads_zero(self):
        fd = self.fd(self.at("empty"), os.O_RDWR)
        os.posix_fallocate(fd, 0, 100_000)
        self.assertGreaterEqual(os.fstat(fd).st_blocks * 512, 100_000)
        self.check("empty", bytes(100_000))

    def test_copy_file_range(self):
        for source, target in (("big", "small"), ("big", "new"), ("sparse", "empty")):
            with self.subTest(f"{source} -> {target}"):
                data = read(self.at(source))
                input_fd = self.fd(self.at(source))
                output = self.fd(self.at(target), os.O_RDWR | os.O_CREAT | os.O_TRUNC)
                done = 0
                while step := os.copy_file_range(input_fd, output, len(data)):
                    done += step
                self.assertEqual(done, len(data))
                self.assertEqual(read(self.at(target)), data)
        inside = self.fd(self.at("big"), os.O_RDWR)
        self.assertEqual(os.copy_file_range(inside, inside, 100, 0, 100_000), 100)
        self.assertEqual(os.pread(inside, 100, 100_000), PATTERN[:100])
        with self.errno(errno.EINVAL, "overlapping ranges of one file"):
            os.copy_file_range(inside, inside, 100, 0, 50)
        self.check("big", PATTERN[:100_000] + PATTERN[:100] + PATTERN[100_100:])

    def test_copy_file_range_after_an_unsynced_write(self):
        fd = self.fd(self.at("big"), os.O_RDWR)
        os.pwrite(fd, b"fresh", 10)
        out = self.fd(self.at("copy"), os.O_RDWR | os.O_CREAT)
        os.copy_file_range(fd, out, 100, 0)
        self.assertEqual(os.pread(out, 100, 0), PATTERN[:10] + b"fresh" + PATTERN[15:100])

    def test_sendfile_and_splice(self):
        out = self.fd(self.at("small"), os.O_RDWR)
        self.assertEqual(os.sendfile(out, self.fd(self.at("big")), 1000, 3000), 3000)
        self.assertEqual(read(self.at("small")), PATTERN[1000:4000])
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        self.assertEqual(os.splice(self.fd(self.at("big")), writer, 2000, offset_src=5000), 2000)
        self.assertEqual(os.splice(reader, out, 2000, offset_dst=0), 2000)
        self.assertEqual(read(self.at("small")), PATTERN[5000:7000] + PATTERN[3000:4000])

    def test_fsync_and_syncfs(self):
        fd = self.fd(self.at("small"), os.O_RDWR)
        os.fsync(fd)
        os.pwrite(fd, b"x", 0)
        os.fsync(fd)
        os.fdatasync(fd)
        directory = self.fd(self.at("dir"), os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(directory)
        write(self.at("dir", "new"), "x")
        os.fsync(directory)
        os.fdatasync(directory)
        sysio.syncfs(fd)
        sysio.syncfs(directory)
        sync_fd = self.fd(self.at("small"), os.O_WRONLY | os.O_SYNC)
        os.pwrite(sync_fd, b"y", 1)
        self.check("small", b"xy23456789")

    def test_flock(self):
        one, two = self.fd(self.at("small")), self.fd(self.at("small"))
        fcntl.flock(one, fcntl.LOCK_SH)
        fcntl.flock(two, fcntl.LOCK_SH)
        with self.errno(errno.EAGAIN):
            fcntl.flock(two, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(one, fcntl.LOCK_UN)
        fcntl.flock(two, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with self.errno(errno.EAGAIN):
            fcntl.flock(one, fcntl.LOCK_SH | fcntl.LOCK_NB)
        os.pwrite(self.fd(self.at("small"), os.O_WRONLY), b"copied up", 0)
        with self.errno(errno.EAGAIN, "a copy-up must not lose a lock"):
            fcntl.flock(one, fcntl.LOCK_SH | fcntl.LOCK_NB)
        os.close(two)
        fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def test_posix_locks(self):
        fd = self.fd(self.at("small"), os.O_RDWR)
        fcntl.lockf(fd, fcntl.LOCK_EX, 5, 0)

        def lock_first():
            other = os.open(self.at("small"), os.O_RDWR)
            fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 0)

        def lock_second():
            other = os.open(self.at("small"), os.O_RDWR)
            fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 5)

        with self.errno((errno.EAGAIN, errno.EACCES)):
            proc.in_child(lock_first)
        proc.in_child(lock_second)
        os.pwrite(fd, b"copied up", 0)
        with self.errno((errno.EAGAIN, errno.EACCES)):
            proc.in_child(lock_first)
        fcntl.lockf(fd, fcntl.LOCK_UN, 5, 0)
        proc.in_child(lock_first)
        # An open file description lock (fcntl F_OFD_SETLK), against one of this very process.
        other = self.fd(self.at("small"), os.O_RDWR)
        request = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        fcntl.fcntl(fd, 37, request)
        with self.errno((errno.EAGAIN, errno.EACCES)):
            fcntl.fcntl(other, 37, request)


@placed("lower", "upper", "image")
class TmpFiles(PlacedCase):
    TREE = {"dir": {"x": "x"}}

    def test_a_file_without_a_name(self):
        fd = self.fd(self.at("dir"), os.O_TMPFILE | os.O_RDWR, 0o640)
        self.assertEqual(os.fstat(fd).st_nlink, 0)
        os.write(fd, b"hidden")
        os.setxattr(fd, "user.a", b"1")
        self.assertEqual(os.listdir(self.at("dir")), ["x"])
        self.assertEqual(os.pread(fd, 10, 0), b"hidden")
        os.ftruncate(fd, 3)
        self.assertEqual(os.fstat(fd).st_size, 3)

    def test_linking_it_in(self):
        fd = self.fd(self.at("dir"), os.O_TMPFILE | os.O_RDWR, 0o640)
        os.write(fd, b"contents")
        sysio.linkat(sysio.AT_FDCWD, f"/proc/self/fd/{fd}", self.at("dir", "named"),
                     sysio.AT_SYMLINK_FOLLOW)
        self.assertEqual(os.fstat(fd).st_nlink, 1)
        self.assertEqual(read(self.at("dir", "named")), b"contents")
        self.assertEqual(os.stat(self.at("dir", "named")).st_mode & 0o777, 0o640)
        self.assertEqual(os.stat(self.at("dir", "named")).st_ino, os.fstat(fd).st_ino)
        with self.errno(errno.EEXIST):
            sysio.linkat(fd, "", self.at("dir", "x"), sysio.AT_EMPTY_PATH)
        sysio.linkat(fd, "", self.at("dir", "second"), sysio.AT_EMPTY_PATH)
        self.assertEqual(os.stat(self.at("dir", "named")).st_nlink, 2)
        os.pwrite(fd, b"C", 0)
        os.close(fd)
        for _ in range(2):
            self.assertEqual(read(self.at("dir", "second")), b"Contents")
            self.assertEqual(sorted(os.listdir(self.at("dir"))), ["named", "second", "x"])
            self.remount()

    def test_o_excl_keeps_it_nameless(self):
        fd = self.fd(self.at("dir"), os.O_TMPFILE | os.O_RDWR | os.O_EXCL)
        with self.errno(errno.ENOENT):
            sysio.linkat(sysio.AT_FDCWD, f"/proc/self/fd/{fd}", self.at("dir", "named"),
                         sysio.AT_SYMLINK_FOLLOW)

    def test_it_takes_umask_group_and_acl_of_its_place(self):
        os.chown(self.at("dir"), -1, 7)
        os.chmod(self.at("dir"), 0o2777)
        fd = self.fd(self.at("dir"), os.O_TMPFILE | os.O_RDWR, 0o666)
        self.assertEqual((os.fstat(fd).st_gid, os.fstat(fd).st_mode & 0o7777), (7, 0o644))


class ManySmallWrites(MountCase):
    """Page-sized writes at random places of a large lower file, with the page cache dropped meanwhile."""

    def test_pages_land_where_they_belong(self):
        seed = int(os.environ.get("SEED", random.randrange(10**9)))
        print(f"(SEED={seed})", end=" ")
        rng = random.Random(seed)
        size = 24 << 20
        model = bytearray(rng.randbytes(size))
        lower = self.layer("lower", {"db": File(data=bytes(model)), "twin": Hard("db")})
        mount = self.mount([lower])
        for round_number in range(3):
            fd = os.open(mount / "db", os.O_RDWR)
            for _ in range(1500):
                page = rng.randrange(size // BLOCK) * BLOCK
                length = rng.choice((BLOCK, BLOCK, 512, 100, 3 * BLOCK))
                data = rng.randbytes(length)
                os.pwrite(fd, data, page)
                model[page:page + length] = data
                if rng.random() < 0.01:
                    os.fsync(fd)
            os.close(fd)
            del model[max(size, 0) + 3 * BLOCK:]
            if round_number == 1:
                write("/proc/sys/vm/drop_caches", "3")
            else:
                mount.remount()
            self.assertTrue(read(mount / "db") == model, f"bytes at wrong places, round {round_number}")
            self.assertTrue(read(mount / "twin") == model, "the other name of the file differs")
