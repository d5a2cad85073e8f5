# SPDX-License-Identifier: Apache-2.0
"""Greets all that are named."""

import sys


def main():
    """Entry of the script."""
    for name in sys.argv[1:]:
        print(f"hello {name}")
