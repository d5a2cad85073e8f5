#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files are opened, locked, renamed, removed and synced through layerdb/base/sys.h alone, so that EINTR and errors are met
in one way, and tests can let each call fail."""

import re
import tree

_HOME = "layerdb/base/sys.cc"
_FOLDERS = ("layerdb", "fs", "tools")
_CALL = re.compile(r"(?:(?<![\w:.>])|(?<![\w:])::)"
                   r"((?:open|openat|creat|flock|rename|renameat2?|unlink|unlinkat|rmdir|mkdir|mkdirat|link|linkat|"
                   r"mkstemp|mkostemp|mkdtemp|truncate|ftruncate|fsync|fdatasync|syncfs)\()")


def main():
    root = tree.parse_root(__doc__).root
    violations = []
    for path in tree.cpp_files(root, _FOLDERS):
        if str(path) == _HOME:
            continue
        for number, line in enumerate(tree.code_lines(root, path), 1):
            if found := _CALL.search(line):
                violations.append(f"{path}:{number}: {found[1]}): call it through layerdb/base/sys.h")
    tree.report(violations)


if __name__ == "__main__":
    main()
