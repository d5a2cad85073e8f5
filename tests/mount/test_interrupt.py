# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C: import and commit end at once by the signal, without a word, and leave the store as it was."""

import hashlib
import os
import signal
import subprocess
import tarfile
import threading
import time

from support import proc
from support.files import read, write
from support.stores import StoreCase, for_users

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(StoreCase):
    def ended_by(self, child, number):
        """It ended soon, by the signal, and said nothing."""
        start = time.monotonic()
        child.send_signal(number)
        out, err = child.communicate(timeout=20)
        self.assertEqual((child.returncode, out, err), (-number, b"", b""))
        self.assertLess(time.monotonic() - start, 5)

    def works(self):
        """The works in progress of the store."""
        staging = os.path.join(self.store, "staging")
        return os.listdir(staging) if os.path.isdir(staging) else []

    def nothing_left(self):
        """No image, no unfinished work, and after prune no object."""
        self.assertEqual(self.works(), [])
        self.assertEqual(self.veneer("images", "-q"), "")
        self.assertRegex(self.veneer("prune"), "0 leftovers of interrupted work")
        self.assertEqual([files for _, _, files in os.walk(os.path.join(self.store, "objects")) if files], [])

    def member(self, size):
        """The header of a member of this size."""
        info = tarfile.TarInfo("member")
        info.size = size
        return info.tobuf()


class Import(Interrupted):
    def test_that_waits_for_a_pipe(self):
        for number in SIGNALS:
            for sent in (b"", self.member(10)[:100], self.member(1 << 20) + b"x" * 1000, b"\x1f\x8b\x08"):
                reader, writer = os.pipe()
                with self.start("import", "-", "x", stdin=reader, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE) as child:
                    os.close(reader)
                    os.write(writer, sent)
                    self.assertTrue(proc.wait_until(self.works))
                    time.sleep(0.05)
                    self.assertIsNone(child.poll())
                    self.ended_by(child, number)
                os.close(writer)
        self.nothing_left()

    def test_of_a_pipe_that_never_ends(self):
        for number in SIGNALS:
            reader, writer = os.pipe()
            sent = []

            def pump(out=writer, done=sent):
                block = os.urandom(1 << 16)
                try:
                    os.write(out, self.member(1 << 33))
                    while True:
                        done.append(os.write(out, block))
                except BrokenPipeError:
                    os.close(out)

            with self.start("import", "--progress", "none", "-", "x", stdin=reader, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE) as child:
                os.close(reader)
                pumping = threading.Thread(target=pump)
                pumping.start()
                self.assertTrue(proc.wait_until(lambda: len(sent) > 300, 30))
                self.ended_by(child, number)
                pumping.join()
        self.nothing_left()

    def test_of_a_large_archive(self):
        with tarfile.open("t.tar", "w") as archive:
            for number in range(300):
                write("f", os.urandom(300_000))
                archive.add("f", f"f{number}")
        for delay in (0, 0.02, 0.05):
            with self.start("import", "t.tar", "x", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
                self.assertTrue(proc.wait_until(self.works, interval=0.001))
                time.sleep(delay)
                self.ended_by(child, signal.SIGINT)
            self.nothing_left()
        self.veneer("import", "t.tar", "x")

    def test_in_a_shell(self):
        """A shell sees 130, and the rest of the pipeline gets the same Ctrl-C."""
        line = f"{' '.join(self.command('import', '-', 'x'))}; echo $?"
        reader, writer = os.pipe()
        with subprocess.Popen(["sh", "-c", f"trap : INT; {line}"], env=self.environment, cwd=self.dir,
                              stdin=reader, stdout=subprocess.PIPE, start_new_session=True) as shell:
            os.close(reader)
            self.assertTrue(proc.wait_until(self.works))
            os.killpg(shell.pid, signal.SIGINT)
            self.assertEqual(shell.communicate(timeout=20)[0].strip(), b"130")
        os.close(writer)
        self.nothing_left()


@for_users
class Commit(Interrupted):
    def look(self):
        """Every file of the upper of the container c: attributes and bytes."""
        def walk():
            found = []
            for directory, _, files in os.walk(os.path.join(self.store, "containers/c/upper")):
                for name in sorted(files):
                    path = os.path.join(directory, name)
                    status = os.stat(path)
                    found.append((name, status.st_ino, status.st_mode, status.st_uid, status.st_nlink,
                                  status.st_mtime_ns, hashlib.sha256(read(path)).hexdigest()))
            return found
        return self.act(walk)

    def test_with_rm_keeps_the_container(self):
        self.import_tree({"f": "f"}, "base")
        point = self.veneer("mount", "base", "-n", "c").strip()

        def fill():
            for number in range(200):
                write(os.path.join(point, f"f{number:03}"), os.urandom(1_000_000))
                os.chmod(os.path.join(point, f"f{number:03}"), 0o600 + number % 64)

        self.act(fill)
        self.veneer("umount", "c")
        before = self.look()
        self.assertEqual(len(before), 200)
        for delay in (0, 0.02, 0.05):
            with self.start("commit", "--rm", "c", "new", stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE) as child:
                self.assertTrue(proc.wait_until(self.works, interval=0.001))
                time.sleep(delay)
                self.ended_by(child, signal.SIGINT)
            self.assertEqual(self.look(), before)
            self.assertEqual(self.works(), [])
        self.refused("history", "new", code=3, say="new")
        self.veneer("commit", "--rm", "c", "new")
        where = self.veneer("mount", "new", "-n", "look").strip()
        self.assertEqual(self.act(lambda: os.stat(os.path.join(where, "f199")).st_size), 1_000_000)
        self.veneer("rm", "-f", "look")
        self.assertRegex(self.veneer("fsck"), "0 damaged")

    def test_with_rm_of_a_name_that_no_image_can_hold_keeps_the_container(self):
        self.import_tree({"f": "f"}, "base")
        point = self.veneer("mount", "base", "-n", "c").strip()
        self.act(lambda: [write(os.path.join(point, name), os.urandom(5000)) for name in "abc"])
        self.veneer("umount", "c")
        upper = os.path.join(self.store, "containers/c/upper")
        bad = os.path.join(upper, "z", ".wh.bad")  # the last in the order of the walk
        self.act(lambda: os.mkdir(os.path.dirname(bad)) or write(bad, "x"))
        before = self.look()
        self.refused("commit", "--rm", "c", "new", code=1, say="cannot hold this name")
        self.assertEqual(self.look(), before)
        self.act(lambda: os.unlink(bad))
        self.veneer("commit", "--rm", "c", "new")
