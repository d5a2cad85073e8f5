#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Numbers in text are read by layerdb/base/parse.h alone, so that every program takes the same ones."""

import re
import tree

_FOLDERS = ("layerdb", "fs", "tools")
_PARSER = re.compile(r"\b((?:from_chars|sto(?:i|l|ll|ul|ull|f|d|ld)|strto(?:l|ll|ul|ull|imax|umax|f|d|ld)|ato[fil]|atoll|v?[fs]?scanf)\()")
# Go's fractions may be hexadecimal, with prefix and exponent, and may round to zero.
_ALLOWED = {"layerdb/base/parse.h": "from_chars(", "tools/format/go_template_literals.cc": "strtod("}


def main():
    root = tree.parse_root(__doc__).root
    violations = []
    for path in tree.cpp_files(root, _FOLDERS):
        for number, line in enumerate(tree.code_lines(root, path), 1):
            found = _PARSER.search(line)
            if found and _ALLOWED.get(str(path)) != found[1]:
                violations.append(f"{path}:{number}: {found[1]}): ParseNumber() of layerdb/base/parse.h reads numbers")
    tree.report(violations)


if __name__ == "__main__":
    main()
