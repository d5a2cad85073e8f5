# SPDX-License-Identifier: Apache-2.0
"""What each optimization of the protocol gives: one container of the same image per option that is switched off, all of them
mounted at once and measured in turn."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time

from . import cases, contenders, markdown, stacks, systems
from .comparison import SPREAD, drop_caches

# What is switched off, and by which option.
OPTIMIZATIONS = {
    "nothing": "",
    "stateless protocol": "x-disable=stateless",
    "adaptive polling": "x-disable=polling",
    "endless timeouts": "cache=none",
    "negative entries": "x-disable=cache_negative",
    "READDIRPLUS": "x-disable=readdirplus",
    "HANDLE_KILLPRIV_V2": "x-disable=killpriv",
    "cached symlinks": "x-disable=cache_symlinks",
    "parallel lookups": "x-disable=parallel_dirops",
    "direct writes": "x-disable=direct_writes",
    "refused labels": "x-disable=refuse_labels",
    "POSIX ACLs": "noacl",
}
ALL = "everything but ACLs"
VARIANTS = {**OPTIMIZATIONS, ALL: ",".join(words for words in OPTIMIZATIONS.values() if words and words != "noacl")}
REFERENCE = "nothing"


class MissingAgain(cases.Missing):
    cold = False


ROWS = {
    "find-cold": cases.ROWS["find-cold"][1],
    "find-warm": cases.Find,
    "ls-warm": cases.List,
    "stat-cold": cases.Stat,
    "missing": cases.Missing,
    "missing-again": MissingAgain,
    "read-warm": cases.ReadSmall,
    "create": cases.Create,
    "append-upper": cases.AppendUpper,
}
# Not asked by a program: what the kernel forgets, and the question for the statistics itself.
NOT_COUNTED = ("FORGET", "BATCH_FORGET", "IOCTL")


class Findings:
    def __init__(self, scratch, stack, rounds):
        self.stack, self.rounds = stack, rounds
        self.contenders = {name: contenders.Image(f"v{number}", scratch, stack, words)
                           for number, (name, words) in enumerate(VARIANTS.items())}
        self.times, self.requests, self.operations = {}, {}, {}

    def look_around(self, layers):
        """The names that the cases use."""
        contender = self.contenders[REFERENCE]
        try:
            return cases.Files(contender.mount(layers))
        finally:
            contender.unmount()

    def measure(self, row, layers, files):
        case = ROWS[row](files)
        self.operations[row] = case.operations()
        trees = {name: contender.mount(layers) for name, contender in self.contenders.items()}
        samples = {name: [] for name in trees}
        try:
            for tree in trees.values():
                case.prepare(tree)
                # The first read of a file makes its access time stale, so caches are warm after the
                # second run.
                for _ in range(0 if case.cold or case.changes else 2):
                    case.run(tree)
            self.requests[row] = {name: self._count(case, tree) for name, tree in trees.items()}
            for number in range(self.rounds):
                names = list(trees)
                turn = number % len(names)
                for name in names[turn:] + names[:turn]:
                    samples[name].append(self._run(case, trees[name]))
        finally:
            os.chdir("/")
            for contender in self.contenders.values():
                contender.unmount()
        self.times[row] = samples

    @staticmethod
    def _run(case, tree):
        if case.cold:
            drop_caches()
        elif case.changes:
            os.sync()
        start = time.perf_counter()
        case.run(tree)
        seconds = time.perf_counter() - start
        if isinstance(case, cases.Create):
            shutil.rmtree(os.path.join(tree, "var/new"))
        return seconds

    def _count(self, case, tree):
        """How many requests of each kind one run makes."""
        if case.cold:
            drop_caches()
        before = self._requests(tree)
        case.run(tree)
        after = self._requests(tree)
        if isinstance(case, cases.Create):
            shutil.rmtree(os.path.join(tree, "var/new"))
        return {kind: count - before.get(kind, 0) for kind, count in after.items() if kind not in NOT_COUNTED}

    @staticmethod
    def _requests(tree):
        done = subprocess.run(["veneer", "stats", "--format", "json", f"{tree}/"], stdout=subprocess.PIPE, check=True)
        return {one["kind"]: one["count"] for one in json.loads(done.stdout)["requests"]}

    def _median(self, row, name):
        return statistics.median(self.times[row][name])

    def _is_noisy(self, row, name):
        values = sorted(self.times[row][name])
        return len(values) > 2 and values[(3 * len(values)) // 4] - values[len(values) // 4] > SPREAD * self._median(row, name)

    def text(self):
        """Both tables in Markdown."""
        rows = list(self.times)
        times, requests = [], []
        for name in VARIANTS:
            cells = []
            for row in rows:
                value = self._median(row, name)
                shown = f"{value * 1000:.0f} ms" if name == REFERENCE else f"{value / self._median(row, REFERENCE):.2f}"
                cells.append(("~" if self._is_noisy(row, name) else "") + shown)
            times.append([name, *cells])
            requests.append([name, *(f"{sum(self.requests[row][name].values()) / self.operations[row]:.3f}"
                                     for row in rows)])
        operations = ["operations", *(f"{self.operations[row]:,}" for row in rows)]
        header = ["switched off", *rows]
        kinds = [[row, ", ".join(f"{kind} {count / self.operations[row]:.3f}"
                                 for kind, count in sorted(self.requests[row][REFERENCE].items(), key=lambda one: -one[1])
                                 if count / self.operations[row] >= 0.0005)] for row in rows]
        return "\n".join([
            "Time; below the first line, as a multiple of it"
            f" (medians of {self.rounds}; `~`: the middle half of the samples spreads over more than {SPREAD:.0%}):", "",
            markdown.table(header, times), "",
            "Requests to the daemon per operation:", "",
            markdown.table(header, [operations, *requests]), "",
            "The same by kind, with nothing switched off:", "",
            markdown.table(["row", "requests per operation"], kinds)])

    def document(self):
        return {"rounds": self.rounds, "options": VARIANTS, "operations": self.operations, "seconds": self.times,
                "requests": self.requests}


def run(work, archive, rows, layers, rounds):
    """Measures these rows; the folder is made and removed."""
    with systems.Scratch(work / "findings") as scratch:
        stack = stacks.Stack(scratch.fresh("stack"), archive)
        stack.grow(layers)
        findings = Findings(scratch, stack, rounds)
        files = findings.look_around(layers)
        for row in rows:
            print(f"measuring {row} ...", file=sys.stderr, flush=True)
            findings.measure(row, layers, files)
    return findings
