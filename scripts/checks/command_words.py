#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The library and the daemon give reasons (layerdb/base/result.h); the words of the command are those of tools/cli.

Looks for `veneer COMMAND` and for --options of it in the strings of C++ files elsewhere.
"""

import re
import tree

# Options of other programs and of instructions that are named to a person.
_OTHERS = {"--sparse", "--long", "--add-subuids", "--add-subgids", "--bind", "--version", "--help", "--interval", "--timeout",
           "--depth", "--init", "--recursive",  # of git
           "--start-period", "--start-interval", "--retries", "--platform", "--chown", "--chmod", "--device", "--mount", "--network", "--security"}
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_WORDS = re.compile(r"`veneer |(?<![\w-])--[a-z][a-z-]+")


def main():
    root = tree.parse_root(__doc__).root
    violations = []
    for path in tree.files(root):
        if path.suffix not in (".h", ".cc") or path.parts[0] not in ("layerdb", "tools") or path.parts[:2] == ("tools", "cli"):
            continue
        for number, line in enumerate(tree.lines(root, path), 1):
            if line.lstrip().startswith(("//", "#")):
                continue
            for text in _STRING.findall(line):
                for word in _WORDS.findall(text):
                    if word not in _OTHERS:
                        violations.append(f"{path}:{number}: {word} is for tools/cli/advice.cc to say; give a reason")
    tree.report(violations)


if __name__ == "__main__":
    main()
