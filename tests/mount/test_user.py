# SPDX-License-Identifier: Apache-2.0
"""veneerfs run by an ordinary user who can open /dev/fuse: through fusermount3, and in a user namespace."""

import errno
import os
import stat

from support import mounts, proc, runner, sysio, tree
from support.case import MountCase
from support.files import names, read, write
from support.tree import File, Link

USER, OTHER = runner.USER_WITH_IDS, runner.USER_WITHOUT_IDS
LOWER = {
    "file": "file", "public": File(0o666, data=b"public"), "link": Link(target="file"),
    "dir": {"a": "a", "b": "b", "sub": {"deep": "deep"}}, "dir2": {"c": "c"},
    "unreadable": File(0o000, data=b"secret"),
}


class UserCase(MountCase):
    """Layer, upper and work directory belong to the user, who mounts them."""

    uid = USER

    def setUp(self):
        super().setUp()
        self.lower = self.layer("lower", LOWER)
        for name in ("upper", "work", "mnt"):
            os.mkdir(self.path(name))
        self.own(self.dir)
        self.before = tree.snapshot(self.lower, exact=True)
        self.addCleanup(self.check_lower)
        self.addCleanup(self.clean)

    def check_lower(self):
        self.assert_tree(self.before, tree.snapshot(self.lower, exact=True), why="the layer was changed")

    def call(self, *command):
        """Runs a program as the user."""
        return proc.run(self.as_user(command), cwd=self.dir)

    def start(self, more=""):
        done = self.call(mounts.VENEERFS, "-o", f"lowerdir=lower,upperdir=upper,workdir=work{more}", "mnt")
        self.assertEqual((done.code, done.out, done.err), (0, "", ""), done)

    def stop(self):
        done = self.call("fusermount3", "-u", "mnt")
        self.assertEqual((done.code, done.err), (0, ""), done)
        self.assert_daemons_end()

    def at(self, *parts):
        return self.path("mnt", *parts)


