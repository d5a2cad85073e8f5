#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one file of tests in Python: tests/run.py tests/mount/test_rename.py [-k PATTERN].

VENEERFS and VENEER in the environment are the programs to test (see tests/support/mounts.py). COUNT and SEED say how many
cases the generators of tests/oracle make, and which (see generator.py); scripts/soak runs these large."""

import sys

sys.dont_write_bytecode = True

from support import runner  # noqa: E402  (no bytecode of it)

sys.exit(runner.main())
