# SPDX-License-Identifier: Apache-2.0
"""Layers out: random changes in a container, commit after commit; every reader of what Veneer writes of them shows the tree that
the mount showed.

A case is an image of a random tree and GENERATIONS containers, each on what the one before was committed to. All kinds of
entries, and all their attributes, those of the root directory among them, are changed; directories of the image are renamed,
files of several layers get more names, names are deleted and made anew. The readers: Veneer itself from the committed image,
from its own archive and from one generation to the next; the Docker engine, podman with both drivers, umoci; GNU tar for exports.
"""

import concurrent.futures
import contextlib
import itertools
import os
import shutil
import stat
import struct
from dataclasses import dataclass

from generator import Difference, Intended, Verdict, rng, seeds
from support import engines, parity, proc, tree
from support.stores import StoreCase
from support.tree import Dir, File, Hard, Link, Node

GENERATIONS = 4
SMALL = 3
HISTORY = ("history", "--human=false", "--format", "{{.Size}}")
BATCH = 6  # cases that are read together: a reader's start costs more than a layer
ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
# Names that archives have to say in a longer way; tests/mount/parity/repertoire.cc has them too.
LONG = ("n" * 120, "sp ace\ttab", "back\\slash", "\u00fcml\u00e4ut", os.fsdecode(b"by\xfftes\x01"), "-dash", "x.wh.y", "new\nline")


