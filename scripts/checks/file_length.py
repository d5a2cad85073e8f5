#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No source file is longer than 600 lines: a longer one holds two kinds of work."""

import tree

LIMIT = 600


def main():
    root = tree.parse_root(__doc__).root
    violations = []
    for path in tree.files(root):
        if path.suffix in (".h", ".cc", ".py", ".sh", ".cmake") or tree.shebang(root, path):
            length = len(tree.lines(root, path))
            if length > LIMIT:
                violations.append(f"{path}:{LIMIT + 1}: {length} lines, the limit is {LIMIT}: split it")
    tree.report(violations)


if __name__ == "__main__":
    main()
