# SPDX-License-Identifier: Apache-2.0
"""Random operations on a tree, by the engine of tests/mount/parity: VENEER_PARITY in the environment is the program."""

import os

from support import proc

PROGRAM = os.environ.get("VENEER_PARITY", "veneer_parity")


def apply(root, seed, steps, repertoire):
    """The operations of a seed, in the tree at `root`; a line for each that succeeded. The names that are there are those
    that the operations begin with. `repertoire`: see veneer_parity --help."""
    return proc.run([PROGRAM, "--seed", str(seed), "--steps", str(steps), "--repertoire", repertoire, root],
                    check=True).out.splitlines()


def apply_to_both(mount, plain, seed, steps, repertoire):
    """The same in a mount of veneerfs and in a plain directory with the same tree, with every result compared, but access
    times, which tell who looked at either before. AssertionError: there is a difference."""
    done = proc.run([PROGRAM, "--seed", str(seed), "--steps", str(steps), "--repertoire", repertoire, "--ignore",
                     "access time", mount, plain])
    if done.code:
        raise AssertionError(f"seed {seed}, {steps} steps of {repertoire} in {mount}:\n{done.out}{done.err}")
