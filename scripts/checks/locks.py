#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Locks are those of layerdb/base/mutex.h: with them, scripts/thread-safety proves that data is
reached under its lock."""

import re
import tree

_HOME = "layerdb/base/mutex.h"
_FOLDERS = ("layerdb", "fs", "tools")
_LOCK = re.compile(r"std::((?:\w+_)?mutex|condition_variable(?:_any)?|(?:unique|shared|scoped)_lock|lock_guard|call_once)\b|"
                   r"(pthread_(?:mutex|rwlock|cond|spin)_\w+)")


def main():
    root = tree.parse_root(__doc__).root
    violations = []
    for path in tree.cpp_files(root, _FOLDERS):
        if str(path) == _HOME:
            continue
        for number, line in enumerate(tree.code_lines(root, path), 1):
            if found := _LOCK.search(line):
                violations.append(f"{path}:{number}: {found[1] or found[2]}: take a lock of {_HOME}")
    tree.report(violations)


if __name__ == "__main__":
    main()
