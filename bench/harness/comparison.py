# SPDX-License-Identifier: Apache-2.0
"""The rounds of bench/compare: which system when, with what caches, and the table of what came out."""

import os
import pathlib
import platform
import statistics
import subprocess
import time

from . import cases, markdown, systems

# Rows that no case describes: what is measured is the mount itself, or the daemon.
MOUNT, UMOUNT, MEMORY, IDLE = "mount", "umount", "memory", "idle"
DAEMON_ROWS = {
    MOUNT: ("mount + first ls", "s", {2: 0.050, 100: 0.080}),
    UMOUNT: ("umount with 32 MiB to be written, until all is closed", "s", {}),
    MEMORY: ("memory of the daemon after find", "MB", {2: 60, 100: 60}),
    IDLE: ("CPU of the idle daemon, 5 s", "s", {2: 0.0, 100: 0.0}),
}
NAMES = [*cases.ROWS, *DAEMON_ROWS]
REFERENCE = "overlayfs"
# What a case may end with where a system cannot do it: the others are measured all the same.
FAILURES = (OSError, AssertionError, subprocess.CalledProcessError)
# Samples whose middle half spreads over more than this part of the median are not clean.
SPREAD = 0.25


class Row:
    """What one row gave, with one depth of the stack."""

    def __init__(self, name, what, unit, layers, samples, targets, absolute=False, metadata=False, operations=1):
        self.name, self.what, self.unit, self.layers, self.samples = name, what, unit, layers, samples
        self.targets, self.absolute, self.metadata, self.operations = targets, absolute, metadata, operations

    def median(self, system):
        values = self.samples.get(system)
        return statistics.median(values) if values else None

    def ratio(self, system, to=REFERENCE):
        mine, other = self.median(system), self.median(to)
        return mine / other if mine is not None and other else None

    def is_noisy(self, system):
        values = sorted(self.samples.get(system) or [])
        if len(values) < 3:
            return False
        return values[(3 * len(values)) // 4] - values[len(values) // 4] > SPREAD * statistics.median(values)

    def line(self):
        """The medians, for whoever watches the run."""
        shown = (f"{system} {_shown(self.median(system), self.unit)}" for system in self.samples)
        return f"{self.name}, {self.layers} layers: {', '.join(shown)}"

    def verdict(self, system):
        """yes, NO or nothing where there is no target."""
        limit = self.targets.get(system)
        value = self.median(system) if self.absolute else self.ratio(system)
        if limit is None or value is None:
            return ""
        return "yes" if value <= limit else "NO"


def drop_caches():
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3", encoding="ascii")


class Comparison:
    def __init__(self, contenders, stack, rounds):
        self.contenders, self.stack, self.rounds = contenders, stack, rounds
        self.results, self.remarks = [], []
        self._files = None
        load = os.getloadavg()[0]
        if load > 0.5:
            self.remarks.append(f"the machine was busy at the start (load {load:.1f})")

    def look_around(self, layers):
        """Finds the names that the cases use, through the kernel's overlayfs."""
        self._files = cases.Files(self.stack.merged(layers))

    def measure(self, name, layers):
        """Adds a row to the results, and returns it."""
        self.results.append(self._measure_daemon(name, layers) if name in DAEMON_ROWS else self._measure_case(name, layers))
        return self.results[-1]

    def _measure_case(self, name, layers):
        what, case_class, *limits = cases.ROWS[name]
        case = case_class(self._files)
        contenders = [c for c in self.contenders if not (case.changes and c.name == "directory")]
        run = self._with_new_mounts if case.changes else self._with_shared_mounts
        samples = run(case, contenders, layers)
        plain = cases.PLAIN_TARGETS.get(name, limits)
        depth = {2: 0, 100: 1}.get(layers)
        targets = {} if depth is None else {"veneer": limits[depth], "veneerfs": plain[depth]}
        return Row(name, what, "s", layers, samples, targets, metadata=case.metadata, operations=case.operations())

    def _turns(self, contenders):
        """Each system once a round, in turning order, so that none is always first."""
        for number in range(self.rounds):
            turn = number % len(contenders)
            yield from contenders[turn:] + contenders[:turn]

    def _with_new_mounts(self, case, contenders, layers):
        samples = {c.name: [] for c in contenders}
        for contender in self._turns(contenders):
            tree = contender.mount(layers)
            try:
                case.prepare(tree)
                self._sample(case, tree, samples[contender.name])
            except FAILURES as error:
                self._failed(case, contender, error)
            finally:
                os.chdir("/")
                contender.unmount()
        return samples

    def _with_shared_mounts(self, case, contenders, layers):
        samples = {c.name: [] for c in contenders}
        trees = {c.name: c.mount(layers) for c in contenders}
        try:
            # The first read of a file makes its access time stale, so caches are warm after the
            # second run.
            for tree in [] if case.cold else 2 * list(trees.values()):
                case.run(tree)
            for contender in self._turns(contenders):
                try:
                    case.prepare(trees[contender.name])
                    self._sample(case, trees[contender.name], samples[contender.name])
                except FAILURES as error:
                    self._failed(case, contender, error)
        finally:
            os.chdir("/")
            for contender in contenders:
                contender.unmount()
        return samples

    @staticmethod
    def _sample(case, tree, samples):
        if case.cold:
            drop_caches()
        elif case.changes:
            os.sync()  # what was prepared is not written back while the case runs
        start = time.perf_counter()
        case.run(tree)
        samples.append(time.perf_counter() - start)

    def _failed(self, case, contender, error):
        said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
        remark = f"{contender.name} failed: {type(case).__name__}: {said.splitlines()[-1] if said else error}"
        if remark not in self.remarks:
            self.remarks.append(remark)

    def _measure_daemon(self, name, layers):
        what, unit, limits = DAEMON_ROWS[name]
        contenders = [c for c in self.contenders if c.name != "directory"]
        samples = {c.name: [] for c in contenders}
        for contender in self._turns(contenders):
            start = time.perf_counter()
            tree = contender.mount(layers)
            try:
                if name == MOUNT:
                    systems.run("ls", tree)
                    samples[contender.name].append(time.perf_counter() - start)
                    continue
                if name == UMOUNT:
                    samples[contender.name].append(self._time_to_detach(contender, tree))
                    continue
                server = contender.server()
                if server is None:
                    continue
                systems.run("find", tree, "-printf", "%s %m\\n")
                if name == MEMORY:
                    samples[contender.name].append(systems.resident_bytes(server) / 1e6)
                    continue
                time.sleep(1)
                before = systems.cpu_seconds(server)
                time.sleep(5)
                samples[contender.name].append(systems.cpu_seconds(server) - before)
            finally:
                contender.unmount()
        targets = {system: limits[layers] for system in ("veneer", "veneerfs") if layers in limits}
        return Row(name, what, unit, layers, {k: v for k, v in samples.items() if v}, targets, absolute=True)

    @staticmethod
    def _time_to_detach(contender, tree):
        os.sync()
        for number in range(32):
            with open(os.path.join(tree, f"dirty{number}"), "wb") as file:
                file.write(os.urandom(1 << 20))
        start = time.perf_counter()
        contender.detach()
        return time.perf_counter() - start

    def before_and_after(self):
        """The medians of this build and of the older one, and their ratio."""
        lines = []
        for row in self.results:
            for system in ("veneer", "veneerfs"):
                old, ratio = f"{system}-before", row.ratio(system, f"{system}-before")
                if ratio is not None:
                    noisy = "~" if row.is_noisy(system) or row.is_noisy(old) else ""
                    lines.append(f"{row.name}, {row.layers} layers, {system}: {_shown(row.median(old), row.unit)} -> "
                                 f"{_shown(row.median(system), row.unit)}, {noisy}{ratio:.2f} × (best of each "
                                 f"{min(row.samples[system]) / min(row.samples[old]):.2f} ×)")
        return "\n".join(lines)

    def table(self):
        names = [c.name for c in self.contenders]
        lines = [["row", "layers", *names, "veneer", "veneerfs", "target", "reached"]]
        noisy = []
        for row in self.results:
            cells = [row.what, str(row.layers)]
            for system in names:
                mark = "~" if row.is_noisy(system) else ""
                if mark:
                    noisy.append(system)
                cells.append(mark + _shown(row.median(system), row.unit))
            for system in ("veneer", "veneerfs"):
                ratio = None if row.absolute else row.ratio(system)
                cells.append("" if ratio is None else f"{ratio:.2f} ×")
            limits = [row.targets.get(s) for s in ("veneer", "veneerfs")]
            cells.append("" if limits[0] is None else " / ".join(f"{x:g}" for x in dict.fromkeys(limits)))
            cells.append(" / ".join(filter(None, (row.verdict(s) for s in ("veneer", "veneerfs")))))
            lines.append(cells)
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        text = "\n".join("  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths)))
                         for line in lines)
        notes = [f"Medians of {self.rounds}; × is the ratio to kernel overlayfs; target and reached: store image / plain "
                 "directories."]
        slow = [row for row in self.results if row.metadata and (row.ratio("fuse-overlayfs", "veneer") or 3) < 3]
        for row in slow:
            notes.append(f"less than 3 times as fast as fuse-overlayfs: {row.what}, {row.layers} layers: "
                         f"{row.ratio('fuse-overlayfs', 'veneer'):.1f}")
        if noisy:
            notes.append(f"~ not clean: the middle half of the samples spreads over more than {SPREAD:.0%} of the median.")
        return "\n".join([text, "", *notes, *self.remarks])

    def curve(self):
        """In Markdown: microseconds per operation over the depth of the stack."""
        depths = sorted({row.layers for row in self.results})
        lines = []
        for name in dict.fromkeys(row.name for row in self.results if row.operations > 1):
            rows = {row.layers: row for row in self.results if row.name == name}
            for system in (c.name for c in self.contenders):
                medians = [rows[depth].median(system) if depth in rows else None for depth in depths]
                if any(medians):
                    shown = ["-" if median is None else ("~" if rows[depth].is_noisy(system) else "") +
                             f"{median / rows[depth].operations * 1e6:.1f}" for depth, median in zip(depths, medians)]
                    lines.append([f"{name}, {system}", *shown])
        return markdown.table(["µs per operation", *(f"{depth} layer{'s' * (depth > 1)}" for depth in depths)], lines)

    def document(self):
        return {
            "system": {"kernel": platform.release(), "machine": platform.machine(), "cores": os.cpu_count()},
            "rounds": self.rounds,
            "remarks": self.remarks,
            "rows": [{"row": r.name, "what": r.what, "unit": r.unit, "layers": r.layers, "samples": r.samples,
                      "targets": r.targets, "medians": {s: r.median(s) for s in r.samples},
                      "not_clean": [s for s in r.samples if r.is_noisy(s)]} for r in self.results],
        }


def _shown(value, unit):
    if value is None:
        return "-"
    if unit == "s":
        return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"
    return f"{value:.1f} {unit}"
