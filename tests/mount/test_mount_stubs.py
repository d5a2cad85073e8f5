# SPDX-License-Identifier: Apache-2.0
"""What sessions make in a container to mount on: it is no change of the container, and takes none away from it, whoever is
killed at whatever moment."""

import contextlib
import os
import signal
import subprocess
import tarfile

from support import disks, proc
from support.files import write
from support.sessions import SessionCase
from support.stores import for_users
from support.tree import Link

IMAGE = {"bin": Link(target="usr/bin"), "lib": Link(target="usr/lib"), "lib64": Link(target="usr/lib64"), "usr": {}, "tmp": {},
         "etc": {"hosts": "127.0.0.1 of-the-image\n", "passwd": "root:x:0:0::/root:/bin/sh\n"},
         "run": {"keep": "kept\n"}}
DELETED = {"C /etc", "D /etc/hosts", "D /run"}


def children(pid):
    """The processes that a process has started."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


class StubCase(SessionCase):
    def setUp(self):
        super().setUp()
        self.import_tree(IMAGE, "t:1")
        self.addCleanup(proc.run, self.command("rm", "-f", "c1"), env=self.environment)

    def session(self, *words):
        """A session that has begun; it is ended with end() or kill()."""
        child = super().session(*words, stderr=subprocess.DEVNULL)
        self.addCleanup(self.kill, child)
        return child

    def end(self, child):
        child.stdin.close()
        child.wait(20)
        child.stdout.close()

    def kill(self, child):
        """Kills all processes of the session, as the kernel does that has no memory left; and the daemons."""
        if child.poll() is None:
            family = [child.pid]
            for pid in family:
                family += children(pid)
            # All stand still first, so that none of them sees another's end.
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for pid in [*family, *self.daemons()]:
                    with contextlib.suppress(ProcessLookupError):  # it ended with another
                        os.kill(pid, number)
            child.wait(20)
            child.stdin.close()
            child.stdout.close()
            self.assert_daemons_end()


@for_users
class Stubs(StubCase):
    def setUp(self):
        super().setUp()
        self.veneer("create", "-n", "c1", "t:1")
        self.act_in_mount(lambda: (os.unlink("mnt/etc/hosts"), os.unlink("mnt/run/keep"), os.rmdir("mnt/run")))
        self.assertEqual(self.diff("c1"), DELETED)

    def act_in_mount(self, function, *options):
        """What a function gives while the container is mounted at mnt."""
        os.makedirs("mnt", exist_ok=True)
        self.own("mnt")
        self.veneer("mount", *options, "c1", "mnt")
        try:
            return self.act(function)
        finally:
            self.veneer("umount", "c1")

    def assert_deleted(self, tag):
        self.assertEqual(self.diff("c1"), DELETED)
        self.veneer("commit", "c1", tag)
        self.assertEqual(self.diff_images("t:1", tag), DELETED)
        self.veneer("export", "-o", tag + ".tar", "c1")
        with tarfile.open(tag + ".tar") as archive:
            names = {os.path.normpath(name) for name in archive.getnames()}
        self.assertFalse(names & {"etc/hosts", "run", "run/keep"})

    def diff_images(self, below, above):
        return set(self.veneer("diff", below, above).splitlines())

    def test_a_stub_over_something_deleted_leaves_it_deleted(self):
        child = self.session("c1")
        self.assert_deleted("while:1")
        self.end(child)
        self.assert_deleted("ended:1")
        child = self.session("c1")
        self.kill(child)
        self.assert_deleted("killed:1")
        self.assertEqual(sorted(self.act_in_mount(lambda: os.listdir("mnt/etc"))), ["passwd"])

    def test_stubs_of_the_killed_are_not_seen_in_a_read_only_mount(self):
        self.kill(self.session("--bind", "/usr:/data/deep", "c1"))
        names = self.act_in_mount(lambda: os.listdir("mnt") + os.listdir("mnt/etc"), "-r")
        self.assertFalse({"run", "hosts", "data", "dev", "proc", "sys"} & set(names), names)

    def test_the_next_session_finds_no_stubs_of_the_killed(self):
        self.kill(self.session("--bind", "/usr:/data", "c1"))
        self.chroot("c1", script="! test -e /data")
        self.assert_deleted("next:1")

    def test_in_a_mounted_container_what_was_deleted_stays_so(self):
        self.veneer("mount", "c1", "mnt")
        child = self.session("c1")
        self.assertEqual(self.diff("c1"), DELETED)
        self.end(child)
        self.assertEqual(self.diff("c1"), DELETED)
        self.assertFalse(self.act(lambda: os.path.lexists("mnt/etc/hosts") or os.path.lexists("mnt/run")))
        self.veneer("umount", "c1")

    def test_a_directory_that_took_the_place_of_a_stub_stays(self):
        stub = os.path.join(self.store, "containers/c1/upper/data")
        self.kill(self.session("--bind", "/usr:/data", "c1"))
        self.assertTrue(os.path.isdir(stub))
        # As a mount of before did, which left stubs in the tree.
        def replace():
            os.rmdir(stub)
            os.mkdir(stub, 0o755)
        self.act(replace)
        self.assertEqual(self.diff("c1") - DELETED, {"A /data"})

    def test_a_stub_that_somebody_has_changed_stays(self):
        for change in (lambda path: os.chmod(path, 0o700), lambda path: os.setxattr(path, "user.x", b"y"),
                       lambda path: os.utime(path, (1, 1))):
            self.kill(self.session("--bind", "/usr:/data", "c1"))
            change(os.path.join(self.store, "containers/c1/upper/data"))
            self.assertEqual(self.diff("c1") - DELETED, {"A /data"})
            self.assertEqual(self.diff("c1") - DELETED, {"A /data"}, "the record is gone")
            self.act_in_mount(lambda: os.rmdir("mnt/data"))


class Mounted(StubCase):
    def test_a_directory_that_a_user_made_anew_stays(self):
        self.veneer("create", "-n", "c1", "t:1")
        os.mkdir("mnt")
        self.veneer("mount", "c1", "mnt")
        child = self.session("--bind", "/usr:/data", "c1")
        os.rmdir("mnt/data")
        os.mkdir("mnt/data", 0o700)
        os.chown("mnt/data", 33, 33)
        os.setxattr("mnt/data", "user.x", b"y")
        self.assertIn("A /data", self.diff("c1"))
        self.end(child)
        self.assertIn("A /data", self.diff("c1"))
        self.assertEqual(os.listxattr("mnt/data"), ["user.x"])
        self.veneer("umount", "c1")


class Btrfs(StubCase):
    """Its inode numbers begin anew in each subvolume, and /proc/locks has no more than those."""

    def test_who_has_a_lock_in_another_subvolume_is_not_killed(self):
        disks.Disk(self, self.path("disk"), 128, "btrfs")
        for name in ("one", "two"):
            subprocess.run(["btrfs", "-q", "subvolume", "create", self.path("disk", name)], check=True)
        more = {"environment": {"VENEER_ROOT": self.path("disk/one/store")}}
        self.veneer("import", "t_1.dir.tar", "t:1", **more)
        self.veneer("create", "-n", "c2", "t:1", **more)
        self.veneer("chroot", "--bind", "/usr:/usr:ro", "c2", "--", "true", **more)
        os.mkdir("mnt")
        self.veneer("mount", "c2", "mnt", **more)
        wanted = os.stat(self.path("disk/one/store/containers/c2/stubs")).st_ino
        number = 0
        while number < wanted:
            path = self.path("disk/two", f"f{number}")
            write(path, "")
            number = os.stat(path).st_ino
        self.assertEqual(number, wanted)
        with subprocess.Popen(["flock", "-s", path, "sh", "-c", "echo up; read x"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as stranger:
            self.assertEqual(stranger.stdout.readline(), b"up\n")
            self.veneer("rm", "-f", "c2", **more)
            self.assertIsNone(stranger.poll(), "the stranger was killed")
            stranger.stdin.close()
