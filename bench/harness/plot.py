# SPDX-License-Identifier: Apache-2.0
"""The ratios to kernel overlayfs as a chart."""

import math

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  (after the choice of what draws)


def draw(rows, path):
    """One group of bars per row and depth, on a logarithmic axis on which 1 is kernel overlayfs."""
    rows = [row for row in rows if not row.absolute]
    systems = [s for s in ("veneer", "veneerfs", "fuse-overlayfs", "directory")
               if any(row.ratio(s) is not None for row in rows)]
    figure, axes = plt.subplots(figsize=(10, 1.5 + 0.42 * len(rows)))
    height = 0.8 / max(1, len(systems))
    for index, system in enumerate(systems):
        places = [i + index * height for i in range(len(rows))]
        axes.barh(places, [row.ratio(system) or math.nan for row in rows], height, left=0, label=system)
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks([i + 0.4 - height / 2 for i in range(len(rows))],
                    [f"{row.what} ({row.layers} layers)" for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("time, kernel overlayfs = 1 (shorter is better)")
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
