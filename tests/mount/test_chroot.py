# SPDX-License-Identifier: Apache-2.0
"""veneer chroot on a Debian root file system: what the command sees, what passes through, what stays afterwards (nothing)."""

import errno
import os
import pty
import re
import select
import signal
import stat
import subprocess
import termios
import struct
import fcntl
import time

from support import proc, runner
from support.files import names, read, write
from support.sessions import DebianCase
from support.stores import StoreCase, for_users
from support.tree import Link


@for_users
class Chroot(DebianCase):
    def inside(self, script, *options, code=0, **more):
        """What a shell script in a throw-away container prints."""
        return self.chroot(*options, "debian:12", "--", "sh", "-c", script, code=code, **more)

    def test_exit_status(self):
        self.assertEqual(self.inside("echo out; echo err >&2; exit 0", err="err\n"), "out\n")
        self.inside("exit 7", code=7)
        self.inside("kill -TERM $$", code=128 + signal.SIGTERM)
        self.inside("kill -KILL $$", code=128 + signal.SIGKILL)
        self.chroot("debian:12", "--", "no-such-program", code=127, err="veneer: [^\n]*no-such-program[^\n]*\n")
        self.chroot("debian:12", "--", "/etc/passwd", code=126, err="veneer: [^\n]*passwd[^\n]*\n")

    def test_standard_streams(self):
        self.assertEqual(self.chroot("debian:12", "--", "sort", input="b\na\n"), "a\nb\n")
        self.assertEqual(self.inside("cat; echo end", stdin=subprocess.DEVNULL), "end\n")

    def test_who_and_where(self):
        out = self.inside("id -u; pwd; echo $HOME; echo $PATH; hostname || cat /proc/sys/kernel/hostname; echo $$")
        lines = out.splitlines()
        self.assertEqual(lines[:3], ["0", "/", "/root"])
        self.assertIn("/usr/bin", lines[3])
        self.assertLess(int(lines[-1]), 10, "a pid namespace of its own")

    def test_environment_directory_and_user(self):
        out = self.inside("echo $A-$B-$C; pwd; id -un", "-e", "A=1", "--env", "B=two words", "-e", "FROM_CALLER",
                          "-w", "/usr/share")
        self.assertEqual(out, "1-two words-\n/usr/share\nroot\n")
        if self.uid == runner.USER_WITHOUT_IDS:
            return  # there is only one id
        out = self.inside("id -u; id -g; id -G; echo $HOME", "-u", "www-data")
        self.assertEqual(out.splitlines(), ["33", "33", "33", "/var/www"])
        self.assertEqual(self.inside("id -u; id -g", "-u", "1234:4321"), "1234\n4321\n")
        self.assertEqual(self.inside("id -g", "-u", "0:mail"), "8\n")
        self.chroot("-u", "nosuchuser", "debian:12", "--", "true", code=125, err="veneer: [^\n]*nosuchuser[^\n]*\n")
        self.chroot("-u", "4294967296", "debian:12", "--", "true", code=125, err="veneer: [^\n]*\n")

    def test_file_systems_of_its_own(self):
        out = self.inside("""
            test -c /dev/null -a -c /dev/zero -a -c /dev/urandom -a -c /dev/tty -a -e /dev/fd/0 && echo dev
            echo x > /dev/null && test -d /dev/pts -a -d /dev/shm && touch /dev/shm/x && echo shm
            touch /run/x && echo run
            test -d /proc/self -a -r /proc/meminfo && echo proc
            test -d /sys/kernel && echo sys
            touch /sys/x 2> /dev/null || echo sysro
            ls /proc | grep -c '^[0-9]'
            cat /proc/1/comm""")
        self.assertEqual(out.splitlines()[:6], ["dev", "shm", "run", "proc", "sys", "sysro"])
        self.assertLess(int(out.splitlines()[6]), 10, "processes of the host are not seen")

    def test_devices_of_the_host_keep_mode_and_owner(self):
        before = os.stat("/dev/full")
        self.addCleanup(os.chmod, "/dev/full", stat.S_IMODE(before.st_mode))
        self.addCleanup(os.chown, "/dev/full", before.st_uid, before.st_gid)
        out = self.inside("chmod 640 /dev/full 2> /dev/null || echo mode; chown 7:7 /dev/full 2> /dev/null || echo owner; "
                          "echo x > /dev/null && head -c 3 /dev/zero | wc -c")
        self.assertEqual(out, "mode\nowner\n3\n")
        after = os.stat("/dev/full")
        self.assertEqual((after.st_mode, after.st_uid, after.st_gid), (before.st_mode, before.st_uid, before.st_gid))

    def test_nothing_of_the_host_is_seen(self):
        info = self.inside("cat /proc/self/mountinfo")
        for line in info.splitlines():
            self.assertNotIn(self.dir, line.split()[4])
            self.assertRegex(line.split()[4], r"^/($|proc|sys|dev|run|etc/|tmp)", line)
        self.assertEqual(self.inside("ls /; ls -a /root").count(os.path.basename(self.dir)), 0)
        held = self.inside("ls -l /proc/self/fd | grep -v pipe: | grep -v /dev/null | grep -v /proc/ | tail -n +2")
        self.assertEqual(held, "", "no descriptor of veneer is left open")

    def test_process_1_is_out_of_reach(self):
        """It is a process of the caller: its environment, its program and its descriptors are none of the image's."""
        if self.uid == 0:
            return  # root in an image that root runs is root
        out = self.inside("cat /proc/1/environ >/dev/null 2>&1 || echo environ; chmod 777 /proc/1/exe 2>/dev/null || echo exe; "
                          "ls /proc/1/fd >/dev/null 2>&1 || echo fd; ls /proc/1/root/ >/dev/null 2>&1 || echo root; "
                          "cat /proc/self/environ > /dev/null && ls /proc/self/fd > /dev/null && echo own")
        self.assertEqual(out, "environ\nexe\nfd\nroot\nown\n")

    def test_names_are_resolved_as_on_the_host(self):
        write("reader", "")
        host = read("/etc/resolv.conf").decode() if os.path.exists("/etc/resolv.conf") else ""
        self.assertEqual(self.inside("cat /etc/resolv.conf"), host)
        self.assertIn("localhost", self.inside("cat /etc/hosts"))

    def test_nothing_of_it_becomes_part_of_the_container(self):
        self.drop("stay")
        self.chroot("--name", "stay", "debian:12", "--", "sh", "-c",
                    "touch /dev/x /run/x; cat /etc/resolv.conf > /dev/null; true")
        self.assertEqual(self.diff("stay"), set())
        self.chroot("stay", "--", "sh", "-c", "echo kept > /root/kept")
        self.assertEqual(self.diff("stay"), {"C /root", "A /root/kept"})
        self.assertEqual(self.chroot("stay", "--", "cat", "/root/kept"), "kept\n")
        self.assertEqual(self.mounted(), [])
        self.assertEqual(self.daemons(), [])

    def test_a_throw_away_container(self):
        self.inside("echo gone > /gone; mkdir -p /a/b/c")
        self.assertEqual(self.veneer("ps", "-aq"), "")
        self.assertEqual(self.mounted(), [])
        self.chroot("--rm", "--name", "x", "debian:12", "--", "touch", "/y")
        self.assertEqual(self.veneer("ps", "-aq"), "")
        self.assertEqual(os.listdir(os.path.join(self.store, "containers")), [])

    def test_binds(self):
        os.mkdir("data")
        write("data/file", "of the host")
        write("single", "one file")
        write("with:colon", "colon")
        for name in ("data", "data/file", "single", "with:colon"):
            self.own(name)
        self.drop("b")
        out = self.chroot(
            "--name", "b", "-b", f"{self.dir}/data:/mnt/new/place", "--bind", f"{self.dir}/single:/etc/single:ro",
            "-b", f"{self.dir}/with\\:colon:/colon", "debian:12", "--", "sh", "-c",
            "cat /mnt/new/place/file /etc/single /colon; echo w > /mnt/new/place/written; "
            "echo x 2>/dev/null > /etc/single || echo ro")
        self.assertEqual(out, "of the hostone filecolonro\n")
        self.assertEqual(read("data/written"), b"w\n")
        self.assertEqual(os.stat("data/written").st_uid, self.uid)
        self.assertEqual(read("single"), b"one file")
        self.assertEqual(self.diff("b"), set(), "mount points that were made for it are taken away")
        self.chroot("-b", f"{self.dir}/missing:/x", "debian:12", "--", "true", code=125,
                    err="veneer: [^\n]*missing[^\n]*\n")

    def test_read_only(self):
        out = self.inside("touch /x 2>/dev/null || echo ro; touch /tmp/x 2>/dev/null || echo tmp; "
                          "touch /dev/shm/x /run/x && echo own", "--read-only")
        self.assertIn("ro\n", out)
        self.assertIn("own\n", out)

    def test_network(self):
        def devices(text):
            return sorted(re.findall(r"^\s*([\w.-]+):", text, re.M))
        alone = self.inside("cat /proc/net/dev", "--net=none")
        self.assertEqual(devices(alone), ["lo"])
        self.assertEqual(self.inside("ip a 2>/dev/null; cat /proc/net/route | wc -l", "--net", "none"), "1\n")
        host = self.inside("cat /proc/net/dev")
        self.assertEqual(devices(host), devices(read("/proc/net/dev").decode()))

    def test_signals_are_passed_on(self):
        for number, name in ((signal.SIGTERM, "TERM"), (signal.SIGINT, "INT"), (signal.SIGHUP, "HUP"),
                             (signal.SIGUSR1, "USR1")):
            child = self.start("chroot", "debian:12", "--", "sh", "-c",
                               f"trap 'exit 42' {name}; echo ready; while :; do sleep 0.05; done",
                               stdout=subprocess.PIPE)
            self.assertEqual(child.stdout.readline(), b"ready\n")
            child.send_signal(number)
            self.assertEqual(child.wait(timeout=20), 42, name)
            child.stdout.close()
        self.assertEqual(self.mounted(), [])

    def test_what_was_left_running_ends_with_it(self):
        self.inside("sleep 1234 & setsid sleep 1235 & nohup sleep 1236 > /dev/null 2>&1 & echo started")
        self.assertTrue(proc.wait_until(lambda: not self.sleepers("123"), 5), "a process outlived its chroot")

    @staticmethod
    def sleepers(prefix):
        return [command for command in proc.processes().values()
                if command[0] == "sleep" and command[1].startswith(prefix)]

    def test_killed_with_sigkill(self):
        """Nothing stays mounted, nothing runs on, and the container can be used again."""
        self.drop("killed")
        child = self.start("chroot", "--name", "killed", "debian:12", "--", "sh", "-c",
                           "echo kept > /kept; echo ready; sleep 7777", stdout=subprocess.PIPE)
        self.assertEqual(child.stdout.readline(), b"ready\n")
        child.kill()
        child.wait()
        child.stdout.close()
        self.assertTrue(proc.wait_until(lambda: not self.sleepers("7777"), 10), "the command runs on")
        self.assert_daemons_end()
        self.assertEqual(self.mounted(), [])
        self.assertEqual(self.chroot("killed", "--", "cat", "/kept"), "kept\n")
        self.assertEqual(self.diff("killed"), {"A /kept"})

    def test_in_a_mounted_container(self):
        self.drop("m")
        point = self.veneer("mount", "debian:12", "-n", "m").strip()
        self.chroot("m", "--", "sh", "-c", "echo inside > /from-chroot")
        if self.uid == 0:
            self.assertEqual(read(os.path.join(point, "from-chroot")), b"inside\n")
        self.act(lambda: write(os.path.join(point, "from-host"), "host"))
        self.assertEqual(self.chroot("m", "--", "cat", "/from-host"), "host")
        self.assertEqual(self.mounted(), [point], "nothing of the chroot is mounted in it")
        self.veneer("umount", "m")

    def test_a_terminal(self):
        """Keys reach the command, it can control its terminal, and the size is that of the outside."""
        pid, terminal = pty.fork()
        if pid == 0:
            try:
                os.chdir(self.dir)
                line = self.command("chroot", "debian:12", "--", "sh")
                os.execvpe(line[0], line, {**self.environment, "PS1": "> "})
            finally:
                os._exit(1)
        self.addCleanup(os.close, terminal)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
        os.write(terminal, b"stty size; test -t 0 && echo is-a-tty; tty\n")
        seen = self.expect(terminal, rb"is-a-tty\r\n/dev/\S+")
        self.assertRegex(seen, rb"33 77")
        os.write(terminal, b"sleep 1000; echo after\n")
        time.sleep(0.5)
        os.write(terminal, b"\x03")  # Ctrl-C ends the sleep, not the shell
        os.write(terminal, b"\necho still-$((40 + 2))\n")
        self.expect(terminal, rb"still-42")
        os.write(terminal, b"exit 5\n")
        end = time.monotonic() + 20
        while time.monotonic() < end:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                self.assertEqual(os.waitstatus_to_exitcode(status), 5)
                return
            if select.select([terminal], [], [], 0.05)[0]:
                try:
                    os.read(terminal, 4096)
                except OSError as error:
                    self.assertEqual(error.errno, errno.EIO)
        self.fail("the shell did not end")

    def expect(self, terminal, pattern):
        """Reads until the pattern is there."""
        seen, end = b"", time.monotonic() + 20
        while not re.search(pattern, seen):
            self.assertLess(time.monotonic(), end, f"{pattern!r} not in {seen!r}")
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 4096)
        return seen

    def test_ids(self):
        script = "touch /f; chown 5:6 /f && stat -c %u:%g /f; su -s /bin/sh www-data -c 'id -u; touch /tmp/w'; ls -ln /tmp/w"
        if self.uid == runner.USER_WITHOUT_IDS:
            self.inside("chown 5:6 /etc/passwd", code=1)
            return
        out = self.inside(script)
        self.assertEqual(out.splitlines()[:2], ["5:6", "33"])
        self.assertIn(" 33 33 ", out.splitlines()[2])


