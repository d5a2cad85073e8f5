# SPDX-License-Identifier: Apache-2.0
"""What is measured on: archives made once and kept in the working folder."""

import io
import os
import subprocess
import sys
import tarfile

from . import cases


class Inputs:
    """Makes each input the first time it is asked for. A half-made one never has its final name."""

    def __init__(self, folder):
        self._folder = folder

    def _cached(self, name, make):
        path = self._folder / name
        if not path.exists():
            print(f"making {name} ...", file=sys.stderr, flush=True)
            new = self._folder / f"new-{name}"
            make(new)
            os.replace(new, path)
        return path

    def root_tar(self):
        """A Debian root file system with a compiler: about 500 MB, about 14,000 entries."""
        def make(path):
            subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "--include=build-essential,git",
                            "--format=tar", "bookworm", path], check=True)
        return self._cached("root.tar", make)

    def chroot_tar(self):
        """The root file system that programs are run in: with a compiler, git and python3, and packages that wait in
        apt's cache."""
        def make(path):
            subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "--include=build-essential,git,python3",
                            "--skip=cleanup/apt", "--format=tar",
                            "--customize-hook=chroot \"$1\" apt-get -qq install --download-only -y "
                            "--no-install-recommends " + " ".join(cases.Apt.PACKAGES), "bookworm", path], check=True)
        return self._cached("chroot.tar", make)

    def sibling_tar(self):
        """The same with every tenth file's contents replaced by others: it shares 90 % of its files."""
        def make(path):
            with tarfile.open(self.root_tar()) as old, tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as new:
                count = 0
                for member in old:
                    data = old.extractfile(member) if member.isreg() else None
                    if data is not None:
                        count += 1
                        if count % 10 == 0:
                            contents = b"another version\n" + data.read()
                            member.size = len(contents)
                            data = io.BytesIO(contents)
                    new.addfile(member, data)
        return self._cached("sibling.tar", make)

    def sibling_new_bytes(self):
        """How many bytes of contents the sibling has that the first archive has not."""
        with tarfile.open(self.root_tar()) as old:
            sizes = [member.size for member in old if member.isreg()]
        return sum(size + len(b"another version\n") for size in sizes[9::10])

    def wide_tar(self):
        """100,000 entries: 1,000 directories of 99 small files."""
        def make(path):
            with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
                for d in range(1000):
                    folder = tarfile.TarInfo(f"d{d:04}")
                    folder.type, folder.mode, folder.mtime = tarfile.DIRTYPE, 0o755, 1_600_000_000
                    tar.addfile(folder)
                    for f in range(99):
                        contents = f"file {d} {f}\n".encode()
                        file = tarfile.TarInfo(f"d{d:04}/file-{f:02}")
                        file.size, file.mode, file.mtime = len(contents), 0o644, 1_600_000_000
                        tar.addfile(file, io.BytesIO(contents))
        return self._cached("wide.tar", make)
