# SPDX-License-Identifier: Apache-2.0
"""The rows of bench/compare: what is timed in a mounted stack. Each case is a class; an object is made per stack.

prepare() is not timed, run() is. Both get the root of a mounted tree. A case that `changes` the tree gets a new mount, with an
empty writable layer, for every sample; the others share one. Before a `cold` one the kernel's caches are dropped.
"""

import os
import random
import stat
import subprocess

BLOCK = 4096


class Files:
    """Names of the stack that the cases use, seeded; found by walking the kernel's view of it, once."""

    def __init__(self, tree, seed=7):
        rng = random.Random(seed)
        self.regular, self.small, folders = [], [], []
        self.entries = 1  # the root; what find prints
        for parent, names, files in os.walk(tree):
            relative = os.path.relpath(parent, tree)
            self.entries += len(names) + len(files)
            if relative.split("/")[0] in ("proc", "sys", "dev", "run", "tmp"):
                continue
            names.sort()
            folders.append(relative)
            for name in sorted(files):
                path = os.path.join(parent, name)
                status = os.lstat(path)
                if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                    self.regular.append(os.path.join(relative, name))
                    if status.st_size <= 16384:
                        self.small.append(os.path.join(relative, name))
        rng.shuffle(self.regular)
        # In the order of the walk, as programs read them.
        self.small = self.small[:6000]
        self.stats = self.regular[:8000]
        self.documents = [f for f in self.regular if f.startswith("usr/share/")]
        self.missing = [f"{rng.choice(folders)}/no-such-name-{i}" for i in range(8000)]


class Case:
    cold = False
    changes = False
    metadata = False  # counts for the ratio to fuse-overlayfs

    def __init__(self, files):
        self.files = files

    def prepare(self, tree):
        pass

    def run(self, tree):
        raise NotImplementedError

    def operations(self):
        """How many files run() does something to: what its time is divided by."""
        return 1


def shell(command, tree, given=None):
    subprocess.run(["sh", "-c", command], cwd=tree, input=given, stdin=None if given is not None else subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, check=True)


