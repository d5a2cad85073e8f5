# SPDX-License-Identifier: Apache-2.0
"""The power fails: what a command has acknowledged is there afterwards, and what it had not is there or garbage.

A session of commands runs in a store on a disk that remembers its writes (support/fault.py). Then the store is looked at as
each command's last acknowledged moment would have left it, with nothing of what was still on its way, and, at random
moments, with some of it. VENEER_POWER_CUTS: how many random moments; VENEER_SEED: which.
"""

import collections
import os
import random
import tarfile

from support import proc
from support.fault import LoggedDisk
from support.files import read, write
from support.stores import StoreCase

Mark = collections.namedtuple("Mark", "position label state written")
RANDOM_CUTS = int(os.environ.get("VENEER_POWER_CUTS", "4"))
SEED = int(os.environ.get("VENEER_SEED", "0")) or random.randrange(1, 1 << 30)


def part_of(found, data):
    """Whether a disk may show this of `data` while nothing has asked for `data` to last: the size may be there before the
    bytes, which are zero then (ext4 with unwritten extents and XFS do that)."""
    return None not in (found, data) and len(found) <= len(data) and all(a in (0, b) for a, b in zip(found, data))


class PowerCut:
    """The cases of one file system; `kind` says which."""

    kind = None
    timeout = 400

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("disk"))
        self.disk = LoggedDisk(self.path("disk"), self.kind)
        self.addCleanup(self.disk.discard)
        self.marks, self.written, self.archives = [], {}, []
        for name, size in (("a", 3000), ("b", 90_000), ("c", 400)):
            os.mkdir(name)
            for i in range(8):
                write(f"{name}/{i}", os.urandom(size))
            with tarfile.open(f"{name}.tar", "w") as tar:
                tar.add(name, arcname=name)

    def use(self, directory):
        """The commands that follow use the store there."""
        self.store = os.path.join(directory, "store")
        self.environment["VENEER_ROOT"] = self.store

    def state(self):
        """The images with their names, and the containers."""
        images = self.veneer("images", "-a", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").split("\n")
        return sorted(images), sorted(self.veneer("ps", "-aq").split())

    def acknowledge(self, *arguments, written=None):
        """Runs a command; from its end on, what it did must last, and `written` in the containers."""
        self.veneer(*arguments, err="[^\n]*\n?")
        position = self.disk.position()
        self.written.update(written or {})
        state = self.state()
        self.written = {name: data for name, data in self.written.items() if name in state[1]}
        self.marks.append(Mark(position, " ".join(arguments), state, dict(self.written)))

    def write_in(self, container, data):
        """Writes to a container through a mount of its own."""
        self.acknowledge("mount", container, "mp")
        write("mp/file", data)
        os.mkdir(f"mp/dir-{len(data)}")
        self.acknowledge("umount", container, written={container: data})

    def write_archive(self, command, name, *arguments):
        """save or export, to a file beside the store."""
        self.acknowledge(command, "-o", os.path.join(self.disk.mount, name), *arguments)
        self.archives.append((self.marks[-1].position, name, read(os.path.join(self.disk.mount, name))))

    def session(self):
        """Every command that acknowledges a change."""
        do = self.acknowledge
        do("import", "a.tar", "a:1")
        do("create", "-n", "made", "a:1")
        do("import", "b", "b:1")
        self.write_in("made", b"one")
        do("mount", "-n", "new", "b:1", "mp")
        do("umount", "new")
        do("commit", "made", "a:2")
        do("tag", "a:2", "a:3")
        do("rename", "new", "renamed")
        do("rmi", "a:3")
        self.write_archive("save", "saved.tar", "a:2")
        self.write_archive("export", "exported.tar", "made")
        do("rm", "made")
        do("rmi", "a:2")
        do("load", "-qi", os.path.join(self.disk.mount, "saved.tar"))
        self.write_in("renamed", b"another")
        do("commit", "--rm", "renamed", "b:2")
        do("prune")
        do("fsck", "--repair", "--progress", "none")
        do("create", "-n", "last", "b:2", written={"last": b"another"})
        do("rmi", "a:1")  # one name a step: several are removed one after the other
        do("rmi", "a:2")
        do("image", "prune", "-f")
        do("container", "prune", "-f")
        do("create", "-n", "end", "b:2", written={"end": b"another"})

    def test_what_was_acknowledged_lasts(self):
        self.disk.start()
        self.use(self.disk.mount)
        try:
            self.session()
        finally:
            self.disk.stop()
        chance = random.Random(SEED)
        cuts = [(mark.position, 0.0) for mark in self.marks]
        cuts += [(chance.randrange(1, len(self.disk.records)), chance.choice([0.0, 0.3, 0.7, 1.0]))
                 for _ in range(RANDOM_CUTS)]
        for position, keep in cuts:
            label = next((mark.label for mark in self.marks if mark.position == position), "a random moment")
            with self.subTest(after=label, position=position, keep=keep, seed=SEED), \
                    self.disk.after_cut(position, keep, SEED) as left:
                self.use(left)
                self.judge(position)

    def judge(self, position):
        """The store is that of the last command that had ended, or of the one after."""
        before = [mark for mark in self.marks if mark.position <= position]
        possible = before[-1:] + self.marks[len(before):len(before) + 1]
        if not os.path.exists(os.path.join(self.store, "veneer-store")):
            self.assertEqual(before, [], "the whole store is lost")
            return
        for written, name, data in self.archives:
            if written <= position:
                self.assertEqual(read(os.path.join(os.path.dirname(self.store), name)), data, name)
        state = self.state()
        if before or state != ([""], []):
            self.assertIn(state, [mark.state for mark in possible])
        self.assertRegex(self.veneer("fsck", "--progress", "none"), r"(?m): 0 damaged$")
        for container in state[1]:
            self.veneer("mount", container, "mp")
            try:
                found = read("mp/file") if os.path.exists("mp/file") else None
            finally:
                self.veneer("umount", container)
            contents = [mark.written.get(container) for mark in possible if mark.state == state]
            if position > before[-1].position and possible[-1].label == f"umount {container}" \
                    and part_of(found, possible[-1].written.get(container)):
                continue  # what is written between `mount` and `umount` lasts from the end of `umount` on
            self.assertIn(found, contents, container)
        self.empty(state)

    def empty(self, state):
        """Everything can be removed, and nothing is left."""
        for container in state[1]:
            self.veneer("rm", container)
        self.veneer("image", "prune", "--all", "--force")  # in whatever order: `rmi` takes children first
        self.veneer("prune", "-i")
        for folder in ("containers", "staging", "layers", "trees", "blobs/sha256"):
            self.assertEqual(os.listdir(os.path.join(self.store, folder)), [], folder)
        found = proc.run(["find", os.path.join(self.store, "objects"), "-type", "f"], check=True)
        self.assertEqual(found.out, "")


class Ext4(PowerCut, StoreCase):
    kind = "ext4"


class Xfs(PowerCut, StoreCase):
    kind = "xfs"


class Btrfs(PowerCut, StoreCase):
    kind = "btrfs"
