# SPDX-License-Identifier: Apache-2.0
"""The systems that bench/compare measures, each of which can mount a stack with a new, empty writable layer."""

import os
import select
import shutil
import subprocess
import sys
import tempfile

from . import systems


class Contender:
    """One system. mount() gives the root of the tree; server() the pid of its daemon, or None."""

    def __init__(self, name, scratch, stack):
        self.name, self.scratch, self.stack = name, scratch, stack

    def _fresh(self):
        folder = self.scratch.fresh(self.name)
        for part in ("upper", "work", "mnt"):
            (folder / part).mkdir()
        return folder, f"upperdir={folder}/upper,workdir={folder}/work", folder / "mnt"

    def detach(self):
        """Unmounts it. The daemon has ended then, so everything is closed."""
        pid = self.server()
        daemon = os.pidfd_open(pid) if pid is not None else None
        for point in systems.mounted_under(self.scratch.path(self.name)):
            systems.unmount(point)
        if daemon is not None:
            # Its end, and not the moment when init takes notice of it.
            select.select([daemon], [], [])
            os.close(daemon)

    def unmount(self):
        """Nothing of it is left, the daemon included."""
        self.detach()
        self.scratch.put_aside(self.scratch.path(self.name))

    def server(self):
        return None


class Kernel(Contender):
    """The kernel's overlayfs."""

    def __init__(self, name, scratch, stack, options=""):
        super().__init__(name, scratch, stack)
        self._options = f",{options}" if options else ""

    def mount(self, layers):
        _, upper, point = self._fresh()
        lower = ":".join(self.stack.lowerdirs(layers))
        systems.mount_kernel(self.stack.cwd(), point, f"lowerdir={lower},{upper}{self._options}")
        return point


class Program(Contender):
    """A FUSE program that takes overlayfs's options."""

    def __init__(self, name, scratch, stack, program, options=""):
        super().__init__(name, scratch, stack)
        self._program, self._options = program, f",{options}" if options else ""

    def mount(self, layers):
        _, upper, point = self._fresh()
        lower = ":".join(self.stack.lowerdirs(layers))
        command = [self._program, "-o", f"lowerdir={lower},{upper}{self._options}", point]
        # A file: a daemon may keep its standard error open.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(command, cwd=self.stack.cwd(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=said, check=False)
            if done.returncode != 0:
                said.seek(0)
                raise SystemExit(f"compare: {self._program}: {said.read().decode(errors='replace').strip()}")
        return point

    def server(self):
        point = self.scratch.path(self.name) / "mnt"
        return systems.server_of(point) if systems.mounted_under(point) else None


class Image(Contender):
    """A container of the image that is the same stack in a store."""

    def __init__(self, name, scratch, stack, options="", program="veneer"):
        super().__init__(name, scratch, stack)
        self._program = program
        self._options = ",".join(word for word in ("suid,dev", options) if word)

    def _veneer(self, *words):
        systems.run(self._program, *words, env=systems.store(self.stack.store))

    def mount(self, layers):
        folder = self.scratch.fresh(self.name)
        self._veneer("mount", self.stack.image(layers), "--name", self.name, "-o", self._options, folder)
        return folder

    def detach(self):
        if systems.mounted_under(self.scratch.path(self.name)):
            self._veneer("umount", self.name)

    def unmount(self):
        self.detach()
        upper = self.stack.store / "containers" / self.name / "upper"
        self.scratch.put_aside(upper)
        upper.mkdir()
        self._veneer("rm", "--force", self.name)
        self.scratch.remove(self.name)

    def server(self):
        return systems.server_of(self.scratch.path(self.name))


class Directory(Contender):
    """The merged tree as a plain directory: what the file system below can do at most. Cases that change files of the
    tree leave it out."""

    def mount(self, layers):
        return self.stack.merged(layers)

    def detach(self):
        pass

    def unmount(self):
        pass


def chosen(found, names):
    """Those of `found` with these names, NAME,NAME...; ends the program at a name that none of them has."""
    wanted = names.split(",")
    unknown = set(wanted) - {one.name for one in found}
    if unknown:
        sys.exit(f"no such system: {', '.join(sorted(unknown))} (there are {', '.join(one.name for one in found)})")
    return [one for one in found if one.name in wanted]


def all_of(scratch, stack, options):
    """Every system that this machine has, in the order of the table, with the reasons for those it has not."""
    found = [Image("veneer", scratch, stack, options.mount_options),
             Program("veneerfs", scratch, stack, "veneerfs", options.mount_options),
             Kernel("overlayfs", scratch, stack, options.overlayfs_options)]
    if getattr(options, "before", None):
        found[:0] = [Image("veneer-before", scratch, stack, options.mount_options, options.before / "veneer"),
                     Program("veneerfs-before", scratch, stack, options.before / "veneerfs", options.mount_options)]
    missing = []
    if shutil.which(options.fuse_overlayfs):
        # Otherwise programs in a chroot could not open their /dev/null.
        found.append(Program("fuse-overlayfs", scratch, stack, options.fuse_overlayfs, "dev"))
    else:
        missing.append(f"fuse-overlayfs: no program {options.fuse_overlayfs}")
    found.append(Directory("directory", scratch, stack))
    return found, missing
