# SPDX-License-Identifier: Apache-2.0
"""Tar archives byte by byte, in every dialect, with the records that writers of all kinds put there. Nothing is checked: what
is asked for is written."""

import base64
from dataclasses import dataclass, field

BLOCK = 512
V7, USTAR, GNU, PAX, STAR = "v7", "ustar", "gnu", "pax", "star"
DIALECTS = (V7, USTAR, GNU, PAX, STAR)

FILE, HARD, LINK, CHAR, BLOCK_DEVICE, DIRECTORY, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"


@dataclass
class Member:
    """One entry as an archive describes it."""
    name: bytes
    kind: bytes = FILE
    data: bytes = b""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 1_000_000_000
    fraction: str = ""  # digits of the mtime behind the point; PAX only
    link: bytes = b""
    device: tuple = (0, 0)
    user: bytes = b""
    group: bytes = b""
    xattrs: dict = field(default_factory=dict)
    acls: dict = field(default_factory=dict)  # "access" or "default": text
    records: dict = field(default_factory=dict)  # further PAX records
    libarchive_xattrs: bool = False  # in the form of bsdtar too
    pieces: list = None  # of a sparse file, (offset, bytes) in place of `data`; GNU and PAX only
    size: int = 0  # of a sparse file
    sparse_form: str = "1.0"  # of PAX: "0.0", "0.1" or "1.0"


def _octal(value, width, binary):
    digits = f"{value:0{width - 1}o}".encode()
    if value >= 0 and len(digits) < width:
        return digits + b"\0"
    if not binary:
        raise ValueError(f"{value} does not fit {width} octal digits")
    return ((1 << (8 * width - 1)) | (value & ((1 << (8 * width - 1)) - 1))).to_bytes(width, "big")


def _fits(value, width):
    return 0 <= value < 8 ** (width - 1)


def header(dialect, name, member, kind, size, prefix=b"", link=None):
    """One header block; what does not fit a field is cut (the caller says it elsewhere)."""
    binary = dialect in (GNU, STAR)
    clip = (lambda value, width: value) if binary else (lambda value, width: value if _fits(value, width) else 0)
    link = member.link if link is None else link
    block = bytearray(BLOCK)

    def put(at, data, width):
        block[at:at + width] = data[:width].ljust(width, b"\0")

    put(0, name, 100)
    put(100, _octal(member.mode, 8, False), 8)
    put(108, _octal(clip(member.uid, 8), 8, binary), 8)
    put(116, _octal(clip(member.gid, 8), 8, binary), 8)
    put(124, _octal(size, 12, binary), 12)
    put(136, _octal(clip(member.mtime, 12), 12, binary), 12)
    put(148, b" " * 8, 8)
    put(156, kind, 1)
    put(157, link, 100)
    if dialect != V7:
        put(257, b"ustar  \0" if dialect == GNU else b"ustar\x0000", 8)
        put(265, member.user, 32)
        put(297, member.group, 32)
        if kind in (CHAR, BLOCK_DEVICE) or dialect in (PAX, USTAR):
            put(329, _octal(member.device[0], 8, binary), 8)
            put(337, _octal(member.device[1], 8, binary), 8)
        if dialect in (USTAR, PAX, STAR):
            put(345, prefix, 131 if dialect == STAR else 155)
        if dialect == STAR:
            put(508, b"tar\0", 4)
    put(148, f"{sum(block):06o}".encode() + b"\0 ", 8)
    return bytes(block)


def padded(data):
    """Filled up to a whole block."""
    return data + bytes(-len(data) % BLOCK)


def pax_record(key, value):
    """One record."""
    body = b" " + key + b"=" + value + b"\n"
    length = len(body)
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


def special(dialect, kind, name, body):
    """A header with a body in front of an entry, or a global one."""
    return header(dialect, name, Member(name, mode=0o644, mtime=0), kind, len(body), link=b"") + padded(body)


def _split(name):
    """(prefix, name) of ustar, or None."""
    if len(name) <= 100:
        return b"", name
    for at in range(min(155, len(name) - 1), 0, -1):
        if name[at:at + 1] == b"/" and 0 < len(name) - at - 1 <= 100:
            return name[:at], name[at + 1:]
    return None


def _sparse_map(member):
    """(offset, length) of the pieces; as GNU tar has it, the last one says where the file ends."""
    return [(offset, len(data)) for offset, data in member.pieces] + [(member.size, 0)]


def _gnu_sparse(member):
    """The old form: the first four pieces in the header, the others in blocks behind it."""
    data = b"".join(data for _, data in member.pieces)
    numbers = [_octal(offset, 12, True) + _octal(length, 12, True) for offset, length in _sparse_map(member)]
    block = bytearray(header(GNU, member.name, member, b"S", len(data)))
    block[386:386 + 96] = b"".join(numbers[:4]).ljust(96, b"\0")
    block[482] = len(numbers) > 4
    block[483:495] = _octal(member.size, 12, True)
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}".encode() + b"\0 "
    out = bytes(block)
    for at in range(4, len(numbers), 21):
        out += b"".join(numbers[at:at + 21]).ljust(504, b"\0") + bytes([len(numbers) > at + 21]) + bytes(7)
    return out + padded(data)


