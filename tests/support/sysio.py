# SPDX-License-Identifier: Apache-2.0
"""The system calls that Python's os module lacks, raising OSError as os does."""

import ctypes
import fcntl
import os
import struct

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                       ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW = 0x100
AT_SYMLINK_FOLLOW = 0x400
AT_EMPTY_PATH = 0x1000

RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2
RENAME_WHITEOUT = 4

FALLOC_FL_KEEP_SIZE = 0x01
FALLOC_FL_PUNCH_HOLE = 0x02
FALLOC_FL_COLLAPSE_RANGE = 0x08
FALLOC_FL_ZERO_RANGE = 0x10
FALLOC_FL_INSERT_RANGE = 0x20

UTIME_NOW = (1 << 30) - 1
UTIME_OMIT = (1 << 30) - 2

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1

FS_IOC_GETFLAGS = 0x80086601
FS_IOC_SETFLAGS = 0x40086602
FS_NODUMP_FL = 0x40
FS_IMMUTABLE_FL = 0x10
FS_APPEND_FL = 0x20


def _path(path):
    return None if path is None else os.fsencode(path)


def _check(result, *paths):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), *(os.fsdecode(p) for p in paths[:1]))
    return result


def renameat2(source, target, flags):
    """renameat2(2) between two paths."""
    _check(_libc.renameat2(AT_FDCWD, _path(source), AT_FDCWD, _path(target),
                           ctypes.c_uint(flags)), source)


def fallocate(fd, mode, offset, length):
    """fallocate(2) with its mode bits (os.posix_fallocate has none)."""
    _check(_libc.fallocate(fd, mode, ctypes.c_int64(offset), ctypes.c_int64(length)))


def utimensat(path, atime, mtime, follow=False):
    """utimensat(2); a time is (seconds, nanoseconds), so that UTIME_NOW and UTIME_OMIT can be given."""
    times = struct.pack("qqqq", *atime, *mtime)
    _check(_libc.utimensat(AT_FDCWD, _path(path), times, 0 if follow else AT_SYMLINK_NOFOLLOW), path)


def futimens(fd, atime, mtime):
    """futimens(3), with times as utimensat() takes them."""
    _check(_libc.futimens(fd, struct.pack("qqqq", *atime, *mtime)))


def linkat(source_fd, source, target, flags):
    """linkat(2) from (source_fd, source), with AT_EMPTY_PATH or AT_SYMLINK_FOLLOW in `flags`."""
    _check(_libc.linkat(source_fd, _path(source), AT_FDCWD, _path(target), flags), target)


def syncfs(fd):
    """syncfs(2)."""
    _check(_libc.syncfs(fd))


def unshare(flags):
    """unshare(2) (os.unshare exists only from Python 3.12 on)."""
    _check(_libc.unshare(flags))


def mount(source, target, fstype, flags=0, data=None):
    """mount(2)."""
    _check(_libc.mount(_path(source), _path(target), _path(fstype), ctypes.c_ulong(flags),
                       _path(data)), target)


def umount2(target, flags=0):
    """umount2(2)."""
    _check(_libc.umount2(_path(target), flags), target)


