# SPDX-License-Identifier: Apache-2.0
"""Memory maps: shared and private, and that they and read() show one file before and after it is copied up."""

import mmap
import os
import time

from support import proc
from support.files import read, write
from support.placed import PlacedCase, placed
from support.tree import OLD_TIME_NS, File

PAGE = mmap.PAGESIZE
PATTERN = b"".join(bytes([65 + i]) * PAGE for i in range(16))
TREE = {"file": File(0o644, data=PATTERN), "short": File(0o644, data=b"0123456789"),
        "program": File(0o755, data=open("/bin/true", "rb").read()),
        "other": File(0o644, data=b"other" * PAGE)}


@placed()
class Mmap(PlacedCase):
    TREE = TREE

    def map(self, name, flags=mmap.MAP_SHARED, protection=mmap.PROT_READ, length=0):
        """Maps a file of the mount and closes the descriptor, as programs do."""
        writable = protection & mmap.PROT_WRITE and flags == mmap.MAP_SHARED
        fd = os.open(self.at(name), os.O_RDWR if writable else os.O_RDONLY)
        try:
            mapping = mmap.mmap(fd, length, flags, protection)
        finally:
            os.close(fd)
        self.addCleanup(mapping.close)
        return mapping

    def test_a_mapping_made_before_the_copy_up_sees_later_writes(self):
        for flags in (mmap.MAP_SHARED, mmap.MAP_PRIVATE):
            self.doCleanups()
            self.setUp()
            mapping = self.map("file", flags)
            self.assertEqual(mapping[:3], b"AAA")
            fd = self.fd(self.at("file"), os.O_WRONLY)
            os.pwrite(fd, b"new", 0)
            os.pwrite(fd, b"later", 5 * PAGE)
            self.assertEqual(mapping[:4], b"newA")
            self.assertEqual(mapping[5 * PAGE:5 * PAGE + 6], b"laterF")
            mapping.close()

    def test_a_write_through_a_shared_mapping(self):
        mapping = self.map("file", protection=mmap.PROT_READ | mmap.PROT_WRITE)
        before = self.map("file")
        mapping[0:5] = b"first"
        mapping[7 * PAGE:7 * PAGE + 4] = b"page"
        self.assertEqual(read(self.at("file"))[:6], b"firstA")
        self.assertEqual(before[7 * PAGE:7 * PAGE + 5], b"pageH")
        mapping.flush()
        mapping.close()
        before.close()
        expected = bytearray(PATTERN)
        expected[0:5], expected[7 * PAGE:7 * PAGE + 4] = b"first", b"page"
        for _ in range(2):
            self.assertEqual(read(self.at("file")), expected)
            self.remount()

    def test_a_write_through_a_mapping_without_msync_is_kept(self):
        mapping = self.map("file", protection=mmap.PROT_READ | mmap.PROT_WRITE)
        mapping[3 * PAGE:3 * PAGE + 4] = b"kept"
        mapping.close()
        self.remount()
        self.assertEqual(read(self.at("file"))[3 * PAGE:3 * PAGE + 5], b"keptD")

    def test_a_write_through_a_mapping_moves_the_times(self):
        """mmap(2), NOTES: st_mtime and st_ctime change between the write and the next msync."""
        os.utime(self.at("file"), ns=(OLD_TIME_NS, OLD_TIME_NS))
        before = os.stat(self.at("file"))
        mapping = self.map("file", protection=mmap.PROT_READ | mmap.PROT_WRITE)
        mapping[0:1] = b"x"
        mapping.flush()
        mapping.close()
        after = os.stat(self.at("file"))
        self.assertAlmostEqual(after.st_mtime_ns, time.time_ns(), delta=10 * 10**9)
        self.assertGreater(after.st_ctime_ns, before.st_ctime_ns)

    def test_a_private_mapping_changes_nothing(self):
        mapping = self.map("file", mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
        mapping[0:5] = b"never"
        self.assertEqual(mapping[:5], b"never")
        self.assertEqual(read(self.at("file")), PATTERN)
        mapping.close()
        self.remount()
        self.assertEqual(read(self.at("file")), PATTERN)

    def test_bytes_beyond_the_end_are_zero_and_are_not_written(self):
        mapping = self.map("short", protection=mmap.PROT_READ | mmap.PROT_WRITE, length=10)
        mapping[9:10] = b"!"
        mapping.flush()
        mapping.close()
        self.assertEqual(read(self.at("short")), b"012345678!")
        os.truncate(self.at("short"), 20)
        self.assertEqual(read(self.at("short")), b"012345678!" + bytes(10))

    def test_a_mapping_sees_truncation_and_growth(self):
        mapping = self.map("file")
        os.truncate(self.at("file"), PAGE + 10)
        self.assertEqual(mapping[PAGE:PAGE + 12], b"B" * 10 + b"\0\0")
        os.truncate(self.at("file"), len(PATTERN))
        self.assertEqual(mapping[PAGE + 8:PAGE + 12], b"BB\0\0")
        self.assertEqual(mapping[4 * PAGE:4 * PAGE + 2], b"\0\0")

    def test_a_mapping_outlives_the_name(self):
        mapping = self.map("file", protection=mmap.PROT_READ | mmap.PROT_WRITE)
        os.unlink(self.at("file"))
        self.assertEqual(mapping[2 * PAGE:2 * PAGE + 2], b"CC")
        mapping[2 * PAGE:2 * PAGE + 2] = b"cc"
        mapping.flush()
        self.assertEqual(mapping[2 * PAGE:2 * PAGE + 3], b"ccC")
        other = self.map("other")
        os.rename(self.at("short"), self.at("other"))
        self.assertEqual(other[:5], b"other")
        self.assertEqual(read(self.at("other")), b"0123456789")

    def test_a_mapping_survives_dropped_caches(self):
        mapping = self.map("file", protection=mmap.PROT_READ | mmap.PROT_WRITE)
        mapping[0:4] = b"kept"
        mapping.flush()
        write("/proc/sys/vm/drop_caches", "3")
        self.assertEqual(mapping[:5], b"keptA")
        self.assertEqual(read(self.at("file"))[:5], b"keptA")

    def test_programs_run_and_are_copied_up(self):
        self.assertEqual(proc.run([self.at("program")]).code, 0)
        os.chmod(self.at("program"), 0o755)
        self.assertEqual(proc.run([self.at("program")]).code, 0)
        with open(self.at("program"), "ab") as file:
            file.write(b"appended")
        self.assertEqual(proc.run([self.at("program")]).code, 0)
        self.remount()
        self.assertEqual(proc.run([self.at("program")]).code, 0)
