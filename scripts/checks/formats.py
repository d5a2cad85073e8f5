#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/formats.md names the header of every format: each link leads to a file, and each module of a program that has a magic
number or a version of a format is named by its header."""

import pathlib
import posixpath
import re
import tree

_DOCUMENT = "docs/formats.md"
_PROGRAMS = ("layerdb", "fs", "tools")
_LINK = re.compile(r"\]\(([^)#]+)\)")
# constexpr std::string_view kMagic = ..., inline constexpr uint32_t kIndexFormat = ...
_FORMAT = re.compile(r"\bconstexpr\b[^=;]*\bk\w*(?:Magic|Format|FormatText|Version)\s*=")


def main():
    root = tree.parse_root(__doc__).root
    violations, named = [], set()
    for number, line in enumerate(tree.lines(root, pathlib.Path(_DOCUMENT)), 1):
        for link in _LINK.findall(line):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(_DOCUMENT), link))
            named.add(target)
            if not (root / target).is_file():
                violations.append(f"{_DOCUMENT}:{number}: there is no {target}")
    for path in tree.files(root):
        if path.parts[0] not in _PROGRAMS or path.suffix not in (".h", ".cc"):
            continue
        header = path.with_suffix(".h")
        if str(header) in named:
            continue
        for number, line in enumerate(tree.lines(root, path), 1):
            if _FORMAT.search(line):
                violations.append(f"{path}:{number}: a format that {_DOCUMENT} does not name: {header}")
    tree.report(violations)


if __name__ == "__main__":
    main()
