#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a generator against the judges: tests/oracle/run.py test_archives.py [-k PATTERN]; large: scripts/soak.

VENEERFS and VENEER in the environment are the programs to test (see tests/support/mounts.py); COUNT and SEED say how many
cases there are and which (see generator.py)."""

import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from support import runner  # noqa: E402  (the path is set above)

sys.exit(runner.main())
