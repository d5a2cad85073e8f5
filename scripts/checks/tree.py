# SPDX-License-Identifier: Apache-2.0
"""What the checks share: walking the source tree, and reporting.

A check is a program that takes --root DIR, prints one line per violation ("path:line: what is wrong") and exits 1 when
there is one. checks_test.py proves for each that it can fail.
"""

import argparse
import os
import pathlib
import re
import sys

# Never part of the project: build trees, version control, editors' and tools' caches.
_SKIPPED = (".git", ".cache", "__pycache__")


def parse_root(description, add_arguments=None):
    """Parses the command line; returns the namespace with `root` as a resolved Path."""
    parser = argparse.ArgumentParser(description=description)
    default = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--root", type=pathlib.Path, default=default, help="the source tree to check")
    if add_arguments:
        add_arguments(parser)
    arguments = parser.parse_args()
    arguments.root = arguments.root.resolve()
    return arguments


def files(root):
    """All files of the project as paths relative to root, sorted; build trees and version control left out."""
    found = []
    for folder, folders, names in os.walk(root):
        top = pathlib.Path(folder) == root
        folders[:] = [f for f in folders if f not in _SKIPPED and not (top and f.startswith("build"))]
        found += [(pathlib.Path(folder) / name).relative_to(root) for name in names]
    return sorted(path for path in found if not (root / path).is_symlink())


def lines(root, path):
    """The lines of a text file without their ends; bytes that are not UTF-8 do not stop a check."""
    return (root / path).read_text(encoding="utf-8", errors="replace").splitlines()


# A raw string, a string, a character, a comment: tried at each place in this order.
_QUOTED = re.compile(r'R"([^()\\ ]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*.*?\*/',
                     re.DOTALL)


def code_lines(root, path):
    """The lines of a C++ file without comments and without what stands in quotes."""
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    return _QUOTED.sub(lambda found: '""' + "\n" * found[0].count("\n"), text).splitlines()


def cpp_files(root, folders):
    """The C++ files in these folders of the root, as files() gives them."""
    return [path for path in files(root) if path.parts[0] in folders and path.suffix in (".h", ".cc")]


def shebang(root, path):
    """The interpreter line of a script, or an empty string."""
    with open(root / path, "rb") as file:
        first = file.readline(200)
    return first.decode(errors="replace").strip() if first.startswith(b"#!") else ""


def report(violations):
    """Prints the violations and ends the program: 0 when there are none."""
    for violation in violations:
        print(violation)
    sys.exit(1 if violations else 0)
