# SPDX-License-Identifier: Apache-2.0
"""Programs that are killed, or get other signals, while a long copy-up is made for them."""

import os
import signal
import time

from support import proc
from support.case import MountCase

MIB = 1 << 20
SIZE = 1000 * MIB


class Killed(MountCase):
    @classmethod
    def setUpClass(cls):
        cls.lower = cls.shared_directory("layer")
        with open(os.path.join(cls.lower, "big"), "wb") as file:
            for _ in range(SIZE // MIB):
                file.write(b"b" * MIB)

    def setUp(self):
        super().setUp()
        self.mnt = self.mount([self.lower], before={})

    def write_in_child(self, data, offset, prepare=lambda: None):
        """Writes to the lower file in a child, whose pid it gives; the child ends with 0, or an errno."""
        pid = os.fork()
        if pid:
            return pid
        code = 99
        try:
            prepare()
            os.pwrite(os.open(self.mnt / "big", os.O_RDWR), data, offset)
            code = 0
        except OSError as error:
            code = error.errno
        finally:
            os._exit(code)

    def copying(self):
        """Waits until the copy has begun."""
        before = written_by(self.mnt.pid)
        self.assertTrue(proc.wait_until(lambda: written_by(self.mnt.pid) > before + 8 * MIB, 20))

    def killed(self, pid):
        """Kills a child and gives the seconds that it took to end."""
        self.assertEqual(os.waitpid(pid, os.WNOHANG), (0, 0), "the copy was too fast for this test")
        start = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(os.waitpid(pid, 0)[1], signal.SIGKILL)
        return time.monotonic() - start

    def test_the_copy_ends_and_leaves_nothing(self):
        def alarms():
            signal.signal(signal.SIGALRM, lambda *_: None)
            signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)

        for prepare in (lambda: None, alarms):
            pid = self.write_in_child(b"x", 0, prepare)
            self.copying()
            self.assertLess(self.killed(pid), 1)
            self.assertEqual(os.listdir(self.mnt.upper), [])
        self.assertEqual(os.stat(self.mnt / "big").st_size, SIZE)

    def test_other_signals_leave_it_alone(self):
        def alarms():
            signal.signal(signal.SIGALRM, lambda *_: None)
            signal.siginterrupt(signal.SIGALRM, True)
            signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)

        pid = self.write_in_child(b"x", 0, alarms)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        with open(self.mnt / "big", "rb") as file:
            self.assertEqual(file.read(2), b"xb")

    def test_it_goes_on_for_another_who_waits(self):
        first = self.write_in_child(b"x", 0)
        self.copying()
        second = self.write_in_child(b"y", SIZE - 1)
        time.sleep(0.1)
        os.kill(first, signal.SIGKILL)
        self.assertEqual(os.waitpid(second, 0)[1], 0)
        os.waitpid(first, 0)
        self.assertEqual(os.stat(os.path.join(self.mnt.upper, "big")).st_size, SIZE)
        with open(self.mnt / "big", "rb") as file:
            file.seek(-2, os.SEEK_END)
            self.assertEqual(file.read(), b"by")


def written_by(pid):
    """How many bytes a process has written so far."""
    with open(f"/proc/{pid}/io", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("wchar")).split()[1])
