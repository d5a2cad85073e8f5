# SPDX-License-Identifier: Apache-2.0
"""System calls that fail and programs that are killed: what veneer says then, and what it leaves."""

import os
import re
import shutil

from support import proc
from support.fault import failing
from support.files import read
from support.stores import StoreCase


class Faults(StoreCase):
    def setUp(self):
        super().setUp()
        self.import_tree({"lib": {"b": os.urandom(300_000)}}, "base")

    def fault(self, *arguments, **where):
        """veneer with one fault (support/fault.py)."""
        return proc.run(failing(["veneer", *arguments], log=self.path("strace"), **where), env=self.environment,
                        cwd=self.dir, timeout=60)

    def happened(self):
        """Did the program get as far as the fault?"""
        return b"(INJECTED)" in read("strace") or b"killed by SIGKILL" in read("strace")

    def test_a_catalog_that_cannot_be_written_says_why_and_rm_is_all_or_nothing(self):
        """LMDB refuses everything (MDB_PANIC) behind a write of its last page that failed."""
        catalog = os.path.join(self.store, "catalog", "data.mdb")
        last_page = 0
        for call in ("pwrite64", "pwritev", "fdatasync"):
            for error in ("ENOSPC", "EIO"):
                for number in (1, 1, 1, 2, 3):
                    self.veneer("create", "-n", "c", "base")
                    done = self.fault("rm", "c", call=call, number=number, error=error, path=catalog)
                    last_page += bool(re.search(rb", \d{1,3}, \d+\) = -1 .*INJECTED", read("strace")))
                    with self.subTest(call=call, error=error, number=number):
                        self.assertNotIn("MDB", done.err)
                        listed = self.veneer("ps", "-aq")
                        if done.code == 0:
                            self.assertEqual(listed, "")
                            continue
                        self.assertIn(os.strerror(28 if error == "ENOSPC" else 5), done.err)
                        self.assertEqual(len(done.err.splitlines()), 1, done)
                    if listed:
                        self.veneer("mount", "c")  # as whole as before
                        self.veneer("umount", "c")
                        self.veneer("rm", "c")
        self.assertGreater(last_page, 1, "the faults did not happen where they were meant to")
        self.assertRegex(self.veneer("fsck"), r": 0 damaged")

    def test_a_lock_that_cannot_be_had_is_an_error(self):
        for number in range(1, 100):
            done = self.fault("create", "-n", "c", "base", call="flock", number=f"{number}+", error="ENOLCK")
            if not self.happened():
                break
            if done.code != 0:
                self.assertEqual(done.code, 1, done)
                self.assertIn("No locks available", done.err)
            else:  # only unlocking has failed, or cleaning up
                self.veneer("rm", "c")
        self.assertGreater(number, 8, "the faults did not happen where they were meant to")
        self.assertEqual(done.code, 0, done)
        self.veneer("rm", "c")
        self.assertEqual(self.veneer("ps", "-aq"), "")
        self.veneer("prune")
        self.assertEqual(os.listdir(os.path.join(self.store, "staging")), [])

    def test_killed_it_leaves_nothing_beside_the_archive(self):
        self.veneer("create", "-n", "c", "base")
        os.mkdir("out")
        for line in (("save", "-q", "-o", "out/a.tar", "base"), ("export", "-o", "out/a.tar", "c"),
                     ("save", "-q", "--format", "oci-archive", "-o", "out/a.tar", "base")):
            for call, number in (("write", 1), ("fsync", 1)):
                with self.subTest(line=line, call=call):
                    done = self.fault(*line, call=call, number=number)
                    self.assertTrue(self.happened())
                    self.assertEqual(done.code, 128 + 9 if done.code > 0 else -9, done)
                    self.assertEqual(os.listdir("out"), [])

    def test_where_files_without_a_name_cannot_be(self):
        """An archive is written under another name then, and still is there only when it is whole."""
        os.mkdir("out")
        self.veneer("save", "-o", "out/a.tar", "base")
        done = self.fault("save", "-q", "-o", "out/b.tar", "base", call="openat", number=1, error="EOPNOTSUPP",
                          path=self.path("out"))
        self.assertEqual(done.code, 0, done)
        self.assertEqual(sorted(os.listdir("out")), ["a.tar", "b.tar"])
        self.assertEqual(read("out/a.tar"), read("out/b.tar"))
        self.assertEqual({os.stat(f"out/{name}").st_mode & 0o777 for name in os.listdir("out")}, {0o600})

    def test_a_container_without_its_directory(self):
        for name in ("one", "two", "three", "four"):
            self.veneer("create", "-n", name, "base")
            shutil.rmtree(os.path.join(self.store, "containers", name))
        self.refused("rmi", "base", code=4, say="container (one|two|three|four)")
        self.assertRegex(self.veneer("fsck", code=1), r"containers/one: is missing.*veneer rm one")
        self.veneer("rm", "one")
        self.veneer("rm", "-f", "two")
        self.assertRegex(self.veneer("fsck", "--repair"), r"(?s)containers/four: .*removed.*2 damaged, 2 repaired")
        self.veneer("create", "-n", "five", "base")
        shutil.rmtree(os.path.join(self.store, "containers", "five"))
        self.veneer("container", "prune", "-f")
        self.assertEqual(self.veneer("ps", "-aq"), "")
        self.veneer("rmi", "base")

    def test_a_pack_that_has_grown(self):
        """Small files lie side by side in one object. What is behind them is no part of it."""
        tree = {f"f{i}": os.urandom(5000) for i in range(20)}
        self.import_tree(tree, "packed")
        packs = [os.path.join(directory, name) for directory, _, names in os.walk(os.path.join(self.store, "objects"))
                 for name in names if os.stat(os.path.join(directory, name)).st_size == 100_000]
        self.assertEqual(len(packs), 1)
        with open(packs[0], "ab") as file:
            file.write(b"more")
        self.veneer("fsck", code=1)
        self.veneer("import", "packed.dir.tar", "packed")
        self.veneer("fsck", code=1)
        self.veneer("fsck", "--repair", code=1)
        self.veneer("import", "packed.dir.tar", "packed")
        self.assertRegex(self.veneer("fsck"), r": 0 damaged")
        point = self.veneer("mount", "packed", "-n", "p").strip()
        self.assertEqual({name: read(os.path.join(point, name)) for name in os.listdir(point)}, tree)
        self.veneer("umount", "p")
        self.veneer("prune")
        self.assertRegex(self.veneer("fsck"), r": 0 damaged")

    def object_of(self, size):
        """The path of the object of that size."""
        found = [os.path.join(directory, name) for directory, _, names in os.walk(os.path.join(self.store, "objects"))
                 for name in names if os.lstat(os.path.join(directory, name)).st_size == size]
        self.assertEqual(len(found), 1)
        return found[0]

    def test_an_object_that_is_cut_while_its_file_is_open(self):
        """What is missing is an error for every reader, and never zeros."""
        data = os.urandom(5_000_000)
        self.import_tree({"big": data, "copied": os.urandom(4_000_000)}, "cut")
        point = self.veneer("mount", "-o", "io=cached", "cut", "-n", "p").strip()
        fd = os.open(os.path.join(point, "big"), os.O_RDONLY)
        self.addCleanup(os.close, fd)
        self.assertEqual(os.pread(fd, 4096, 0), data[:4096])
        os.truncate(self.object_of(5_000_000), 1_000_000)
        self.assertEqual(os.pread(fd, 4096, 900_000), data[900_000:904_096])
        for offset in (999_000, 3_000_000, 4_999_999):
            with self.assertRaisesRegex(OSError, "Errno 5"):
                self.assertNotEqual(len(os.pread(fd, 10_000, offset)), 0)
                os.pread(fd, 10_000, offset + 4096)  # the kernel gives the page before the first that is lacking
        self.assertEqual(os.pread(fd, 10, 5_000_000), b"")

    def test_a_fifo_in_the_place_of_an_object(self):
        self.import_tree({"big": os.urandom(5_000_000)}, "fifo")
        path = self.object_of(5_000_000)
        os.unlink(path)
        os.mkfifo(path)
        point = self.veneer("mount", "fifo", "-n", "p").strip()
        done = proc.run(["cat", os.path.join(point, "big")], timeout=20)
        self.assertRegex(done.err, "Input/output error")
        self.assertEqual(os.listdir(point), ["big"])

    def test_trees_deeper_than_descriptors(self):
        """More directories in one another than a process may have files open."""
        self.veneer("create", "-n", "deep", "base")
        top = os.open(os.path.join(self.store, "containers/deep/upper"), os.O_RDONLY)
        at = top
        for _ in range(1500):
            os.mkdir("d", dir_fd=at)
            below = os.open("d", os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=at))
        os.close(at)
        for line in (["ps", "-a", "-s"], ["system", "df", "-v"], ["diff", "deep"], ["export", "-o", "deep.tar", "deep"],
                     ["commit", "deep", "deep:1"], ["import", "deep.tar", "again:1"],
                     ["import", os.path.join(self.store, "containers/deep/upper"), "directory:1"],
                     ["diff", "base", "deep:1"], ["save", "-o", "saved.tar", "deep:1"], ["rmi", "deep:1"],
                     ["load", "-qi", "saved.tar"], ["layer", "tar", "deep:1"],
                     ["prune", "--dry-run"], ["fsck"], ["rm", "deep"], ["prune"]):
            with self.subTest(line=line):
                done = proc.run(["sh", "-c", 'ulimit -n 256; exec "$@"', "sh", "veneer", *line], env=self.environment,
                                cwd=self.dir)
                self.assertEqual(done.code, 0, done)
        self.assertEqual(os.listdir(os.path.join(self.store, "containers")), [])
