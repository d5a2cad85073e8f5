# SPDX-License-Identifier: Apache-2.0
"""The veneer command on real mounts, from import to rmi, as root and as ordinary users with and without ids of
/etc/subuid. The image is a small tree; programs come from the host's /usr, which every chroot here binds."""

import hashlib
import io
import os
import re
import signal
import subprocess
import sys
import tarfile

from support import disks, mounts, proc, runner
from support.case import MountCase

VENEER = os.environ["VENEER"]
PASSWD = "root:x:0:0::/root:/bin/sh\nwww:x:33:34::/var/www:/bin/sh\n"
GROUP = "extra:x:44:www\n"
# What every session and mount of a user without ids begins with.
ONLY_ROOT = r"\Aveneer: only root exists inside, since [^\n]*`usermod [^\n]*`\n"
# Fills a mapping of 1 MiB with each letter that it reads. It closes nothing meanwhile, since that would write back.
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
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        def add(name, kind=tarfile.REGTYPE, data=b"", mode=0o644, uid=0, gid=0, link=""):
            member = tarfile.TarInfo(name)
            member.type, member.size, member.mode, member.uid, member.gid = kind, len(data), mode, uid, gid
            member.linkname, member.mtime = link, 1_600_000_000
            tar.addfile(member, io.BytesIO(data))
        add("./", tarfile.DIRTYPE, mode=0o755)
        for name in ("etc", "usr", "var", "var/www", "root"):
            add(name, tarfile.DIRTYPE, mode=0o755)
        for name in ("bin", "sbin", "lib", "lib64"):
            add(name, tarfile.SYMTYPE, link=f"usr/{name}")
        add("tmp", tarfile.DIRTYPE, mode=0o1777)
        add("etc/passwd", data=PASSWD.encode())
        add("etc/group", data=GROUP.encode())
        add("etc/keep", data=b"kept\n")
        add("etc/gone", data=b"to be removed\n")
        add("var/www/index", data=b"hello\n", uid=33, gid=34)
    return stream.getvalue()