class OrdinaryUser(UserCase):
    def change(self):
        os.chmod(self.at("file"), 0o640)
        write(self.at("public"), "changed")
        os.unlink(self.at("link"))
        os.rename(self.at("dir"), self.at("moved"))
        os.unlink(self.at("moved", "a"))
        os.mkdir(self.at("dir"))
        write(self.at("dir", "new"), "new")
        for name in os.listdir(self.at("dir2")):
            os.unlink(self.at("dir2", name))
        os.rmdir(self.at("dir2"))
        os.mkdir(self.at("dir2"))
        os.setxattr(self.at("file"), "user.mine", b"1")
        os.mkfifo(self.at("fifo"))
        os.link(self.at("public"), self.at("public2"))

    def look(self):
        return repr(sorted((os.fsdecode(path), {**what, "mtime": 0})
                           for path, what in tree.snapshot(self.path("mnt")).items()))

    def test_changes_and_a_remount(self):
        self.own(self.path("lower"))
        self.before = tree.snapshot(self.lower, exact=True)
        os.chmod(self.path("lower/unreadable"), 0o600)
        self.before = tree.snapshot(self.lower, exact=True)
        self.start()
        self.act(self.change)
        seen = self.act(self.look)
        self.stop()
        self.start()
        self.assertEqual(self.act(self.look), seen)
        self.assertEqual(self.act(lambda: names(self.at("moved"))), ["b", "sub"])
        self.assertEqual(self.act(lambda: names(self.at("dir"))), ["new"])
        self.assertEqual(self.act(lambda: names(self.at("dir2"))), [])
        self.assertEqual(self.act(lambda: read(self.at("moved/sub/deep"))), b"deep")
        for directory, directories, files in os.walk(self.path("upper")):
            for name in directories + files:
                path = os.path.join(directory, name)
                self.assertEqual(os.lstat(path).st_uid, USER, path)
                for attribute in os.listxattr(path, follow_symlinks=False):
                    self.assertTrue(attribute.startswith("user."), f"{path}: {attribute}")
        self.assertTrue(stat.S_ISCHR(os.lstat(self.path("upper/link")).st_mode))

    def test_files_whose_mode_forbids_what_their_opener_may(self):
        """A descriptor keeps the access it was opened with, whatever the mode says then or later, and whoever the daemon is."""
        def work():
            for mode in (0o400, 0):
                fd = os.open(self.at(f"new-{mode}"), os.O_CREAT | os.O_EXCL | os.O_RDWR, mode)
                os.write(fd, b"text")
                self.assertEqual(os.pread(fd, 10, 0), b"text")
                os.fsync(fd)
                os.close(fd)
            fd = os.open(self.at("public"), os.O_RDWR)
            os.fchmod(fd, 0)
            os.pwrite(fd, b"P", 0)
            os.fsync(fd)
            self.assertEqual(os.pread(fd, 10, 0), b"Public")
            os.close(fd)
            # A removed and remade directory hides what was there, whoever may look into it.
            for name in ("a", "b", "sub/deep"):
                os.unlink(self.at("dir", name))
            os.rmdir(self.at("dir/sub"))
            os.rmdir(self.at("dir"))
            os.mkdir(self.at("dir"), 0o300)
            return [stat.S_IMODE(os.lstat(self.at(name)).st_mode) for name in ("new-256", "new-0", "public")]
        self.own(self.path("lower"))
        self.before = tree.snapshot(self.lower, exact=True)
        self.start()
        self.assertEqual(self.act(work), [0o400, 0, 0])
        self.stop()
        self.start()
        self.assertEqual(self.act(lambda: [stat.S_IMODE(os.lstat(self.at(name)).st_mode) for name in ("new-256", "public")]),
                         [0o400, 0])
        with self.errno(errno.EACCES):
            self.act(lambda: read(self.at("new-0")))
        with self.errno(errno.ENOENT):
            self.act(lambda: os.lstat(self.at("dir/a")))
        self.act(lambda: write(self.at("dir/made"), ""))
        self.act(lambda: os.chmod(self.at("dir"), 0o700))
        self.assertEqual(self.act(lambda: names(self.at("dir"))), ["made"])

    def test_a_look_leaves_a_set_group_id_that_its_owner_could_not_give_back(self):
        """chmod by an owner who is not in the group takes it away, so the mode is left as it is."""
        os.mkdir(self.path("upper/d"))
        for name in ("prog", "d/prog"):
            write(self.path("upper", name), "")
        os.chown(self.path("upper"), USER, USER)
        for name, mode in (("prog", 0o2311), ("d/prog", 0o2311), ("d", 0o2555)):
            os.chown(self.path("upper", name), USER, 5000)
            os.chmod(self.path("upper", name), mode)
        os.setxattr(self.path("upper/prog"), "user.overlay.veneer.origin", b"1")
        def look():
            modes = [oct(stat.S_IMODE(os.lstat(self.at(name)).st_mode)) for name in ("prog", "d/prog", "d")]
            self.assertEqual(modes, ["0o2311", "0o2311", "0o2555"])
            with self.errno(errno.EACCES):
                write(self.at("d/new"), "")
        self.start()
        self.act(look)
        self.stop()
        for name, mode in (("prog", "0o2311"), ("d/prog", "0o2311"), ("d", "0o2555")):
            self.assertEqual(oct(stat.S_IMODE(os.lstat(self.path("upper", name)).st_mode)), mode, name)

    def test_directories_that_their_owner_may_not_write(self):
        """Removing, moving and changing them, and what is in them, asks for no such permission."""
        for name in ("gone", "mode", "time", "moved", "parent", "parent/below", "replaced", "blind"):
            os.mkdir(self.path("lower", name))
            write(self.path("lower", name, "f"), "f")
        self.own(self.path("lower"))
        for name in ("mode", "time", "moved", "parent/below", "parent"):
            os.chmod(self.path("lower", name), 0o555)
        self.before = tree.snapshot(self.lower, exact=True)
        def work():
            for name in ("gone", "replaced"):
                os.unlink(self.at(name, "f"))
                os.chmod(self.at(name), 0o555)
            os.rmdir(self.at("gone"))
            os.chmod(self.at("mode"), 0o711)
            os.utime(self.at("time"), (1000, 1000))
            os.rename(self.at("moved"), self.at("there"))
            for name in ("parent/f", "parent/below/f"):
                with open(self.at(name), "a") as file:
                    file.write("more")
                os.chmod(self.at(name), 0o600)
            os.chmod(self.at("blind"), 0o111)
            with open(self.at("blind/f"), "a") as file:
                file.write("more")
            os.mkdir(self.at("new"))
            os.rename(self.at("new"), self.at("replaced"))
            os.mkdir(self.at("made"), 0o555)
            os.rename(self.at("made"), self.at("made2"))
            os.rmdir(self.at("made2"))
        def look():
            for name in ("gone", "moved", "made", "made2", "new"):
                with self.errno(errno.ENOENT):
                    os.lstat(self.at(name))
            modes = {name: oct(stat.S_IMODE(os.stat(self.at(name)).st_mode))
                     for name in ("mode", "time", "there", "parent", "parent/below", "parent/f", "blind")}
            self.assertEqual(modes, {"mode": "0o711", "time": "0o555", "there": "0o555", "parent": "0o555",
                                     "parent/below": "0o555", "parent/f": "0o600", "blind": "0o111"})
            self.assertEqual(os.stat(self.at("time")).st_mtime, 1000)
            self.assertEqual(names(self.at("replaced")), [])
            self.assertEqual([read(self.at(name)) for name in ("there/f", "parent/f", "parent/below/f", "blind/f")],
                             [b"f", b"fmore", b"fmore", b"fmore"])
        self.start()
        self.act(work)
        self.act(look)
        self.assertEqual(len(os.listdir(self.path("work/work"))), 1, "the whiteout that all share")
        self.stop()
        self.start()
        self.act(look)
        self.stop()
        for name in ("time", "there", "parent", "parent/below"):
            self.assertEqual(oct(os.stat(self.path("upper", name)).st_mode & 0o777), "0o555", name)

    def test_git(self):
        """Objects of git are read-only from the moment they are made."""
        self.start()
        done = self.call("sh", "-ec", """
            export HOME=$PWD; cd mnt/dir; git init -q .; git config user.email a@localhost; git config user.name a
            git add .; git commit -qm one; echo more >> a; git commit -qam two; git gc -q; git fsck --full
            test -z "$(git status --porcelain)"; git log --oneline | wc -l""")
        self.assertEqual((done.code, done.out), (0, "2\n"), done)

    def test_others_are_kept_out(self):
        """Without allow_other the mount is for the user alone, as everywhere with FUSE."""
        self.start()
        with self.errno(errno.EACCES):
            self.act(lambda: os.listdir(self.path("mnt")), uid=OTHER)
        with self.errno(errno.EACCES):
            os.listdir(self.path("mnt"))
        self.assertIn("file", self.act(lambda: os.listdir(self.path("mnt"))))

    def test_files_of_others(self):
        """Layers with files of root: what may be read is read; what cannot keep its owner is refused, not given away."""
        proc.run(["chown", "-R", "0:0", self.lower], check=True)
        os.chown(self.path("lower"), USER, USER)
        self.before = tree.snapshot(self.lower, exact=True)
        self.start()
        self.assertEqual(self.act(lambda: os.stat(self.at("file")).st_uid), 0)
        self.assertEqual(self.act(lambda: read(self.at("dir/sub/deep"))), b"deep")
        with self.errno(errno.EACCES):
            self.act(lambda: write(self.at("file"), "x"))
        with self.errno(errno.EACCES):
            self.act(lambda: read(self.at("unreadable")))
        try:
            self.act(lambda: write(self.at("public"), "mine"))
        except OSError as error:
            self.assertEqual(error.errno, errno.EPERM)
            self.assertEqual(self.act(lambda: read(self.at("public"))), b"public")
        else:
            self.assertEqual(self.act(lambda: os.stat(self.at("public")).st_uid), 0)
        self.act(lambda: os.unlink(self.at("file")))  # a whiteout needs no copy
        self.act(lambda: write(self.at("file"), "new"))
        self.assertEqual(self.act(lambda: os.stat(self.at("file")).st_uid), USER)

    def test_without_an_upper(self):
        done = self.call(mounts.VENEERFS, "-o", "lowerdir=lower", "mnt")
        self.assertEqual((done.code, done.err), (0, ""), done)
        self.assertEqual(self.act(lambda: read(self.at("file"))), b"file")
        with self.errno(errno.EROFS):
            self.act(lambda: write(self.at("new"), "x"))
        info = [line for point, _, line in mounts.mount_info() if point == self.path("mnt")]
        self.assertIn("nosuid", info[0])
        self.assertIn("nodev", info[0])

    def test_errors_are_one_line(self):
        os.mkdir(self.path("foreign"))
        os.chown(self.path("foreign"), 0, 0)
        os.chmod(self.path("foreign"), 0o755)
        for arguments in (("-o", "lowerdir=lower", "foreign"),
                          ("-o", "lowerdir=lower,allow_other", "mnt"),
                          ("-o", "lowerdir=lower,upperdir=upper,workdir=foreign", "mnt")):
            done = self.call(mounts.VENEERFS, *arguments)
            self.assertEqual(done.code, 1, done)
            self.assertEqual(len(done.err.splitlines()), 1, done)
            self.assertFalse([p for p, _, _ in mounts.mount_info() if p.startswith(self.dir + "/")])

    def test_in_use_by_the_same_user(self):
        self.start()
        os.mkdir(self.path("mnt2"))
        os.chown(self.path("mnt2"), USER, USER)
        done = self.call(mounts.VENEERFS, "-o", "lowerdir=lower,upperdir=upper,workdir=work", "mnt2")
        self.assertEqual(done.code, 1, done)
        self.assertRegex(done.err, rf"\Aveneerfs: [^\n]*in use[^\n]*{self.daemons()[0]}[^\n]*\n\Z")

    def test_a_signal_unmounts(self):
        self.start()
        os.kill(self.daemons()[0], 15)
        self.assert_daemons_end()
        self.assertFalse(mounts.is_mounted(self.path("mnt")))


