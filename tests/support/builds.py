# SPDX-License-Identifier: Apache-2.0
"""Small Dockerfiles with what they make: the cases of tests/build, which Veneer builds, and of tests/oracle, which other
builders build too.

A case names the statements that it tests. Its expectation is Veneer's; where another builder does otherwise and that is
meant, the case lists what is different there, and why."""

import os
import re
from dataclasses import dataclass, field
from typing import Callable

from support import built, tree

BUILDKIT, CLASSIC, BUILDAH = "buildkit", "classic", "buildah"
DOCKER = (BUILDKIT, CLASSIC)
ALL = (BUILDKIT, CLASSIC, BUILDAH)
OLD = (CLASSIC, BUILDAH)


@dataclass(frozen=True)
class Differs:
    """What other builders do otherwise, and why that is meant. `what`: paths ("/d/": the path and all below), keys of the config,
    "history", "layers", "created", "outcome" (one fails and the other does not)."""
    judges: tuple | str
    what: tuple | str
    reason: str

    def of(self, judge):
        """Is it said of this judge?"""
        return judge in ((self.judges,) if isinstance(self.judges, str) else self.judges)

    def keys(self):
        """What differs, as a tuple."""
        return (self.what,) if isinstance(self.what, str) else self.what

    @staticmethod
    def covers(key, name):
        """Is a difference in `name` meant by `key`?"""
        return name == key or key.endswith("/") and (name.startswith(key) or name == key[:-1])


@dataclass
class Case:
    """One build. `name` begins with the numbers of the statements, and is part of the name of the test."""
    name: str
    dockerfile: str = ""  # without FROM it starts from bb
    context: dict = field(default_factory=dict)  # of support/tree.py
    options: tuple = ()
    tree: dict | None = field(default_factory=dict)  # what is not as in the base: a What, or None: gone. None: any tree
    config: dict | None = field(default_factory=dict)  # what is not as in the base's config. None: any
    history: tuple | None = None  # "created_by" of the items that came to the base's; an empty layer's begins with "-"
    layers: int | None = None  # that came to the base's
    created: str | None = None  # "base": the time of the base
    error: str | None = None  # a pattern of the line that says why it fails
    code: int = 1
    prints: str | None = None  # a pattern of what it writes when it succeeds
    base: str = "bb"  # the image that tree and config are compared with; "": nothing
    before: dict = field(default_factory=dict)  # images that are built first: name to Dockerfile
    input: str | bytes | None = None  # standard input
    where: str = "."  # the context, as the command names it
    file: str = "Dockerfile"  # where the Dockerfile is in the context; "": nowhere
    environment: dict = field(default_factory=dict)
    serves: dict = field(default_factory=dict)  # files of a web server, which the Dockerfile calls URL
    differs: tuple = ()
    history_differs: str | None = None  # why the history is not BuildKit's, where `differs` does not say it
    many_ids: bool = False  # RUN needs more ids than that of root
    as_root: bool = False  # in a user namespace the kernel does not show what the case is about
    waits: str | None = None  # the option or the feature that veneer build has not got: the case must fail there

    def text(self, dockerfile=None):
        """A Dockerfile with its FROM."""
        text = self.dockerfile if dockerfile is None else dockerfile
        if isinstance(text, bytes) or re.match(r"\ufeff?\s*(#|FROM\b|ARG [^\n]*\n(ARG [^\n]*\n)*FROM\b|\Z)", text, re.I):
            return text
        return "FROM bb\n" + text

    def make_context(self, path):
        """Makes the context in a new directory; its path."""
        os.mkdir(path)
        os.chmod(path, 0o755)
        tree.build(path, self.context)
        if self.file:
            target = os.path.join(path, self.file)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            text = self.text()
            with open(target, "wb") as out:
                out.write(text if isinstance(text, bytes) else text.encode())
        return path


