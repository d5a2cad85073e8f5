# SPDX-License-Identifier: Apache-2.0
"""Upper directories on disks that are nearly full, or that lose power: what failed is told of, what was acknowledged stays."""

import errno
import mmap
import os
import subprocess

from support import disks, sysio
from support.case import MountCase
from support.files import read, write

MIB = 1 << 20
MODES = ("cached", "passthrough")


class DiskCase(MountCase):
    """A case with layers and upper on a disk of its own."""

    def on_disk(self, entries, size, kind="ext4", options=(), mkfs=()):
        """Makes a disk and mounts a union on it; the disk and the mount."""
        disk = disks.Disk(self, self.path("disk"), size, kind, mkfs)
        lower = self.layer("disk/lower", entries)
        return disk, self.mount([lower], upper=self.path("disk/upper"), options=options)


class NearlyFull(DiskCase):
    def test_a_mapping_that_does_not_fit_fails_to_be_synced(self):
        for mode in MODES:
            with self.subTest(mode):
                disk, mount = self.on_disk({}, 24, options=[f"io={mode}"])
                fd = self.fd(mount / "file", os.O_RDWR | os.O_CREAT)
                os.ftruncate(fd, MIB)
                mapping = mmap.mmap(fd, MIB)
                disk.fill(64 << 10)
                told = self.codes_of(lambda: self.overwrite(mapping), mapping.flush, lambda: os.fsync(fd))
                self.assertIn(errno.ENOSPC, told)
                mapping.close()
                self.doCleanups()
                self.setUp()

    @staticmethod
    def overwrite(mapping):
        """Writes all of a mapping, in a child that a file system may end with SIGBUS: that tells, too."""
        pid = os.fork()
        if pid == 0:
            mapping[:] = b"A" * len(mapping)
            os._exit(0)
        if os.waitpid(pid, 0)[1] != 0:
            raise OSError(errno.ENOSPC, "SIGBUS")

    @staticmethod
    def codes_of(*calls):
        """What fails, of the calls that are made one after the other."""
        codes = []
        for call in calls:
            try:
                call()
            except OSError as error:
                codes.append(error.errno)
        return codes

    def test_a_write_that_fits_in_part_says_how_much(self):
        _, mount = self.on_disk({}, 24)
        fd = self.fd(mount / "file", os.O_RDWR | os.O_CREAT)
        done = os.pwrite(fd, b"A" * (30 * MIB), 0)
        self.assertLess(done, 30 * MIB)
        self.assertEqual(os.fstat(fd).st_size, done)
        self.assertEqual(read(mount / "file"), b"A" * done)

    def test_a_failed_change_leaves_no_old_attributes_behind(self):
        disk, mount = self.on_disk({"below": "below"}, 24)
        write(mount / "file", "")
        write(os.path.join(disk.path, "spare"), bytes(64 << 10))
        reader = self.fd(mount / "file")
        self.assertEqual(os.fstat(reader).st_size, 0)
        with self.errno(errno.ENOSPC):
            sysio.fallocate(self.fd(mount / "file", os.O_RDWR), 0, 0, 40 * MIB)
        on_disk = os.stat(os.path.join(mount.upper, "file"))
        for status in (os.fstat(reader), os.stat(mount / "file")):
            self.assertEqual((status.st_size, status.st_blocks), (on_disk.st_size, on_disk.st_blocks))
        os.unlink(os.path.join(disk.path, "spare"))
        os.sync()
        with open(mount / "file", "ab", buffering=0) as file:
            file.write(b"end")
        text = read(mount / "file")
        self.assertEqual((len(text), text[-3:]), (on_disk.st_size + 3, b"end"))
        self.assertEqual(text, read(os.path.join(mount.upper, "file")))


class OverQuota(DiskCase):
    """btrfs has limits that root, too, is held to."""

    def limited(self, mode):
        disk = disks.Disk(self, self.path("disk"), 300, "btrfs")
        for words in (["quota", "enable", disk.path], ["qgroup", "limit", "8M", disk.path]):
            subprocess.run(["btrfs", *words], check=True)
        lower = self.layer("disk/lower", {"below": "x" * MIB})
        return self.mount([lower], upper=self.path("disk/upper"), options=[f"io={mode}"])

    def test_a_write_and_a_copy_up_are_told_of_the_quota(self):
        for mode in MODES:
            with self.subTest(mode):
                mount = self.limited(mode)
                fd = self.fd(mount / "file", os.O_RDWR | os.O_CREAT)
                with self.errno(errno.EDQUOT):
                    for _ in range(16):
                        os.pwrite(fd, bytes(MIB), os.fstat(fd).st_size)
                        os.fsync(fd)
                self.assertEqual(read(mount / "file"), bytes(os.fstat(fd).st_size))
                with self.errno(errno.EDQUOT, "copy-up"):
                    with open(mount / "below", "ab", buffering=0) as file:
                        file.write(b"more")
                self.assertEqual(read(mount / "below"), b"x" * MIB)
                self.doCleanups()
                self.setUp()

    def test_a_mapping_beyond_the_quota_fails_to_be_synced(self):
        for mode in MODES:
            with self.subTest(mode):
                mount = self.limited(mode)
                fd = self.fd(mount / "file", os.O_RDWR | os.O_CREAT)
                os.ftruncate(fd, 16 * MIB)
                mapping = mmap.mmap(fd, 16 * MIB)
                told = NearlyFull.codes_of(lambda: NearlyFull.overwrite(mapping), mapping.flush, lambda: os.fsync(fd))
                # Of an error in write-back the kernel keeps only whether it was ENOSPC; SIGBUS
                # counts as that.
                self.assertTrue({errno.EDQUOT, errno.EIO, errno.ENOSPC} & set(told), told)
                mapping.close()
                self.doCleanups()
                self.setUp()


