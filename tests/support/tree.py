# SPDX-License-Identifier: Apache-2.0
"""Trees: building one from a description, taking a snapshot of one, and telling two apart.

A description is a dictionary from name to: bytes or str (a regular file), a dictionary (a directory), or one of the
classes below, which say more. Names may be bytes.
"""

import hashlib
import os
import stat
from dataclasses import dataclass, field

# Old enough that nothing a test does can give the same time by chance.
OLD_TIME_NS = 1_000_000_000_123_456_789
NAMES = ("a", "b", "c", "d", "e")  # of random trees; tests/mount/parity/repertoire.cc has them too


@dataclass
class Attributes:
    """What every object has. None: what comes of itself."""
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    mtime_ns: int | None = OLD_TIME_NS
    xattrs: dict = field(default_factory=dict)


@dataclass
class File(Attributes):
    """A regular file; holes are made by `data` as a list of (offset, bytes) and `size`."""
    data: bytes | list = b""
    size: int | None = None


@dataclass
class Dir(Attributes):
    """A directory."""
    entries: dict = field(default_factory=dict)


@dataclass
class Link(Attributes):
    """A symbolic link."""
    target: str | bytes = ""


@dataclass
class Hard:
    """A further name of the file at `path` (from the root of the description), built after all else."""
    path: str


@dataclass
class Node(Attributes):
    """A device, fifo or socket: kind is stat.S_IFCHR, S_IFBLK, S_IFIFO or S_IFSOCK."""
    kind: int = stat.S_IFIFO
    device: tuple = (0, 0)


def random_entries(rng, depth=4):
    """A description of a random tree of few names, so that trees meet each other."""
    entries = {}
    for name in NAMES:
        kind = rng.random()
        if depth > 1 and kind < 0.45:
            entries[name] = Dir(rng.choice((0o755, 0o700, 0o777)), entries=random_entries(rng, depth - 1))
        elif kind < 0.75:
            entries[name] = File(rng.choice((0o644, 0o600)), data=rng.randbytes(rng.choice((0, 10, 5000))))
        elif kind < 0.82:
            entries[name] = Link(target=rng.choice(NAMES))
    return entries


def build(root, entries):
    """Makes `entries` below the existing directory `root`."""
    links, directories = [], []
    _build(os.fsencode(root), entries, links, directories)
    for target, source in links:
        os.link(os.path.join(os.fsencode(root), os.fsencode(source)), target, follow_symlinks=False)
    for path, description in reversed(directories):
        _finish(path, description)


def _build(directory, entries, links, directories):
    for name, what in entries.items():
        path = os.path.join(directory, os.fsencode(name))
        if isinstance(what, Hard):
            links.append((path, what.path))
            continue
        if isinstance(what, (bytes, str)):
            what = File(data=what.encode() if isinstance(what, str) else what)
        elif isinstance(what, dict):
            what = Dir(entries=what)
        if isinstance(what, Dir):
            os.makedirs(path, exist_ok=True)
            directories.append((path, what))
            _build(path, what.entries, links, directories)
            continue
        if isinstance(what, File):
            _write(path, what)
        elif isinstance(what, Link):
            os.symlink(os.fsencode(what.target), path)
        else:
            os.mknod(path, what.kind | 0o600, os.makedev(*what.device))
        _finish(path, what)


def _write(path, what):
    pieces = [(0, what.data)] if isinstance(what.data, bytes) else what.data
    with open(path, "wb") as file:
        for offset, data in pieces:
            file.seek(offset)
            file.write(data)
        if what.size is not None:
            file.truncate(what.size)


def _finish(path, what):
    if what.uid is not None or what.gid is not None:
        os.lchown(path, -1 if what.uid is None else what.uid, -1 if what.gid is None else what.gid)
    if what.mode is not None and not isinstance(what, Link):
        os.chmod(path, what.mode)
    for name, value in what.xattrs.items():
        os.setxattr(path, name, value, follow_symlinks=False)
    if what.mtime_ns is not None:
        os.utime(path, ns=(what.mtime_ns, what.mtime_ns), follow_symlinks=False)


def xattrs(path):
    """All extended attributes of an object itself, never of what it points to."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return {}
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}


def entry(path, exact=False):
    """What one object is, as a dictionary. `exact`: with the fields that only the same object keeps."""
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    result = {
        "type": kind,
        "mode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
        "mtime": status.st_mtime_ns,
        "xattrs": xattrs(path),
    }
    if kind != stat.S_IFDIR:
        result["nlink"] = status.st_nlink
        result["size"] = status.st_size
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        result["rdev"] = (os.major(status.st_rdev), os.minor(status.st_rdev))
    if kind == stat.S_IFLNK:
        result["target"] = os.readlink(path)
    if kind == stat.S_IFREG:
        digest = hashlib.blake2b(digest_size=16)
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        result["data"] = digest.hexdigest()
    if exact:
        result["ctime"] = status.st_ctime_ns
        result["ino"] = status.st_ino
    return result


def snapshot(root, exact=False, ghosts=False):
    """Every object below `root` and itself ("."), from relative path to entry(). `exact` as in entry(). `ghosts`: names
    that are listed and not there are left out; kernel overlayfs shows device whiteouts so, where nothing is merged.
    Goes by descriptors, so that no depth is too deep."""
    result = {}
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        result[b"."] = entry(b"/proc/self/fd/%d/." % fd, exact)
        _snapshot(fd, b"", exact, ghosts, result)
    finally:
        os.close(fd)
    return result


def _snapshot(fd, prefix, exact, ghosts, result):
    for name in sorted(map(os.fsencode, os.listdir(fd))):
        try:
            description = entry(b"/proc/self/fd/%d/%s" % (fd, name), exact)
        except FileNotFoundError:
            if ghosts:
                continue
            raise
        result[prefix + name] = description
        if description["type"] == stat.S_IFDIR:
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            try:
                _snapshot(below, prefix + name + b"/", exact, ghosts, result)
            finally:
                os.close(below)


def difference(expected, actual, ignore=()):
    """Lines that say how two snapshots differ; `ignore` names fields that do not count. Empty: equal."""
    lines = []
    for path in sorted(expected.keys() | actual.keys()):
        shown = os.fsdecode(path)
        if path not in actual:
            lines.append(f"{shown}: missing")
        elif path not in expected:
            lines.append(f"{shown}: should not be there ({actual[path]})")
        else:
            before, after = expected[path], actual[path]
            for name in sorted(before.keys() | after.keys()):
                if name not in ignore and before.get(name) != after.get(name):
                    lines.append(f"{shown}: {name} is {after.get(name)!r}, expected {before.get(name)!r}")
    return lines
