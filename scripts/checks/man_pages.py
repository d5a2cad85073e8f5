#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every manual page passes mandoc's linter, warnings included."""

import subprocess
import tree


def main():
    root = tree.parse_root(__doc__).root
    pages = [str(path) for path in tree.files(root) if path.parts[0] == "man" and path.suffix[1:].isdigit()]
    if not pages:
        tree.report([f"{root}: no manual page found: the check looks in the wrong place"])
    # A page that is named here but not installed on this machine (.Xr) is not a fault of the text.
    result = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *pages], cwd=root,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    violations = result.stdout.splitlines()
    if result.returncode != 0 and not violations:
        violations = [f"mandoc failed with status {result.returncode}"]
    tree.report(violations)


if __name__ == "__main__":
    main()
