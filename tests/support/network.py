# SPDX-License-Identifier: Apache-2.0
"""A network of the tests' own, in which nothing but this machine can be reached.

Its processes are the tests and what they start: no port is taken by others, a name that is not in /etc/hosts is not found, and
a look-up in a registry of the world fails at once.
"""

import functools

from support import proc, sysio

# An address of this machine that is no loopback address: of the block for documentation.
OUTSIDE = "192.0.2.1"


@functools.cache
def private():
    """Moves this process, and what it starts from now on, into a new network: loopback, and the address OUTSIDE. Called again,
    it does nothing."""
    sysio.unshare(sysio.CLONE_NEWNET)
    proc.run(["ip", "link", "set", "lo", "up"], check=True)
    proc.run(["ip", "address", "add", f"{OUTSIDE}/32", "dev", "lo"], check=True)
