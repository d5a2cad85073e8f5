# SPDX-License-Identifier: Apache-2.0
"""Builds that end early: Ctrl-C and kill -9 at a step, a full disk. Nothing half is left, and the steps that were done are kept."""

import os
import re
import signal
import subprocess

from support import disks, proc
from support.build_case import BuildCase, cases
from support.files import write

DOCKERFILE = "FROM bb\nRUN echo 1 > /one\nRUN echo up; echo 2 > /two; sleep 3609\n"


@cases(())
class Endings(BuildCase):

    def begin(self):
        """A build that sleeps in its second RUN."""
        os.makedirs(self.path("context"), exist_ok=True)
        write(self.path("context/Dockerfile"), DOCKERFILE)
        self.own(self.path("context"))
        child = self.start("build", "--progress", "plain", "-t", "app:1", "context", stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
        self.addCleanup(self.discard, child)
        for line in child.stdout:
            if line.endswith(b" up\n"):
                return child
        self.fail("the step did not begin")

    @staticmethod
    def discard(child):
        child.kill()
        with child:
            pass

    def assert_ended(self):
        """No process of the build is left, no name, and no container."""
        self.assertTrue(proc.wait_until(lambda: not [words for words in proc.processes().values() if "3609" in words]))
        self.assert_daemons_end()
        self.assertEqual(self.mounted(), [])
        self.assertNotIn("app:1", self.images())
        self.assertEqual(self.veneer("ps", "-a", "-q"), "")
        self.veneer("fsck")

    def remove_failed(self, said):
        """Removes the container of a step that failed, as its error says."""
        for name in re.findall(r"`veneer rm ([^`]*)`", said):
            self.veneer("rm", name)

    def assert_first_step_is_kept(self):
        """The step that was done is taken from the cache."""
        write(self.path("context/Dockerfile"), DOCKERFILE.replace("sleep 3609", "true"))
        done = self.run_veneer("build", "--progress", "plain", "-t", "app:1", "context")
        self.assertEqual(done.code, 0, done)
        self.assertEqual(len(re.findall(r"(?m)^#\d+ CACHED$", done.err)), 1, done)
        self.assertEqual(self.veneer("chroot", "app:1", "--", "cat", "/one", "/two", err="[^\n]*|"), "1\n2\n")

    def test_an_interrupt_ends_all(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(number):
                child = self.begin()
                os.killpg(child.pid, number)
                child.stdout.read()
                self.assertIn(child.wait(20), (code, -number))
                self.assert_ended()
        self.assert_first_step_is_kept()

    def test_a_killed_build_leaves_nothing_half(self):
        child = self.begin()
        os.kill(child.pid, signal.SIGKILL)
        child.wait(20)
        self.assertTrue(proc.wait_until(lambda: not [words for words in proc.processes().values() if "3609" in words]))
        self.assert_daemons_end()
        self.veneer("prune")
        self.assert_ended()
        self.assert_first_step_is_kept()

    def test_a_killed_daemon_fails_the_step(self):
        child = self.begin()
        for pid in self.daemons():
            os.kill(pid, signal.SIGKILL)
        said = child.stdout.read().decode()
        self.assertEqual(child.wait(20), 1, said)
        self.assertRegex(said, r"\nveneer: [^\n]*\n\Z")
        self.remove_failed(said)
        self.assert_ended()
        self.assert_first_step_is_kept()

    def test_two_builds_at_once(self):
        os.makedirs(self.path("context"))
        self.own(self.path("context"))
        children = []
        for number in range(2):
            dockerfile = f"FROM bb\nRUN sleep 1; echo same > /f\nRUN echo {number} > /g\n"
            child = self.start("build", "-f", "-", "-t", f"app:{number}", "context", stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
            child.stdin.write(dockerfile.encode())
            child.stdin.close()
            children.append(child)
        for number, child in enumerate(children):
            said = child.stdout.read()
            self.assertEqual(child.wait(60), 0, said)
            child.stdout.close()
            self.assertEqual(self.veneer("chroot", f"app:{number}", "--", "cat", "/g", err="[^\n]*|"), f"{number}\n")


class FullDisk(BuildCase):
    """As root, who can mount a small disk."""

    def test_a_full_disk_fails_the_step(self):
        disks.Disk(self, self.path("disk"), 64, "ext4")
        self.environment["VENEER_ROOT"] = self.store = self.path("disk/store")
        self.veneer("load", "-q", "-i", os.path.join(os.environ["TMPDIR"], "system", "bases.tar"))
        os.mkdir(self.path("context"))
        write(self.path("context/large"), os.urandom(80 << 20))
        for dockerfile in ("FROM bb\nRUN echo 1 > /one\nRUN dd if=/dev/zero of=/two bs=1M count=80\n",
                           "FROM bb\nRUN echo 1 > /one\nCOPY large /two\n"):
            write(self.path("context/Dockerfile"), dockerfile)
            done = self.run_veneer("build", "-t", "app:1", "context")
            self.assertEqual(done.code, 1, done)
            self.assertRegex(done.err, "No space left on device")
            self.assertNotIn("app:1", self.images())
            for name in self.veneer("ps", "-a", "-q").split():
                self.veneer("rm", name)
            self.veneer("prune")
            self.veneer("fsck")
        write(self.path("context/Dockerfile"), "FROM bb\nRUN echo 1 > /one\nRUN echo 2 > /two\n")
        self.assertEqual(self.run_veneer("build", "-t", "app:1", "context").code, 0)
