# SPDX-License-Identifier: Apache-2.0
"""`veneer save`: what it writes is taken by tarfile, umoci, skopeo and podman, with the same ids and the same files."""

import gzip
import hashlib
import json
import os
import pty
import secrets
import shutil
import signal
import stat
import subprocess
import tarfile
import time

from support import proc, sysio, tree
from support.files import digest, read, write
from support.stores import StoreCase
from support.tree import Dir, File, Hard, Link, Node

FORMATS = ("docker-archive", "oci-archive", "oci-dir")
METHODS = ("none", "gzip", "zstd", "zstd:12")

TREE = {
    "bin": {"tool": File(0o4755, 0, 0, data=b"#!/bin/sh\n" * 900), "same": Hard("bin/tool"), "sh": Link(target="tool")},
    "data": Dir(0o1777, 7, 8, entries={
        "large": File(0o640, 1234, 70000, data=bytes(range(256)) * 9000),
        "noise": File(data=hashlib.sha512(b"x").digest() * 5000),
        "empty": b"",
        "text": File(xattrs={"user.note": b"value\0\xff", "user.other": b""}, data=b"text"),
        "ö" * 60: {"n" * 200: "long names"},
    }),
    "dev": {"null": Node(0o666, kind=stat.S_IFCHR, device=(1, 3)), "pipe": Node(0o600, 5, 6)},
}