class UserNamespace(UserCase):
    """With the subordinate ids of /etc/subuid, through newuidmap."""

    SCRIPT = """
        set -e
        chown -R 0:0 lower upper work mnt
        chown 1000:1001 lower/file; chown 60000:60000 lower/public; chmod 4755 lower/public
        {veneerfs} -o lowerdir=lower,upperdir=upper,workdir=work mnt
        stat -c '%u:%g %a %n' mnt/file mnt/public
        chown 33:34 mnt/file; chmod 2750 mnt/dir; chown 44:45 mnt/dir mnt/link -h
        echo changed > mnt/unreadable
        mv mnt/dir mnt/moved; rm -r mnt/dir2; mkdir mnt/dir2; mkfifo mnt/fifo
        setpriv --reuid 33 --regid 34 --clear-groups sh -c 'echo new > mnt/file'
        umount mnt
        {veneerfs} -o lowerdir=lower,upperdir=upper,workdir=work mnt
        stat -c '%u:%g %a %n' mnt/file mnt/moved mnt/link
        cat mnt/file mnt/unreadable mnt/moved/a; ls mnt/dir2
        umount mnt"""
    EXPECTED = ("1000:1001 644 mnt/file\n60000:60000 4755 mnt/public\n"
                "33:34 644 mnt/file\n44:45 2750 mnt/moved\n44:45 777 mnt/link\n"
                "new\nchanged\na")

    def test_all_ids(self):
        if not os.path.exists("/etc/subuid"):
            self.skipTest("there is no /etc/subuid on this machine")
        script = self.SCRIPT.format(veneerfs=mounts.VENEERFS)
        done = self.call("unshare", "-U", "-m", "--map-root-user", "--map-auto", "--", "sh", "-c", script)
        self.assertEqual((done.code, done.err, done.out), (0, "", self.EXPECTED), done)
        self.before = tree.snapshot(self.lower, exact=True)  # the script itself gave the files away
        self.assertEqual(os.lstat(self.path("upper/file")).st_uid, runner.SUBORDINATE_START + 32)


class SingleId(UserCase):
    """A user without subordinate ids: root of a user namespace with one id."""

    uid = OTHER

    def test_one_id(self):
        script = f"""
            set -e
            {mounts.VENEERFS} -o lowerdir=lower,upperdir=upper,workdir=work mnt
            echo x > mnt/new; chmod 600 mnt/file; mv mnt/dir mnt/moved; ls mnt; umount mnt"""
        done = self.call("unshare", "-Urm", "sh", "-c", script)
        self.assertEqual((done.code, done.err, done.out.split()),
                         (0, "", ["dir2", "file", "link", "moved", "new", "public", "unreadable"]), done)
        sysio.syncfs(self.fd(self.dir))
