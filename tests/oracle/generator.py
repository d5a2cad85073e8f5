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
    """A disagreement that is meant: its name, why we do otherwise, and which differences it explains. It says as much as is
    known, so that no fault of Veneer's hides behind it: above all `agreed`, since what another reader shows too is no slip."""
    name: str
    reason: str
    judges: tuple  # that differ so
    kinds: tuple  # what they differ in: Difference.what
    explains: Callable[[Difference, object], bool]  # of a difference and the case as its generator describes it
    agreed: tuple = ()  # where any of these judges reads the case, one shows what Veneer shows

    def matches(self, difference, description, readers, agreeing):
        """readers: the judges that read the case; agreeing: those that show what Veneer shows."""
        witnesses = readers.intersection(self.agreed)
        return (difference.judge in self.judges and difference.what in self.kinds
                and (not witnesses or not witnesses.isdisjoint(agreeing)) and self.explains(difference, description))


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
        self.meant = 0  # cases that differ, in everything as the list says
        self.open = 0  # cases that differ in something else
        self.unread = 0  # cases that no judge takes, which show nothing
        self.used = collections.Counter()

    def case(self, seed, differences, description, readers):
        """Takes the differences of one case; `description` is shown beside those that nothing explains, and given to
        the `explains` of the list. readers: the judges that read the case, whether they differ or not."""
        self.cases += 1
        self.unread += not readers and not differences
        differing = collections.defaultdict(set)
        for one in differences:
            differing[one.where, one.what].add(one.judge)
        unexplained = 0
        for one in differences:
            agreeing = readers - differing[one.where, one.what] - differing[one.where, "path"]
            reason = next((line for line in self.intended if line.matches(one, description, readers, agreeing)), None)
            if reason:
                self.used[reason.name] += 1
            else:
                unexplained = 1
                self.failures.append((seed, one, description))
        self.open += unexplained
        self.meant += bool(differences) and not unexplained

    def check(self, test):
        """Fails the test for the first of what nothing explains."""
        told = ", ".join(f"{name} {number}" for name, number in sorted(self.used.items()))
        agree = self.cases - self.unread - self.meant - self.open
        print(f"{self.cases} cases: {agree} agree, {self.meant} differ as meant, {self.open} differ, {self.unread} are read by "
              f"nobody; meant: {told or 'none'}", end=" ", flush=True)
        if self.failures:
            seeds_of = list(dict.fromkeys(seed for seed, _, _ in self.failures))
            lines = [f"seed {seed}: {difference}\n      {description}" for seed, difference, description in self.failures]
            test.fail(f"{self.open} of {self.cases} cases differ ({len(lines)} differences; seeds {seeds_of[:60]}). Once more "
                      f"alone: scripts/soak {self.name} --seed {seeds_of[0]} --count 1\n    " + "\n    ".join(lines[:60]))
