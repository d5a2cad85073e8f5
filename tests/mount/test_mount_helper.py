# SPDX-License-Identifier: Apache-2.0
"""veneerfs through mount(8), umount(8), fstab(5) and autofs, with its helper where they look for it."""

import errno
import fcntl
import os
import shutil
import signal
import struct
import subprocess
import threading
import time

from support import mounts, proc, runner, sysio
from support.callers import CallerCase
from support.files import read, write

HELPER = os.environ.get("VENEER_MOUNT_HELPER", "mount.veneerfs")
NAMES = ("mount.veneerfs", "mount.fuse.veneerfs", "umount.veneerfs", "umount.fuse.veneerfs")
UTAB = "/run/mount/utab"


def install(directory):
    """The helper in /sbin and veneerfs in /usr/local/bin, in this mount namespace only; once for all cases."""
    if os.path.exists("/sbin/mount.veneerfs"):
        return
    for place in ("/sbin", "/usr/local/bin"):
        layers = {name: os.path.join(directory, place.replace("/", "-")[1:], name) for name in ("upper", "work")}
        for layer in layers.values():
            os.makedirs(layer)
        place = os.path.realpath(place)
        sysio.mount("overlay", place, "overlay", 0,
                    f"lowerdir={place},upperdir={layers['upper']},workdir={layers['work']}")
    for name in NAMES:
        shutil.copy(HELPER, f"/sbin/{name}")
    shutil.copy(mounts.VENEERFS, "/usr/local/bin/veneerfs")
    os.makedirs("/run/mount", exist_ok=True)
    sysio.mount("none", "/run/mount", "tmpfs", 0, "mode=755")


class HelperCase(CallerCase):
    def setUp(self):
        super().setUp()
        install(os.path.join(os.environ["TMPDIR"], "system"))
        self.lowers = ":".join(self.path(name) for name in "cba")
        self.options = f"lowerdir={self.lowers},upperdir={self.path('upper')},workdir={self.path('work')}"

    def run_ok(self, *words):
        done = proc.run(list(words), timeout=60)
        self.assertEqual((done.code, done.out, done.err), (0, "", ""), done)

    def refused(self, code, say, *words):
        done = proc.run(list(words), timeout=60)
        self.assertEqual(done.code, code, done)
        self.assertRegex(done.err, say)

    def file_system_flags(self):
        return mounts.information("mnt")[1].split()[-1].split(",")

    def assert_ended(self):
        self.assertEqual(self.daemons(), [], "umount has returned, and the daemon is there")
        self.assertFalse(mounts.is_mounted("mnt"))
        self.assertNotIn("veneerfs", read(UTAB).decode() if os.path.exists(UTAB) else "")