def die_with_parent(signal_number):
    """The kernel sends `signal_number` to this process when its parent ends."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0))


def getdents(fd, size=32768):
    """One getdents64(2): a list of (ino, next offset, type, name as bytes)."""
    buffer = ctypes.create_string_buffer(size)
    got = _check(_libc.syscall(ctypes.c_long(217 if os.uname().machine == "x86_64" else 61),
                               ctypes.c_int(fd), buffer, ctypes.c_uint(size)))
    entries, position = [], 0
    while position < got:
        ino, offset, length, kind = struct.unpack_from("=QqHB", buffer.raw, position)
        name = buffer.raw[position + 19:position + length].split(b"\0", 1)[0]
        entries.append((ino, offset, kind, name))
        position += length
    return entries


def name_to_handle_at(path, flags=0):
    """name_to_handle_at(2): (handle as bytes, mount id)."""
    buffer = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128), 136)
    mount_id = ctypes.c_int()
    _check(_libc.name_to_handle_at(AT_FDCWD, _path(path), buffer, ctypes.byref(mount_id), flags), path)
    length = struct.unpack_from("I", buffer.raw)[0]
    return buffer.raw[:8 + length], mount_id.value


STATX_TYPE_TO_BLOCKS = 0x7ff
STATX_BTIME = 0x800
STATX_MNT_ID = 0x1000


def statx(path, mask=STATX_TYPE_TO_BLOCKS, flags=AT_SYMLINK_NOFOLLOW):
    """statx(2): a dictionary of the fields, and `mask`, which says what of them is valid."""
    buffer = ctypes.create_string_buffer(256)
    _check(_libc.statx(AT_FDCWD, _path(path), flags, mask, buffer), path)
    raw = buffer.raw
    fields = dict(zip(("mask", "blksize", "attributes", "nlink", "uid", "gid", "mode", "ino", "size",
                       "blocks", "attributes_mask"), struct.unpack_from("=IIQIIIH2xQQQQ", raw)))
    for index, name in enumerate(("atime", "btime", "ctime", "mtime")):
        seconds, nanoseconds = struct.unpack_from("=qI", raw, 64 + 16 * index)
        fields[name] = seconds * 10**9 + nanoseconds
    fields["rdev"] = struct.unpack_from("=II", raw, 128)
    return fields


def get_flags(path):
    """FS_IOC_GETFLAGS of a file or directory."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        return struct.unpack("I", fcntl.ioctl(fd, FS_IOC_GETFLAGS, bytes(8))[:4])[0]
    finally:
        os.close(fd)


def set_flags(path, flags):
    """FS_IOC_SETFLAGS of a file or directory."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        fcntl.ioctl(fd, FS_IOC_SETFLAGS, struct.pack("Q", flags))
    finally:
        os.close(fd)


class AlignedBuffer:
    """Memory on a page boundary, for O_DIRECT; give it back with close()."""

    def __init__(self, size):
        self._size = size
        self.address = _libc.mmap(None, size, 3, 0x22, -1, 0)
        self.view = memoryview((ctypes.c_char * size).from_address(self.address)).cast("B")

    def close(self):
        """Frees the memory; `view` must not be used after."""
        self.view.release()
        _libc.munmap(self.address, self._size)


class AsyncWriter:
    """Writes by io_submit(2), as databases do; one at a time. close() it."""

    # io_setup, io_destroy, io_getevents, io_submit
    _CALLS = (206, 207, 208, 209) if os.uname().machine == "x86_64" else (0, 1, 4, 2)

    def __init__(self):
        self._context = ctypes.c_ulong(0)
        self._call(0, 8, ctypes.byref(self._context))

    def _call(self, index, *arguments):
        return _check(_libc.syscall(ctypes.c_long(self._CALLS[index]), *arguments))

    def write(self, fd, buffer, size, offset):
        """Submits a write of an AlignedBuffer and waits until it has ended; how many bytes were written."""
        block = ctypes.create_string_buffer(
            struct.pack("QIIHhIQQqQII", 1, 0, 0, 1, 0, fd, buffer.address, size, offset, 0, 0, 0), 64)
        blocks = (ctypes.c_void_p * 1)(ctypes.addressof(block))
        self._call(3, self._context, ctypes.c_long(1), blocks)
        event = ctypes.create_string_buffer(32)
        self._call(2, self._context, ctypes.c_long(1), ctypes.c_long(1), event, None)
        result = struct.unpack("QQqq", event.raw)[2]
        if result < 0:
            raise OSError(-result, os.strerror(-result))
        return result

    def close(self):
        """Ends the context."""
        self._call(1, self._context)
