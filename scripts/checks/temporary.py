#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tests make their temporary directories in one way (tests/support/temporary.py and temp_dir.h), so that all names are
of letters and digits alone: nothing else there calls mkdtemp(3) or Python's tempfile."""

import re
import tree

_CALL = re.compile(r"\bmkdtemp\b|\bmkstemp\b|\bmktemp\b|\btempfile\b|\btmpnam\b")
_HOME = ("tests/support/temporary.py", "tests/support/temp_dir.h")


def main():
    root = tree.parse_root(__doc__).root
    violations = []
    for path in tree.files(root):
        if path.parts[0] != "tests" or str(path) in _HOME or path.suffix not in (".py", ".cc", ".h", ".sh"):
            continue
        for number, line in enumerate(tree.lines(root, path), 1):
            if found := _CALL.search(line):
                violations.append(f"{path}:{number}: {found[0]}: temporary directories come from {' or '.join(_HOME)}")
    tree.report(violations)


if __name__ == "__main__":
    main()