class Mount(HelperCase):
    def test_both_types(self):
        for kind in ("veneerfs", "fuse.veneerfs"):
            self.run_ok("mount", "-t", kind, "-o", self.options, "none", "mnt")
            self.check()
            self.assertEqual(mounts.information("mnt")[0], "fuse.veneerfs")
            os.unlink("mnt/new")
            self.run_ok("umount", "mnt")
            self.assert_ended()

    def test_fstab(self):
        write("fstab", f"none {self.path('mnt')} veneerfs {self.options},nofail,x-systemd.automount,noexec 0 0\n")
        self.run_ok("mount", "--fstab", self.path("fstab"), "--target", self.path("mnt"))
        self.check()
        self.assertIn("noexec", mounts.flags("mnt"))
        self.run_ok("umount", self.path("mnt"))
        self.assert_ended()

    def test_switches(self):
        self.run_ok("mount", "-f", "-t", "veneerfs", "-o", self.options, "none", "mnt")
        self.assertFalse(mounts.is_mounted("mnt"), "-f mounts nothing")
        self.run_ok("mount", "-n", "-s", "-r", "-t", "veneerfs", "-o", self.options, "none", "mnt")
        self.check(writable=False)

    def test_failures_are_those_of_mount(self):
        self.refused(32, r"\Aveneerfs: [^\n]*missing[^\n]*\n\Z", "mount", "-t", "veneerfs", "-o", "lowerdir=/missing",
                     "none", "mnt")
        self.refused(1, r"\Amount.veneerfs: [^\n]+\n\Z", "/sbin/mount.veneerfs", "only-one")
        self.refused(1, r"\Aumount.fuse.veneerfs: [^\n]+\n\Z", "/sbin/umount.fuse.veneerfs")
        self.refused(32, r"\Aumount.fuse.veneerfs: [^\n]*mnt[^\n]+\n\Z", "/sbin/umount.fuse.veneerfs", "mnt")

    def test_remount(self):
        self.run_ok("mount", "-t", "veneerfs", "-o", self.options + ",nosuid,nodev", "none", "mnt")
        self.check()
        self.run_ok("mount", "-o", "remount,ro", "mnt")
        self.assertTrue({"ro", "nosuid", "nodev"} <= set(mounts.flags("mnt")), mounts.flags("mnt"))
        self.check(writable=False)
        self.run_ok("mount", "-o", "remount,rw,noexec", "mnt")
        self.assertTrue({"rw", "nosuid", "nodev", "noexec"} <= set(mounts.flags("mnt")), mounts.flags("mnt"))
        write("mnt/new", "again")
        self.assertEqual(read("upper/new"), b"again")

    def test_a_remount_takes_no_flag_away(self):
        self.run_ok("mount", "-t", "veneerfs", "-o", self.options + ",sync,dirsync", "none", "mnt")
        flags = ("nosuid", "nodev", "noexec", "nodiratime", "nosymfollow")
        self.run_ok("mount", "-i", "-o", "remount,bind,noatime," + ",".join(flags), "mnt")
        os.symlink("same", "mnt/link")
        before = (set(mounts.flags("mnt")), set(self.file_system_flags()))
        for options, added, removed in (("ro", "ro", "rw"), ("rw", "rw", "ro")):
            self.run_ok("/sbin/mount.veneerfs", "none", "mnt", "-o", "remount," + options)
            self.assertEqual(set(mounts.flags("mnt")), before[0] - {removed} | {added})
            self.assertEqual(set(self.file_system_flags()), before[1] - {removed} | {added})
            with self.errno(errno.ELOOP):
                read("mnt/link")
        self.run_ok("/sbin/mount.veneerfs", "none", "mnt", "-o", "remount,symfollow")
        self.assertEqual(read("mnt/link"), b"c")

    def test_a_remount_does_not_lose_what_was_mapped(self):
        import mmap  # only here
        self.call("-o", self.options, "mnt")
        write("mnt/file", "x" * 4096)
        fd = os.open("mnt/file", os.O_RDWR)
        with mmap.mmap(fd, 4096) as mapping:
            mapping[:4] = b"kept"
        os.close(fd)
        self.run_ok("mount", "-o", "remount,ro", "mnt")
        # The kernel need not have waited for what it wrote back.
        self.assertTrue(proc.wait_until(lambda: read("upper/file")[:4] == b"kept"))

    def test_without_an_upper_it_stays_read_only(self):
        self.run_ok("mount", "-t", "veneerfs", "-o", f"lowerdir={self.lowers}", "none", "mnt")
        self.refused(32, "no upper directory", "mount", "-o", "remount,rw", "mnt")
        self.assertIn("ro", mounts.flags("mnt"))
        self.check(writable=False)


class Umount(HelperCase):
    def test_it_returns_when_everything_is_closed(self):
        """However it was mounted and is named, and so that the file system of the upper can be unmounted at once."""
        os.mkdir("disk")
        for turn in range(8):
            sysio.mount("none", "disk", "tmpfs")
            for name in ("upper", "work"):
                os.mkdir(f"disk/{name}")
            self.call("-o", f"lowerdir={self.lowers},upperdir={self.path('disk/upper')},workdir={self.path('disk/work')}", "mnt")
            for index in range(2000):
                write(f"mnt/file{index}", "x" * 1000)
            self.run_ok("umount", ("mnt", self.path("mnt"), "./mnt")[turn % 3])
            self.run_ok("umount", "disk")
            self.assert_ended()

    def test_a_mount_without_an_upper(self):
        self.call("-o", "lowerdir=c:b:a", "mnt")
        self.run_ok("umount", "mnt")
        self.assert_ended()

    def test_a_name_with_blanks(self):
        os.mkdir("m n\t\\")
        self.call("-o", "lowerdir=c:b:a", "m n\t\\")
        self.run_ok("umount", self.path("m n\t\\"))
        self.assert_ended()

    def test_it_names_who_uses_it(self):
        self.call("-o", self.options, "mnt")
        fd = os.open("mnt/same", os.O_RDONLY)
        self.refused(32, rf"mnt: target is busy, used by [^\n]*\(pid {os.getpid()}\)", "umount", "mnt")
        self.check()
        os.close(fd)
        self.run_ok("umount", "mnt")
        self.assert_ended()

    def test_lazily_it_does_not_wait(self):
        self.call("-o", self.options, "mnt")
        fd = os.open("mnt/same", os.O_RDONLY)
        self.run_ok("umount", "-l", "mnt")
        self.assertFalse(mounts.is_mounted("mnt"))
        self.assertEqual(os.pread(fd, 1, 0), b"c")
        os.close(fd)
        self.assert_daemons_end()

    def test_what_is_mounted_elsewhere_is_not_waited_for(self):
        self.call("-o", self.options, "mnt")
        os.mkdir("second")
        sysio.mount("mnt", "second", None, sysio.MS_BIND)
        begin = time.monotonic()
        self.refused(0, "in use by the mount at .*second", "umount", "mnt")
        self.assertEqual(read("second/same"), b"c")
        self.run_ok("umount", "second")
        self.call("-o", self.options, "mnt")
        holder = subprocess.Popen(["unshare", "-m", "--propagation", "private", "sleep", "60"])
        self.assertTrue(proc.wait_until(lambda: read(f"/proc/{holder.pid}/comm") == b"sleep\n"))
        self.refused(0, rf"in use by sleep \(pid {holder.pid}\) in another mount namespace", "umount", "mnt")
        holder.kill()
        holder.wait()
        self.assertLess(time.monotonic() - begin, 10)
        self.assert_daemons_end()

    def test_a_daemon_that_was_killed(self):
        self.call("-o", self.options, "mnt")
        os.kill(self.daemons()[0], signal.SIGKILL)
        self.assert_daemons_end()
        self.run_ok("umount", "mnt")
        self.assert_ended()

    def test_an_ordinary_user(self):
        proc.run(["chown", "-R", f"{runner.USER_WITH_IDS}", self.dir], check=True)
        for line in ([mounts.VENEERFS, "-o", self.options, self.path("mnt")], ["umount", self.path("mnt")]):
            self.run_ok(*self.as_user(line, runner.USER_WITH_IDS))
        self.assert_ended()


