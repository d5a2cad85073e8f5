# SPDX-License-Identifier: Apache-2.0
"""Random changes of a tree, from a seed: the same sequence can be done to two trees and every answer compared.

Paths are made of few names, so that operations meet each other; many of them fail, and how they fail counts too.
"""

import errno
import os
import random
import shutil
import stat

from support import sysio
from support.tree import Dir, File, Link

NAMES = ("a", "b", "c", "d", "e")
DEPTH = 4


def seed():
    """A new seed, or SEED of the environment; printed, so that a failure can be repeated."""
    value = int(os.environ.get("SEED", random.SystemRandom().randrange(10**9)))
    print(f"(SEED={value})", end=" ", flush=True)
    return value


def random_tree(rng, depth=0):
    """A description (support/tree.py) of a tree with the names of random_operation()."""
    entries = {}
    for name in NAMES:
        kind = rng.random()
        if depth < DEPTH - 1 and kind < 0.45:
            entries[name] = Dir(rng.choice((0o755, 0o700, 0o777)), entries=random_tree(rng, depth + 1))
        elif kind < 0.75:
            entries[name] = File(rng.choice((0o644, 0o600)), data=rng.randbytes(rng.choice((0, 10, 5000))))
        elif kind < 0.82:
            entries[name] = Link(target=rng.choice(NAMES))
    return entries


class Change:
    """One operation with its arguments; perform() does it to the tree at `root`."""

    def __init__(self, name, *arguments):
        self.name, self.arguments = name, arguments

    def __repr__(self):
        return f"{self.name}{self.arguments}"

    def perform(self, root):
        """What it returned, or the name of the errno."""
        try:
            return getattr(self, "_" + self.name)(root, *self.arguments)
        except OSError as error:
            return errno.errorcode[error.errno]

    @staticmethod
    def _write(root, path, data, offset, flags):
        fd = os.open(os.path.join(root, path), os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | flags,
                     0o644)
        try:
            return os.write(fd, data) if flags & os.O_APPEND else os.pwrite(fd, data, offset)
        finally:
            os.close(fd)

    @staticmethod
    def _truncate(root, path, size):
        fd = os.open(os.path.join(root, path), os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            os.ftruncate(fd, size)
        finally:
            os.close(fd)

    @staticmethod
    def _read(root, path):
        fd = os.open(os.path.join(root, path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            return hash(os.read(fd, 1 << 20))
        finally:
            os.close(fd)

    @staticmethod
    def _list(root, path):
        return sorted(os.listdir(os.path.join(root, path)))

    @staticmethod
    def _stat(root, path):
        status = os.lstat(os.path.join(root, path))
        directory = stat.S_ISDIR(status.st_mode)
        return (oct(status.st_mode), status.st_uid, status.st_gid,
                None if directory else (status.st_size, status.st_nlink))

    @staticmethod
    def _unlink(root, path):
        os.unlink(os.path.join(root, path))

    @staticmethod
    def _mkdir(root, path, mode):
        os.mkdir(os.path.join(root, path), mode)

    @staticmethod
    def _rmdir(root, path):
        os.rmdir(os.path.join(root, path))

    @staticmethod
    def _remove_tree(root, path):
        if stat.S_ISDIR(os.lstat(os.path.join(root, path)).st_mode):
            shutil.rmtree(os.path.join(root, path))

    @staticmethod
    def _rename(root, source, target, flags):
        sysio.renameat2(os.path.join(root, source), os.path.join(root, target), flags)

    @staticmethod
    def _link(root, source, target):
        os.link(os.path.join(root, source), os.path.join(root, target), follow_symlinks=False)

    @staticmethod
    def _symlink(root, path, target):
        os.symlink(target, os.path.join(root, path))

    @staticmethod
    def _mkfifo(root, path):
        os.mkfifo(os.path.join(root, path), 0o640)

    @staticmethod
    def _chmod(root, path, mode):
        if not os.path.islink(os.path.join(root, path)):
            os.chmod(os.path.join(root, path), mode)

    @staticmethod
    def _chown(root, path, uid, gid):
        os.lchown(os.path.join(root, path), uid, gid)

    @staticmethod
    def _utime(root, path, when):
        os.utime(os.path.join(root, path), ns=(when, when), follow_symlinks=False)

    @staticmethod
    def _setxattr(root, path, name, value):
        os.setxattr(os.path.join(root, path), name, value, follow_symlinks=False)

    @staticmethod
    def _removexattr(root, path, name):
        os.removexattr(os.path.join(root, path), name, follow_symlinks=False)


def random_path(rng):
    """A path of one to DEPTH names."""
    return "/".join(rng.choice(NAMES) for _ in range(rng.choice((1, 1, 2, 2, 3, DEPTH))))


def random_operation(rng, links=True):
    """A Change. `links`: with hard links."""
    path, other = random_path(rng), random_path(rng)
    data = rng.randbytes(rng.choice((1, 100, 4096, 9000)))
    choices = [
        (10, lambda: Change("write", path, data, rng.choice((0, 5, 4096, 10_000)), 0)),
        (5, lambda: Change("write", path, data, 0, os.O_TRUNC)),
        (4, lambda: Change("write", path, data, 0, os.O_APPEND)),
        (3, lambda: Change("write", path, data, 0, os.O_EXCL)),
        (5, lambda: Change("truncate", path, rng.choice((0, 3, 5000, 20_000)))),
        (8, lambda: Change("read", path)),
        (8, lambda: Change("list", path)),
        (8, lambda: Change("stat", path)),
        (8, lambda: Change("unlink", path)),
        (8, lambda: Change("mkdir", path, rng.choice((0o755, 0o700)))),
        (5, lambda: Change("rmdir", path)),
        (3, lambda: Change("remove_tree", path)),
        (15, lambda: Change("rename", path, other, 0)),
        (3, lambda: Change("rename", path, other, sysio.RENAME_NOREPLACE)),
        (4, lambda: Change("rename", path, other, sysio.RENAME_EXCHANGE)),
        (4, lambda: Change("symlink", path, rng.choice(NAMES))),
        (2, lambda: Change("mkfifo", path)),
        (6, lambda: Change("chmod", path, rng.choice((0o644, 0o600, 0o755, 0o700, 0o1777)))),
        (3, lambda: Change("chown", path, rng.randrange(5), rng.randrange(5))),
        (3, lambda: Change("utime", path, rng.randrange(2**60))),
        (4, lambda: Change("setxattr", path, f"user.{rng.choice('xyz')}", data[:20])),
        (2, lambda: Change("removexattr", path, f"user.{rng.choice('xyz')}")),
    ]
    if links:
        choices.append((6, lambda: Change("link", path, other)))
    weights, makers = zip(*choices)
    return rng.choices(makers, weights)[0]()
