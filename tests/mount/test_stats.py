# SPDX-License-Identifier: Apache-2.0
"""What a mount has done: `veneer stats` as a table, as JSON and again and again, and the daemon's own word at SIGUSR1."""

import json
import os
import re
import signal
import subprocess
import time

from support.case import MountCase
from support.files import read, write
from support.stores import StoreCase, for_users


@for_users
class Stats(StoreCase):
    def test_what_a_container_has_done(self):
        self.import_tree({"a": "a", "b": "b" * 1000}, "s:1")
        point = self.veneer("mount", "s:1", "-n", "c").strip()

        def work():
            os.listdir(point)
            read(os.path.join(point, "a"))
            with open(os.path.join(point, "b"), "a", encoding="ascii") as file:
                file.write("+")
        self.act(work)
        stats = json.loads(self.veneer("stats", "--format=json", "c"))
        counts = {one["kind"]: one["count"] for one in stats["requests"]}
        self.assertEqual(counts["WRITE"], 1)
        self.assertEqual((stats["data_copy_ups"], stats["bytes_copied_up"], stats["bytes_written"]), (1, 1000, 1))
        for one in stats["requests"]:
            self.assertLessEqual(one["p50_us"], one["p99_us"])
            self.assertLessEqual(one["p50_us"], one["total_us"] * 1.26)
        self.assertRegex(self.veneer("stats", point + "/"), r"(?m)^WRITE +1 +[0-9.]+[um]?s ")
        self.veneer("umount", "c")
        self.veneer("stats", "c", code=1, err="veneer: container c is not mounted\n")
        self.veneer("stats", "/proc/", code=1, err="veneer: /proc/ is not a mount of veneerfs\n")
        self.veneer("stats", "nosuch", code=3, err="veneer: [^\n]*nosuch[^\n]*\n")

    def test_again_and_again_into_a_pipe(self):
        self.import_tree({"a": "a"}, "s:1")
        self.veneer("mount", "s:1", "-n", "c")
        with subprocess.Popen(self.command("stats", "--watch", "c"), env=self.environment, cwd=self.dir,
                              stdout=subprocess.PIPE) as watching:
            seen = b""
            while seen.count(b"REQUEST ") < 2:
                more = os.read(watching.stdout.fileno(), 65536)
                self.assertTrue(more, seen)
                seen += more
            watching.send_signal(signal.SIGINT)
            watching.stdout.read()
        self.assertNotIn(b"\x1b", seen)


class Signal(MountCase):
    def test_the_log_has_the_same_at_sigusr1(self):
        mount = self.mount([self.layer("lower", {"a": "a"})])
        read(mount / "a")
        mount.expected_log = r"\{.*\}$"
        os.kill(mount.pid, signal.SIGUSR1)
        end = time.monotonic() + 20
        while "}" not in mount.said() and time.monotonic() < end:
            time.sleep(0.01)
        logged = json.loads(re.search(r"\{.*\}", mount.said())[0])
        asked = mount.stats()
        self.assertEqual(logged.keys(), asked.keys())
        self.assertGreaterEqual({one["kind"]: one["count"] for one in logged["requests"]}["LOOKUP"], 1)


class Debug(MountCase):
    def test_d_prints_every_request_and_its_reply(self):
        mount = self.mount([self.layer("lower", {"a": "a"})], options=["debug"], start=False)
        mount.expected_log = ".*"
        mount.start()
        write(mount / "new", "new")
        os.close(os.open(mount.path, os.O_TMPFILE | os.O_RDWR, 0o600))
        os.stat(mount / "a")
        said = mount.said()
        asked = re.findall(r"^unique: (\d+), opcode: (\w+) \(\d+\), nodeid: \d+, insize: \d+, pid: \d+$", said, re.M)
        kinds = {kind for _, kind in asked}
        self.assertLessEqual({"INIT", "LOOKUP", "CREATE", "WRITE", "TMPFILE"}, kinds)
        self.assertEqual(len(asked), len({unique for unique, _ in asked}), "each request once")
        sizes = {"CREATE": "160", "TMPFILE": "160", "WRITE": "24", "LOOKUP": "144", "GETATTR": "120"}
        for unique, kind in asked:
            if kind in sizes:
                self.assertRegex(said, rf"(?m)^   unique: {unique}, success, outsize: {sizes[kind]}$")
