#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every test is built and run: each *_test.cc and test_*.py is named in the CMakeLists.txt of its folder."""

import re
import tree


def main():
    root = tree.parse_root(__doc__).root
    violations = []
    for path in tree.files(root):
        if not re.fullmatch(r"(.*_test|test_.*)\.(cc|py|sh)", path.name):
            continue
        lists = root / path.parent / "CMakeLists.txt"
        listed = re.sub(r"#.*", "", lists.read_text()) if lists.is_file() else ""
        # A mount test may be listed without `test_`, which the list's own helper adds.
        name = f"(test_)?{re.escape(path.stem[5:])}" if path.stem.startswith("test_") else re.escape(path.stem)
        if not re.search(rf"(?<![\w.-]){name}(\.(cc|py|sh))?(?![\w.-])", listed):
            violations.append(f"{path}:1: not named in {path.parent}/CMakeLists.txt, so nothing runs it")
    tree.report(violations)


if __name__ == "__main__":
    main()