@dataclass
class Twice(Case):
    """Two builds, with a change of the context between them. A line `MARK name` writes something else each time that it is run:
    the second build takes those of `kept` from the first, and makes those of `anew` once more. `differs` may name marks."""
    kept: tuple = ()
    anew: tuple = ()
    change: Callable = lambda path, serves: None  # path of the context, files of the web server
    again: str | None = None  # the Dockerfile of the second build
    more: tuple | None = None  # its options

    def text(self, dockerfile=None):
        return re.sub(r"(?m)^MARK (.*)$", r"RUN cat /proc/sys/kernel/random/uuid > /\1", super().text(dockerfile))

    def marks(self, outcome):
        """Differences from what is said of the marks."""
        found = []
        for name in self.kept + self.anew:
            before, after = (image.tree[f"/{name}"].data for image in (outcome.first, outcome.image))
            if (name in self.kept) != (before == after):
                found.append((name, "kept" if name in self.kept else "anew", outcome.text[-1500:]))
        return found


@dataclass
class Outcome:
    """What a builder did with a case."""
    code: int
    text: str  # all that it wrote
    image: built.Built | None = None  # None: it failed
    first: built.Built | None = None  # of Twice


def expected_differences(case, outcome):
    """How an outcome differs from what the case expects: (what, expected, found)."""
    found = []
    if (outcome.image is None) != (case.error is not None):
        return [("outcome", case.error or "an image", outcome.text[-1500:])]
    if outcome.image is None:
        return found
    base, image = built.base(case.base), outcome.image
    if case.tree is not None:
        changed = image.changed(base.tree)
        for path in sorted(case.tree.keys() | changed.keys()):
            before = base.tree.get(path)
            want, got = case.tree.get(path, before), changed.get(path, before if path not in changed else None)
            if path not in case.tree and path == "/":
                continue  # its time changed, or nothing said what it is
            if (want is None) != (got is None) or want is not None and not want.matches(got):
                found.append((path, want and str(want), got and str(got)))
    if case.config is not None:
        want = {**base.config, **case.config}
        found += [(key, want[key], image.config[key]) for key in built.CONFIG_KEYS if want[key] != image.config[key]]
    new = image.history[len(base.history):]
    if case.history is not None:
        lines = tuple(f"{'-' * empty}{words}" for words, empty, _ in new)
        if lines != case.history:
            found.append(("history", case.history, lines))
    if case.layers is not None and len(image.layers) - len(base.layers) != case.layers:
        found.append(("layers", case.layers, len(image.layers) - len(base.layers)))
    if isinstance(case, Twice):
        found += case.marks(outcome)
    if case.created is not None and image.created != base.created:
        found.append(("created", base.created, image.created))
    return found


def image_differences(ours, theirs):
    """How two images differ: (what, ours, theirs)."""
    found = []
    for path in sorted(ours.tree.keys() | theirs.tree.keys()):
        mine, other = ours.tree.get(path), theirs.tree.get(path)
        if path != "/" and not same_but_for_now(mine, other):
            found.append((path, mine and str(mine), other and str(other)))
    found += [(key, ours.config[key], theirs.config[key]) for key in built.CONFIG_KEYS if ours.config[key] != theirs.config[key]]
    histories = [[(re.sub(r"127\.0\.0\.1:\d+", "HOST", words), *more) for words, *more in image.history] for image in (ours,
                                                                                                                       theirs)]
    if histories[0] != histories[1]:
        found.append(("history", *histories))
    return found


def same_but_for_now(mine, other):
    """Are two objects the same, but for times of this hour, in which both were built? A directory that BuildKit copies, or in which
    it makes something, is of now; Veneer's keeps the time that it has (E42)."""
    if mine is None or other is None:
        return mine is other
    fields = vars(mine).keys() - {"mtime"}
    if any(getattr(mine, name) != getattr(other, name) for name in fields):
        return False
    return mine.mtime == other.mtime or (other.mtime or 0) > NOW and (mine.kind == "folder" or (mine.mtime or 0) > NOW)


NOW = 1_700_000_000  # no time in a context of a test is as late