class SessionCase:
    """The cases; who runs them is decided below."""

    user = None
    has_ids = True

    def setUp(self):
        super().setUp()
        self.archive = image_tar()
        with open(self.path("rootfs.tar"), "wb") as file:
            file.write(self.archive)
        os.mkdir(self.path("mnt"))
        os.mkdir(self.path("home"))
        if self.user is not None:
            for name in ("", "rootfs.tar", "mnt", "home"):
                os.chown(self.path(name) if name else self.dir, self.user, self.user)
        self.addCleanup(self.end)
        self.veneer("import", "rootfs.tar", "test:1")

    def end(self):
        for name in self.veneer("ps", "-a", "-q", code=None).out.split():
            self.veneer("rm", "-f", name, code=None)
        self.assertEqual(self.mounted(), [], "a mount is left")
        self.assertTrue(proc.wait_until(lambda: not self.daemons(), 10), "a daemon is left")

    def command(self, *words):
        return self.as_user(VENEER, *words)

    def as_user(self, *words):
        if self.user is None:
            return list(words)
        return ["setpriv", "--reuid", str(self.user), "--regid", str(self.user), "--clear-groups", "--", *words]

    def shell(self, script):
        """What a shell command of the user prints, outside of any container."""
        return proc.run(self.as_user("sh", "-c", script), cwd=self.dir, check=True).out

    def environment(self):
        path = f"{os.path.dirname(mounts.VENEERFS)}:{os.environ['PATH']}"
        return {**os.environ, "VENEER_ROOT": self.path("store"), "HOME": self.path("home"), "PATH": path}

    def veneer(self, *words, code=0, **more):
        done = proc.run(self.command(*words), cwd=self.dir, env={**self.environment(), **more.pop("env", {})}, **more)
        if code is not None:
            self.assertEqual(done.code, code, str(done))
        if self.user is not None and not self.has_ids and words[0] in ("chroot", "mount"):
            done.err = re.sub(ONLY_ROOT, "", done.err)
        if code not in (0, None) and words[0] != "chroot":
            self.assertRegex(done.err, r"\Aveneer: [^\n]+\n\Z", str(done))
        return done

    def chroot(self, target, script, *options, code=0, **more):
        return self.veneer("chroot", "--bind", "/usr:/usr:ro", *options, target, "--", "sh", "-c", script, code=code, **more)

    def mounted(self):
        return [point for point, _, _ in mounts.mount_info() if point.startswith(self.dir + "/")]

    def daemons(self):
        return [pid for pid, words in proc.processes().items()
                if os.path.basename(words[0]) == "veneerfs" and any(self.dir in word for word in words)]

    def images(self):
        return self.veneer("images", "-q", "--no-trunc").out.split()

    def import_strange_root(self):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as tar:
            root = tarfile.TarInfo("./")
            root.type, root.mode, root.uid, root.gid, root.mtime = tarfile.DIRTYPE, 0o555, 33, 34, 1_600_000_000
            tar.addfile(root)
            tar.addfile(tarfile.TarInfo("file"))
        with open(self.path("strange.tar"), "wb") as file:
            file.write(stream.getvalue())
        self.veneer("import", "strange.tar", "strange:1")

    def test_a_container_that_nobody_changed_has_no_changes(self):
        """Whoever the image's root belongs to, and whatever its owner may do."""
        self.import_strange_root()
        self.veneer("create", "-n", "web", "strange:1")
        self.assertEqual(self.veneer("diff", "-v", "web").out, "")
        self.veneer("mount", "web", "mnt")
        self.assertEqual(self.veneer("diff", "-v", "web").out, "")
        self.veneer("umount", "web")
        self.veneer("commit", "web", "strange:2")
        self.veneer("export", "-o", "out.tar", "web")
        self.assertEqual(self.veneer("diff", "-v", "strange:1", "strange:2").out, "")
        with tarfile.open(self.path("out.tar")) as archive:
            first = archive.next()
            self.assertEqual((first.mode, first.uid, first.gid), (0o555, 33, 34))
        self.veneer("mount", "web", "mnt")
        os.chmod(self.path("mnt"), 0o700) if self.user is None else self.shell("chmod 700 mnt")
        self.veneer("umount", "web")
        self.assertIn("C / (mode", self.veneer("diff", "-v", "web").out)

    def test_in_a_namespace_where_only_root_exists_too(self):
        self.import_strange_root()
        self.shell(f"VENEER_ROOT=store unshare -r '{VENEER}' create -n web strange:1")
        self.assertEqual(self.veneer("diff", "-v", "web").out, "")

    # --- the main line

    def test_the_whole_session(self):
        where = self.veneer("mount", "test:1", "--name", "web", "mnt").out
        self.assertEqual(where, self.path("mnt") + "\n")
        self.assertEqual(self.veneer("diff", "web").out, "")
        self.chroot("web", "echo more >> /etc/keep; rm /etc/gone; mkdir /var/new; echo x > /var/new/file")
        changes = "C /etc\nD /etc/gone\nC /etc/keep\nC /var\nA /var/new\nA /var/new/file\n"
        self.assertEqual(self.veneer("diff", "web").out, changes)
        self.assertEqual(self.shell("cat mnt/etc/keep"), "kept\nmore\n")
        image = self.veneer("commit", "-a", "somebody", "-m", "a message", "web", "test:2").out.strip()
        self.assertRegex(image, r"\Asha256:[0-9a-f]{64}\Z")
        self.assertIn(image, self.images())
        history = self.veneer("history", "test:2").out.splitlines()
        self.assertEqual(len(history), 3)
        self.assertIn("a message", history[1])
        self.veneer("umount", "web")
        self.assertEqual(self.mounted(), [])
        self.assertEqual(self.daemons(), [])
        self.veneer("mount", "web", "mnt")
        self.assertEqual(self.shell("cat mnt/var/new/file"), "x\n", "the writable layer is gone")
        self.veneer("umount", "mnt")
        self.veneer("umount", "./mnt", code=1)
        self.veneer("umount", "mnt", code=3)
        done = self.chroot("test:2", "cat /etc/keep /var/new/file; test -e /etc/gone", code=1)
        self.assertEqual(done.out, "kept\nmore\nx\n")
        self.veneer("rm", "web")
        layers = [line.split()[1] for line in self.veneer("layer", "ls", "test:2").out.splitlines()[1:]]
        layer = "sha256:" + hashlib.sha256(" ".join(layers).encode()).hexdigest()  # its chain id
        self.assertEqual(self.veneer("rmi", "test:2").out, f"Untagged: test:2\nDeleted: {image}\nDeleted: {layer}\n")
        self.veneer("prune")
        self.assertIn(" 0 damaged", self.veneer("fsck").out)
        self.assertEqual(self.veneer("ps", "-a", "-q").out, "")

    def test_the_archive_comes_back_byte_for_byte(self):
        done = subprocess.run(self.command("layer", "tar", "test:1@1"), env=self.environment(), cwd=self.dir,
                              stdout=subprocess.PIPE, check=True)
        self.assertEqual(hashlib.sha256(done.stdout).hexdigest(), hashlib.sha256(self.archive).hexdigest())

    def test_the_same_change_committed_twice_is_the_same_image(self):
        ids = set()
        for name in ("one", "two"):
            self.chroot("test:1", "echo new > /root/file; touch -d @1700000000 /root/file /root", "--name", name)
            ids.add(self.veneer("commit", name, env={"SOURCE_DATE_EPOCH": "1700000001"}).out)
        self.assertEqual(len(ids), 1)

    # --- chroot

    def test_a_chroot_leaves_nothing(self):
        self.chroot("test:1", "true", "--name", "web")
        self.assertEqual(self.veneer("diff", "web").out, "", "mount stubs are listed")
        self.assertEqual(os.listdir(self.path("store/containers/web/upper")), ["etc"])
        self.assertEqual(os.listdir(self.path("store/containers/web/upper/etc")), [])
        self.assertEqual(self.mounted(), [])
        self.chroot("test:1", "touch /root/x")
        self.assertEqual(self.veneer("ps", "-a", "-q").out, "web\n", "the throw-away container is left")
        self.chroot("web", "true", "--rm")
        self.assertEqual(self.veneer("ps", "-a", "-q").out, "")

    def test_the_command_may_stand_without_dashes(self):
        words = ("chroot", "--bind", "/usr:/usr:ro", "test:1", "--net", "host", "echo", "-n", "--name", "x")
        self.assertEqual(self.veneer(*words).out, "--name x")

    def test_exit_codes_pass_through(self):
        self.chroot("test:1", "exit 42", code=42)
        self.chroot("test:1", "kill -9 $$", code=137)
        self.veneer("chroot", "test:1", "--", "/no/such", code=127)
        self.veneer("chroot", "test:1", "--", "/etc/passwd", code=126)
        self.assertEqual(self.veneer("ps", "-a", "-q").out, "")

    def test_a_container_in_which_nothing_could_run_is_not_kept(self):
        for options, command, code in ((("-b", "nonsense"), "true", 125), (("-b", "/no/such:/srv"), "true", 125),
                                       (("-e", "=x"), "true", 125), (("--net", "x"), "true", 125),
                                       (("-u", "nosuchuser"), "true", 125), (("-w", "/no/such"), "true", 126),
                                       ((), "/no/such", 127), ((), "/etc/passwd", 126)):
            done = self.veneer("chroot", "--bind", "/usr:/usr:ro", *options, "--name", "web", "test:1", "--", command, code=code)
            self.assertRegex(done.err, r"\Aveneer: [^\n]+\n\Z")
            self.assertEqual(self.veneer("ps", "-a", "-q").out, "", options)
        self.chroot("test:1", "exit 127", "--name", "web", code=127)
        self.chroot("web", "true", "-u", "nosuchuser", code=125)
        self.veneer("chroot", "--no-such-option", "web", code=125)
        self.veneer("chroot", "nothing:1", code=125)
        self.assertEqual(self.veneer("ps", "-a", "-q").out, "web\n", "a container that was there before")

    def test_read_only_and_binds(self):
        os.mkdir(self.path("shared"))
        if self.user is not None:
            os.chown(self.path("shared"), self.user, self.user)
        script = "! touch /etc/new 2>/dev/null && touch /srv/in/made && ! touch /opt/out 2>/dev/null && touch /run/x"
        self.chroot("test:1", script, "--read-only", "--bind", f"{self.path('shared')}:/srv/in", "--bind",
                    f"{self.path('shared')}:/opt:ro")
        self.assertEqual(os.listdir(self.path("shared")), ["made"])

    def test_users_of_the_image(self):
        done = self.chroot("test:1", "id -u; id -g; id -G; echo $HOME; stat -c %u:%g /var/www/index; touch /var/www/x", "-u",
                           "www", code=None)
        if self.has_ids:
            self.assertEqual(done.code, 1, str(done))  # /var/www is root's
            self.assertEqual(done.out, "33\n34\n34 44\n/var/www\n33:34\n")
        else:
            self.assertEqual(done.code, 126)
            self.assertIn("/etc/subuid", done.err)

    def test_killed_sessions_are_cleared_away(self):
        words = self.command("chroot", "--bind", "/usr:/usr:ro", "test:1", "--", "sh", "-c", "echo up; sleep 3600")
        with subprocess.Popen(words, env=self.environment(), cwd=self.dir, stdout=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, start_new_session=True) as child:
            self.assertEqual(child.stdout.readline(), b"up\n")
            child.send_signal(signal.SIGKILL)
        self.assertTrue(proc.wait_until(lambda: not self.daemons(), 20), "the daemon outlives its session")
        self.assertEqual(self.mounted(), [])
        self.veneer("prune")
        self.assertEqual(self.veneer("ps", "-a", "-q").out, "")

    def test_a_session_in_a_container_excludes_others(self):
        words = self.command("chroot", "--bind", "/usr:/usr:ro", "--name", "web", "test:1", "--", "sh", "-c", "echo up; read x")
        with subprocess.Popen(words, env=self.environment(), cwd=self.dir, stdout=subprocess.PIPE, stdin=subprocess.PIPE,
                              start_new_session=True) as child:
            self.assertEqual(child.stdout.readline(), b"up\n")
            self.assertIn("In use", self.veneer("ps").out)
            self.veneer("mount", "web", "mnt", code=4)
            self.veneer("chroot", "web", "--", "true", code=125)
            self.veneer("rm", "web", code=4)
            self.veneer("rmi", "test:1", code=4)
            child.stdin.write(b"\n")
            child.stdin.close()
            self.assertEqual(child.wait(), 0)
        self.veneer("rm", "web")

    def test_the_entrypoint_of_an_image_gets_the_words(self):
        self.veneer("mount", "test:1", "--name", "made")
        self.veneer("commit", "-c", 'ENTRYPOINT ["/bin/echo", "of-image"]', "-c", 'CMD ["of-cmd"]', "made", "entry:1")
        usr = ("chroot", "--bind", "/usr:/usr:ro")
        self.assertEqual(self.veneer(*usr, "entry:1").out, "of-image of-cmd\n")
        self.assertEqual(self.veneer(*usr, "entry:1", "--", "a", "b c").out, "of-image a b c\n")
        self.assertEqual(self.veneer(*usr, "--name", "kept", "entry:1", "--", "a").out, "of-image a\n")
        self.assertEqual(self.veneer(*usr, "kept", "--", "echo", "alone").out, "alone\n", "as docker exec")
        self.assertEqual(self.veneer(*usr, "kept").out, "of-image of-cmd\n")
        self.assertEqual(self.veneer(*usr, "--entrypoint", "/bin/echo", "entry:1", "--", "x").out, "x\n")
        self.assertEqual(self.veneer(*usr, "--entrypoint=", "entry:1", "--", "echo", "y").out, "y\n")
        self.assertEqual(self.veneer(*usr, "--entrypoint", "/bin/echo", "entry:1").out, "\n", "nor the image's command")

    def test_sessions_in_a_mounted_container_end_when_it_is_removed_by_force(self):
        self.veneer("mount", "test:1", "--name", "web")
        self.veneer("mount", "test:1", "--name", "other")
        sessions = []
        for name in ("web", "web", "other"):
            words = self.command("chroot", "--bind", "/usr:/usr:ro", name, "--", "sh", "-c", "echo up; sleep 3607 & sleep 3607")
            child = subprocess.Popen(words, env=self.environment(), cwd=self.dir, stdout=subprocess.PIPE,
                                     stdin=subprocess.DEVNULL, start_new_session=True)
            self.addCleanup(child.wait)
            self.addCleanup(child.kill)
            self.addCleanup(child.stdout.close)
            self.assertEqual(child.stdout.readline(), b"up\n")
            sessions.append(child)
        def sleepers():
            return len([words for words in proc.processes().values() if words[:2] == ["sleep", "3607"]])
        self.assertTrue(proc.wait_until(lambda: sleepers() == 6))
        self.assertEqual(self.veneer("rm", "-f", "web").out, "web\n")
        self.assertEqual([child.wait(timeout=10) for child in sessions[:2]], [137, 137])
        self.assertEqual(sleepers(), 2, "those of the other container go on")

    def test_a_session_ends_when_its_container_is_removed_by_force(self):
        words = self.command("chroot", "--bind", "/usr:/usr:ro", "--name", "web", "test:1", "--", "sh", "-c", "echo up; read x")
        with subprocess.Popen(words, env=self.environment(), cwd=self.dir, stdout=subprocess.PIPE, stdin=subprocess.PIPE,
                              stderr=subprocess.PIPE, start_new_session=True) as child:
            self.assertEqual(child.stdout.readline(), b"up\n")
            self.assertEqual(self.veneer("rm", "-f", "web").out, "web\n")
            self.assertEqual(child.wait(20), 137)
        self.assertEqual(self.veneer("ps", "-a", "-q").out, "")

    def test_what_a_running_session_is_mounted_on_is_no_change(self):
        """The image has no /dev, /proc, /run, /sys and no /etc/hosts."""
        script = "touch /root/made; mkdir /srv; touch /srv/made; echo up; read x"
        for mounted in (False, True):
            if mounted:
                self.veneer("mount", "test:1", "--name", "web")
            name = () if mounted else ("--name", "web")
            words = self.command("chroot", "--bind", "/usr:/usr:ro", "--bind", f"{self.dir}:/a/b", *name,
                                 "web" if mounted else "test:1", "--", "sh", "-c", script)
            with subprocess.Popen(words, env=self.environment(), cwd=self.dir, stdout=subprocess.PIPE, stdin=subprocess.PIPE,
                                  start_new_session=True) as child:
                self.assertEqual(child.stdout.readline(), b"up\n")
                changes = {line.split()[1] for line in self.veneer("diff", "web").out.splitlines()}
                with_sizes = {line.split()[-1] for line in self.veneer("diff", "--stat", "web").out.splitlines()[1:-1]}
                self.veneer("commit", "web", "running:1")
                committed = {line.split()[1] for line in self.veneer("diff", "test:1", "running:1").out.splitlines()}
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
        self.assertEqual(self.veneer("diff", "web").out, "C /etc\nA /new\n")
        self.chroot("web", "true")
        self.assertEqual([os.stat(f"{upper}{path}").st_mtime for path in ("", "/etc")], [changed, 1234567890])

    def with_slow_writes(self, more, letters_and_acts):
        """Stores each letter through a mapping of 1 MiB and then acts, while the daemon takes 0.4 s for each write, which
        ends as `more` says."""
        self.veneer("mount", "test:1", "--name", "web", "mnt")
        words = self.as_user(sys.executable, "-c", MAPPED_WRITER, self.path("mnt/mapped"))
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
            self.assertEqual(writer.stdout.readline(), "ready\n")
            slow = ["strace", "-f", "-qq", "-o", self.path("strace"), "-e", "trace=pwrite64",
                    "-e", f"inject=pwrite64:delay_enter=400000{more}", "-p", str(self.daemons()[0])]
            with subprocess.Popen(slow) as tracer:
                try:
                    self.assertTrue(proc.wait_until(lambda: self.is_traced(self.daemons()[0])))
                    for letter, act in letters_and_acts:
                        writer.stdin.write(letter + "\n")
                        writer.stdin.flush()
                        self.assertEqual(writer.stdout.readline(), "stored\n")
                        act(letter)
                finally:
                    tracer.terminate()
                    tracer.wait()
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
                self.assertIn(said, self.veneer(*words.split(), code=1).err)
                self.assertFalse(os.path.exists(self.path("out.tar")))
            with self.subTest(error):
                self.with_slow_writes(f":error={error}", [("export -o out.tar web", act), ("commit web mapped:1", act)])
                self.veneer("rm", "-f", "web")

    @staticmethod
    def is_traced(pid):
        def tracer(task):
            with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as file:
                return next(line for line in file if line.startswith("TracerPid:")).split()[1]
        return all(tracer(task) != "0" for task in os.listdir(f"/proc/{pid}/task"))

    def test_info_says_what_there_is(self):
        lines = self.veneer("info").out.splitlines()
        self.assertIn("FUSE: /dev/fuse can be opened", lines)
        self.assertTrue({"fusermount3", "newuidmap"} <= {line.split(":")[0] for line in lines})
        words = [line for line in lines if line.startswith("User ids: ")]
        if self.user is None:
            self.assertEqual(words, [])
        elif self.has_ids:
            self.assertRegex(words[0], r"\AUser ids: your own as 0, \d+ from \d+ on as 1 and up\Z")
        else:
            self.assertEqual(words, ["User ids: your own as 0 only; /etc/subuid grants no others"])

    def test_a_session_that_loses_its_file_system_keeps_its_container(self):
        words = self.command("chroot", "--bind", "/usr:/usr:ro", "--name", "web", "test:1", "--", "sh", "-c",
                             "echo x > /root/file; echo up; read x")
        with subprocess.Popen(words, env=self.environment(), cwd=self.dir, stdout=subprocess.PIPE, stdin=subprocess.PIPE,
                              stderr=subprocess.PIPE, start_new_session=True) as child:
            self.assertEqual(child.stdout.readline(), b"up\n")
            os.kill(self.daemons()[0], signal.SIGKILL)
            self.assertEqual(child.wait(20), 125)
            self.assertRegex(child.stderr.read().decode(), r"veneer: the session ended, because veneerfs [^\n]+\n\Z")
        self.assertIn("A /root/file", self.veneer("diff", "web").out)

    def test_removal_by_force_ends_a_throw_away_container(self):
        words = self.command("chroot", "--bind", "/usr:/usr:ro", "test:1", "--", "sh", "-c", "echo up; read x")
        with subprocess.Popen(words, env=self.environment(), cwd=self.dir, stdout=subprocess.PIPE, stdin=subprocess.PIPE,
                              stderr=subprocess.PIPE, start_new_session=True) as child:
            self.assertEqual(child.stdout.readline(), b"up\n")
            name = self.veneer("ps", "-q").out.strip()
            self.assertEqual(self.veneer("rm", "-f", name).out, name + "\n")
            self.assertEqual(child.wait(20), 137)
        self.assertEqual(self.veneer("ps", "-a", "-q").out, "")

    # --- what is refused

    def test_a_mounted_container_is_in_use(self):
        self.veneer("mount", "--name", "web", "test:1", "mnt")
        self.assertIn(self.path("mnt"), self.veneer("mount", "web", code=4).err)
        self.veneer("mount", "test:1", "--name", "web", code=4)
        self.assertIn("is the mount point of container web already", self.veneer("mount", "test:1", "mnt", code=4).err)
        self.assertEqual(self.veneer("ps", "-a", "-q").out, "web\n", "a failed mount left a container")
        self.assertIn(self.path("mnt"), self.veneer("rm", "web", code=4).err)
        self.assertIn("web", self.veneer("rmi", "test:1", code=4).err)
        self.veneer("commit", "--rm", "web", code=4)
        self.assertEqual(self.veneer("rm", "--force", "web").out, "web\n")
        self.assertEqual(self.mounted(), [])

    def test_an_open_file_keeps_a_mount(self):
        self.veneer("mount", "--name", "web", "test:1", "mnt")
        with subprocess.Popen(["sleep", "3600"], preexec_fn=lambda: self.enter(self.path("mnt"))) as child:
            self.assertIn(f" by sleep (pid {child.pid});", self.veneer("umount", "web", code=4).err)
            self.veneer("umount", "--lazy", "web")
            self.assertEqual(self.mounted(), [])
            self.assertIn("Unmounting", self.veneer("ps").out)
            self.assertIn("unmounted lazily", self.veneer("mount", "web", code=4).err)
            self.veneer("umount", "web", code=4)
            self.veneer("rm", "web", code=4)
            child.kill()
        self.assertTrue(proc.wait_until(lambda: not self.daemons(), 10))
        self.assertIn("Not mounted", self.veneer("ps", "-a").out)
        self.veneer("rm", "web")

    def test_removal_by_force_needs_no_closed_files(self):
        for lazy in (False, True):
            self.veneer("mount", "--name", "web", "test:1", "mnt")
            with subprocess.Popen(["sleep", "3600"], preexec_fn=lambda: self.enter(self.path("mnt"))) as child:
                if lazy:
                    self.veneer("umount", "--lazy", "web")
                self.assertEqual(self.veneer("rm", "--force", "web").out, "web\n")
                self.assertIsNone(child.poll(), "the process that held the mount was killed")
                self.assertEqual(self.daemons(), [])
                self.assertEqual(self.mounted(), [])
                self.assertEqual(self.veneer("ps", "-a", "-q").out, "")
                child.kill()

    def test_a_session_keeps_its_container_mounted(self):
        self.veneer("mount", "--name", "web", "test:1", "mnt")
        words = self.command("chroot", "--bind", "/usr:/usr:ro", "web", "--", "sh", "-c", "echo up; read x")
        with subprocess.Popen(words, env=self.environment(), cwd=self.dir, stdout=subprocess.PIPE, stdin=subprocess.PIPE,
                              start_new_session=True) as child:
            self.assertEqual(child.stdout.readline(), b"up\n")
            self.assertRegex(self.veneer("umount", "web", code=4).err, r" is in use at /\S+ by [^;]*sh \(pid \d+\)")
            child.stdin.close()
            child.wait()
        self.veneer("umount", "web")

    def enter(self, path):
        if self.user is not None:
            os.setgroups([])
            os.setresgid(self.user, self.user, self.user)
            os.setresuid(self.user, self.user, self.user)
        os.chdir(path)

    def test_a_dead_mount_is_noticed(self):
        self.veneer("mount", "--name", "web", "test:1", "mnt")
        daemons = self.daemons()
        self.assertEqual(len(daemons), 1)
        os.kill(daemons[0], signal.SIGKILL)
        self.assertTrue(proc.wait_until(lambda: not self.daemons(), 10))
        self.assertIn("Dead mount", self.veneer("ps").out)
        self.veneer("mount", "web", "mnt")
        self.assertEqual(self.shell("cat mnt/etc/keep"), "kept\n")

    def test_names_that_do_not_exist(self):
        self.assertIn("test:1", self.veneer("chroot", "tset:1", code=125).err)
        for words in (("mount", "tset:1"), ("history", "tset:1"), ("rmi", "tset:1")):
            self.assertIn("test:1", self.veneer(*words, code=3).err)
        for words in (("umount", "web"), ("diff", "web"), ("commit", "web"), ("rm", "web")):
            self.veneer(*words, code=3)


