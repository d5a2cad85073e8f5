#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every source file says its licence in its first line (the second, after an interpreter line)."""

import tree

_LINE = "SPDX-License-Identifier: Apache-2.0"


def is_source(root, path):
    if path.suffix in (".h", ".cc", ".cmake", ".py", ".sh", ".bash", ".fish", ".zsh"):
        return True
    if path.name == "CMakeLists.txt" or path.parts[0] in ("man", "completions"):
        return True
    return bool(tree.shebang(root, path))


def main():
    root = tree.parse_root(__doc__).root
    violations = []
    for path in tree.files(root):
        if not is_source(root, path):
            continue
        head = tree.lines(root, path)[:2]
        # zsh finds a completion function by its first line, which must be the #compdef tag.
        second_counts = bool(head) and head[0].startswith(("#!", "#compdef"))
        if not any(_LINE in line for line in head[: 2 if second_counts else 1]):
            violations.append(f"{path}:1: the first line must say {_LINE}")
    tree.report(violations)


if __name__ == "__main__":
    main()