def in_chroot(command, tree):
    subprocess.run(["chroot", tree, "/bin/sh", "-ec", command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE, check=True, env={"PATH": "/usr/sbin:/usr/bin", "HOME": "/root",
                                                            "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"})


class Find(Case):
    metadata = True

    def run(self, tree):
        shell("find . -printf '%s %m %u %T@ %p\\n'", tree)

    def operations(self):
        return self.files.entries


class List(Case):
    metadata = True

    def run(self, tree):
        shell("ls -lR .", tree)

    def operations(self):
        return self.files.entries


class Stat(Case):
    metadata, cold = True, True

    def run(self, tree):
        os.chdir(tree)
        for name in self.files.stats:
            os.lstat(name)
        os.chdir("/")

    def operations(self):
        return len(self.files.stats)


class Missing(Case):
    metadata, cold = True, True

    def run(self, tree):
        os.chdir(tree)
        for name in self.files.missing:
            if os.access(name, os.F_OK):
                raise AssertionError(f"{name} is there")
        os.chdir("/")

    def operations(self):
        return len(self.files.missing)


class ReadSmall(Case):
    def run(self, tree):
        os.chdir(tree)
        for name in self.files.small:
            fd = os.open(name, os.O_RDONLY)
            while os.read(fd, 65536):
                pass
            os.close(fd)
        os.chdir("/")

    def operations(self):
        return len(self.files.small)


class Tar(Case):
    def run(self, tree):
        shell("tar -cf - usr etc | cat", tree)


class Create(Case):
    changes = True
    metadata = True

    def run(self, tree):
        make_files(tree)

    def operations(self):
        return 5000


def make_files(tree):
    block = b"x" * BLOCK
    os.chdir(tree)
    for d in range(50):
        os.makedirs(f"var/new/{d}")
        for f in range(100):
            with open(f"var/new/{d}/{f}", "wb", buffering=0) as file:
                file.write(block)
    os.chdir("/")


class Remove(Case):
    changes, metadata = True, True

    def prepare(self, tree):
        make_files(tree)

    def run(self, tree):
        shell("rm -r var/new", tree)


def append(tree, names):
    os.chdir(tree)
    for name in names:
        fd = os.open(name, os.O_WRONLY | os.O_APPEND)
        os.write(fd, b"+")
        os.close(fd)
    os.chdir("/")


class AppendLower(Case):
    changes = True

    def run(self, tree):
        append(tree, self.files.documents[:2000])

    def operations(self):
        return len(self.files.documents[:2000])


class AppendUpper(AppendLower):
    def prepare(self, tree):
        append(tree, self.files.documents[:2000])


class Rewrite(Case):
    """As scripts keep a value in a file: it is emptied, written and read back at once."""

    changes = True

    def run(self, tree):
        shell(f"i=0; while [ $i -lt {self.operations()} ]; do echo $i >tmp/value; cat tmp/value; i=$((i+1)); done "
              ">/dev/null", tree)

    def operations(self):
        return 500


class Chown(Case):
    changes, metadata = True, True

    def prepare(self, tree):
        # Three thousand files in all, below one directory.
        names = self.files.documents[:3000]
        self._given = b"\0".join(os.fsencode(name) for name in names)

    def run(self, tree):
        shell("xargs -0 chown 12:34 --", tree, self._given)


class Unlink(Chown):
    def run(self, tree):
        shell("xargs -0 rm --", tree, self._given)


GIB = 1 << 30
LARGE = "var/large"


def write_large(tree, size=GIB):
    block = os.urandom(1 << 20)
    fd = os.open(os.path.join(tree, LARGE), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for _ in range(size >> 20):
        os.write(fd, block)
    os.fsync(fd)
    os.close(fd)


class WriteLarge(Case):
    changes = True

    def run(self, tree):
        write_large(tree)


class ReadLarge(Case):
    changes = True

    def prepare(self, tree):
        write_large(tree)
        if not self.cold:
            self.run(tree)

    def run(self, tree):
        buffer = bytearray(1 << 20)
        with open(os.path.join(tree, LARGE), "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


class RandomIo(Case):
    changes = True
    COUNT = (200 << 20) // BLOCK

    def prepare(self, tree):
        write_large(tree)
        rng = random.Random(11)
        self._offsets = [rng.randrange(GIB // BLOCK) * BLOCK for _ in range(self.COUNT)]


class RandomRead(RandomIo):
    def prepare(self, tree):
        super().prepare(tree)
        ReadLarge(self.files).run(tree)

    def run(self, tree):
        fd = os.open(os.path.join(tree, LARGE), os.O_RDONLY)
        for offset in self._offsets:
            os.pread(fd, BLOCK, offset)
        os.close(fd)


class RandomWrite(RandomIo):
    def run(self, tree):
        block = b"w" * BLOCK
        fd = os.open(os.path.join(tree, LARGE), os.O_WRONLY)
        for offset in self._offsets:
            os.pwrite(fd, block, offset)
        os.close(fd)


class Compile(Case):
    changes = True

    def prepare(self, tree):
        folder = os.path.join(tree, "root/src")
        os.makedirs(folder, exist_ok=True)
        for number in range(20):
            with open(f"{folder}/f{number}.c", "w", encoding="ascii") as file:
                file.write("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n"
                           "#include <sys/stat.h>\n#include <netdb.h>\n" +
                           "".join(f"int f{number}_{i}(int x) {{ return x * {i} + (int)strlen(\"abc\"); }}\n"
                                   for i in range(100)))

    def run(self, tree):
        in_chroot("cd /root/src; for f in *.c; do gcc -O1 -c $f -o ${f%.c}.o; done", tree)


class Python(Case):
    changes = True  # python writes what it compiled

    def run(self, tree):
        in_chroot("for i in 1 2 3 4 5 6 7 8 9 10; do python3 -c 'import json, decimal, email.message, http.client, "
                  "xml.dom.minidom, unittest, asyncio, logging.config, multiprocessing, sqlite3, tarfile, zipfile'; done",
                  tree)


class Git(Case):
    changes = True

    def prepare(self, tree):
        rng = random.Random(13)
        for d in range(30):
            os.makedirs(os.path.join(tree, f"root/work/d{d}"))
            for f in range(50):
                with open(os.path.join(tree, f"root/work/d{d}/f{f}"), "wb") as file:
                    file.write(rng.randbytes(rng.randrange(100, 6000)))

    def run(self, tree):
        in_chroot("cd /root/work; git init -q .; git config user.email bench@localhost; git config user.name bench; "
                  "git add .; git commit -qm 1; git status --porcelain; git clone -q . ../clone", tree)


class Apt(Case):
    changes = True
    PACKAGES = ("bc", "dc", "ed", "file", "jq", "less", "nano", "psmisc", "tree", "unzip", "zip", "rsync", "time", "whois",
                "lsof", "procps", "sqlite3", "vim-tiny", "wget", "dosfstools")

    def run(self, tree):
        in_chroot("apt-get -qq install --no-download --no-install-recommends -y " + " ".join(self.PACKAGES), tree)


def _cold(case):
    return type(f"Cold{case.__name__}", (case,), {"cold": True})


# Row: what it is called, the case, and the targets of a store image as ratios to kernel overlayfs,
# with 2 layers and with 100.
ROWS = {
    "find-cold": ("find -printf, cold", _cold(Find), 0.7, 0.08),
    "find-warm": ("find -printf, warm", Find, 1.0, 0.6),
    "ls-cold": ("ls -lR, cold", _cold(List), 0.8, 0.08),
    "ls-warm": ("ls -lR, warm", List, 1.0, 0.6),
    "stat-cold": ("stat of 8,000 random files, cold", Stat, 1.0, 0.15),
    "missing": ("8,000 missing names, first time", Missing, 2.5, 0.4),
    "read-cold": ("open+read+close of 6,000 small files, cold", _cold(ReadSmall), 0.8, 0.4),
    "read-warm": ("open+read+close of 6,000 small files, warm", ReadSmall, 1.0, 1.0),
    "tar-cold": ("tar of /usr and /etc, cold", _cold(Tar), 1.0, 0.5),
    "tar-warm": ("tar of /usr and /etc, warm", Tar, 1.0, 1.0),
    "create": ("create 5,000 files of 4 KiB in 50 directories", Create, 3.0, 3.0),
    "remove": ("remove them", Remove, 3.0, 3.0),
    "append-lower": ("append a byte to 2,000 lower files", AppendLower, 1.0, 1.0),
    "append-upper": ("append a byte to 2,000 upper files", AppendUpper, 3.0, 3.0),
    "rewrite": ("empty, write and read back a small file 500 times", Rewrite, 3.0, 3.0),
    "chown": ("chown of 3,000 lower files", Chown, 0.3, 0.3),
    "unlink": ("unlink of 3,000 lower files", Unlink, 1.0, 1.0),
    "write": ("write 1 GiB + fsync", WriteLarge, 1.1, 1.1),
    "read-large-cold": ("read 1 GiB, cold", _cold(ReadLarge), 1.1, 1.1),
    "read-large-warm": ("read 1 GiB, warm", ReadLarge, 1.1, 1.1),
    "random-read": ("200 MiB of random reads of 4 KiB", RandomRead, 1.2, 1.2),
    "random-write": ("200 MiB of random writes of 4 KiB", RandomWrite, 2.0, 2.0),
    "compile": ("compile 20 C files in the chroot", Compile, 1.1, 1.0),
    "python": ("10 starts of python3 with many imports", Python, 1.05, 1.0),
    "git": ("git add, commit, status, clone of 1,500 files", Git, 1.5, 1.5),
    "apt": ("apt-get install of 20 packages from the cache", Apt, 1.3, 1.3),
}

# Plain directories must be read in every layer when cold.
PLAIN_TARGETS = {"find-cold": (0.7, 0.5), "ls-cold": (0.8, 0.5), "stat-cold": (1.0, 0.5), "missing": (2.5, 0.5)}
