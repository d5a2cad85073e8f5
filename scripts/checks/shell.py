#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every shell script passes shellcheck."""

import re
import subprocess
import tree


def main():
    root = tree.parse_root(__doc__).root
    scripts = [str(path) for path in tree.files(root)
               if path.suffix == ".sh" or re.search(r"\b(bash|sh)$", tree.shebang(root, path))]
    if not scripts:
        tree.report([f"{root}: no shell script found: the check looks in the wrong place"])
    result = subprocess.run(["shellcheck", "--format=gcc", "--external-sources", *scripts], cwd=root,
                            stdout=subprocess.PIPE, text=True, check=False)
    violations = result.stdout.splitlines()
    if result.returncode != 0 and not violations:
        violations = [f"shellcheck failed with status {result.returncode}"]
    tree.report(violations)


if __name__ == "__main__":
    main()
