#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A line with a comment has at most 100 columns, in every language. (clang-format holds the code of C++ to the same.)"""

import re
import tree

_LIMIT = 100
_STRING = re.compile(r'"(?:\\.|[^"\\])*"')
_SLASHES = re.compile(r"(?<!:)//")  # not that of a URL
_HASH = re.compile(r"\s*#")


def is_comment(marker, line):
    """Is a comment on this line, or the line one?"""
    return bool(_SLASHES.search(_STRING.sub("", line)) if marker == "//" else _HASH.match(line))


def marker_of(root, path):
    """What comments of a file begin with; None: it has no such comments."""
    if path.suffix in (".h", ".cc", ".go"):
        return "//"
    if path.suffix in (".py", ".sh", ".bash", ".cmake") or path.name == "CMakeLists.txt" or tree.shebang(root, path):
        return "#"
    return None


def main():
    root = tree.parse_root(__doc__).root
    violations = []
    for path in tree.files(root):
        if (marker := marker_of(root, path)) is None:
            continue
        for number, line in enumerate(tree.lines(root, path), 1):
            if len(line) > _LIMIT and is_comment(marker, line):
                violations.append(f"{path}:{number}: {len(line)} columns, a comment has at most {_LIMIT}")
    tree.report(violations)


if __name__ == "__main__":
    main()
