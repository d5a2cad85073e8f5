# SPDX-License-Identifier: Apache-2.0
"""What an ordinary user's machine lacks: `info` says it in the words of the command that fails for it, the others go on."""

import os
import shutil
import subprocess

from support import proc, runner
from support.files import names
from support.stores import StoreCase, program_directory

IMAGE = {"etc": {"hosts": ""}, "usr": {}, "bin": {}}
BIND = ("-b", "/usr:/usr:ro", "-b", "/lib:/lib:ro", "-b", "/lib64:/lib64:ro")


class Requirements(StoreCase):
    uid = runner.USER_WITH_IDS

    def setUp(self):
        super().setUp()
        self.import_tree(IMAGE, "base")

    @staticmethod
    def to_do(text):
        """What `info` says is to be done."""
        return [line.removeprefix("To do: ") for line in text.splitlines() if line.startswith("To do: ")]

    def only_with(self, *programs):
        """Of the system's programs only these are found."""
        os.mkdir("bin")
        for name in (*programs, "setpriv"):
            os.symlink(shutil.which(name), f"bin/{name}")
        self.environment["PATH"] = f"{program_directory()}:{self.path('bin')}"

    def test_all_is_there(self):
        self.assertEqual(self.to_do(self.veneer("info")), ["nothing, all is there"])

    def test_a_device_that_cannot_be_opened(self):
        os.chmod("/dev/fuse", 0o600)  # of the tests alone
        self.addCleanup(os.chmod, "/dev/fuse", 0o666)
        missing = self.to_do(self.veneer("info"))
        self.assertEqual(len(missing), 1, missing)
        self.assertRegex(missing[0], "^/dev/fuse cannot be opened .*, without which .*; as root: `chmod 666 /dev/fuse`$")
        self.assertEqual(self.run_veneer("mount", "base").err, f"veneer: {missing[0]}\n")
        self.assertEqual(self.run_veneer("chroot", "base", "--", "true").err, f"veneer: {missing[0]}\n")
        self.assertEqual(self.veneer("ps", "-aq"), "")

    def test_no_fusermount3(self):
        self.only_with("newuidmap", "newgidmap")
        missing = self.to_do(self.veneer("info"))
        self.assertEqual(len(missing), 1, missing)
        self.assertRegex(missing[0], "^fusermount3 is missing, without which .*; as root: `.* install fuse3`$")
        self.assertEqual(self.run_veneer("mount", "base").err, f"veneer: {missing[0]}\n")
        self.assertEqual(self.veneer("ps", "-aq"), "")
        self.veneer("chroot", *BIND, "base", "--", "/usr/bin/true")

    def test_no_newuidmap(self):
        self.only_with("fusermount3")
        missing = self.to_do(self.veneer("info"))
        self.assertEqual(len(missing), 1, missing)
        self.assertRegex(missing[0], "^only root exists inside, since newuidmap is missing; as root: `.* install uidmap`$")
        done = self.run_veneer("chroot", *BIND, "base", "--", "/usr/bin/true")
        self.assertEqual((done.code, len(done.err.splitlines())), (0, 1), done)
        self.assertIn(missing[0], done.err)

    def without_namespaces(self, said, run):
        """No command that can do without a user namespace needs one; the others say what `info` says."""
        self.veneer("create", "-n", "c", "base")
        self.veneer("chroot", *BIND, "c", "--", "/usr/bin/touch", "/etc/made")
        before = names("store/containers")
        missing = self.to_do(run("info", code=0).out)
        self.assertEqual(len(missing), 1, missing)
        self.assertRegex(missing[0], said)
        for code, *words in ((1, "mount", "base"), (1, "mount", "c"), (125, "chroot", "c", "--", "true"), (1, "commit", "c", "x:1"),
                             (1, "export", "-o", "x.tar", "c"), (1, "fsck")):
            self.assertEqual(run(*words, code=code).err, f"veneer: {missing[0]}\n")
        self.assertEqual(names("store/containers"), before)
        # The files' owners are as on disk, so directories may be told as changed.
        self.assertLessEqual({"C /etc", "A /etc/made"}, set(run("diff", "c", code=0).out.splitlines()))
        for words, out in ((("ps", "-aq"), "c\n"), (("images", "-q", "--no-trunc"), None),
                           (("ps", "-a", "-s"), None), (("system", "df"), None), (("rename", "c", "d"), ""),
                           (("prune",), None), (("container", "prune", "-f"), None), (("ps", "-aq"), ""),
                           (("create", "-n", "e", "base"), None), (("rm", "e"), "e\n"), (("image", "prune", "-f"), None),
                           (("rmi", "base"), None)):
            done = run(*words, code=0)
            self.assertEqual(done.err, "", done)
            if out is not None:
                self.assertEqual(done.out, out, done)
        self.assertEqual(names("store/containers"), [])

    def test_a_chroot_has_no_user_namespaces(self):
        """The kernel makes none for a process whose root is not that of its mount namespace."""
        def run(*arguments, code):
            os.makedirs("root", exist_ok=True)
            line = ["chroot", "root", "sh", "-c", f'cd {self.dir}; "$@"; code=$?; grep {self.store}/ /proc/self/mountinfo; exit $code',
                    "sh", *self.command(*arguments)]
            done = proc.run(["unshare", "--mount", "sh", "-ec", 'mount --rbind / root; exec "$@"', "sh", *line],
                            env=self.environment, cwd=self.dir)
            self.assertEqual(done.code, code, done)
            self.assertNotIn(f" {self.store}/", done.out, "a mount was left")
            return done
        self.without_namespaces(r"^no user namespace can be made \(Operation not permitted\), without which .*; in a chroot ", run)

    def test_user_namespaces_that_are_switched_off(self):
        """In a namespace of its own, whose children the limit is for."""
        def run(*arguments, code):
            limit = ["sh", "-ec", 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"', "sh", *self.command(*arguments)]
            # Only a program that is started with the ids mapped has its rights.
            child = subprocess.Popen(["unshare", "--user", "sh", "-c", 'echo ready; read go; exec "$@"', "sh", *limit],
                                     env=self.environment, cwd=self.dir, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True)
            with child:
                self.assertEqual(child.stdout.readline(), "ready\n")
                for kind in ("uid", "gid"):
                    with open(f"/proc/{child.pid}/{kind}_map", "w", encoding="ascii") as file:
                        file.write("0 0 1000000")
                out, err = child.communicate("go\n", timeout=60)
            done = proc.Finished(child.args, child.returncode, out, err)
            self.assertEqual(done.code, code, done)
            return done
        self.without_namespaces(r"^no user namespace can be made \(No space left on device\), without which .*; as root: `sysctl "
                                r"-w user.max_user_namespaces=\d+`$", run)

    def test_a_dead_mount_goes_without_a_table_of_mounts(self):
        """fusermount3 refuses to work without /etc/mtab."""
        os.mkdir("etc")
        os.mkdir("mnt")
        self.own(self.path("mnt"))
        mount, lost = (" ".join(self.command(*words)) for words in (("mount", "--name", "c", "base", "mnt"), ("umount", "c")))
        script = f"""
            cp -a /etc/. etc; mount --bind etc /etc; {mount}; rm -f /etc/mtab; kill -9 $(pgrep -x veneerfs)
            {lost}; grep {self.store}/ /proc/self/mountinfo || echo gone"""
        done = proc.run(["unshare", "--mount", "sh", "-ec", script], env=self.environment, cwd=self.dir)
        self.assertEqual((done.code, done.err, done.out), (0, "", self.path("mnt") + "\ngone\n"), done)


class OneId(StoreCase):
    uid = runner.USER_WITHOUT_IDS

    def test_no_ids_are_granted(self):
        self.import_tree(IMAGE, "base")
        line = self.veneer("info").splitlines()[-1]
        self.assertRegex(line, "^To do: only root exists inside, since /etc/subuid and .*; as root: `usermod ")
        done = proc.run(self.command("chroot", *BIND, "base", "--", "/usr/bin/true"), env=self.environment, cwd=self.dir)
        self.assertEqual((done.code, done.err), (0, line.replace("To do", "veneer") + "\n"), done)
