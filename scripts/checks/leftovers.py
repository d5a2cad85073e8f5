#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nothing unfinished is in the tree: no marks for later, no disabled tests, no skip that does not say what is missing."""

import re
import tree

_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|DISABLED_\w+)\b|(?i:\bnot (yet )?implemented\b|\bunimplemented\b)")
_SKIP = re.compile(r"\bGTEST_SKIP\b")


def main():
    root = tree.parse_root(__doc__).root
    violations = []
    for path in tree.files(root):
        # The checks and their test name what they look for.
        if path.suffix not in (".h", ".cc", ".py", ".sh") and not tree.shebang(root, path):
            continue
        if path.is_relative_to("scripts/checks"):
            continue
        for number, line in enumerate(tree.lines(root, path), 1):
            if _UNFINISHED.search(line):
                violations.append(f"{path}:{number}: finish it or file it: {line.strip()}")
            elif _SKIP.search(line) and "<<" not in line:
                violations.append(f"{path}:{number}: a skip says what the machine lacks: {line.strip()}")
    tree.report(violations)


if __name__ == "__main__":
    main()
