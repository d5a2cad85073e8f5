# SPDX-License-Identifier: Apache-2.0
"""The cache: which steps a second build takes from the first. A line `MARK name` writes something else at each run."""

import os

from support import tree
from support.build_case import BuildCase, cases
from support.builds import ALL, BUILDAH, BUILDKIT, CLASSIC, DOCKER, Differs, Twice
from support.built import file
from support.files import write
from support.images import member, tar

FILE = {"f": "x\n"}
D = {"d": {"f": "x\n", "g": "y"}}
NO_MOUNTS = Differs(CLASSIC, "outcome", "it has no RUN --mount")


def kept(name, dockerfile, context=None, change=lambda path, serves: None, **more):
    """The second build takes everything from the cache."""
    return Twice(name, dockerfile + "\nMARK id", context or {}, change=change, kept=("id",), tree=None, config=None, **more)


def anew(name, dockerfile, context=None, change=lambda path, serves: None, **more):
    """The second build makes its last step anew."""
    return Twice(name, dockerfile + "\nMARK id", context or {}, change=change, anew=("id",), tree=None, config=None, **more)


def touched(path, _):
    os.utime(path + "/f", (1, 1))


def rewritten(path, _):
    write(path + "/f", "other\n")


def rewritten_alike(path, _):
    write(path + "/f", "z\n")
    os.utime(path + "/f", ns=(tree.OLD_TIME_NS, tree.OLD_TIME_NS))


def changed_mode(path, _):
    os.chmod(path + "/f", 0o600)


ARCHIVE = tar(member("f", b"x\n", uid=7, gid=8))
SECRET = ("--secret", "id=s,src=s.txt")

