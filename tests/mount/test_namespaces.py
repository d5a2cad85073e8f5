# SPDX-License-Identifier: Apache-2.0
"""One store, several PID and mount namespaces: what is in use in one of them is in use for all.

Process ids say nothing there: a daemon has another number in each, or none.
"""

import os
import signal
import subprocess
import time

from support import proc
from support.files import read
from support.stores import StoreCase


class Namespaces(StoreCase):
    def setUp(self):
        super().setUp()
        self.import_tree({"lib": {"b": "b"}}, "base")

    def elsewhere(self, script, pid=True):
        """Starts a shell in PID and mount namespaces of its own; it ends when go() is called."""
        own_pids = ("--pid", "--mount-proc") if pid else ()
        child = subprocess.Popen(["unshare", "--mount", *own_pids, "--fork", "--kill-child", "--",
                                  "sh", "-ec", script], env=self.environment, cwd=self.dir,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.assertTrue(proc.wait_until(lambda: os.path.exists("ready") or child.poll() is not None, 60))
        self.assertIsNone(child.poll(), child.poll() is not None and child.stdout.read())
        return child

    def go(self, child):
        """Lets it end; what it wrote."""
        with open("go", "w", encoding="utf-8"):
            pass
        out, _ = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 0, out)
        return out

    def inside(self, *arguments, code=0, err=""):
        """veneer in namespaces in which no process of this one can be seen."""
        done = proc.run(["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--", "veneer", *arguments],
                        env=self.environment, cwd=self.dir)
        self.assertEqual(done.code, code, done)
        self.assertRegex(done.err, rf"\A(?:{err})\Z", done)
        return done.out

    WAIT = "touch ready; while ! [ -e go ]; do sleep 0.05; done; "

    def test_what_is_mounted_in_another_one_is_not_removed(self):
        self.veneer("create", "-n", "c", "base")
        os.mkdir("m")
        child = self.elsewhere("veneer mount c m >/dev/null; echo precious > m/data; " + self.WAIT +
                               "cat m/data; veneer umount c")
        self.assertRegex(self.veneer("ps"), r"(?m)^c +base.*Mounted")
        self.assertRegex(self.veneer("inspect", "-f", "{{.State.Running}}", "c"), "true")
        for line in (("rm", "c"), ("rename", "c", "d"), ("commit", "--rm", "c", "x:1"), ("mount", "c"),
                     ("chroot", "c", "--", "true"), ("umount", "c"), ("umount", "-l", "c")):
            self.refused(*line, code=125 if line[0] == "chroot" else 4, say="container c is (mounted|in use)")
        self.refused("stats", "c", code=1, say="in another mount namespace")
        self.veneer("container", "prune", "-f")
        self.veneer("prune", "-i")
        self.veneer("fsck")
        self.assertRegex(self.veneer("system", "df"), r"(?m)^Containers +1 +1 ")
        self.assertEqual(self.veneer("diff", "c"), "A /data\n")
        self.assertEqual(self.go(child), "precious\n")
        self.assertEqual(self.veneer("ps", "-q"), "")
        self.assertEqual(read(os.path.join(self.store, "containers/c/upper/data")), b"precious\n")
        self.veneer("rm", "c")

    def test_lists_wait_for_all_containers_and_not_for_each(self):
        """Ten mounted in another mount namespace, whose processes are seen here; then ten unmounted lazily, and ten dead."""
        many = [f"c{number}" for number in range(10)]
        for name in many:
            self.veneer("create", "-n", name, "base")
        child = self.elsewhere(f"""for name in {' '.join(many)}; do veneer mount $name >/dev/null; done; {self.WAIT}
            for name in {' '.join(many)}; do (cd {self.store}/containers/$name/merged; exec sleep 1000) & done; sleep .2
            for name in {' '.join(many)}; do veneer umount --lazy $name; done; touch unmounted
            while ! [ -e kill ]; do sleep 0.05; done""", pid=False)
        self.listed(many, "Mounted")
        with open("go", "w", encoding="utf-8"):
            pass
        self.assertTrue(proc.wait_until(lambda: os.path.exists("unmounted"), 60))
        self.listed(many, "Unmounting")
        for pid in self.daemons():
            os.kill(pid, signal.SIGKILL)
        self.assert_daemons_end()
        self.listed(many, "Not mounted")
        for pid, command in proc.processes().items():
            if command == ["sleep", "1000"]:
                os.kill(pid, signal.SIGKILL)
        with open("kill", "w", encoding="utf-8"):
            pass
        child.communicate(timeout=60)

    def listed(self, containers, state):
        """All are in this state, and are listed in the time of a few."""
        for words in (("ps", "-a"), ("inspect", *containers), ("info",)):
            begin = time.monotonic()
            out = self.veneer(*words)
            self.assertLess(time.monotonic() - begin, 2, f"{words}, {state}")
            if words[0] == "ps":
                self.assertEqual(out.count(state), len(containers), out)

    def test_forced_it_ends_whoever_serves(self):
        self.veneer("create", "-n", "c", "base")
        os.mkdir("m")
        child = self.elsewhere("veneer mount c m >/dev/null; " + self.WAIT + "cat m/lib/b 2>&1 || true")
        self.veneer("rm", "-f", "c")
        self.assertEqual(self.veneer("ps", "-aq"), "")
        self.assertRegex(self.go(child), "not connected")

    def test_what_cannot_be_seen_is_left_alone(self):
        point = self.veneer("mount", "base", "-n", "c").strip()
        for line in (("rm", "c"), ("rm", "-f", "c")):
            self.assertEqual(self.inside(*line, code=4, err="veneer: container c is [^\n]*\n"), "")
        self.inside("container", "prune", "-f")
        self.inside("prune")
        self.assertRegex(self.inside("ps"), r"(?m)^c .*Mounted")
        self.assertEqual(read(os.path.join(point, "lib/b")), b"b")
        self.veneer("umount", "c")
        self.inside("rm", "c")
        self.assertEqual(self.veneer("ps", "-aq"), "")

    def test_a_throw_away_container_is_its_owners_wherever_that_lives(self):
        binds = [word for path in ("/usr", "/lib", "/lib64") if os.path.exists(path)
                 for word in ("-b", f"{path}:{path}")]
        wait = ["/usr/bin/sh", "-c", "echo precious > /data; echo ready; read line; /usr/bin/cat /data"]
        child = self.start("chroot", *binds, "base", "--", *wait, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(child.stdout.close)
        self.assertEqual(child.stdout.readline(), "ready\n")
        name = self.veneer("ps", "-q").strip()
        self.inside("prune")
        self.inside("container", "prune", "-f")
        self.inside("rm", name, code=4, err="veneer: container [^\n]*\n")
        self.assertEqual(self.veneer("ps", "-q").strip(), name)
        out, _ = child.communicate("go on\n", timeout=60)
        self.assertEqual(out, "precious\n")
        self.assertEqual(self.veneer("ps", "-aq"), "")