def acl(rand):
    """A random ACL as the kernel has it in the xattr, with at least one named entry."""
    def permissions():
        return rand.randrange(8)
    users = sorted(rand.sample(range(2000), rand.choice((0, 1, 1, 2))))
    groups = sorted(rand.sample(range(2000), rand.choice((0, 1)) if users else 1))
    none = 0xffffffff
    entries = [(1, permissions(), none), *((2, permissions(), user) for user in users), (4, permissions(), none),
               *((8, permissions(), group) for group in groups), (0x10, permissions(), none), (0x20, permissions(), none)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def image(rand):
    """The description of a random tree with everything that a layer can hold."""
    entries = tree.random_entries(rand)
    files = [name for name, what in entries.items() if isinstance(what, File)]
    entries["deep"] = Dir(0o2775, 0, 8, entries={rand.choice(LONG): Dir(0o700, entries={"f": "deep", "g": "er"})},
                          xattrs={"user.k": b"v"})
    entries["acl"] = Dir(0o750, entries={"f": File(0o640, data=b"acl", xattrs={ACCESS: acl(rand)})}, xattrs={DEFAULT: acl(rand)})
    entries["tty"] = Node(0o620, 0, 5, kind=stat.S_IFCHR, device=(4, 1))
    entries["caps"] = File(0o755, data=b"#!" * 3000, xattrs={"security.capability": struct.pack("<IIIII", 0x02000001, 5, 0, 0, 0)})
    entries["link"] = Link(target="deep/nowhere")
    if files:
        entries["hard"] = Dir(entries={"one": Hard(files[0]), "two": Hard(files[0])})
    return entries


ENGINES = ("docker", "podman-vfs", "podman-overlay")


def kept_by_vfs(xattrs):
    """What podman's driver vfs copies of the attributes in the layer below."""
    return {name: value for name, value in xattrs.items() if name.startswith("user.") or name == "security.capability"}


INTENDED = [
    Intended("socket", "No archive can hold a socket (POSIX pax). Veneer keeps it in its index for itself; other readers get the "
             "deletion of what was in its place.",
             ("another store", "tar", "umoci", *ENGINES), ("missing",), lambda d, layer: layer.is_a(stat.S_IFSOCK, d.where)),
    Intended("root", "The code that Docker and podman share passes over the entry of the root directory, which then is as their "
             "storage driver makes it. umoci and GNU tar take it.",
             ENGINES, ("mode", "uid", "gid", "mtime", "xattrs"), lambda d, layer: d.where == ".", ("umoci",)),
    Intended("vfs-again", "podman's driver vfs unpacks a directory that was made anew over the one from below, which keeps the "
             "attributes that the new one has not.",
             ("podman-vfs",), ("xattrs",), lambda d, layer: layer.is_a(stat.S_IFDIR, d.where) and d.theirs.items() > d.ours.items()
             and kept_by_vfs(d.theirs).items() >= d.theirs.items() - d.ours.items(), ("docker", "umoci")),
    Intended("vfs-links", "podman's driver vfs keeps no links of what is no regular file, when it copies the layer below.",
             ("podman-vfs",), ("links",), lambda d, layer: d.theirs is None and not layer.is_a(stat.S_IFREG, d.where),
             ("docker", "umoci")),
    Intended("vfs", "podman's driver vfs copies the layer below with its user.* attributes and capabilities, and without others.",
             ("podman-vfs",), ("xattrs",), lambda d, layer: d.theirs == kept_by_vfs(d.ours), ("docker", "umoci")),
]


@dataclass(frozen=True)
class Layer:
    """What made one layer, and what the mount showed then: for the report and for INTENDED."""
    seed: int
    name: str  # of the image
    changes: tuple
    tree: dict

    def is_a(self, kind, where):
        return self.tree.get(os.fsencode(where), {}).get("type") == kind

    def __str__(self):
        return f"{self.name}: " + "; ".join(map(str.strip, self.changes))


def links(snapshot):
    """Files with several names, as sets of them."""
    groups = {}
    for path, entry in snapshot.items():
        if entry.get("nlink", 1) > 1:
            groups.setdefault(entry["ino"], set()).add(path)
    return {path: sorted(group)[0] for group in groups.values() for path in group if len(group) > 1}


def compare(judge, expected, shown):
    """The differences of two snapshots (exact ones)."""
    for path in sorted(expected.keys() | shown.keys()):
        where = os.fsdecode(path)
        if path not in shown:
            yield Difference(judge, "missing", where, expected[path], None)
        elif path not in expected:
            yield Difference(judge, "extra", where, None, shown[path])
        else:
            ours, theirs = expected[path], shown[path]
            for field in sorted((ours.keys() | theirs.keys()) - {"ino", "ctime", "nlink"}):
                if ours.get(field) != theirs.get(field):
                    yield Difference(judge, field, where, ours.get(field), theirs.get(field))
    ours, theirs = links(expected), links(shown)
    for path in sorted(ours.keys() | theirs.keys()):
        if path in expected and path in shown and ours.get(path) != theirs.get(path):
            yield Difference(judge, "links", os.fsdecode(path), ours.get(path), theirs.get(path))


class Layers(StoreCase):
    timeout = 100_000  # the runner's --timeout ends it

    def setUp(self):
        super().setUp()
        self.sizes = {}  # by image: what Docker's history says of its layers

    def snapshot(self, root):
        return tree.snapshot(root, exact=True)

    def layer_of(self, rand, seed, number):
        """A container of the last image of a case, changed, committed and exported."""
        name = f"c:{seed}-{number}"
        root = self.veneer("mount", "--name", "k", f"c:{seed}-{number - 1}", self.path("mnt")).strip()
        changes = parity.apply(root, rand.randrange(2**32), rand.choice((1, 6, 20, 50)), "layers")
        shown = self.snapshot(root)
        self.veneer("umount", "k")
        self.veneer("commit", "k", name)
        self.veneer("export", "-o", self.export_of(name), "k")
        self.veneer("rm", "k")
        return Layer(seed, name, tuple(changes), shown)

    def export_of(self, name):
        """The path of the export of the container that an image was made of."""
        return self.path(name.replace(":", "-") + ".tar")

    def read_export(self, name):
        """What GNU tar makes of an export."""
        target = self.path("exported")
        os.mkdir(target)
        proc.run(["tar", "--acls", "--xattrs", "--xattrs-include=*", "--numeric-owner", "--same-owner", "-xpf",
                  self.export_of(name), "-C", target], check=True)
        shown = self.snapshot(target)
        shutil.rmtree(target)
        os.unlink(self.export_of(name))
        return shown

    def mounted_again(self, names, store=None):
        """What mounts of images show."""
        environment = {"VENEER_ROOT": store} if store else {}
        point = self.path("mnt2" if store else "mnt")
        for name in names:
            root = self.veneer("mount", "-r", "--name", "look", name, point, environment=environment).strip()
            yield self.snapshot(root)
            self.veneer("rm", "-f", "look", environment=environment)

    def test_layers(self):
        verdict = Verdict("layers", INTENDED)
        with contextlib.ExitStack() as stack:
            judges = {"docker": engines.Docker(self.path("docker")),
                      "podman-vfs": engines.Podman(self.path("vfs"), "vfs"),
                      "podman-overlay": engines.Podman(self.path("overlay"), "overlay"),
                      "umoci": engines.Umoci(self.path("umoci"))}
            for judge in judges.values():
                stack.enter_context(judge)
            remaining = seeds(SMALL)
            while batch := list(itertools.islice(remaining, BATCH)):
                layers = [layer for seed in batch for layer in self.make(seed)]
                for layer, differences in zip(layers, self.read(layers, judges), strict=True):
                    refused = {one.judge for one in differences if one.what == "refused"}
                    verdict.case(layer.seed, differences, layer, judges.keys() - refused)
        verdict.check(self)

    def make(self, seed):
        """The image c:SEED-0 and the layers on top of it, c:SEED-1 and so on."""
        rand = rng(seed)
        entries = image(rand)
        by_tar = seed % 2 == 0
        if not by_tar:
            entries["acl"].entries["caps"] = Hard("caps")  # GNU tar says nothing of a file's attributes in a further entry
        source = self.layer("source", entries)
        os.chmod(source, rand.choice((0o755, 0o750, 0o1777)))
        if by_tar:
            proc.run(["tar", "-C", source, "--xattrs", "--xattrs-include=*", "--format=posix", "--numeric-owner", "-cf",
                      self.path("source.tar"), "."], check=True)
        self.veneer("import", "-q", self.path("source.tar") if by_tar else source, f"c:{seed}-0")
        shutil.rmtree(source)
        return [self.layer_of(rand, seed, number) for number in range(1, GENERATIONS + 1)]

    def read(self, layers, judges):
        """The differences of each layer. The readers work side by side."""
        names = [layer.name for layer in layers]
        archive, layout, store = self.path("images.tar"), self.path("layout"), self.path("second")
        self.veneer("save", "-q", "-o", archive, *names)
        self.veneer("save", "-q", "--format", "oci-dir", "-o", layout, *names)
        self.veneer("load", "-q", "-i", archive, environment={"VENEER_ROOT": store})
        readers = {"the committed image": self.mounted_again(names), "another store": self.mounted_again(names, store),
                   "tar": map(self.read_export, names)}
        for judge_name, judge in judges.items():
            readers[judge_name] = self.judged(judge, archive, layout, names)
        with concurrent.futures.ThreadPoolExecutor(len(readers)) as pool:
            read = {reader: pool.submit(list, trees) for reader, trees in readers.items()}
        found = [[] for _ in layers]
        for reader, trees in read.items():
            for layer, shown, differences in zip(layers, trees.result(), found, strict=True):
                if isinstance(shown, str):
                    differences.append(Difference(reader, "refused", layer.name, None, shown))
                else:
                    differences += compare(reader, layer.tree, shown)
        for layer, differences in zip(layers, found):
            theirs = self.sizes.pop(layer.name, None)
            if theirs is not None and (ours := self.veneer(*HISTORY, layer.name)) != theirs:
                differences.append(Difference("docker", "sizes of the history", layer.name, ours.split(), theirs.split()))
        os.unlink(archive)
        shutil.rmtree(layout)
        shutil.rmtree(store)
        self.veneer("rmi", *names, *{f"c:{layer.seed}-0": None for layer in layers})
        self.veneer("prune")
        return found

    def judged(self, judge, archive, layout, names):
        """What another program shows of every image, or why it refuses it."""
        if isinstance(judge, engines.Umoci):
            for name in names:
                with judge.mounted(f"{layout}:{name.removeprefix('c:')}") as root:
                    yield self.snapshot(root)
            return
        done = judge.load(archive)
        for name in names:
            if done.code:
                yield done.err
                continue
            with judge.mounted(f"localhost/{name}" if isinstance(judge, engines.Podman) else name) as root:
                yield self.snapshot(root)
            if isinstance(judge, engines.Docker):
                self.sizes[name] = judge.run(*HISTORY, name).out
        judge.remove_all()
