#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian package that cpack makes of a finished build works and has the form that Debian's policy asks for.

It is unpacked, not installed: both programs answer, Depends names libraries, the manual pages and the changelog are
compressed, and the copyright file is machine-readable. Without dpkg-shlibdeps cpack must fail, not leave Depends empty.
"""

import gzip
import os
import pathlib
import subprocess
import tempfile
import tree

_PROGRAMS = ("veneer", "veneerfs")
_HELPERS = ("mount.veneerfs", "mount.fuse.veneerfs", "umount.veneerfs", "umount.fuse.veneerfs")
_COPYRIGHT = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"


def add_arguments(parser):
    parser.add_argument("--build", type=pathlib.Path, required=True, help="the build tree, everything built")
    parser.add_argument("--cpack", default="cpack", help="the cpack program")
    parser.add_argument("--cmake", default="cmake", help="the cmake program")


def run(words, **more):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)


def make(arguments, folder, **more):
    return run([arguments.cpack, "--config", arguments.build / "CPackConfig.cmake", "-B", folder], **more)


def check_programs(where):
    for name in _PROGRAMS:
        answer = run([where / "usr/bin" / name, "--version"])
        if answer.returncode != 0 or not answer.stdout.startswith(f"{name} "):
            yield f"usr/bin/{name} --version: {answer.stdout.strip()} (exit code {answer.returncode})"


def check_helpers(where):
    """mount(8) and umount(8) find their helper, and it starts."""
    for name in _HELPERS:
        answer = run([where / "usr/sbin" / name])
        if answer.returncode != 1 or not answer.stdout.startswith(f"{name}: "):
            yield f"usr/sbin/{name}: {answer.stdout.strip()} (exit code {answer.returncode})"


def check_local(arguments, folder):
    """Under /usr/local, links in /sbin lead to it."""
    done = run([arguments.cmake, "--install", arguments.build, "--prefix", "/usr/local"],
               env={**os.environ, "DESTDIR": str(folder)})
    if done.returncode != 0:
        yield f"cmake --install: exit code {done.returncode}: {done.stdout}"
        return
    for name in _HELPERS:
        link = folder / "sbin" / name
        target = f"/usr/local/sbin/{name}"
        if not link.is_symlink() or os.readlink(link) != target or not (folder / target[1:]).exists():
            yield f"sbin/{name} does not lead to {target}"


def check_control(package):
    for field in ("Depends", "Maintainer", "Description", "Architecture"):
        value = run(["dpkg-deb", "--field", package, field]).stdout.strip()
        if not value:
            yield f"{field} is empty"
        if field == "Depends" and not all(library in value for library in ("libc6", "libfuse3", "liblmdb")):
            yield f"Depends does not name the libraries: {value}"


def check_documents(where, root):
    doc = where / "usr/share/doc/veneer"
    pages = [f"usr/share/man/man{path.suffix[1:]}/{path.name}.gz" for path in tree.files(root) if path.parts[0] == "man"]
    for name in [*pages, "usr/share/doc/veneer/changelog.gz"]:
        try:
            if not gzip.decompress((where / name).read_bytes()):
                yield f"{name} is empty"
        except (OSError, EOFError) as error:
            yield f"{name}: {error}"
    plain = [path for path in (where / "usr/share/man").rglob("*") if path.is_file() and path.suffix != ".gz"]
    yield from (f"{path.relative_to(where)} is not compressed" for path in plain)
    copyright_file = doc / "copyright"
    text = copyright_file.read_text(encoding="utf-8") if copyright_file.is_file() else ""
    if not text.startswith(_COPYRIGHT) or "/usr/share/common-licenses/Apache-2.0" not in text:
        yield f"{copyright_file.relative_to(where)} is not in Debian's machine-readable form"


def path_without(program, folder):
    """A PATH with every program of this one but `program`."""
    for directory in reversed(os.environ["PATH"].split(":")):
        for path in pathlib.Path(directory).glob("*"):
            link = folder / path.name
            if path.name != program and path.is_file():
                link.unlink(missing_ok=True)
                link.symlink_to(path)
    return str(folder)


def check_refusal(arguments, folder, program):
    (folder / f"no-{program}").mkdir()
    environment = {**os.environ, "PATH": path_without(program, folder / f"no-{program}")}
    made = make(arguments, folder / f"package-{program}", env=environment)
    if made.returncode == 0 or list((folder / f"package-{program}").glob("*.deb")):
        yield f"cpack makes a package without {program}"
    elif f"{program} is missing" not in made.stdout:
        yield f"cpack does not say that {program} is missing: {made.stdout}"


def main():
    arguments = tree.parse_root(__doc__, add_arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        made = make(arguments, folder / "package")
        packages = list((folder / "package").glob("*.deb"))
        if made.returncode != 0 or len(packages) != 1:
            tree.report([f"cpack: exit code {made.returncode}, packages {packages}: {made.stdout}"])
        where = folder / "unpacked"
        unpacked = run(["dpkg-deb", "--extract", packages[0], where])
        if unpacked.returncode != 0:
            tree.report([f"dpkg-deb: {unpacked.stdout}"])
        violations = [*check_programs(where), *check_helpers(where), *check_local(arguments, folder / "local"),
                      *check_control(packages[0]), *check_documents(where, arguments.root)]
        for program in ("dpkg-shlibdeps", "file"):
            violations += check_refusal(arguments, folder, program)
    tree.report([f"{packages[0].name}: {violation}" for violation in violations])


if __name__ == "__main__":
    main()