class RootSession(SessionCase, MountCase):
    """As root."""

    def test_programs_of_an_untrusted_image_get_no_privileges_on_the_host(self):
        self.veneer("mount", "--name", "web", "test:1", "mnt")
        self.assertTrue({"nosuid", "nodev"} <= set(self.flags()))
        self.veneer("umount", "web")
        self.veneer("mount", "-o", "suid,dev", "web", "mnt")
        self.assertFalse({"nosuid", "nodev"} & set(self.flags()))

    def flags(self):
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            return next(line.split()[5].split(",") for line in file if line.split()[4] == self.path("mnt"))

    def test_locks_are_found_on_btrfs(self):
        """There stat(2) and /proc/locks name another device, that of the subvolume and that of the disk."""
        disks.Disk(self, self.path("disk"), 128, "btrfs")
        env = {"VENEER_ROOT": self.path("disk/store")}
        self.veneer("import", "rootfs.tar", "test:1", env=env)
        self.veneer("mount", "test:1", "--name", "web", "mnt", env=env)
        words = self.command("chroot", "--bind", "/usr:/usr:ro", "web", "--", "sh", "-c", "echo up; sleep 3608")
        with subprocess.Popen(words, env={**self.environment(), **env}, cwd=self.dir, stdout=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, start_new_session=True) as child:
            self.assertEqual(child.stdout.readline(), b"up\n")
            layers = self.path("disk/store/containers/web")
            again = proc.run([mounts.VENEERFS, "-o", f"lowerdir=/usr,upperdir={layers}/upper,workdir={layers}/work",
                              self.path("home")])
            self.assertRegex(again.err, r"\Aveneerfs: [^\n]*in use by another mount \(pid \d+")
            self.veneer("rm", "-f", "web", env=env)
            self.assertEqual(child.wait(10), 137)

    def test_owners_survive_a_commit(self):
        self.chroot("test:1", "chown 33:44 /root; touch /root/x; chown 1:2 /root/x", "--name", "web")
        self.veneer("commit", "web", "test:2")
        self.assertEqual(self.chroot("test:2", "stat -c %u:%g /root /root/x /var/www/index").out, "33:44\n1:2\n33:34\n")


