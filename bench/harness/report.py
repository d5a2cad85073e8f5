# SPDX-License-Identifier: Apache-2.0
"""Figures as a table for people and as a document for programs."""

import os
import platform
import statistics


class Figure:
    """One row: samples per system, and the target for the first of them.

    `limit` is in the row's unit; with `against`, it is a multiple of that system's median.
    """

    def __init__(self, what, unit, samples, limit=None, against=None):
        self.what, self.unit, self.samples, self.limit, self.against = what, unit, samples, limit, against

    def medians(self):
        return {name: statistics.median(values) for name, values in self.samples.items()}

    def target(self):
        if self.limit is None:
            return ""
        return f"≤ {self.limit:g} × {self.against}" if self.against else f"≤ {_number(self.limit, self.unit)}"

    def verdict(self):
        """Reached or not, and by how much; empty where there is no target or nothing to compare with."""
        medians = self.medians()
        ours = next(iter(medians.values()))
        if self.limit is None or (self.against and self.against not in medians):
            return ""
        reached = ours / medians[self.against] if self.against else ours
        shown = f"{reached:.2f} ×" if self.against else ""
        return f"{shown} {'yes' if reached <= self.limit else 'NO'}".strip()


def _number(value, unit):
    if unit == "s":
        return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"
    return f"{value:.1f} {unit}"


def table(figures):
    """The figures as aligned columns: what, target, reached, then each system's median."""
    lines = [("what", "target", "reached", "medians")]
    for figure in figures:
        medians = ", ".join(f"{name} {_number(value, figure.unit)}" for name, value in figure.medians().items())
        lines.append((figure.what, figure.target(), figure.verdict(), medians))
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)) + "  " + line[3]
                     for line in lines)


def document(figures, rounds):
    """Everything that was measured, for --json."""
    return {
        "system": {"kernel": platform.release(), "machine": platform.machine(), "cores": os.cpu_count()},
        "rounds": rounds,
        "figures": [{"what": f.what, "unit": f.unit, "target": f.target(), "reached": f.verdict(),
                     "medians": f.medians(), "samples": f.samples} for f in figures],
    }