class Attributes(DiskCase):
    def test_the_block_size_is_that_of_the_upper(self):
        _, mount = self.on_disk({"below": "below"}, 24, mkfs=["-b", "1024"])
        write(mount / "new", "new")
        for name in ("below", "new", "."):
            self.assertEqual(os.stat(mount / name).st_blksize, 1024, name)

    def test_reading_marks_no_time_of_access(self):
        """Whatever the mount was told, on a disk that marks every one."""
        disk = disks.Disk(self, self.path("disk"), 24)
        subprocess.run(["mount", "-o", "remount,strictatime", disk.path], check=True)
        lower = self.layer("disk/lower", {"dir": {"below": "below"}})
        before = {path: os.stat(path).st_atime_ns for path in (lower, f"{lower}/dir", f"{lower}/dir/below")}
        for option in ("noatime", "atime", "relatime", "strictatime"):
            mount = self.mount([lower], upper=self.path("disk/upper"), options=[option], name=option, before={})
            os.makedirs(mount / "made", exist_ok=True)
            write(mount / "made/new", "new")
            upper = {path: os.stat(path).st_atime_ns for path in
                     (os.path.join(mount.upper, name) for name in ("made", "made/new"))}
            shown = os.stat(mount / "made/new").st_atime_ns
            for name in ("dir/below", "made/new"):
                self.assertEqual(read(mount / name), os.path.basename(name).encode())
                os.listdir(os.path.dirname(mount / name))
            self.assertEqual(os.stat(mount / "made/new").st_atime_ns, shown)
            mount.stop()
            for path, time in {**before, **upper}.items():
                self.assertEqual(os.stat(path).st_atime_ns, time, path)


class Power(DiskCase):
    """What fdatasync and its like acknowledged just after a copy-up."""

    def acknowledged(self, change, kind="ext4", options=(), entries=None):
        """The contents of `file` after `change(path)` and a cut."""
        disk, mount = self.on_disk(entries or {"file": b"o" * 5000, "big": b"o" * MIB}, 320, kind, options)
        os.sync()
        change(mount / "file")
        disk.cut()
        self.close_all()
        mount.expected_log = "."
        mount.kill()
        disk.umount()
        disk.mount()
        again = self.mount([self.path("disk/lower")], upper=self.path("disk/upper"), name="again")
        text = read(again / "file")
        self.doCleanups()
        self.setUp()
        return text

    def fdatasync(self, path):
        fd = self.fd(path, os.O_RDWR)
        os.pwrite(fd, b"NEW", 0)
        os.fdatasync(fd)

    def dsync(self, path):
        os.pwrite(self.fd(path, os.O_RDWR | os.O_DSYNC), b"NEW", 0)

    def msync(self, path):
        fd = self.fd(path, os.O_RDWR)
        mapping = mmap.mmap(fd, 4096)
        mapping[:3] = b"NEW"
        mapping.flush()
        mapping.close()

    def copied_range(self, path):
        source = self.fd(os.path.join(os.path.dirname(path), "source"), os.O_RDWR | os.O_CREAT)
        os.write(source, b"NEW")
        fd = self.fd(path, os.O_RDWR)
        os.copy_file_range(source, fd, 3, 0, 0)
        os.fdatasync(fd)

    def direct(self, path):
        buffer = sysio.AlignedBuffer(4096)
        buffer.view[:3] = b"NEW"
        fd = self.fd(path, os.O_WRONLY | os.O_DIRECT | os.O_DSYNC)
        os.pwritev(fd, [buffer.view], 0)
        buffer.close()

    def after_chmod(self, path):
        os.chmod(path, 0o600)
        os.sync()
        self.fdatasync(path)

    def test_bytes_of_a_file_that_was_copied_up_stay(self):
        changes = (self.fdatasync, self.dsync, self.msync, self.copied_range, self.direct, self.after_chmod)
        for change in changes:
            for kind in ("ext4", "xfs"):
                with self.subTest(change.__name__, kind=kind):
                    self.assertEqual(self.acknowledged(change, kind)[:4], b"NEW" + self.rest(change))

    @staticmethod
    def rest(change):
        return b"\0" if change.__name__ == "direct" else b"o"

    def test_the_same_for_a_file_that_is_copied_in_two_steps(self):
        entries = {"file": b"o" * MIB}
        for change in (self.fdatasync, self.msync):
            self.assertEqual(self.acknowledged(change, entries=entries)[:4], b"NEWo")

    def test_the_same_for_a_second_opener_that_passes_the_daemon(self):
        for change in (self.dsync, self.msync):
            with self.subTest(change.__name__):

                def after_copy_up(path, change=change):
                    self.copy_up(path)
                    change(path)

                self.assertEqual(self.acknowledged(after_copy_up, options=["io=passthrough"])[:4], b"NEWo")

    @staticmethod
    def copy_up(path):
        with open(path, "r+b") as file:
            file.write(b"old")

    def test_bytes_of_a_new_file_stay(self):
        def make(path):
            os.unlink(path)  # its name is a whiteout then, which the new file replaces
            fd = self.fd(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            os.write(fd, b"NEW")
            os.fdatasync(fd)

        for mode in MODES:
            with self.subTest(mode):
                self.assertEqual(self.acknowledged(make, options=[f"io={mode}"]), b"NEW")