CASES = (
    kept("B15 the same build", "COPY f /f\nWORKDIR /w\nRUN true", FILE),
    kept("B15 other blanks and comments", "COPY f /f\nRUN echo 1   2", FILE,
         again="FROM bb\n# new\nCOPY   f   /f\nRUN echo 1   2\nMARK id"),
    anew("B15 another command", "RUN echo 1 > /o", again="RUN echo 2 > /o\nMARK id"),
    anew("B34 another value of ENV", "ENV A=1", again="ENV A=2\nMARK id"),
    kept("E86 other times", "COPY f /f", FILE, touched),
    anew("E86 other contents", "COPY f /f", FILE, rewritten),
    anew("E86 other contents of the same size and time", "COPY f /f", FILE, rewritten_alike,
         differs=(Differs(BUILDKIT, "id", "a file of the same size and time is not sent again"),)),
    anew("E86 another mode", "COPY f /f", FILE, changed_mode),
    anew("E86 another name in a directory", "COPY d /d", D, lambda path, _: os.rename(path + "/d/f", path + "/d/h")),
    anew("E86 one more name in a directory", "COPY d /d", D, lambda path, _: write(path + "/d/h", "")),
    kept("E86 another owner", "COPY f /f", FILE, lambda path, _: os.chown(path + "/f", 4713, 4713),
         differs=(Differs(BUILDAH, "id", "it counts there"),)),
    anew("E86 another user xattr", "COPY d /d", D, lambda path, _: os.setxattr(path + "/d/f", "user.a", b"1"),
         differs=(Differs(DOCKER, "id", "E86: they take the file without it"),)),
    kept("E86 another mode of the directory itself", "COPY d /c", D, lambda path, _: os.chmod(path + "/d", 0o711),
         differs=(Differs(CLASSIC, "id", "E86: it counts"),)),
    kept("E86 what is not copied", "COPY f /f", {**FILE, "g": "g"}, lambda path, _: write(path + "/g", "other")),
    kept("E86 what is ignored", "COPY d /d", {**D, ".dockerignore": "d/g\n"}, lambda path, _: write(path + "/d/g", "other")),
    Twice("E87 an argument that nobody uses", "MARK a\nARG V\nCOPY f /\nMARK b", FILE, options=("--build-arg", "V=1"),
              more=("--build-arg", "V=2"), kept=("a",), anew=("b",), tree=None, config=None),
    kept("E62 the value of a proxy", "RUN true", options=("--build-arg", "http_proxy=a"), more=("--build-arg", "http_proxy=b")),
    kept("E88 another secret", "RUN --mount=type=secret,id=s cat /run/secrets/s", {"s.txt": "1"},
         lambda path, _: write(path + "/s.txt", "22"), options=SECRET, differs=(NO_MOUNTS,)),
    kept("E88 no secret at all", "RUN --mount=type=secret,id=s true", {"s.txt": "1"}, options=SECRET, more=(),
         differs=(NO_MOUNTS,)),
    Twice("E89 --no-cache begins with empty cache mounts",
          "RUN --mount=type=cache,target=/ca cp /ca/f /o; echo x > /ca/f\nMARK id",
              more=("--no-cache",), anew=("id",), config=None, tree={"/id": file(None)},
              differs=(NO_MOUNTS, Differs(BUILDKIT, "/ca", "E90: it leaves the target in the layer"),
                       Differs(BUILDAH, "/o", "E89: its mounts keep what they have"))),
    Twice("a cache mount goes on in a second build",
          "ARG N\nRUN --mount=type=cache,id=on,target=/ca cp /ca/f /o; echo x > /ca/f\nMARK id",
              options=("--build-arg", "N=1"), more=("--build-arg", "N=2"), anew=("id",), config=None,
              tree={"/id": file(None), "/o": file("x\n")},
              differs=(NO_MOUNTS, Differs(BUILDKIT, "/ca", "E90: it leaves the target in the layer"))),
    anew("B14 --no-cache", "RUN true", more=("--no-cache",)),
    Twice("B15 the steps before a change are kept", "MARK a\nCOPY f /f\nMARK b", FILE, change=rewritten, kept=("a",), anew=("b",),
              tree=None, config=None),
    Twice("B15 a stage that did not change", "FROM bb AS s\nMARK a\nFROM bb\nCOPY f /f\nCOPY --from=s /a /a\nMARK b", FILE,
              change=rewritten, kept=("a",), anew=("b",), tree=None, config=None),
    kept("B15 a stage that changed where nothing is copied",
         "FROM bb AS s\nCOPY f /f\nRUN echo 1 > /g\nFROM bb\nCOPY --from=s /g /g", FILE,
         rewritten),
    Twice("B15 stages that begin alike", "FROM bb AS a\nRUN sleep 1; date +%N > /w\nMARK a\nFROM bb\nRUN sleep 1; date +%N > /w\n"
          "COPY --from=a /a /a\nMARK b", kept=("a", "b"), tree=None, config=None),
    anew("E51 other flags of ADD", "ADD --chown=5:6 a.tar /o/", {"a.tar": ARCHIVE}, again="ADD a.tar /o/\nMARK id",
         differs=(Differs(BUILDAH, "id", "E51: it takes the layer of other flags"),)),
    anew("other flags of COPY", "COPY --chown=5:6 f /o/", FILE, again="COPY f /o/\nMARK id"),
    kept("B30 the same file of a web server", "ADD URL/f /n", serves={"f": b"x"}),
    anew("B30 another file of a web server", "ADD URL/f /n", serves={"f": b"x"}, change=lambda _,
         serves: serves.update(f=b"other")),
    anew("a file that RUN --mount binds", "RUN --mount=target=/m cp /m/f /o", FILE, rewritten,
         differs=(NO_MOUNTS, Differs(BUILDAH, "id", "it takes the step of the other file"))),
    Twice("another target", "FROM bb AS a\nMARK a\nFROM a AS b\nRUN true", options=("--target", "a"), more=("--target", "b"),
          kept=("a",), tree=None, config=None),
    anew("no cache of a stage", "FROM bb AS a", more=("--no-cache-filter", "a"),
         differs=(Differs(ALL, "outcome", "they have no such option"),)),
    kept("no cache of another stage", "FROM bb AS a\nFROM bb AS b", more=("--no-cache-filter", "a"),
         differs=(Differs(ALL, "outcome", "they have no such option"),)),
)


@cases(CASES)
class Cache(BuildCase):
    pass
