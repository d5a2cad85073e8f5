#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A type of a header has a name of its own: two of one name in one namespace break the one-definition rule, which the
compiler and the linker do not notice."""

import re

import tree

# Before the name there may be an annotation of layerdb/base/mutex.h.
_TYPE = re.compile(r"^(?:struct|class|enum(?: class)?) (?:[A-Z_]+(?:\(\"\w+\"\))? )?(\w+)(?!\w|::)[^;]*\{")


def main():
    root = tree.parse_root(__doc__).root
    places = {}
    violations = []
    for path in tree.files(root):
        if path.suffix != ".h" or path.parts[0] not in ("fs", "layerdb", "tools"):
            continue
        for number, line in enumerate(tree.lines(root, path), 1):
            found = _TYPE.match(line)
            if not found:
                continue
            first = places.setdefault(found[1], f"{path}:{number}")
            if first != f"{path}:{number}":
                violations.append(f"{path}:{number}: {found[1]} is defined at {first} too")
    tree.report(violations)


if __name__ == "__main__":
    main()
