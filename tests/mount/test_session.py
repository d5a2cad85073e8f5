# SPDX-License-Identifier: Apache-2.0
"""The veneer command on real mounts, from import to rmi, as root and as ordinary users with and without ids of
/etc/subuid. The image is a small tree; programs come from the host's /usr, which every chroot here binds."""

import contextlib
import os
import signal
import subprocess
import sys
import tarfile

from support import disks, mounts, proc, runner
from support.files import digest
from support.images import member, tar
from support.sessions import SessionCase

PASSWD = b"root:x:0:0::/root:/bin/sh\nwww:x:33:34::/var/www:/bin/sh\n"
ONE_LINE = r"veneer: [^\n]+\n"
GROUP = b"extra:x:44:www\n"
# Fills a mapping of 1 MiB with each letter that it reads. It closes nothing meanwhile, since that
# would write back.
MAPPED_WRITER = """
import mmap, os, sys
f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
os.ftruncate(f, 1 << 20)
mapping = mmap.mmap(f, 1 << 20)
print("ready", flush=True)
for line in sys.stdin:
    mapping[:] = line[0].encode() * (1 << 20)
    print("stored", flush=True)
"""


def image_tar():
    """A root file system as an archive, with owners that are not the importer's."""
    def one(name, data=b"", kind=tarfile.REGTYPE, **attributes):
        return member(name, data, kind, mtime=1_600_000_000, **attributes)
    return tar(one("./", kind=tarfile.DIRTYPE, mode=0o755),
               *(one(name, kind=tarfile.DIRTYPE, mode=0o755) for name in ("etc", "usr", "var", "var/www", "root")),
               *(one(name, kind=tarfile.SYMTYPE, linkname=f"usr/{name}") for name in ("bin", "sbin", "lib", "lib64")),
               one("tmp", kind=tarfile.DIRTYPE, mode=0o1777), one("etc/passwd", PASSWD), one("etc/group", GROUP),
               one("etc/keep", b"kept\n"), one("etc/gone", b"to be removed\n"),
               one("var/www/index", b"hello\n", uid=33, gid=34))


