# SPDX-License-Identifier: Apache-2.0
"""Mounts of the program under test.

The program is VENEERFS in the environment; VENEERFS_OPTIONS is added to what each mount is given. To check the tests
themselves VENEERFS may also be a path to fuse-overlayfs, or the word "kernel" (the kernel's overlayfs) or "plain" (no
union at all: the layers are copied into a directory).
"""

import errno
import json
import os
import re
import shutil
import subprocess
import time

from support import proc, sysio, tree

VENEERFS = os.environ.get("VENEERFS", "veneerfs")
VENEER = os.environ.get("VENEER", "veneer")
# Such as "io=passthrough", to run a file of tests in another mode. What a case asks for itself
# counts more.
MODE = [word for word in os.environ.get("VENEERFS_OPTIONS", "").split(",") if word]


def kind():
    """What is tested: "veneerfs", "fuse-overlayfs", "kernel" or "plain"."""
    name = os.path.basename(VENEERFS)
    return name if name in ("fuse-overlayfs", "kernel", "plain") else "veneerfs"


def escape(path):
    """A path as it is written in lowerdir=, upperdir= and workdir=."""
    return re.sub(r"([\\:,])", r"\\\1", os.fspath(path))


def mount_info():
    """The lines of this process's mountinfo, each as (mount point, file system type, whole line)."""
    result = []
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            fields = line.split()
            point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[4])
            result.append((point, fields[fields.index("-") + 1], line))
    return result


def information(path):
    """(file system type, line of mountinfo) of the one mount at this path."""
    path = os.path.realpath(path)
    found = [(kind_of, line) for point, kind_of, line in mount_info() if point == path]
    if len(found) != 1:
        raise AssertionError(f"{path} is mounted {len(found)} times")
    return found[0]


def flags(path):
    """The options that the kernel has for the mount at this path, of whatever type it is: ro, nosuid, ..."""
    return information(path)[1].split()[5].split(",")


def is_mounted(path):
    """Is something mounted exactly here?"""
    path = os.path.realpath(path)
    return any(point == path for point, _, _ in mount_info())


def unmount(path):
    """umount2(2); for a moment EBUSY is waited for: whoever looks through /proc holds files for an instant."""
    end = time.monotonic() + 1
    while True:
        try:
            return sysio.umount2(path)
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > end:
                raise
        time.sleep(0.01)


