# SPDX-License-Identifier: Apache-2.0
"""What a program that is built with the address sanitizer (the preset asan) must be told in some tests. Others do not look
at it."""

import os

# Whoever looks for leaks at its end traces itself, which a program that is traced already cannot.
NO_LEAKS = "detect_leaks=0"
# Memory that was freed is given back, so that the memory of a process is what it uses. Otherwise
# 256 MiB of it are kept, to find out who uses them later.
NO_QUARANTINE = "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"


def without_shadow(resident):
    """Bytes of memory that a program has, without the eighth that the sanitizer keeps beside them."""
    return resident * 8 // 9 if "ASAN_OPTIONS" in os.environ else resident


def options(*more):
    """The value of ASAN_OPTIONS: what the environment has, and these."""
    return ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), *more)))
