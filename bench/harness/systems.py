# SPDX-License-Identifier: Apache-2.0
"""The systems side by side, each mounted over the same tree, and the scratch folder they live in."""

import ctypes
import os
import pathlib
import shutil
import subprocess
import time


def run(*command, **options):
    """Runs a command whose output nobody reads; an error stops the bench with what the command said."""
    result = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True, check=False, **options)
    if result.returncode != 0:
        raise SystemExit(f"figures: {' '.join(map(str, command))}: {result.stderr.strip()}")


def mounted_under(folder):
    """Mount points at or below folder, the innermost first."""
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        points = [line.split()[4] for line in table]
    return sorted((p for p in points if p == str(folder) or p.startswith(f"{folder}/")), reverse=True)


def unmount(point):
    run("umount", point) if os.geteuid() == 0 else run("fusermount3", "-u", point)


def mount_kernel(cwd, point, options):
    """Kernel overlayfs by mount(2) itself: mount(8) makes paths absolute, and 500 layers would not fit into a page."""
    libc = ctypes.CDLL(None, use_errno=True)
    old = os.getcwd()
    os.chdir(cwd)
    try:
        if libc.mount(b"overlay", os.fsencode(point), b"overlay", 0, os.fsencode(options)) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "overlayfs")
    finally:
        os.chdir(old)


def server_of(point):
    """The process id of the FUSE server of a mount point: the one that names it on its command line."""
    for process in pathlib.Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if os.fsencode(point) in words:
                return int(process.name)
    raise SystemExit(f"figures: no process serves {point}")


def resident_bytes(pid):
    """VmRSS of a process."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"figures: process {pid} has no VmRSS")


def cpu_seconds(pid):
    """Processor time that a process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Scratch:
    """A folder for one run. Whatever is mounted in it is unmounted, and all of it removed, when the run ends."""

    def __init__(self, folder):
        self._folder = folder

    def __enter__(self):
        self._clear()
        self._folder.mkdir(parents=True)
        return self

    def __exit__(self, *_):
        self._clear()

    def _clear(self):
        for point in mounted_under(self._folder):
            unmount(point)
        # A server lives a moment longer than its mount.
        for _ in range(50):
            shutil.rmtree(self._folder, ignore_errors=True)
            if not self._folder.exists():
                return
            time.sleep(0.1)
        raise SystemExit(f"figures: cannot remove {self._folder}")

    def fresh(self, name):
        """An empty folder of that name."""
        path = self._folder / name
        self.remove(name)
        path.mkdir(parents=True)
        return path

    def path(self, name):
        return self._folder / name

    def put_aside(self, folder):
        """Moves a folder out of the way until the run ends. ext4 passes over inodes that were removed in the last minutes, one
        by one: whoever makes files where others were just removed is several times slower. Large files are emptied."""
        for parent, _, files in os.walk(folder):
            for name in files:
                path = os.path.join(parent, name)
                if os.lstat(path).st_size > 1 << 20 and not os.path.islink(path):
                    os.truncate(path, 0)
        aside = self._folder / "aside"
        aside.mkdir(exist_ok=True)
        os.rename(folder, aside / str(len(os.listdir(aside))))

    def remove(self, name):
        """Unmounts what is mounted in the folder of that name and removes it."""
        path = self._folder / name
        for point in mounted_under(path):
            unmount(point)
        if path.exists():
            shutil.rmtree(path)


def store(folder):
    """The environment in which `veneer` uses the store in folder."""
    return dict(os.environ, VENEER_ROOT=str(folder))


def _layers(scratch, name):
    folder = scratch.fresh(name)
    for part in ("upper", "work", "mnt"):
        (folder / part).mkdir()
    return folder, f"upperdir={folder}/upper,workdir={folder}/work"


def mount_overlayfs(scratch, lower):
    """The kernel's overlayfs; None where this user or kernel cannot have it."""
    if os.geteuid() != 0 or "\toverlay\n" not in pathlib.Path("/proc/filesystems").read_text(encoding="utf-8"):
        return None
    folder, upper = _layers(scratch, "overlayfs")
    run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower},{upper}", folder / "mnt")
    return folder / "mnt"


def mount_fuse_overlayfs(scratch, lower):
    """fuse-overlayfs; None where it is not installed."""
    if not shutil.which("fuse-overlayfs"):
        return None
    folder, upper = _layers(scratch, "fuse-overlayfs")
    run("fuse-overlayfs", "-o", f"lowerdir={lower},{upper}", folder / "mnt")
    return folder / "mnt"


def mount_veneerfs(scratch, lower):
    """veneerfs over the plain directory, as the others have it."""
    folder, upper = _layers(scratch, "veneerfs")
    run("veneerfs", "-o", f"lowerdir={lower},{upper}", folder / "mnt")
    return folder / "mnt"


def mount_image(scratch, store_folder, image):
    """A container of an image in a store."""
    folder = scratch.fresh("veneer")
    run("veneer", "mount", image, "--name", "bench", folder, env=store(store_folder))
    return folder


def unmount_image(store_folder):
    run("veneer", "rm", "--force", "bench", env=store(store_folder))
