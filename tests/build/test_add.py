# SPDX-License-Identifier: Apache-2.0
"""ADD: archives that are unpacked and those that are not, and what comes from web servers."""

import gzip
import hashlib
import io
import lzma
import tarfile
import zipfile

from support.build_case import BuildCase, cases
from support.builds import ALL, BUILDAH, BUILDKIT, CLASSIC, DOCKER, Case, Differs
from support.built import What, file, folder, link
from support.images import compress, member, tar

TIME = 1_400_000_000
TODAY = "the reference of today has it, this old version has not"
REMOTE_MODE = 0o600


def one(name, data=b"", kind=tarfile.REGTYPE, **attributes):
    """A member of an archive of an owner of its own."""
    return member(name, data, kind, **{"mtime": TIME, "uid": 7, "gid": 8, "mode": 0o640, **attributes})


def zip_of(name, data):
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


ARCHIVE = tar(one("t/", kind=tarfile.DIRTYPE, mode=0o750), one("t/f", b"x\n"))
NOISE = b"".join(hashlib.sha256(bytes([number % 256, number // 256])).digest() for number in range(4000))
LARGE = gzip.compress(tar(one("first", b"x\n"), one("noise", NOISE)), mtime=0)
UNPACKED = {"/o": folder(), "/o/t": folder(0o750, "7:8", mtime=TIME), "/o/t/f": file("x\n", 0o640, "7:8", mtime=TIME)}
REFUSED = Differs(ALL, "outcome", "E49: a later save and load would lose a file; Veneer refuses the name")
PACKED = {"z.zip": zip_of("f", b"x"), "l.lzma": lzma.compress(ARCHIVE, lzma.FORMAT_ALONE),
          "t.gz": gzip.compress(b"text", mtime=0),
          "empty": b"", "zeros": bytes(10240)}
WHITEOUT = tar(one(".wh.keep"))

CASES = (
    *(Case(f"E43 B29 an archive is unpacked by its content {kind or 'tar'}", "ADD any.name /o/",
           {"any.name": compress(ARCHIVE, kind)}, tree=UNPACKED, history=("ADD any.name /o/ # buildkit",), layers=1)
      for kind in ("", "gzip", "bzip2", "xz")),
    Case("E43 an archive in zstd is unpacked", "ADD a.tar.zst /o/", {"a.tar.zst": compress(ARCHIVE, "zstd")}, tree=UNPACKED,
         differs=(Differs(DOCKER, "/o/", "E43: these old versions copy it"),)),
    Case("E43 what is no archive is copied", f"ADD {' '.join(PACKED)} /o/", PACKED,
         tree={"/o": folder()} | {f"/o/{name}": file(data) for name, data in PACKED.items()}),
    Case("E44 a cut archive without a header is copied", "ADD a.tar.gz /o/", {"a.tar.gz": LARGE[:20]},
         tree={"/o": folder(), "/o/a.tar.gz": file(LARGE[:20])}),
    Case("E44 a cut archive is an error", "ADD a.tar.gz /o/", {"a.tar.gz": LARGE[:-60000]}, error="a.tar.gz"),
    Case("E44 an archive without an end passes", "ADD a.tar /o/", {"a.tar": ARCHIVE[:1536 + 512]}, tree=UNPACKED),
    Case("E44 bytes after a gzip", "ADD a.tar.gz /o/", {"a.tar.gz": gzip.compress(ARCHIVE, mtime=0) + b"more"},
         tree=UNPACKED, differs=(Differs(DOCKER, "outcome", "E44: they fail; Veneer's import takes it, too"),)),
    Case("E45 a destination without a slash is a directory", "ADD a.tar /o", {"a.tar": ARCHIVE}, tree=UNPACKED),
    Case("E46 flags do not reach what is unpacked", "ADD --chown=5:6 a.tar /o/", {"a.tar": ARCHIVE},
         tree={**UNPACKED, "/o": folder(owner="5:6")},
         differs=(Differs(CLASSIC, "/o", "E46: the directory is of root"),)),
    Case("E47 the root of an archive leaves the destination", "RUN mkdir /ex\nADD a.tar /ex",
         {"a.tar": tar(one("./", kind=tarfile.DIRTYPE, mode=0o700), one("./f", b"x\n"))},
         tree={"/ex": folder(), "/ex/f": file("x\n", 0o640, "7:8")},
         differs=(Differs(BUILDAH, "/ex", "E47: it takes owner, mode and time of the archive"),)),
    Case("E48 all kinds of objects are unpacked", "ADD a.tar /o",
         {"a.tar": tar(one("/abs", b"x\n"), one("c", kind=tarfile.CHRTYPE, devmajor=1, devminor=3),
                       one("p", kind=tarfile.FIFOTYPE),
                       one("l", kind=tarfile.SYMTYPE, linkname="/abs", mode=0o777),
                       one("h", kind=tarfile.LNKTYPE, linkname="/abs"),
                       one("twice", b"1"), one("twice", b"2", mode=0o600), one("u", b"x\n", mode=0o6755))},
         tree={"/o": folder(), "/o/abs": file("x\n", 0o640, "7:8", same="/o/abs"),
               "/o/h": file("x\n", 0o640, "7:8", same="/o/abs"),
               "/o/c": What("char", 0o640, "7:8"), "/o/p": What("fifo", 0o640, "7:8"), "/o/l": link("/abs", "7:8"),
               "/o/twice": file("2", 0o600, "7:8"), "/o/u": file("x\n", 0o6755, "7:8")}),
    Case("B4 an archive does not leave its destination", "ADD a.tar /o",
         {"a.tar": tar(one("l", kind=tarfile.SYMTYPE, linkname="/tmp", mode=0o777), one("../../up", b"x\n"))},
         tree={"/o": folder(), "/o/l": link("/tmp", "7:8"), "/o/up": file("x\n", 0o640, "7:8")}),
    Case("E49 a name that would be a deletion is refused in ADD", "ADD a.tar /o", {"a.tar": WHITEOUT}, error=r"\.wh\.",
         differs=(REFUSED,)),
    Case("E49 and in COPY", "COPY .wh.keep /o/", {".wh.keep": "x"}, error=r"\.wh\.",
         differs=(Differs(BUILDKIT, "outcome", "E49: it loses the file when it is saved; classic and buildah cannot save it"),)),
    Case("E49 and in RUN", "RUN mkdir /o && touch /o/keep\nRUN touch /o/.wh.keep", error=r"\.wh\.", differs=(REFUSED,)),
    Case("E50 archives in directories and in archives stay packed", "ADD d /o/\nADD b.tar /p/",
         {"d": {"a.tar": ARCHIVE}, "b.tar": tar(one("a.tar", ARCHIVE))},
         tree={"/o": folder(), "/o/a.tar": file(ARCHIVE), "/p": folder(), "/p/a.tar": file(ARCHIVE, 0o640, "7:8")}),
    Case("B29 COPY does not unpack", "COPY a.tar /o/", {"a.tar": ARCHIVE}, tree={"/o": folder(), "/o/a.tar": file(ARCHIVE)}),
    Case("B29 an archive is a base image", "FROM scratch\nADD a.tar /", {"a.tar": ARCHIVE}, base="", config=None,
         tree={"/t": folder(0o750, "7:8"), "/t/f": file("x\n", 0o640, "7:8")}),
    Case("B28 ADD does what COPY does", "ADD f d /o/", {"f": "x\n", "d": {"g": "y"}},
         tree={"/o": folder(), "/o/f": file("x\n"), "/o/g": file("y")}),
    Case("B28 a file from a web server", "ADD URL/f URL/dir/g.tar /o/\nADD URL/f /n", serves={"f": b"x\n", "dir/g.tar": ARCHIVE},
         tree={"/o": folder(), "/o/f": file("x\n", REMOTE_MODE, mtime=1_499_913_600), "/o/g.tar": file(ARCHIVE, REMOTE_MODE),
               "/n": file("x\n", REMOTE_MODE)}),
    Case("B28 flags of a file from a web server", "ADD --chown=5:6 URL/f /n", serves={"f": b"x\n"},
         tree={"/n": file("x\n", REMOTE_MODE, "5:6")}),
    Case("B28 a web server has no such file", "ADD URL/nope /n", serves={"f": b"x\n"}, error="404"),
    Case("B28 a file from a web server needs a name", "ADD URL/ /n/", serves={"": b"x\n"}, error="name",
         differs=(Differs(BUILDKIT, "outcome", "it makes a name up; classic and buildah refuse"),)),
    Case("add --checksum", f"ADD --checksum=sha256:{hashlib.sha256(b'x').hexdigest()} URL/f /n", serves={"f": b"x"},
         tree={"/n": file("x", REMOTE_MODE)}, differs=(Differs(ALL, "outcome", TODAY),)),
    Case("add --checksum that is wrong", f"ADD --checksum=sha256:{hashlib.sha256(b'y').hexdigest()} URL/f /n", serves={"f": b"x"},
         error="sha256|checksum"),
    Case("add --unpack of a web server", "ADD --unpack=true URL/a.tar /o/", serves={"a.tar": ARCHIVE}, tree=UNPACKED,
         differs=(Differs(ALL, "outcome", TODAY),)),
    Case("add --unpack=false", "ADD --unpack=false a.tar /o/", {"a.tar": ARCHIVE},
         tree={"/o": folder(), "/o/a.tar": file(ARCHIVE)}, differs=(Differs(ALL, "outcome", TODAY),)),
    Case("add --chmod", "ADD --chmod=0711 f /f", {"f": "x\n"}, tree={"/f": file("x\n", 0o711)},
         differs=(Differs(CLASSIC, "outcome", "E36: it has no --chmod"),)),
    Case("add has no --from", "ADD --from=bb /tmp /t", error="from"),
)


@cases(CASES)
class Add(BuildCase):
    pass