class Hostile(StoreCase):
    """Images whose /proc, /dev or /etc/resolv.conf lead outside: nothing outside is touched or mounted over."""

    def image(self, name, entries):
        """A root file system with the host's /usr bound over it later, and traps in it."""
        base = {"usr": {}, "bin": Link(target="usr/bin"), "lib": Link(target="usr/lib"),
                "lib64": Link(target="usr/lib64"), "tmp": {}, "etc": {"passwd": "root:x:0:0::/:/bin/sh\n"}}
        for key, value in entries.items():
            base[key] = {**base[key], **value} if isinstance(value, dict) and key in base else value
        self.import_tree(base, name)

    def test_links_that_lead_outside(self):
        os.makedirs("outside/dev")
        write("outside/victim", "untouched")
        for number, trap in enumerate((
                {"proc": Link(target=self.path("outside"))}, {"dev": Link(target=self.path("outside"))},
                {"sys": Link(target="../../../.." + self.path("outside"))},
                {"run": Link(target=self.path("outside"))},
                {"etc": {"resolv.conf": Link(target=self.path("outside/victim"))}},
                {"etc": {"resolv.conf": Link(target="../../../../../.." + self.path("outside/victim"))}},
                {"etc": {"hosts": Link(target=self.path("outside/victim"))}},
                {"mnt": Link(target=self.path("outside"))})):
            with self.subTest(str(trap)):
                self.image(f"trap:{number}", trap)
                done = proc.run(self.command(
                    "chroot", "-b", "/usr:/usr:ro", "-b", f"{self.dir}/home:/mnt/bound", f"trap:{number}", "--", "sh",
                    "-c", "echo ran; echo pwned > /etc/resolv.conf; touch /dev/shm/x /run/x /mnt/bound/y"),
                    env=self.environment, cwd=self.dir)
                if done.code not in (0, 1):
                    self.fail(done)
                if done.code == 1 and not done.out:
                    self.assertEqual(len(done.err.splitlines()), 1, f"a refusal is one line: {done}")
                self.assertEqual(names("outside"), ["dev", "victim"])
                self.assertEqual(os.listdir("outside/dev"), [])
                self.assertEqual(read("outside/victim"), b"untouched")
                self.assertEqual(self.mounted(), [])

    def test_users_of_the_image_cannot_mislead(self):
        """passwd as a link, a fifo, or with numbers that wrap around to root."""
        write("outside-passwd", "evil:x:0:0::/:/bin/sh\n")
        self.image("u:link", {"etc": {"passwd": Link(target=self.path("outside-passwd"))}})
        self.image("u:wrap", {"etc": {"passwd": "big:x:4294967296:4294967296::/:/bin/sh\nneg:x:-1:-1::/:/bin/sh\n"}})
        for image, user in (("u:link", "evil"), ("u:wrap", "big"), ("u:wrap", "neg"), ("u:wrap", "4294967296"),
                            ("u:wrap", "-1")):
            done = proc.run(self.command("chroot", "-b", "/usr:/usr:ro", f"--user={user}", image, "--", "id", "-u"),
                            env=self.environment, cwd=self.dir)
            self.assertNotEqual(done.code, 0, f"{image} {user}: {done}")
            self.assertNotIn("0\n", done.out)
            self.assertEqual(len(done.err.splitlines()), 1, done)

    def test_a_special_file_where_a_directory_should_be(self):
        self.image("odd", {"proc": "a file", "dev": "a file"})
        done = proc.run(self.command("chroot", "-b", "/usr:/usr:ro", "odd", "--", "true"), env=self.environment,
                        cwd=self.dir)
        if done.code != 0:
            self.assertEqual((done.code, len(done.err.splitlines())), (125, 1), done)
        self.assertEqual(self.mounted(), [])
        self.assertTrue(stat.S_ISDIR(os.stat("/proc").st_mode))
