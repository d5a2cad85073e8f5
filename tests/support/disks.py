# SPDX-License-Identifier: Apache-2.0
"""Disks that fail on purpose: small ones that get full, and ones that lose power.

A Disk is a file system of its own in a file. cut() stops it as a power failure does: what the file system has not
committed to the disk is gone (FS_IOC_SHUTDOWN without a flush of the journal; ext4, XFS and others know it).
"""

import fcntl
import os
import struct
import subprocess

from support import mounts

# linux/fs.h since 6.13; before that the same number under the names of single file systems.
FS_IOC_SHUTDOWN = 0x8004587d
SHUTDOWN_NO_FLUSH = 2

MAKE = {
    "ext4": ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
    "xfs": ["mkfs.xfs", "-q", "-f"],
    "btrfs": ["mkfs.btrfs", "-q", "-f"],
}


class Disk:
    """A file system of `size` MiB, mounted at `path` on a loop device. The case's `addCleanup` takes it away."""

    def __init__(self, case, path, size, kind="ext4", options=()):
        self.path, self.image, self.kind = os.fspath(path), f"{os.fspath(path)}.img", kind
        os.makedirs(self.path)
        with open(self.image, "wb") as file:
            file.truncate(size << 20)
        subprocess.run([*MAKE[kind], *options, self.image], stdout=subprocess.DEVNULL, check=True)
        self.mount()
        case.addCleanup(self._discard)

    def mount(self):
        """Mounts it, after a cut with what was durable then."""
        # No commit of its own accord falls into a case.
        subprocess.run(["mount", "-o", "loop,commit=300" if self.kind == "ext4" else "loop", self.image, self.path],
                       check=True)

    def cut(self):
        """The power fails. Everything on the disk fails until mount()."""
        root = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(root, FS_IOC_SHUTDOWN, struct.pack("I", SHUTDOWN_NO_FLUSH))
        finally:
            os.close(root)

    def umount(self):
        """Takes it away, when nothing of it is in use any more."""
        mounts.unmount(self.path)

    def fill(self, leave):
        """Fills the disk with a file `fill`, but for `leave` bytes."""
        fill = os.path.join(self.path, "fill")
        with open(fill, "wb", buffering=0) as file:
            block = bytes(1 << 20)
            size = 0
            try:
                while True:
                    size += file.write(block)
            except OSError:
                os.fsync(file.fileno())
            file.truncate(size - leave)
            os.fsync(file.fileno())
        os.sync()

    def _discard(self):
        while mounts.is_mounted(self.path):
            subprocess.run(["umount", "-l", self.path], check=True)
        os.unlink(self.image)
