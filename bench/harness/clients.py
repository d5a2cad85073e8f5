# SPDX-License-Identifier: Apache-2.0
"""Several clients at once, and one while a large file is copied up; what bench/client_load does in each system's mount."""

import os
import random
import statistics
import subprocess
import time

from . import contenders, markdown, systems
from .comparison import drop_caches

# How many clients, and what they are.
SETS = [(1, "processes"), (2, "processes"), (4, "processes"), (2, "threads"), (4, "threads")]
# Row: what each client does, whether caches are dropped before, whether the tree is changed.
ROWS = {
    "stat-cold": ("stat", True, False),
    "stat-warm": ("stat", False, False),
    "read-cold": ("read", True, False),
    "read-warm": ("read", False, False),
    "create": ("create", False, True),
}
# A second client must not make both together slower than one was; measuring is no more exact than
# that.
TOLERANCE = 0.95


def load(program, tree, names, *words):
    """The figures that client_load prints, run in the tree."""
    done = subprocess.run([program, *map(str, words)], cwd=tree, input="\n".join(names), stdout=subprocess.PIPE, text=True,
                          check=True)
    return [float(word) for word in done.stdout.split()]


class Throughput:
    """Operations per second of 1, 2 and 4 clients that share the same work."""

    def __init__(self, program, found, rounds):
        self.program, self.contenders, self.rounds = program, found, rounds
        self.results = {}

    def measure(self, row, layers, files):
        what, cold, changes = ROWS[row]
        names = {"stat": files.stats, "read": files.small, "create": files.small[:4000]}[what]
        samples = {(c.name, clients): [] for c in self.contenders for clients in SETS}
        trees = {c.name: c.mount(layers) for c in self.contenders}
        try:
            for tree in [] if cold else 2 * list(trees.values()):
                load(self.program, tree, names, what, 1, "processes")
            for number in range(self.rounds):
                turn = number % len(trees)
                order = list(trees)[turn:] + list(trees)[:turn]
                for clients in SETS:
                    for name in order:
                        if cold:
                            drop_caches()
                        elif changes:
                            os.sync()
                        seconds, = load(self.program, trees[name], names, what, *clients)
                        samples[name, clients].append(len(names) / seconds)
        finally:
            for contender in self.contenders:
                contender.unmount()
        self.results[row] = samples

    def text(self):
        lines = []
        for row, samples in self.results.items():
            for contender in self.contenders:
                medians = [statistics.median(samples[contender.name, clients]) for clients in SETS]
                lines.append([f"{row}, {contender.name}",
                              *(f"{median / 1000:.1f}" + (" ↓" if median < TOLERANCE * medians[0] else "")
                                for median in medians)])
        header = ["1,000 operations per second", "1 client", *(f"{count} {what}" for count, what in SETS[1:])]
        return markdown.table(header, lines) + "\n\n↓: less than one client alone."

    def document(self):
        return {row: [{"system": system, "clients": count, "are": what, "operations_per_second": values}
                      for (system, (count, what)), values in samples.items()] for row, samples in self.results.items()}


class OneLayer:
    """A stack of one layer: a large file, and small ones in directories."""

    DIRECTORIES, FILES, LARGE = 100, 1000, "large"

    def __init__(self, folder, size):
        self._folder = folder
        self.store = folder / "store"
        layer = folder / "l" / "0"
        layer.mkdir(parents=True)
        block = os.urandom(1 << 20)
        with open(layer / self.LARGE, "wb", buffering=0) as file:
            for number in range(size >> 20):
                file.write(number.to_bytes(8, "big") + block[8:])
        self.names = []
        for d in range(self.DIRECTORIES):
            (layer / str(d)).mkdir()
            for f in range(self.FILES):
                os.close(os.open(layer / str(d) / str(f), os.O_CREAT | os.O_WRONLY, 0o644))
                self.names.append(f"{d}/{f}")
        random.Random(3).shuffle(self.names)
        systems.run("veneer", "import", layer, self.image(1), env=systems.store(self.store))

    def lowerdirs(self, layers):
        return [f"l/{number}" for number in range(layers)]

    def cwd(self):
        return self._folder

    def image(self, _layers):
        return "layer:1"


class Latency:
    """lstat(2) of names that the mount has not been asked for, alone and beside the copy-up of a large file."""

    IDLE_SECONDS = 3

    def __init__(self, program, found, one_layer, rounds):
        self.program, self.contenders, self.layer, self.rounds = program, found, one_layer, rounds
        self.results = {(c.name, when): [] for c in found for when in ("alone", "copy-up")}

    def measure(self):
        for number in range(self.rounds):
            turn = number % len(self.contenders)
            for contender in self.contenders[turn:] + self.contenders[:turn]:
                tree = contender.mount(1)
                try:
                    names = self.layer.names
                    count = int(self._sample(contender, "alone", tree, names)[0])
                    os.sync()
                    self._sample(contender, "copy-up", tree, names[count:], OneLayer.LARGE)
                finally:
                    contender.unmount()
                    time.sleep(1)  # the disk's rest after several gigabytes were given back

    def _sample(self, contender, when, tree, names, *file):
        figures = load(self.program, tree, names, "latency", self.IDLE_SECONDS, *file)
        self.results[contender.name, when].append(figures)
        return figures

    def text(self):
        lines = []
        for (system, when), samples in self.results.items():
            count, p50, p99, longest, seconds = (statistics.median(column) for column in zip(*samples))
            lines.append([f"{system}, {when}", f"{count:,.0f}", f"{p50:,.0f}", f"{p99:,.0f}", f"{longest:,.0f}",
                          f"{seconds:.1f} s" if when == "copy-up" else "-"])
        return markdown.table(["lstat(2) of another file, µs", "calls", "p50", "p99", "longest", "copy-up took"], lines)

    def document(self):
        return [{"system": system, "when": when, "samples": samples} for (system, when), samples in self.results.items()]


def systems_to_compare(scratch, stack, arguments):
    """All but the bare directory, where several clients are the disk's business."""
    found, missing = contenders.all_of(scratch, stack, arguments)
    if arguments.systems:
        return contenders.chosen(found, arguments.systems), missing
    return [c for c in found if c.name != "directory"], missing
