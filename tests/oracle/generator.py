# SPDX-License-Identifier: Apache-2.0
"""What the generators share: which cases are made, and what becomes of a disagreement with a judge.

Case i of a run has the seed SEED + i, so that every case can be made again alone: `scripts/soak NAME --seed S --count 1`. The
small run of scripts/test always makes the same cases, because a change must not fail for a case that it did not bring;
scripts/soak makes others each time.

A disagreement that is meant stands in a list of `Intended`, in the file of its generator, with its reason. All others fail.
"""

import collections
import os
import random
import sys
import time
from dataclasses import dataclass
from typing import Callable

FIRST_SEED = 1


@dataclass(frozen=True)
class Difference:
    """One disagreement between Veneer and a judge."""
    judge: str  # "docker", "podman-vfs", ...
    what: str   # the kind: "refused", "id", or a field of a tree: "mode", "mtime", ...
    where: str  # the path, the template, ...
    ours: object
    theirs: object

    def __str__(self):
        return f"{self.where}: {self.what}: ours {self.ours!r}, {self.judge} {self.theirs!r}"


@dataclass(frozen=True)
class Intended:
    """A disagreement that is meant: its name, why we do otherwise, and which differences it explains."""
    name: str
    reason: str
    explains: Callable[[Difference, object], bool]  # of a difference and the case as its generator describes it


def count(small):
    """How many cases this run makes; `small` of them in scripts/test."""
    return int(os.environ.get("COUNT", small))


def first_seed():
    """The seed of the first case."""
    return int(os.environ.get("SEED", FIRST_SEED))


def seeds(small):
    """The seeds of the cases of this run. Tells how far it is, now and then."""
    first, number = first_seed(), count(small)
    print(f"(SEED={first} COUNT={number})", end=" ", flush=True)
    said = time.monotonic()
    for index in range(number):
        if time.monotonic() - said > 20:
            said = time.monotonic()
            print(f"{index} of {number}", file=sys.stderr, flush=True)
        yield first + index


def rng(seed):
    """The random numbers of one case."""
    return random.Random(seed)


class Verdict:
    """Collects what the cases of a run showed, and judges it at the end."""

    def __init__(self, name, intended):
        self.name, self.intended = name, intended
        self.failures = []
        self.cases = 0
        self.used = collections.Counter()

    def case(self, seed, differences, description=""):
        """Takes the differences of one case; `description` is shown beside those that nothing explains, and given to
        the `explains` of the list."""
        self.cases += 1
        for difference in differences:
            reason = next((one for one in self.intended if one.explains(difference, description)), None)
            if reason:
                self.used[reason.name] += 1
            else:
                self.failures.append((seed, difference, description))

    def check(self, test):
        """Fails the test for the first of what nothing explains."""
        told = ", ".join(f"{name} {number}" for name, number in sorted(self.used.items()))
        print(f"{self.cases} cases; meant: {told or 'none'}", end=" ", flush=True)
        if self.failures:
            seeds_of = list(dict.fromkeys(seed for seed, _, _ in self.failures))
            lines = [f"seed {seed}: {difference}\n      {description}" for seed, difference, description in self.failures]
            test.fail(f"{len(seeds_of)} of {self.cases} cases differ ({len(lines)} differences). Once more alone: "
                      f"scripts/soak {self.name} --seed {seeds_of[0]} --count 1\n    " + "\n    ".join(lines[:60]))
