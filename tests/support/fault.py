# SPDX-License-Identifier: Apache-2.0
"""Faults on purpose: the power fails, a system call fails, a program is killed in the midst of its work.

LoggedDisk is a file system on a disk that remembers every write and flush (support/fault/write_log.cc); after_cut() mounts
what would have been left of it. failing() is a command line under strace, which makes one of its system calls fail or
kills it there.
"""

import contextlib
import os
import random
import shutil
import struct
import subprocess

from support import proc, sanitizer

WRITE_LOG = os.environ.get("VENEER_WRITE_LOG", "veneer_write_log")
MAKE = {
    "ext4": ["mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", "-J", "size=8"],
    "xfs": ["mkfs.xfs", "-q", "-f", "-K"],
    "btrfs": ["mkfs.btrfs", "-q", "-f", "-K"],
}
MEBIBYTES = {"ext4": 128, "xfs": 320, "btrfs": 256}
OPTIONS = {"ext4": "noatime", "xfs": "noatime,nouuid", "btrfs": "noatime,nodiscard"}
WRITE, FLUSH, ZERO = 1, 2, 3
BLOCK = 4096


class LoggedDisk:
    """A file system of this type, mounted at `mount` between start() and stop()."""

    def __init__(self, directory, kind):
        self.kind, self.directory = kind, directory
        self.mount, self.cut_mount = self._path("mount"), self._path("cut")
        for name in ("mount", "cut", "served"):
            os.makedirs(self._path(name))
        self.records, self._log = [], None
        with open(self._path("image"), "wb") as file:
            file.truncate(MEBIBYTES[kind] << 20)
        proc.run([*MAKE[kind], self._path("image")], check=True)

    def _path(self, name):
        return os.path.join(self.directory, name)

    def start(self):
        """Mounts it; from here on everything is remembered."""
        _copy(self._path("image"), self._path("start"))
        self._server = subprocess.Popen([WRITE_LOG, self._path("image"), self._path("log"), self._path("served")])
        if not proc.wait_until(lambda: os.path.ismount(self._path("served"))):
            raise AssertionError(f"{WRITE_LOG} does not serve")
        self._count = os.open(self._path("served/count"), os.O_RDONLY)
        self._loop = proc.run(["losetup", "--show", "-f", self._path("served/disk")], check=True).out.strip()
        proc.run(["mount", "-o", OPTIONS[self.kind], self._loop, self.mount], check=True)

    def position(self):
        """How many writes and flushes there were so far."""
        return int(os.pread(self._count, 32, 0))

    def stop(self):
        """Unmounts it and reads what was remembered."""
        os.close(self._count)
        _unmount(self.mount)
        proc.run(["losetup", "-d", self._loop], check=True)
        _unmount(self._path("served"))
        self._server.wait(10)
        self._log = open(self._path("log"), "rb")
        while len(head := self._log.read(16)) == 16:
            kind, size, offset = struct.unpack("=IIQ", head)
            self.records.append((kind, size, offset, self._log.tell()))
            if kind == WRITE:
                self._log.seek(size, 1)

    def discard(self):
        """Takes everything away, also in the midst of a case that failed."""
        with contextlib.suppress(AttributeError, OSError, AssertionError):
            if self._log is None:
                self.stop()
        if self._log:
            self._log.close()

    @contextlib.contextmanager
    def after_cut(self, position, keep=0.0, seed=0):
        """The mount point of what is left when the power fails after so many records: everything before the last flush,
        and of what came later the share `keep`, block by block at random."""
        image = self._path("cut.image")
        _copy(self._path("start"), image)
        last = max((i for i, record in enumerate(self.records[:position]) if record[0] == FLUSH), default=-1)
        chance = random.Random(seed)
        with open(image, "r+b") as disk:
            for i, (kind, size, offset, at) in enumerate(self.records[:position]):
                if kind == FLUSH:
                    continue
                self._log.seek(at)
                for done in range(0, size, BLOCK if i > last else size):
                    part = min(size - done, BLOCK) if i > last else size
                    if i > last and chance.random() >= keep:
                        if kind == WRITE:
                            self._log.seek(part, 1)
                        continue
                    disk.seek(offset + done)
                    disk.write(self._log.read(part) if kind == WRITE else bytes(part))
        proc.run(["mount", "-o", "loop," + OPTIONS[self.kind], image, self.cut_mount], check=True)
        try:
            yield self.cut_mount
        finally:
            _unmount(self.cut_mount)
            os.unlink(image)


def _copy(source, target):
    proc.run(["cp", "--sparse=always", source, target], check=True)


def _unmount(point):
    """umount(8); what was just closed in it is waited for."""
    if not proc.wait_until(lambda: proc.run(["umount", point]).code == 0, interval=0.1):
        raise AssertionError(f"{point} stays busy")


def failing(line, call, number, *, error=None, path=None, log="/dev/null"):
    """The command line `line` under strace, where the `number`-th call of this name (of those that concern `path`, when
    one is given) fails with `error` ("ENOSPC"), or, without one, the program is killed instead of making it."""
    fault = f"error={error}" if error else "signal=KILL:error=EIO"
    return ["strace", "-f", "-qq", "-o", log, "-E", f"ASAN_OPTIONS={sanitizer.options(sanitizer.NO_LEAKS)}",
            *(["-P", path] if path else []), "-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={number}",
            "--", shutil.which(line[0]) or line[0], *line[1:]]
