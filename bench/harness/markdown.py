# SPDX-License-Identifier: Apache-2.0
"""Tables in Markdown, and the page they are kept in."""

import pathlib
import re


def table(header, lines):
    """Columns aligned for whoever reads the source; all but the first to the right."""
    rows = [header, *lines]
    widths = [max(3, *(len(row[column]) for row in rows)) for column in range(len(header))]

    def line(cells):
        return "| " + " | ".join(cell.ljust(width) if column == 0 else cell.rjust(width)
                                 for column, (cell, width) in enumerate(zip(cells, widths))) + " |"

    rule = "|" + "|".join("-" * (width + 2) if column == 0 else "-" * (width + 1) + ":"
                          for column, width in enumerate(widths)) + "|"
    return "\n".join([line(header), rule, *map(line, lines)])


def write(path, name, text):
    """Puts `text` between the marks of that name in the page, or makes a page of it where there is none."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    block = f"{begin}\n{text}\n{end}"
    path = pathlib.Path(path)
    if not path.exists():
        path.write_text(block + "\n", encoding="utf-8")
        return
    page = path.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    page, count = pattern.subn(lambda _: block, page)
    if count != 1:
        raise SystemExit(f"{path}: {count} places for {begin!r}, and there must be one")
    path.write_text(page, encoding="utf-8")
