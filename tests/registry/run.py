#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one file of tests with registries, in a network of its own: tests/registry/run.py test_pull.py [-k PATTERN].

VENEERFS and VENEER in the environment are the programs to test (see tests/support/mounts.py)."""

import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from support import network, runner  # noqa: E402  (the path is set above)

if not runner.why_not():
    network.private()
sys.exit(runner.main())
