# SPDX-License-Identifier: Apache-2.0
""".dockerignore: which files of the context are there. Every case copies all of the context to /c."""

from support.build_case import BuildCase, cases
from support.builds import ALL, BUILDAH, BUILDKIT, CLASSIC, Case, Differs
from support.built import file, folder

ALL_OF_IT = "COPY . /c/"
TREE = {"a": "a", "b.o": "b", "zz": "1", "z": {"zz": "2", "deep": {"zz": "3"}, "keep": "k"}, "sub": {"b.o": "b", "c": "c"}}
HIDDEN = "Dockerfile\n.dockerignore\n"


def ignoring(name, text, *paths, context=None, folders=(), **more):
    """A case: this .dockerignore leaves these paths of the context."""
    context = TREE if context is None else context
    tree = {"/c": folder()}
    for path in paths:
        where = context
        for part in path.split("/")[:-1]:
            where = where[part]
        tree[f"/c/{path}"] = file(where[path.split("/")[-1]])
        while "/" in path:
            path = path.rpartition("/")[0]
            tree[f"/c/{path}"] = folder()
    tree |= {f"/c/{path}": folder() for path in folders}
    data = text if isinstance(text, bytes) else text.encode()
    return Case(name, ALL_OF_IT, {**context, ".dockerignore": HIDDEN.encode() + data}, tree=more.pop("tree", tree), **more)


SUB = ("sub/b.o", "sub/c")
Z = ("z/zz", "z/deep/zz", "z/keep")
EVERY_DEPTH = "E52: an exception that is meant for every depth works at every depth"

CASES = (
    ignoring("B5 a name", "a\nsub\n", "b.o", "zz", *Z),
    ignoring("B5 a pattern matches at the root alone", "*.o\n", "a", "zz", *Z, *SUB),
    ignoring("B5 two stars match at any depth", "**/*.o\n", "a", "zz", *Z, "sub/c"),
    ignoring("B5 a slash in front and behind is no matter", "/a\nsub/\n/z/./deep/..//zz\n", "b.o", "zz", "z/deep/zz", "z/keep"),
    ignoring("B5 a question mark and a class", "?.o\nz[xyz]\n", "a", *Z, *SUB),
    ignoring("B5 an exception behind a pattern", "sub\n!sub/c\n", "a", "zz", "b.o", *Z, "sub/c"),
    ignoring("B5 the last that matches counts", "!a\na\nb.o\n!b.o\n", "b.o", "zz", *Z, *SUB),
    ignoring("B5 comments and blank lines", "# a\n\na\n   b.o  \n", "zz", *Z, *SUB),
    Case("B5 a file that is kept out cannot be copied", "COPY a /a", {**TREE, ".dockerignore": "a\n"},
         error="a.*dockerignore|not found"),
    ignoring("E52 two stars in an exception", "*\n!**/zz\n", "zz", "z/zz", "z/deep/zz",
             differs=(Differs(ALL, "/c/z/", EVERY_DEPTH),)),
    ignoring("E52 two stars behind a directory in an exception", "*\n!z/**/zz\n", "z/zz", "z/deep/zz",
             differs=(Differs(ALL, "/c/z/deep/", EVERY_DEPTH),)),
    ignoring("E52 a star in an exception", "*\n!*/zz\n", "z/zz", differs=(Differs(ALL, "/c/z/", EVERY_DEPTH),)),
    ignoring("E53 an exception that is taken back", "!sub\n*\n",
             differs=(Differs(BUILDKIT, "/c/sub", "E53: it makes an empty directory"),)),
    ignoring("E55 a blank before the hash", " #x\n", "a", context={"a": "a", "#x": "1"}),
    ignoring("E55 an escaped exclamation mark", "\\!e\n", "a", context={"a": "a", "!e": "1"}),
    ignoring("E55 a dot is no pattern", ".\n", "a", context={"a": "a"}),
    ignoring("E55 a blank behind the exclamation mark", "*\n! a\n", "a", context={"a": "a"},
             differs=(Differs(BUILDAH, "/c/", "E55: not in buildah"),)),
    ignoring("E56 an exclamation mark alone", "!\n", context={"a": "a"}, error="dockerignore"),
    ignoring("E56 a class without an end", "a[\n", context={"a": "a"}, error="dockerignore"),
    ignoring("E56 CR is dropped", "a\r\nb.o\r\n", "zz", *Z, *SUB),
    Case("E56 a mark of the byte order is dropped", ALL_OF_IT, {"a": "a", "b": "b", ".dockerignore": b"\xef\xbb\xbfa\nD*\n.d*\n"},
         tree={"/c": folder(), "/c/b": file("b")}),
    Case("E57 the Dockerfile itself is ignored", "COPY f /f\nCOPY . /c/",
         {"f": "x", ".dockerignore": "Dockerfile\n.dockerignore\n"},
         tree={"/f": file("x"), "/c": folder(), "/c/f": file("x")}),
    Case("E57 an ignored Dockerfile cannot be copied", "COPY Dockerfile /f", {".dockerignore": "Dockerfile\n"},
         error="Dockerfile"),
    Case("E58 the ignore file of a Dockerfile goes before", ALL_OF_IT,
         {"a": "a", "b": "b", ".dockerignore": "a\n*y*\n.d*\n", "My.dockerignore": "b\n*y*\n.d*\n"}, file="My",
         options=("-f", "My"), tree={"/c": folder(), "/c/a": file("a")},
         differs=(Differs(CLASSIC, "/c/", "E58: it reads .dockerignore only"),)),
    Case("E54 an ignored Dockerfile of a name of its own", ALL_OF_IT, {"a": "a", "sub": {}, ".dockerignore": "sub\n.d*\n"},
         file="sub/My",
         options=("-f", "sub/My"), tree={"/c": folder(), "/c/a": file("a")},
         differs=(Differs(CLASSIC, "/c/sub", "E54: it leaves an empty directory"),)),
    Case("B5 another name than .dockerignore", ALL_OF_IT, {"a": "a", ".containerignore": "a\n"}, file="", options=("-f", "-"),
         input="FROM bb\nCOPY . /c/\n", tree={"/c": folder(), "/c/a": file("a"), "/c/.containerignore": file("a\n")},
         differs=(Differs(BUILDAH, "/c/a", "E58: it reads .containerignore"),)),
)


@cases(CASES)
class Ignore(BuildCase):
    pass