class Session:
    """The cases; who runs them is decided below."""

    has_ids = True

    def setUp(self):
        super().setUp()
        self.archive = image_tar()
        self.write("rootfs.tar", self.archive)
        os.mkdir("mnt")
        self.own(self.dir)
        self.addCleanup(self.remove_containers)
        self.veneer("import", "-q", "rootfs.tar", "test:1")

    def remove_containers(self):
        for name in self.veneer("ps", "-a", "-q").split():
            self.veneer("rm", "-f", name)
        self.assertEqual(self.mounted(), [], "a mount is left")
        self.assert_daemons_end()

    def chroot(self, target, script, *options, **more):
        """Runs a script in a container or an image."""
        return super().chroot(*options, target, script=script, **more)

    def shell(self, script):
        """What a shell command of the user prints, outside of any container."""
        return proc.run(self.as_user(["sh", "-c", script]), env=self.environment, cwd=self.dir, check=True).out

    def import_strange_root(self):
        self.write("strange.tar", tar(member("./", kind=tarfile.DIRTYPE, mode=0o555, uid=33, gid=34, mtime=1_600_000_000),
                                      member("file")))
        self.veneer("import", "-q", "strange.tar", "strange:1")

    def test_a_container_that_nobody_changed_has_no_changes(self):
        """Whoever the image's root belongs to, and whatever its owner may do."""
        self.import_strange_root()
        self.veneer("create", "-n", "web", "strange:1")
        self.assertEqual(self.veneer("diff", "-v", "web"), "")
        self.veneer("mount", "web", "mnt")
        self.assertEqual(self.veneer("diff", "-v", "web"), "")
        self.veneer("umount", "web")
        self.veneer("commit", "web", "strange:2")
        self.veneer("export", "-o", "out.tar", "web")
        self.assertEqual(self.veneer("diff", "-v", "strange:1", "strange:2"), "")
        with tarfile.open(self.path("out.tar")) as archive:
            first = archive.next()
            self.assertEqual((first.mode, first.uid, first.gid), (0o555, 33, 34))
        self.veneer("mount", "web", "mnt")
        os.chmod(self.path("mnt"), 0o700) if not self.uid else self.shell("chmod 700 mnt")
        self.veneer("umount", "web")
        self.assertIn("C / (mode", self.veneer("diff", "-v", "web"))

    def test_in_a_namespace_where_only_root_exists_too(self):
        self.import_strange_root()
        self.shell(f"VENEER_ROOT=store unshare -r '{mounts.VENEER}' create -n web strange:1")
        self.assertEqual(self.veneer("diff", "-v", "web"), "")

    # --- the main line

    def test_the_whole_session(self):
        where = self.veneer("mount", "test:1", "--name", "web", "mnt")
        self.assertEqual(where, self.path("mnt") + "\n")
        self.assertEqual(self.veneer("diff", "web"), "")
        self.chroot("web", "echo more >> /etc/keep; rm /etc/gone; mkdir /var/new; echo x > /var/new/file")
        changes = "C /etc\nD /etc/gone\nC /etc/keep\nC /var\nA /var/new\nA /var/new/file\n"
        self.assertEqual(self.veneer("diff", "web"), changes)
        self.assertEqual(self.shell("cat mnt/etc/keep"), "kept\nmore\n")
        image = self.veneer("commit", "-a", "somebody", "-m", "a message", "web", "test:2").strip()
        self.assertRegex(image, r"\Asha256:[0-9a-f]{64}\Z")
        self.assertIn(image, self.images().values())
        history = self.veneer("history", "test:2").splitlines()
        self.assertEqual(len(history), 3)
        self.assertIn("a message", history[1])
        self.veneer("umount", "web")
        self.assertEqual(self.mounted(), [])
        self.assertEqual(self.daemons(), [])
        self.veneer("mount", "web", "mnt")
        self.assertEqual(self.shell("cat mnt/var/new/file"), "x\n", "the writable layer is gone")
        self.veneer("umount", "mnt")
        self.refused("umount", "./mnt", code=1)
        self.refused("umount", "mnt", code=3)
        self.assertEqual(self.chroot("test:2", "cat /etc/keep /var/new/file; test -e /etc/gone", code=1), "kept\nmore\nx\n")
        self.veneer("rm", "web")
        layers = [line.split()[1] for line in self.veneer("layer", "ls", "test:2").splitlines()[1:]]
        layer = digest(" ".join(layers).encode())  # its chain id
        self.assertEqual(self.veneer("rmi", "test:2"), f"Untagged: test:2\nDeleted: {image}\nDeleted: {layer}\n")
        self.veneer("prune")
        self.assertIn(" 0 damaged", self.veneer("fsck"))
        self.assertEqual(self.veneer("ps", "-a", "-q"), "")

    def test_the_archive_comes_back_byte_for_byte(self):
        self.assertEqual(digest(self.layer_tar("test:1")), digest(self.archive))

    def test_the_same_change_committed_twice_is_the_same_image(self):
        ids = set()
        for name in ("one", "two"):
            self.chroot("test:1", "echo new > /root/file; touch -d @1700000000 /root/file /root", "--name", name)
            ids.add(self.veneer("commit", name, environment={"SOURCE_DATE_EPOCH": "1700000001"}))
        self.assertEqual(len(ids), 1)

    # --- chroot

    def test_a_chroot_leaves_nothing(self):
        self.chroot("test:1", "true", "--name", "web")
        self.assertEqual(self.veneer("diff", "web"), "", "mount stubs are listed")
        self.assertEqual(os.listdir(self.path("store/containers/web/upper")), ["etc"])
        self.assertEqual(os.listdir(self.path("store/containers/web/upper/etc")), [])
        self.assertEqual(self.mounted(), [])
        self.chroot("test:1", "touch /root/x")
        self.assertEqual(self.veneer("ps", "-a", "-q"), "web\n", "the throw-away container is left")
        self.chroot("web", "true", "--rm")
        self.assertEqual(self.veneer("ps", "-a", "-q"), "")

    def test_the_command_may_stand_without_dashes(self):
        words = ("chroot", "--bind", "/usr:/usr:ro", "test:1", "--net", "host", "echo", "-n", "--name", "x")
        self.assertEqual(self.veneer(*words), "--name x")

    def test_exit_codes_pass_through(self):
        self.chroot("test:1", "exit 42", code=42)
        self.chroot("test:1", "kill -9 $$", code=137)
        self.veneer("chroot", "test:1", "--", "/no/such", code=127, err=ONE_LINE)
        self.veneer("chroot", "test:1", "--", "/etc/passwd", code=126, err=ONE_LINE)
        self.assertEqual(self.veneer("ps", "-a", "-q"), "")

    def test_a_container_in_which_nothing_could_run_is_not_kept(self):
        for options, command, code in ((("-b", "nonsense"), "true", 125), (("-b", "/no/such:/srv"), "true", 125),
                                       (("-e", "=x"), "true", 125), (("--net", "x"), "true", 125),
                                       (("-u", "nosuchuser"), "true", 125), (("-w", "/no/such"), "true", 126),
                                       ((), "/no/such", 127), ((), "/etc/passwd", 126)):
            self.veneer("chroot", "--bind", "/usr:/usr:ro", *options, "--name", "web", "test:1", "--", command, code=code,
                        err=ONE_LINE)
            self.assertEqual(self.veneer("ps", "-a", "-q"), "", options)
        self.chroot("test:1", "exit 127", "--name", "web", code=127)
        self.chroot("web", "true", "-u", "nosuchuser", code=125, err=ONE_LINE)
        self.veneer("chroot", "--no-such-option", "web", code=125, err=ONE_LINE)
        self.veneer("chroot", "--pull", "never", "nothing:1", code=125, err=ONE_LINE)
        self.assertEqual(self.veneer("ps", "-a", "-q"), "web\n", "a container that was there before")

    def test_read_only_and_binds(self):
        os.mkdir(self.path("shared"))
        if self.uid:
            os.chown(self.path("shared"), self.uid, self.uid)
        script = "! touch /etc/new 2>/dev/null && touch /srv/in/made && ! touch /opt/out 2>/dev/null && touch /run/x"
        self.chroot("test:1", script, "--read-only", "--bind", f"{self.path('shared')}:/srv/in", "--bind",
                    f"{self.path('shared')}:/opt:ro")
        self.assertEqual(os.listdir(self.path("shared")), ["made"])

    def test_users_of_the_image(self):
        script = "id -u; id -g; id -G; echo $HOME; stat -c %u:%g /var/www/index; touch /var/www/x"
        done = self.run_veneer(*self.session_command("-u", "www", "test:1", script=script))
        if self.has_ids:
            self.assertEqual(done.code, 1, str(done))  # /var/www is root's
            self.assertEqual(done.out, "33\n34\n34 44\n/var/www\n33:34\n")
        else:
            self.assertEqual(done.code, 126)
            self.assertIn("/etc/subuid", done.err)

    def test_killed_sessions_are_cleared_away(self):
        with self.session("test:1", script="echo up; sleep 3600") as child:
            child.send_signal(signal.SIGKILL)
        self.assertTrue(proc.wait_until(lambda: not self.daemons(), 20), "the daemon outlives its session")
        self.assertEqual(self.mounted(), [])
        self.veneer("prune")
        self.assertEqual(self.veneer("ps", "-a", "-q"), "")

    def test_a_session_in_a_container_excludes_others(self):
        with self.session("--name", "web", "test:1") as child:
            self.assertIn("In use", self.veneer("ps"))
            self.refused("mount", "web", "mnt", code=4)
            self.veneer("chroot", "web", "--", "true", code=125, err=ONE_LINE)
            self.refused("rm", "web", code=4)
            self.refused("rmi", "test:1", code=4)
            child.stdin.write(b"\n")
            child.stdin.close()
            self.assertEqual(child.wait(), 0)
        self.veneer("rm", "web")

    def test_the_entrypoint_of_an_image_gets_the_words(self):
        self.veneer("mount", "test:1", "--name", "made")
        self.veneer("commit", "-c", 'ENTRYPOINT ["/bin/echo", "of-image"]', "-c", 'CMD ["of-cmd"]', "made", "entry:1")
        usr = ("chroot", "--bind", "/usr:/usr:ro")
        self.assertEqual(self.veneer(*usr, "entry:1"), "of-image of-cmd\n")
        self.assertEqual(self.veneer(*usr, "entry:1", "--", "a", "b c"), "of-image a b c\n")
        self.assertEqual(self.veneer(*usr, "--name", "kept", "entry:1", "--", "a"), "of-image a\n")
        self.assertEqual(self.veneer(*usr, "kept", "--", "echo", "alone"), "alone\n", "as docker exec")
        self.assertEqual(self.veneer(*usr, "kept"), "of-image of-cmd\n")
        self.assertEqual(self.veneer(*usr, "--entrypoint", "/bin/echo", "entry:1", "--", "x"), "x\n")
        self.assertEqual(self.veneer(*usr, "--entrypoint=", "entry:1", "--", "echo", "y"), "y\n")
        self.assertEqual(self.veneer(*usr, "--entrypoint", "/bin/echo", "entry:1"), "\n", "nor the image's command")

    def test_sessions_in_a_mounted_container_end_when_it_is_removed_by_force(self):
        self.veneer("mount", "test:1", "--name", "web")
        self.veneer("mount", "test:1", "--name", "other")
        sessions = []
        for name in ("web", "web", "other"):
            sessions.append(self.session(name, script="echo up; sleep 3607 & sleep 3607"))

        def sleepers():
            return len([words for words in proc.processes().values() if words[:2] == ["sleep", "3607"]])
        self.assertTrue(proc.wait_until(lambda: sleepers() == 6))
        self.assertEqual(self.veneer("rm", "-f", "web"), "web\n")
        self.assertEqual([child.wait(timeout=10) for child in sessions[:2]], [137, 137])
        self.assertEqual(sleepers(), 2, "those of the other container go on")

    def test_a_session_ends_when_its_container_is_removed_by_force(self):
        with self.session("--name", "web", "test:1") as child:
            self.assertEqual(self.veneer("rm", "-f", "web"), "web\n")
            self.assertEqual(child.wait(20), 137)
        self.assertEqual(self.veneer("ps", "-a", "-q"), "")

    def test_what_a_running_session_is_mounted_on_is_no_change(self):
        """The image has no /dev, /proc, /run, /sys and no /etc/hosts."""
        script = "touch /root/made; mkdir /srv; touch /srv/made; echo up; read x"
        for mounted in (False, True):
            if mounted:
                self.veneer("mount", "test:1", "--name", "web")
            name = () if mounted else ("--name", "web")
            target = "web" if mounted else "test:1"
            with self.session("--bind", f"{self.dir}:/a/b", *name, target, script=script) as child:
                changes = {line.split()[1] for line in self.veneer("diff", "web").splitlines()}
                with_sizes = {line.split()[-1] for line in self.veneer("diff", "--stat", "web").splitlines()[1:-1]}
                self.veneer("commit", "web", "running:1")
                committed = {line.split()[1] for line in self.veneer("diff", "test:1", "running:1").splitlines()}
                self.veneer("export", "-o", "out.tar", "web")
                with tarfile.open(self.path("out.tar")) as archive:
                    exported = {member.name.removeprefix("./").rstrip("/") for member in archive}
                child.stdin.write(b"\n")
                child.stdin.flush()
                self.assertEqual(child.wait(), 0)
            expected = {"/root", "/root/made", "/srv", "/srv/made"}
            self.assertEqual(changes - {"/"}, expected)
            self.assertEqual(with_sizes - {"/"}, expected)
            self.assertEqual(committed - {"/"}, expected)
            self.assertFalse({"dev", "proc", "run", "sys", "a", "a/b", "etc/hosts", "etc/resolv.conf"} & exported)
            self.assertLessEqual({"etc/keep", "root/made", "srv/made"}, exported)
            self.veneer("rm", "-f", "web")

    def test_a_directory_keeps_the_time_of_what_a_session_changed_in_it(self):
        """Also when the session made something to mount on there, and takes it away."""
        upper = self.path("store/containers/web/upper")
        self.chroot("test:1", "true", "--name", "web")
        self.assertEqual([os.stat(f"{upper}{path}").st_mtime for path in ("", "/etc")], [1_600_000_000] * 2)
        self.chroot("web", "touch /new; touch -d @1234567890 /etc")
        changed = os.stat(upper).st_mtime
        self.assertGreater(changed, os.stat(self.path("rootfs.tar")).st_mtime)
        self.assertEqual(os.stat(f"{upper}/etc").st_mtime, 1234567890)
        self.assertEqual(self.veneer("diff", "web"), "C /etc\nA /new\n")
        self.chroot("web", "true")
        self.assertEqual([os.stat(f"{upper}{path}").st_mtime for path in ("", "/etc")], [changed, 1234567890])

    def with_slow_writes(self, more, letters_and_acts):
        """Stores each letter through a mapping of 1 MiB and then acts, while the daemon takes 0.4 s for each write, which
        ends as `more` says."""
        self.veneer("mount", "test:1", "--name", "web", "mnt")
        words = self.as_user([sys.executable, "-c", MAPPED_WRITER, self.path("mnt/mapped")])
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
            self.assertEqual(writer.stdout.readline(), "ready\n")
            with proc.strace(self.daemons()[0], "trace=pwrite64", f"inject=pwrite64:delay_enter=400000{more}"):
                for letter, act in letters_and_acts:
                    writer.stdin.write(letter + "\n")
                    writer.stdin.flush()
                    self.assertEqual(writer.stdout.readline(), "stored\n")
                    act(letter)
            writer.stdin.close()

    def test_what_was_just_stored_through_a_mapping_is_in_exports_and_commits(self):
        """syncfs(2) sends it and does not wait for the daemon, which is slow here."""
        def has(letter):
            with open(self.path("out.tar"), "rb") as archive:
                self.assertEqual(archive.read().count(letter.encode() * 4096), 256, letter)

        def export(letter):
            self.veneer("export", "-o", "out.tar", "web")
            has(letter)

        def commit(letter):
            self.veneer("commit", "web", "mapped:1")
            self.veneer("save", "-o", "out.tar", "mapped:1")
            has(letter)
        self.with_slow_writes("", [("a", export), ("b", commit)])

    def test_what_cannot_be_stored_is_an_error_of_exports_and_commits(self):
        """The first syncfs(2) returns before the daemon has met the error."""
        for error, text in (("ENOSPC", "No space left"), ("EDQUOT", "quota exceeded"), ("EIO", "Input/output error")):
            def act(words, said=text):
                self.assertIn(said, self.refused(*words.split(), code=1))
                self.assertFalse(os.path.exists(self.path("out.tar")))
            with self.subTest(error):
                self.with_slow_writes(f":error={error}", [("export -o out.tar web", act), ("commit web mapped:1", act)])
                self.veneer("rm", "-f", "web")
                # Else the next round might trace the daemon that is just ending.
                self.assert_daemons_end()

    def test_info_says_what_there_is(self):
        lines = self.veneer("info").splitlines()
        self.assertIn("FUSE: /dev/fuse can be opened", lines)
        self.assertTrue({"fusermount3", "newuidmap"} <= {line.split(":")[0] for line in lines})
        words = [line for line in lines if line.startswith("User ids: ")]
        if not self.uid:
            self.assertEqual(words, [])
        elif self.has_ids:
            self.assertRegex(words[0], r"\AUser ids: your own as 0, \d+ from \d+ on as 1 and up\Z")
        else:
            self.assertEqual(words, ["User ids: your own as 0 only; /etc/subuid grants no others"])

    def test_a_session_that_loses_its_file_system_keeps_its_container(self):
        with self.session("--name", "web", "test:1", script="echo x > /root/file; echo up; read x") as child:
            os.kill(self.daemons()[0], signal.SIGKILL)
            self.assertEqual(child.wait(20), 125)
            self.assertRegex(child.stderr.read().decode(), r"veneer: the session ended, because veneerfs [^\n]+\n\Z")
        self.assertIn("A /root/file", self.veneer("diff", "web"))

    def test_removal_by_force_ends_a_throw_away_container(self):
        with self.session("test:1") as child:
            name = self.veneer("ps", "-q").strip()
            self.assertEqual(self.veneer("rm", "-f", name), name + "\n")
            self.assertEqual(child.wait(20), 137)
        self.assertEqual(self.veneer("ps", "-a", "-q"), "")

    # --- what is refused

    def test_a_mounted_container_is_in_use(self):
        self.veneer("mount", "--name", "web", "test:1", "mnt")
        self.assertIn(self.path("mnt"), self.refused("mount", "web", code=4))
        self.refused("mount", "test:1", "--name", "web", code=4)
        self.assertIn("is the mount point of container web already", self.refused("mount", "test:1", "mnt", code=4, keeps_store=False))
        self.assertEqual(self.veneer("ps", "-a", "-q"), "web\n", "a failed mount left a container")
        self.assertIn(self.path("mnt"), self.refused("rm", "web", code=4))
        self.assertIn("web", self.refused("rmi", "test:1", code=4))
        self.refused("commit", "--rm", "web", code=4)
        self.assertEqual(self.veneer("rm", "--force", "web"), "web\n")
        self.assertEqual(self.mounted(), [])

    def test_an_open_file_keeps_a_mount(self):
        self.veneer("mount", "--name", "web", "test:1", "mnt")
        with self.sleeper_in_mount() as child:
            self.assertIn(f" by sleep (pid {child.pid});", self.refused("umount", "web", code=4))
            self.veneer("umount", "--lazy", "web")
            self.assertEqual(self.mounted(), [])
            self.assertIn("Unmounting", self.veneer("ps"))
            self.assertIn("unmounted lazily", self.refused("mount", "web", code=4))
            self.refused("umount", "web", code=4)
            self.refused("rm", "web", code=4)
        self.assert_daemons_end()
        self.assertIn("Not mounted", self.veneer("ps", "-a"))
        self.veneer("rm", "web")

    def test_removal_by_force_needs_no_closed_files(self):
        for lazy in (False, True):
            self.veneer("mount", "--name", "web", "test:1", "mnt")
            with self.sleeper_in_mount() as child:
                if lazy:
                    self.veneer("umount", "--lazy", "web")
                self.assertEqual(self.veneer("rm", "--force", "web"), "web\n")
                self.assertIsNone(child.poll(), "the process that held the mount was killed")
                self.assertEqual(self.daemons(), [])
                self.assertEqual(self.mounted(), [])
                self.assertEqual(self.veneer("ps", "-a", "-q"), "")

    def test_a_session_keeps_its_container_mounted(self):
        self.veneer("mount", "--name", "web", "test:1", "mnt")
        with self.session("web") as child:
            self.assertRegex(self.refused("umount", "web", code=4), r" is in use at /\S+ by [^;]*sh \(pid \d+\)")
            child.stdin.close()
            child.wait()
        self.veneer("umount", "web")

    @contextlib.contextmanager
    def sleeper_in_mount(self):
        """A process of the user whose working directory is the mount point."""
        with subprocess.Popen(["sleep", "3600"], preexec_fn=lambda: self.enter(self.path("mnt"))) as child:
            try:
                yield child
            finally:
                child.kill()

    def enter(self, path):
        if self.uid:
            os.setgroups([])
            os.setresgid(self.uid, self.uid, self.uid)
            os.setresuid(self.uid, self.uid, self.uid)
        os.chdir(path)

    def test_a_dead_mount_is_noticed(self):
        self.veneer("mount", "--name", "web", "test:1", "mnt")
        daemons = self.daemons()
        self.assertEqual(len(daemons), 1)
        os.kill(daemons[0], signal.SIGKILL)
        self.assert_daemons_end()
        self.assertIn("Dead mount", self.veneer("ps"))
        self.veneer("mount", "web", "mnt")
        self.assertEqual(self.shell("cat mnt/etc/keep"), "kept\n")

    def test_names_that_do_not_exist(self):
        self.assertIn("test:1", self.refused("chroot", "--pull", "never", "tset:1", code=125))
        for words in (("mount", "--pull", "never", "tset:1"), ("history", "tset:1"), ("rmi", "tset:1")):
            self.assertIn("test:1", self.refused(*words, code=3))
        for words in (("umount", "web"), ("diff", "web"), ("commit", "web"), ("rm", "web")):
            self.refused(*words, code=3)