class UserSession(SessionCase, MountCase):
    """As an ordinary user who has subordinate ids."""

    user = runner.USER_WITH_IDS

    def test_another_user_in_a_mount_of_ones_own_is_told_the_way_out(self):
        self.veneer("mount", "--name", "web", "test:1", "mnt")
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            line = next(line for line in file if line.split()[4] == self.path("mnt"))
        if "allow_other" in line:
            self.skipTest("/etc/fuse.conf has user_allow_other")
        done = self.chroot("web", "true", "-u", "www", code=126)
        self.assertRegex(done.err, r"\Aveneer: [^\n]*unmount the container first[^\n]*user_allow_other[^\n]*\n\Z")
        self.veneer("umount", "web")
        self.chroot("web", "true", "-u", "www")

    def test_owners_survive_a_commit(self):
        self.chroot("test:1", "chown 33:44 /root; touch /root/x; chown 1:2 /root/x", "--name", "web")
        self.veneer("commit", "web", "test:2")
        self.assertEqual(self.chroot("test:2", "stat -c %u:%g /root /root/x /var/www/index").out, "33:44\n1:2\n33:34\n")


class SingleIdSession(SessionCase, MountCase):
    """As an ordinary user who has no other ids."""

    user = runner.USER_WITHOUT_IDS
    has_ids = False