class Programs(CallerCase):
    def test_an_installed_veneer_runs_nothing_of_a_build_tree(self):
        """/usr/bin/veneer must not run /fs/veneerfs, whoever put it there."""
        os.makedirs("usr/bin")
        os.mkdir("fs")
        shutil.copy(mounts.VENEER, "usr/bin/veneer")
        write("fs/veneerfs", f"#!/bin/sh\ntouch {self.path('planted')}\n")
        os.chmod("fs/veneerfs", 0o755)
        environment = {"PATH": "/usr/bin:/bin", "VENEER_ROOT": self.path("store")}
        proc.run([self.path("usr/bin/veneer"), "info"], env=environment)
        self.assertFalse(os.path.exists("planted"))


class Autofs(HelperCase):
    def setUp(self):
        super().setUp()
        try:
            sysio.mount("probe", "mnt", "autofs", 0, "")  # no options: refused by a kernel that knows it
        except OSError as error:
            if error.errno == errno.ENODEV:
                self.skipTest("this kernel has no autofs")

    def test_automount(self):
        os.mkdir("auto")
        write("map", f"v -fstype=fuse.veneerfs,{self.options.replace(':', chr(92) + ':')} :none\n")
        write("master", f"{self.path('auto')} {self.path('map')} --timeout=1\n")
        daemon = subprocess.Popen(["automount", "-f", self.path("master")], start_new_session=True)
        try:
            self.assertTrue(proc.wait_until(lambda: mounts.is_mounted("auto")))
            done = proc.run(["ls", self.path("auto/v")], timeout=20)
            self.assertEqual(done.code, 0, done)
            self.check("auto/v")
            mounted = lambda: self.path("auto/v") in [point for point, _, _ in mounts.mount_info()]  # touches nothing
            self.assertTrue(mounted())
            self.assertTrue(proc.wait_until(lambda: not mounted(), 20), "it is unmounted when unused")
            self.assert_daemons_end()
            self.assertEqual(read("auto/v/new"), b"new", "and mounted again")
        finally:
            daemon.terminate()
            self.assertEqual(daemon.wait(timeout=30), 0)

    def test_a_direct_mount_point_as_systemd_makes_it(self):
        """The program that mounts is in the process group of the daemon; whoever is not waits until it is mounted."""
        os.setpgid(0, 0)
        os.mkdir("auto")
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        sysio.mount("systemd-1", "auto", "autofs", 0, f"fd={writer},pgrp={os.getpgrp()},minproto=5,maxproto=5,direct")
        os.close(writer)
        status = []

        def serve():
            token = struct.unpack_from("I", os.read(reader, 4096), 8)[0]
            done = subprocess.run([mounts.VENEERFS, "-o", self.options, self.path("auto")], timeout=20)
            status.append(done.returncode)
            ready(self.path("auto"), token)

        server = threading.Thread(target=serve)
        server.start()
        done = proc.run(["ls", self.path("auto")], timeout=25)
        server.join()
        self.assertEqual((done.code, status), (0, [0]), done)
        self.check("auto")
        self.run_ok("umount", "auto")
        sysio.umount2("auto", sysio.MNT_DETACH)
        os.close(reader)


def ready(path, token):
    """Tells autofs that what was asked for with this token is mounted (linux/auto_dev-ioctl.h)."""
    def control(number, fd, more):
        request = bytearray(struct.pack("IIIi", 1, 1, 16 + len(more), fd) + more)
        fcntl.ioctl(device, (3 << 30) | (24 << 16) | (0x93 << 8) | number, request)
        return struct.unpack_from("i", request, 12)[0]
    place = [line.split()[2] for point, kind, line in mounts.mount_info() if point == path and kind == "autofs"][0]
    major, minor = map(int, place.split(":"))
    encoded = (minor & 0xff) | major << 8 | (minor & ~0xff) << 12
    device = os.open("/dev/autofs", os.O_RDWR)
    try:
        fd = control(0x74, -1, struct.pack("II", encoded, 0) + os.fsencode(path) + b"\0")
        control(0x76, fd, struct.pack("II", token, 0))
        os.close(fd)
    finally:
        os.close(device)
