# SPDX-License-Identifier: Apache-2.0
"""`veneer layer` and `inspect` of a layer: they count what its archive holds, and nothing damaged passes for whole."""

import glob
import json
import os
import subprocess
import tarfile

from support.images import Image, docker_archive, layer, member, tar, tar_of
from support.stores import StoreCase


class Counts(StoreCase):
    def listed(self, image):
        """ENTRIES and SIZE of each layer of an image."""
        rows = [line.split() for line in self.veneer("layer", "ls", "--bytes", image).splitlines()[1:]]
        return [(int(row[2]), int(row[3].removesuffix("B"))) for row in rows]

    def check_counts(self, image):
        """They are what GNU tar lists, in `layer ls` and in `inspect`."""
        for number, (entries, size) in enumerate(self.listed(image), 1):
            names = subprocess.run(["tar", "-t"], input=self.layer_tar(image, number), stdout=subprocess.PIPE, check=True).stdout.splitlines()
            self.assertEqual(entries, len(names), names)
            diff_id = self.veneer("layer", "ls", image).splitlines()[number].split()[1]
            document = json.loads(self.veneer("inspect", diff_id))[0]
            self.assertEqual((document["Entries"], document["Size"]), (len(names), size))
            marks = [name.rpartition(b"/")[2] for name in names]
            self.assertEqual(document["OpaqueDirectories"], marks.count(b".wh..wh..opq"))
            self.assertEqual(document["Whiteouts"], len([m for m in marks if m.startswith(b".wh.") and not m.startswith(b".wh..wh.")]))
            self.assertEqual(document["Directories"], len([name for name in names if name.endswith(b"/")]))

    def test_entries_are_those_of_the_archive(self):
        base = tar(member("deep/in/here", b"x" * 5000), member("deep/in/here", b"again"), member("d", kind=tarfile.DIRTYPE),
                   member("d/hard", kind=tarfile.LNKTYPE, linkname="deep/in/here"), member("p", kind=tarfile.FIFOTYPE),
                   member("n" * 150, b"long"), format=tarfile.PAX_FORMAT)
        top = tar(member("d/.wh.hard"), member("d/.wh..wh..opq"), member(".wh.p"),
                  member("d/l", kind=tarfile.SYMTYPE, linkname="t" * 300), format=tarfile.GNU_FORMAT)
        image = Image(base, layer(), top)
        self.veneer("load", "-i", self.write("a.tar", tar_of(docker_archive((image, ["a:1"])))))
        self.check_counts("a:1")
        self.assertEqual([entries for entries, _ in self.listed("a:1")], [6, 0, 4])

    def test_a_committed_layer(self):
        self.veneer("import", self.write("b.tar", layer(**{"etc/a": "a", "etc/b": "b" * 9000})), "b:1")
        self.veneer("create", "-n", "c", "b:1")
        upper = os.path.join(self.store, "containers", "c", "upper")
        os.mkdir(os.path.join(upper, "new"))
        os.symlink("t" * 100, os.path.join(upper, "new", "link"))
        self.veneer("commit", "c", "b:2")
        self.check_counts("b:2")
        self.assertEqual(self.listed("b:2")[1], (3, 100))

    def test_size_counts_the_targets_of_symbolic_links(self):
        links = tar(member("f", b"12345"), member("l", kind=tarfile.SYMTYPE, linkname="t" * 100),
                    member("m", kind=tarfile.SYMTYPE, linkname="u" * 7), member("again", kind=tarfile.LNKTYPE, linkname="l"),
                    member("h", kind=tarfile.LNKTYPE, linkname="f"))
        self.veneer("import", self.write("l.tar", links), "l:1")
        self.assertEqual(self.listed("l:1"), [(5, 112)])
        self.assertEqual(self.veneer("images", "--bytes", "--format", "{{.Size}}"), "112\n")
        self.assertEqual(self.veneer("history", "--bytes", "--format", "{{.Size}}", "l:1"), "112\n")
        self.assertIn(": 0 damaged", self.veneer("fsck"))


class Damage(StoreCase):
    """An object of the size that the index says, with other bytes in it."""

    def damaged(self, size):
        """An image a:1 with a container c, damaged."""
        self.veneer("import", "-q", self.write("a.tar", layer(**{"etc/name": "small", "file": "x" * size})), "a:1")
        self.veneer("create", "-n", "c", "a:1")
        [path] = [path for path in glob.glob(os.path.join(self.store, "objects", "*", "*"))]
        os.chmod(path, 0o600)
        with open(path, "r+b") as file:
            file.seek(1000)
            file.write(b"y")

    def fails(self, *line):
        """It fails, and says what to do."""
        done = self.run_veneer(*line)
        self.assertEqual(done.code, 1, done)
        self.assertRegex(done.err, r"\Aveneer: .*(object|layer) .*; run `veneer fsck`\n\Z")

    def test_nothing_that_reads_an_object_passes_it_on(self):
        self.damaged(300_000)
        self.check_all()

    def test_nothing_that_reads_a_pack_passes_it_on(self):
        self.damaged(3_000)
        self.check_all()

    def check_all(self):
        with open(self.path("out"), "wb") as out:
            for line in (("layer", "tar", "a:1"), ("export", "c")):
                child = self.run_on_bytes(*line, stdout=out)
                self.assertEqual(child.returncode, 1, line)
                self.assertRegex(child.stderr.decode(), r"\Aveneer: .*; run `veneer fsck`\n\Z")
        self.fails("export", "-o", self.path("e.tar"), "c")
        self.fails("save", "-q", "-o", self.path("s.tar"), "a:1")
        self.assertFalse(os.path.exists(self.path("e.tar")))
        self.assertFalse(os.path.exists(self.path("s.tar")))