def _pax_sparse(member):
    """(records as a list, contents) of the three forms that GNU tar has written."""
    data = b"".join(data for _, data in member.pieces)
    pieces = _sparse_map(member)
    count, size = str(len(pieces)).encode(), str(member.size).encode()
    if member.sparse_form == "1.0":
        numbers = b"".join(b"%d\n" % number for number in (len(pieces), *(one for piece in pieces for one in piece)))
        return [(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", member.name),
                (b"GNU.sparse.realsize", size)], padded(numbers) + data
    records = [(b"GNU.sparse.size", size), (b"GNU.sparse.numblocks", count)]
    if member.sparse_form == "0.1":
        return [*records, (b"GNU.sparse.name", member.name),
                (b"GNU.sparse.map", b",".join(b"%d,%d" % piece for piece in pieces))], data
    for offset, length in pieces:
        records += [(b"GNU.sparse.offset", b"%d" % offset), (b"GNU.sparse.numbytes", b"%d" % length)]
    return records, data


def encode(dialect, member):
    """An entry with its extended headers and contents; None: the dialect cannot say it."""
    if member.pieces is not None and dialect not in (GNU, PAX):
        return None
    data = member.data if member.kind in (FILE, b"\0", b"7") else b""
    rich = member.xattrs or member.acls or member.records or member.fraction
    if dialect == V7:
        if len(member.name) > 99 or len(member.link) > 99 or rich or not _fits(member.uid, 8) or not _fits(member.gid, 8):
            return None
        if member.kind in (CHAR, BLOCK_DEVICE, FIFO) or not _fits(member.mtime, 12):
            return None
        kind = {FILE: b"\0", DIRECTORY: b"5"}.get(member.kind, member.kind)
        return header(V7, member.name, member, kind, len(data)) + padded(data)
    if dialect in (USTAR, STAR):
        split = _split(member.name) if dialect == USTAR else ((b"", member.name) if len(member.name) <= 100 else None)
        if split is None or len(member.link) > 100 or rich:
            return None
        if dialect == USTAR and not all((_fits(member.uid, 8), _fits(member.gid, 8), _fits(member.mtime, 12))):
            return None
        return header(dialect, split[1], member, member.kind, len(data), split[0]) + padded(data)
    if dialect == GNU:
        if rich:
            return None
        out = b""
        if len(member.name) > 100:
            out += special(GNU, b"L", b"././@LongLink", member.name + b"\0")
        if len(member.link) > 100:
            out += special(GNU, b"K", b"././@LongLink", member.link + b"\0")
        if member.pieces is not None:
            return out + _gnu_sparse(member)
        return out + header(GNU, member.name, member, member.kind, len(data)) + padded(data)
    return _encode_pax(member, data)


def _encode_pax(member, data):
    records = {}
    split = _split(member.name)
    ascii_name = all(32 <= byte < 127 for byte in member.name)
    if split is None or not ascii_name:
        records[b"path"] = member.name
        split = (b"", member.name[:100])
    if len(member.link) > 100 or any(byte >= 127 for byte in member.link):
        records[b"linkpath"] = member.link
    for key, value in ((b"uid", member.uid), (b"gid", member.gid)):
        if not _fits(value, 8):
            records[key] = str(value).encode()
    if member.fraction or not _fits(member.mtime, 12):
        time = str(member.mtime)
        if member.fraction:
            whole, part = member.mtime, int(member.fraction.ljust(9, "0"))
            if whole < 0 and part:
                whole, part = whole + 1, 10**9 - part
            time = ("-0" if member.mtime == -1 and whole == 0 else str(whole)) + f".{part:09d}"
        records[b"mtime"] = time.encode()
    for name, value in member.xattrs.items():
        records[b"SCHILY.xattr." + name] = value
        if member.libarchive_xattrs:
            records[b"LIBARCHIVE.xattr." + name] = base64.b64encode(value).rstrip(b"=")
    for kind, text in member.acls.items():
        records[b"SCHILY.acl." + kind.encode()] = text
    records.update(member.records)
    listed = list(records.items())
    if member.pieces is not None:
        sparse, data = _pax_sparse(member)
        if member.sparse_form != "0.0":  # readers that know no sparse files make one of another name
            listed = [(key, value) for key, value in listed if key != b"path"]
            split = (b"", b"GNUSparseFile.0/x")
        listed += sparse
    out = b""
    if listed:
        body = b"".join(pax_record(key, value) for key, value in listed)
        out = special(PAX, b"x", b"PaxHeaders/" + (member.name[-50:].strip(b"/") or b"x"), body)
    return out + header(PAX, split[1], member, member.kind, len(data), split[0]) + padded(data)


END = bytes(2 * BLOCK)
