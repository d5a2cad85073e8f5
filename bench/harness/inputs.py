# SPDX-License-Identifier: Apache-2.0
"""What is measured on: archives made once and kept in the working folder."""

import gzip
import hashlib
import io
import json
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

    def layered_archive(self):
        """A docker-archive of one image, layered:1: 500 MB of the root file system in 20 layers."""
        def make(path):
            with tarfile.open(self.root_tar()) as source, tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as out:
                _write_image(source, out, layers=20, layer_bytes=25_000_000)
        return self._cached("layered.tar", make)

    def layered_archive_gzip(self):
        """The same with gzip layers."""
        def make(path):
            with tarfile.open(self.layered_archive()) as source, tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as out:
                for member in source:
                    data = source.extractfile(member).read()
                    _add(out, member.name, gzip.compress(data, mtime=0) if member.name.endswith(".tar") else data)
        return self._cached("layered-gzip.tar", make)

    def root_tar_gzip(self):
        """root_tar() compressed."""
        def make(path):
            with open(path, "wb") as out:
                subprocess.run(["gzip", "-nc", str(self.root_tar())], stdout=out, check=True)
        return self._cached("root.tar.gz", make)

    def layered_layout(self):
        """The same image as an OCI layout, its layers not compressed."""
        def make(path):
            subprocess.run(["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-decompress",
                            f"docker-archive:{self.layered_archive()}", f"oci:{path}:layered"], check=True)
        return self._cached("layered.oci", make)


def _write_image(source, out, layers, layer_bytes):
    """Spreads the members of `source` over layers, in its order, and writes manifest.json, config and layers."""
    folders, parts, place = {}, [[]], {}
    size = 0
    for member in source:
        if member.isdir():
            folders[member.name.rstrip("/")] = member
            continue
        if size > layer_bytes:
            if len(parts) == layers:
                break
            parts.append([])
            size = 0
        # A hard link belongs into the layer of its file.
        where = place[member.linkname] if member.islnk() else len(parts) - 1
        place[member.name] = where
        parts[where].append(member)
        size += 512 + (member.size if member.isreg() else 0)
    digests = []
    for part in parts:
        data = _layer(source, folders, part)
        digests.append(hashlib.sha256(data).hexdigest())
        _add(out, f"{digests[-1]}.tar", data)
    config = json.dumps({"architecture": "amd64", "os": "linux", "created": "2020-01-02T03:04:05Z", "config": {},
                         "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
                         "history": [{"created": "2020-01-02T03:04:05Z"} for _ in digests]}).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    _add(out, name, config)
    _add(out, "manifest.json", json.dumps([{"Config": name, "RepoTags": ["layered:1"],
                                            "Layers": [f"{digest}.tar" for digest in digests]}]).encode())


def _layer(source, folders, members):
    """The tar of a layer: the members, each after the directories it lies in."""
    data, seen = io.BytesIO(), set()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            parts = member.name.split("/")
            for depth in range(1, len(parts)):
                folder = "/".join(parts[:depth])
                if folder in folders and folder not in seen:
                    seen.add(folder)
                    tar.addfile(folders[folder])
            tar.addfile(member, source.extractfile(member) if member.isreg() else None)
    return data.getvalue()


def _add(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