class SaveCase(StoreCase):
    def setUp(self):
        super().setUp()
        self.base = self.import_tree(TREE, "base:1")
        point = self.veneer("mount", "base:1", "-n", "work").strip()
        os.rename(os.path.join(point, "data"), os.path.join(point, "moved"))
        os.unlink(os.path.join(point, "moved/empty"))
        write(os.path.join(point, "moved/large"), b"short now")
        os.mkdir(os.path.join(point, "new"))
        self.top = self.veneer("commit", "work", "localhost:5000/team/app:2.0").strip()
        self.expected = tree.snapshot(point)
        self.close_all()
        self.veneer("umount", "work")

    def diff_ids(self, image):
        with open(os.path.join(self.store, "blobs/sha256", image.removeprefix("sha256:")), encoding="utf-8") as file:
            return json.load(file)["rootfs"]["diff_ids"]

    def save(self, name, *arguments, images=("base:1", "localhost:5000/team/app:2.0")):
        self.assertEqual(self.veneer("save", "-o", name, *arguments, *images), "")
        return self.path(name)

    def need(self, program):
        """The tests say so where a program is missing: it is in `scripts/install-dependencies test`."""
        done = proc.run(["sh", "-c", f"command -v {program}"])
        self.assertEqual(done.code, 0, f"{program} is not installed: scripts/install-dependencies test")

    def nothing_left(self, *names):
        """In the folder of the case, and in the store's staging."""
        there = set(os.listdir(self.dir)) - {"home", "store", "base_1.dir", "base_1.dir.tar"}
        self.assertEqual(there, set(names))
        self.assertEqual(os.listdir(os.path.join(self.store, "staging")), [])

    def check_layout(self, directory):
        """Every blob is what its digest says; config digest -> diff ids of the layers, names."""
        def blob(descriptor):
            data = read(os.path.join(directory, "blobs", descriptor["digest"].replace(":", "/")))
            self.assertEqual((digest(data), len(data)), (descriptor["digest"], descriptor["size"]))
            return data
        self.assertEqual(json.loads(read(os.path.join(directory, "oci-layout"))), {"imageLayoutVersion": "1.0.0"})
        found = {}
        for entry in json.loads(read(os.path.join(directory, "index.json")))["manifests"]:
            manifest = json.loads(blob(entry))
            self.assertEqual(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json")
            layers = []
            for layer in manifest["layers"]:
                data = blob(layer)
                kind = layer["mediaType"].removeprefix("application/vnd.oci.image.layer.v1.tar")
                if kind == "+gzip":
                    data = gzip.decompress(data)
                elif kind == "+zstd":
                    data = subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout
                layers.append((digest(data), kind))
            config = manifest["config"]["digest"]
            self.assertEqual([digest for digest, _ in layers], json.loads(blob(manifest["config"]))["rootfs"]["diff_ids"])
            found[config] = ([kind for _, kind in layers], entry.get("annotations"))
        return found


class Documents(SaveCase):
    def test_docker_archive(self):
        path = self.save("both.tar")
        with tarfile.open(path) as archive:
            names = archive.getnames()
            manifest = json.load(archive.extractfile("manifest.json"))
            self.assertEqual([entry["RepoTags"] for entry in manifest], [["base:1"], ["localhost:5000/team/app:2.0"]])
            for entry, image in zip(manifest, (self.base, self.top)):
                self.assertEqual(digest(archive.extractfile(entry["Config"]).read()), image)
                self.assertEqual([digest(archive.extractfile(layer).read()) for layer in entry["Layers"]],
                                 self.diff_ids(image))
            repositories = json.load(archive.extractfile("repositories"))
            self.assertEqual({name: list(tags) for name, tags in repositories.items()},
                             {"base": ["1"], "localhost:5000/team/app": ["2.0"]})
            self.assertEqual(len(names), len(set(names)), "the shared layer is there once")
            self.assertEqual(len(names), 2 + 2 + 2)
            self.assertEqual({(m.mtime, m.uid, m.gid, m.uname) for m in archive.getmembers()}, {(0, 0, 0, "")})
        with open("stdout.tar", "wb") as file:
            child = self.start("save", "base:1", "localhost:5000/team/app:2.0", stdout=file, stderr=subprocess.PIPE)
            self.assertEqual((child.communicate()[1], child.returncode), (b"", 0))
        self.assertEqual(read("stdout.tar"), read(path), "the same to a pipe, and the same again")

    def test_an_image_by_id_has_no_name(self):
        self.save("id.tar", images=[self.top.removeprefix("sha256:")[:12]])
        with tarfile.open("id.tar") as archive:
            self.assertNotIn("repositories", archive.getnames())
            self.assertEqual(json.load(archive.extractfile("manifest.json"))[0]["RepoTags"], None)

    def test_layouts(self):
        for number, method in enumerate((None, *METHODS)):
            compress = ["--compress", method] if method else []
            kind = {"none": "", "gzip": "+gzip", None: "+gzip"}.get(method, "+zstd")
            directory = self.save(f"dir{number}", "--format", "oci-dir", *compress)
            found = self.check_layout(directory)
            self.assertEqual(found, {
                self.base: ([kind], {"io.containerd.image.name": "docker.io/library/base:1",
                                     "org.opencontainers.image.ref.name": "1"}),
                self.top: ([kind] * 2, {"io.containerd.image.name": "localhost:5000/team/app:2.0",
                                        "org.opencontainers.image.ref.name": "2.0"})})
            archive = self.save(f"archive{number}", "--format", "oci-archive", *compress)
            with open(archive, "rb") as file:
                child = self.start("save", "--format", "oci-archive", *compress, "base:1",
                                   "localhost:5000/team/app:2.0", stdout=subprocess.PIPE)
                self.assertEqual(child.communicate()[0], file.read(), "to a pipe as to a file")
            os.mkdir(f"out{number}")
            with tarfile.open(archive) as members:
                members.extractall(f"out{number}", filter="data")
            self.assertEqual(self.check_layout(self.path(f"out{number}")), found)


class Refused(SaveCase):
    def test_in_one_line(self):
        os.mkdir("full")
        write("full/file", "")
        write("before", "as it was")
        for arguments, code, say in (
                (["base:2"], 3, "base:1"),
                (["-o", "x", "base:1", "none"], 3, "no such image: none"),
                (["-o", "full", "base:1"], 2, "full is a directory"),
                (["-o", "none/x", "base:1"], 1, "No such file"),
                (["--format", "docker", "base:1"], 2, "docker-archive, oci-archive or oci-dir"),
                (["--compress", "xz", "base:1"], 2, "is no compression"),
                (["--compress", "zstd:20", "base:1"], 2, "is no compression"),
                (["--format", "oci-dir", "base:1"], 2, "name a new one with -o"),
                (["--format", "oci-dir", "-o", "full", "base:1"], 2, "full is not empty"),
                (["--format", "oci-dir", "-o", "before", "base:1"], 2, "before is there"),
                (["-o", "x"], 2, "IMAGE is missing")):
            self.refused("save", *arguments, code=code, say=say)
        self.assertEqual(read("before"), b"as it was")
        self.nothing_left("full", "before")

    def test_a_terminal(self):
        master, terminal = pty.openpty()
        child = self.start("save", "base:1", stdout=terminal, stderr=subprocess.PIPE)
        self.assertRegex(child.communicate(timeout=60)[1].decode(),
                         r"\Aveneer: standard output is a terminal; name a file with -o.*\n\Z")
        self.assertEqual(child.returncode, 2)
        os.close(master)
        os.close(terminal)

    def test_a_full_disk_leaves_nothing(self):
        os.mkdir("small")
        sysio.mount("none", self.path("small"), "tmpfs", 0, "size=1m")
        for form in FORMATS:
            self.refused("save", "--format", form, "--compress", "none", "-o", "small/x", "base:1", code=1,
                         say="No space left on device")
            self.assertEqual(os.listdir("small"), [])
        self.refused("save", "-o", "/dev/full", "base:1", code=1, say="/dev/full: No space left on device")

    def test_damage_leaves_nothing(self):
        for folder, _, files in os.walk(os.path.join(self.store, "objects")):
            for name in files:
                path = os.path.join(folder, name)
                os.chmod(path, 0o600)
                with open(path, "r+b") as file:
                    file.seek(os.path.getsize(path) // 2)
                    byte = file.read(1)
                    file.seek(-1, 1)
                    file.write(bytes([byte[0] ^ 1]))
        for form in FORMATS:
            for method in ("none", "zstd"):
                self.refused("save", "--format", form, "--compress", method, "-o", "x", "base:1", code=1,
                             say="another digest; run `veneer fsck`")
                self.nothing_left()


class Interrupted(SaveCase):
    def writes_here(self, child):
        """Has the process begun a file, which has no name, or a directory?"""
        return (any(name.startswith(".veneer") for name in os.listdir(".")) or
                any(path.startswith(self.dir + "/") and path.endswith(" (deleted)") for path in proc.open_paths(child.pid)))

    def test_leaves_nothing(self):
        write("noise", os.urandom(64 << 20))
        os.mkdir("big")
        os.rename("noise", "big/noise")
        self.veneer("import", "big", "big")
        proc.run(["rm", "-r", "big"], check=True)
        for form, number in zip(FORMATS, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)):
            child = self.start("save", "--format", form, "--compress", "zstd:19", "-o", "x", "big",
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertTrue(proc.wait_until(lambda c=child: self.writes_here(c)))
            time.sleep(0.1)
            self.assertIsNone(child.poll())
            child.send_signal(number)
            out, err = child.communicate(timeout=60)
            self.assertEqual((child.returncode, out, err), (-number, b"", b""))
            self.nothing_left()

    def test_while_nobody_reads(self):
        reader, writer = os.pipe()
        child = self.start("save", "base:1", stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        time.sleep(0.5)
        self.assertIsNone(child.poll())
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.communicate(timeout=20)[1], b"")
        self.assertEqual(child.returncode, -signal.SIGINT)
        os.close(reader)
        self.nothing_left()


class Others(SaveCase):
    """Real readers."""

    def test_umoci(self):
        self.need("umoci")
        for number, method in enumerate(("none", "gzip")):
            self.save(f"dir{number}", "--format", "oci-dir", "--compress", method)
            proc.run(["umoci", "unpack", "--image", f"dir{number}:2.0", f"bundle{number}"], check=True)
            self.assert_tree(self.expected, tree.snapshot(f"bundle{number}/rootfs"), why=f"umoci, {method}")

    def test_skopeo(self):
        self.need("skopeo")
        policy = ["skopeo", "--insecure-policy"]
        for form in FORMATS:
            for method in ("none", "gzip", "zstd"):
                if (form, method) == ("docker-archive", "gzip"):
                    continue  # Debian 12's reads no archive of gzip's own either: "invalid tar header"
                name = f"{form}-{method.replace(':', '')}"
                path = self.save(name, "--format", form, "--compress", method)
                transport = {"oci-dir": "oci"}.get(form, form)
                for image, full, tag in ((self.base, "base:1", "1"),
                                         (self.top, "localhost:5000/team/app:2.0", "2.0")):
                    source = f"{transport}:{path}:{full if form == 'docker-archive' else tag}"
                    raw = proc.run([*policy, "inspect", "--raw", "--config", source], check=True).out
                    self.assertEqual(digest(raw.encode()), image, source)
                    copy = f"copy-{name}-{tag}"
                    proc.run([*policy, "copy", "-q", source, f"dir:{self.path(copy)}"], check=True)
                    self.assertEqual(digest(read(self.path(copy, image.removeprefix("sha256:")))), image)

    def test_podman(self):
        self.need("podman")
        environment = {**os.environ, "HOME": self.path("home"), "XDG_RUNTIME_DIR": self.path("home")}
        # podman takes at most 50 bytes, and makes a name of the path of a layout, so it must be fit
        # for one.
        runroot = f"/tmp/r{secrets.token_hex(4)}"
        os.mkdir(runroot, 0o700)
        self.addCleanup(shutil.rmtree, runroot, ignore_errors=True)
        write("policy.json", '{"default":[{"type":"insecureAcceptAnything"}]}')

        def podman(*arguments):
            return proc.run(["podman", "--root", self.path("podman"), "--runroot", runroot,
                             "--storage-driver", "vfs", *arguments], check=True, env=environment).out
        for form in FORMATS:
            method = {"docker-archive": "zstd", "oci-archive": "gzip", "oci-dir": "none"}[form]
            images = ["base:1", "localhost:5000/team/app:2.0"] if form == "docker-archive" else \
                ["localhost:5000/team/app:2.0"]
            path = self.save(form, "--format", form, "--compress", method, images=images)
            if form == "oci-dir":
                os.symlink(path, f"{runroot}/layout")
            out = podman("load", "-q", "-i", path) if form != "oci-dir" else \
                podman("pull", "-q", "--signature-policy", self.path("policy.json"), f"oci:{runroot}/layout:2.0")
            listed = podman("images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.Id}}").splitlines()
            base, top = (image.removeprefix("sha256:") for image in (self.base, self.top))
            self.assertIn(top, {line.split()[1].removeprefix("sha256:") for line in listed}, f"{form}: {out}")
            if form != "oci-dir":
                self.assertIn(f"localhost:5000/team/app:2.0 {top}", [line.replace("sha256:", "") for line in listed])
            if form == "docker-archive":
                self.assertTrue(any(line.endswith(base) and "base:1" in line for line in listed), listed)
            point = podman("image", "mount", top).split()[-1]
            shown = tree.snapshot(point)
            shown[b"."]["mtime"] = self.expected[b"."]["mtime"]  # it gives no time to the root
            self.assert_tree(self.expected, shown, why=f"podman, {form}")
            podman("image", "umount", "-a")
            podman("rmi", "-f", "-a")
