# SPDX-License-Identifier: Apache-2.0
"""Cases whose programs run inside a tree: a small one with the programs of this machine, or a real Debian."""

import os
import subprocess

from support import proc
from support.stores import StoreCase


class SessionCase(StoreCase):
    """The programs of a session are this machine's: each binds /usr, and the image has links to it."""

    def session_command(self, *words, script):
        """The words that run a shell script in a container or an image: `words` are options and which one."""
        return ("chroot", "--bind", "/usr:/usr:ro", *words, "--", "sh", "-c", script)

    def chroot(self, *words, script="true", **more):
        """Runs a script; what it wrote. The rest is as for veneer()."""
        return self.veneer(*self.session_command(*words, script=script), **more)

    def session(self, *words, script="echo up; read x", **more):
        """Starts a script and gives the process once the script has written "up"; its end is awaited, or it is killed."""
        more = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        child = self.start(*self.session_command(*words, script=script), **more)
        self.addCleanup(self.discard, child)
        if child.stdout.readline() != b"up\n":
            self.fail(f"the session did not begin: {child.stderr and child.stderr.read()}")
        return child

    @staticmethod
    def discard(child):
        """Kills a process that still runs, and closes its pipes."""
        child.kill()
        with child:
            pass


class DebianCase(StoreCase):
    """Cases on a real Debian root file system (VENEER_DEBIAN_TAR), imported once per class as debian:12. Each case uses
    containers of its own."""

    @classmethod
    def setUpClass(cls):
        archive = os.environ.get("VENEER_DEBIAN_TAR")
        if not archive:
            raise AssertionError("VENEER_DEBIAN_TAR is not set: make the archive with make_debian_tar.py")
        cls.archive = archive
        cls.shared = cls.shared_directory("shared")
        os.chown(cls.shared, cls.uid, cls.uid)
        case = cls("setUp")
        case.setUp()
        try:
            case.veneer("import", archive, "debian:12", timeout=200)
        finally:
            case.doCleanups()

    def chroot(self, *arguments, code=0, err=None, **more):
        """`veneer chroot ARGUMENTS`: what it wrote. err: a pattern for standard error; None: not looked at."""
        done = self.run_veneer("chroot", *arguments, **more)
        self.assertEqual(done.code, code, done)
        if err is not None:
            self.assert_said(err, done)
        return done.out

    def drop(self, container):
        """Removes a container at the end of the case."""
        self.addCleanup(proc.run, self.command("rm", "-f", container), env=self.environment)