class ManyIds:
    """What needs more ids than that of root."""

    def test_owners_survive_a_commit(self):
        self.chroot("test:1", "chown 33:44 /root; touch /root/x; chown 1:2 /root/x", "--name", "web")
        self.veneer("commit", "web", "test:2")
        self.assertEqual(self.chroot("test:2", "stat -c %u:%g /root /root/x /var/www/index"), "33:44\n1:2\n33:34\n")


class RootSession(Session, ManyIds, SessionCase):
    """As root."""

    def test_programs_of_an_untrusted_image_get_no_privileges_on_the_host(self):
        self.veneer("mount", "--name", "web", "test:1", "mnt")
        self.assertTrue({"nosuid", "nodev"} <= set(mounts.flags("mnt")))
        self.veneer("umount", "web")
        self.veneer("mount", "-o", "suid,dev", "web", "mnt")
        self.assertFalse({"nosuid", "nodev"} & set(mounts.flags("mnt")))

    def test_locks_are_found_on_btrfs(self):
        """There stat(2) and /proc/locks name another device, that of the subvolume and that of the disk."""
        disks.Disk(self, self.path("disk"), 128, "btrfs")
        self.environment["VENEER_ROOT"] = self.store = self.path("disk/store")
        self.veneer("import", "rootfs.tar", "test:1")
        self.veneer("mount", "test:1", "--name", "web", "mnt")
        with self.session("web", script="echo up; sleep 3608") as child:
            layers = self.path("disk/store/containers/web")
            again = proc.run([mounts.VENEERFS, "-o", f"lowerdir=/usr,upperdir={layers}/upper,workdir={layers}/work",
                              self.path("home")])
            self.assertRegex(again.err, r"\Aveneerfs: [^\n]*in use by another mount \(pid \d+")
            self.veneer("rm", "-f", "web")
            self.assertEqual(child.wait(10), 137)


class UserSession(Session, ManyIds, SessionCase):
    """As an ordinary user who has subordinate ids."""

    uid = runner.USER_WITH_IDS

    def test_another_user_in_a_mount_of_ones_own_is_told_the_way_out(self):
        self.veneer("mount", "--name", "web", "test:1", "mnt")
        if "allow_other" in mounts.information("mnt")[1]:
            self.skipTest("/etc/fuse.conf has user_allow_other")
        self.chroot("web", "true", "-u", "www", code=126,
                    err=r"veneer: [^\n]*unmount the container first[^\n]*user_allow_other[^\n]*\n")
        self.veneer("umount", "web")
        self.chroot("web", "true", "-u", "www")


class SingleIdSession(Session, SessionCase):
    """As an ordinary user who has no other ids."""

    uid = runner.USER_WITHOUT_IDS
    has_ids = False