class Mount:
    """One mount: where it is, what it is made of, and the life of its daemon.

    The daemon runs in the foreground, so that its exit code and all that it says can be judged: after stop() it must have
    ended with 0 and said nothing.
    """

    def __init__(self, path, lowers, upper=None, work=None, options=(), environment=None, before=None,
                 descriptors=None):
        self.path, self.lowers = os.fspath(path), [os.fspath(lower) for lower in lowers]
        self.upper, self.work = upper, work
        self.options = list(options)
        self.environment = environment
        self.descriptors = descriptors  # how many the daemon may have; None: as many as this process
        self.log = f"{self.path}.log"
        self.expected_log = None  # a pattern that every line of the log must match
        self._process = None
        self._before = before

    def __truediv__(self, relative):
        return os.path.join(self.path, relative)

    def option_string(self):
        """The value of -o."""
        words = ["lowerdir=" + ":".join(escape(lower) for lower in self.lowers)]
        if self.upper:
            words += [f"upperdir={escape(self.upper)}", f"workdir={escape(self.work)}"]
        return ",".join(words + (MODE if kind() == "veneerfs" else []) + self.options)

    def start(self):
        """Mounts. The first time, unless `before` was given, it takes the snapshots of the layers that stop()
        compares with."""
        if self._before is None:
            self._before = {lower: tree.snapshot(lower, exact=True)
                            for lower in self.lowers if os.path.isdir(lower)}
        os.makedirs(self.path, exist_ok=True)
        if kind() == "plain":
            self._start_plain()
        elif kind() == "kernel":
            more = ["redirect_dir=on", "metacopy=on", "index=on", "xino=auto"] if self.upper else []
            given = {word.split("=")[0] for word in self.options}
            words = [word for word in more if word.split("=")[0] not in given]
            options = ",".join([self.option_string()] + words)
            sysio.mount("overlay", self.path, "overlay", 0, options)
        else:
            self._start_daemon()

    def _start_plain(self):
        if os.listdir(self.path):
            return
        for lower in reversed(self.lowers):
            for directory, names, files in os.walk(lower):
                for name in names + files:
                    target = os.path.join(self.path, os.path.relpath(directory, lower), name)
                    if os.path.isdir(target) != (name in names) and os.path.isdir(target):
                        shutil.rmtree(target)
            subprocess.run(["cp", "-a", "--remove-destination", f"{lower}/.", self.path], check=True)

    def _start_daemon(self):
        with open(self.log, "ab") as log:
            limit = f"ulimit -n {self.descriptors}; " if self.descriptors else ""
            self._process = subprocess.Popen(
                ["sh", "-c", limit + 'exec "$0" "$@"', VENEERFS, "-f", "-o", self.option_string(), self.path], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **(self.environment or {})})
        ready = proc.wait_until(lambda: is_mounted(self.path) or self._process.poll() is not None, 20)
        if not ready or self._process.poll() is not None:
            raise AssertionError(f"veneerfs did not mount {self.path}: exit code "
                                 f"{self._process.poll()}, log: {self.said()!r}")

    @property
    def pid(self):
        """The process id of the daemon."""
        return self._process.pid

    def said(self):
        """What the daemon wrote to its standard error since the last start()."""
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def stats(self):
        """What `veneer stats` tells of this mount."""
        return json.loads(proc.run([VENEER, "stats", "--format", "json", self.path], check=True).out)

    def stop(self):
        """Unmounts and checks that everything is as it must be afterwards. Does nothing if not mounted."""
        if kind() == "plain":
            return
        if kind() == "kernel":
            if is_mounted(self.path):
                unmount(self.path)
            self.check_lowers()
            return
        if self._process is None:
            return
        process, self._process = self._process, None
        try:
            if is_mounted(self.path):
                unmount(self.path)
            code = process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("the daemon was still there 20 s after the unmount") from None
        except OSError as error:
            sysio.umount2(self.path, sysio.MNT_DETACH)
            process.kill()
            process.wait()
            # A daemon that has aborted leaves a mount that is busy: its log says more than that.
            raise AssertionError(f"cannot unmount: {error}; the daemon ended with {process.returncode}, "
                                 f"log: {self.said()!r}") from error
        self._judge(code)
        self.check_lowers()

    def _judge(self, code):
        said = self.said()
        open(self.log, "wb").close()
        if code != 0:
            raise AssertionError(f"the daemon ended with {code}, log: {said!r}")
        if kind() != "veneerfs":
            return
        for line in said.splitlines():
            if self.expected_log is None or not re.search(self.expected_log, line):
                raise AssertionError(f"the daemon wrote to its log: {said!r}")
        if self.work and os.path.isdir(os.path.join(self.work, "work")):
            left = os.listdir(os.path.join(self.work, "work"))
            if left:
                raise AssertionError(f"temporary objects left in the work directory: {left}")

    def check_lowers(self):
        """No byte and no attribute of a lower layer may differ from before the first start()."""
        for lower, before in (self._before or {}).items():
            changed = tree.difference(before, tree.snapshot(lower, exact=True))
            if changed:
                raise AssertionError(f"a lower layer was changed, {lower}:\n  " + "\n  ".join(changed))

    def remount(self):
        """Unmounts and mounts again at once."""
        self.stop()
        self.start()

    def kill(self):
        """Kills the daemon with SIGKILL and takes the dead mount away, as after a crash."""
        self._process.kill()
        self._process.wait()
        self._process = None
        sysio.umount2(self.path, sysio.MNT_DETACH)
        open(self.log, "wb").close()

    def discard(self):
        """Stops without judging and removes the mount point, whatever the state."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        while is_mounted(self.path):
            sysio.umount2(self.path, sysio.MNT_DETACH)
        shutil.rmtree(self.path, ignore_errors=True)
