# SPDX-License-Identifier: Apache-2.0
"""`veneer load` of what real tools write: umoci, skopeo, buildah and podman."""

import json
import os
import shutil
import subprocess
import tarfile

from support.images import Image, Layout, layer, sha, tar_of, write_directory
from support.stores import StoreCase


class Peer(StoreCase):
    def setUp(self):
        super().setUp()
        # Three layers, one of them empty, with a whiteout and a hard link.
        base = layer(**{"etc/hostname": "base", "usr/bin/tool": "x" * 100_000})
        top = layer(**{"etc/.wh.hostname": "", "srv/a": "b" * 3000})
        self.image = Image(base, layer(), top)
        layout = Layout()
        layout.add(layout.manifest(self.image, "gzip"), "app:1")
        self.layout = write_directory(self.path("layout"), layout.members())
        self.quiet = {**os.environ, "HOME": self.path("home"), "TMPDIR": self.dir, "XDG_RUNTIME_DIR": self.path("home")}

    def tool(self, *line):
        """Runs a tool, which must succeed; its output."""
        done = subprocess.run(line, env=self.quiet, cwd=self.dir, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"{line}\n{done.stdout}{done.stderr}")
        return done.stdout

    def loaded(self, source, name, image_id, tars=None, also=()):
        """It is loaded under this name and those of `also` with this id, and its layers have these bytes; it is removed
        again."""
        names = [name, *also]
        self.assertEqual(self.veneer("load", "-i", source), "".join(f"Loaded image: {one}\n" for one in names))
        self.assertEqual(self.images(), dict.fromkeys(names, image_id))
        diff_ids = self.config(image_id)["rootfs"]["diff_ids"]
        for number, diff_id in enumerate(diff_ids, 1):
            tar = self.layer_tar(name, number)
            self.assertEqual("sha256:" + sha(tar), diff_id)
            if tars:
                self.assertEqual(tar, tars[number - 1])
        self.veneer("rmi", *names)
        self.veneer("prune")


class Umoci(Peer):
    def test_a_layout_that_umoci_made(self):
        layout = self.path("umoci")
        self.tool("umoci", "init", "--layout", layout)
        self.tool("umoci", "new", "--image", f"{layout}:new")
        for number in range(3):
            source = self.write(f"file{number}", b"contents" * (number + 1))
            self.tool("umoci", "insert", "--rootless", "--image", f"{layout}:new", source, f"/srv/file{number}")
        self.tool("umoci", "config", "--image", f"{layout}:new", "--config.cmd", "/srv/file0", "--architecture", "amd64")
        with open(os.path.join(layout, "index.json"), encoding="utf-8") as file:
            manifests = json.load(file)["manifests"]
        digest = [m["digest"] for m in manifests if m["annotations"]["org.opencontainers.image.ref.name"] == "new"][0]
        with open(os.path.join(layout, "blobs/sha256", digest.removeprefix("sha256:")), encoding="utf-8") as file:
            manifest = json.load(file)
        self.assertEqual(len(manifest["layers"]), 3)
        self.loaded(layout, "new:latest", manifest["config"]["digest"])
        with tarfile.open(self.path("umoci.tar"), "w") as tar:
            for name in sorted(os.listdir(layout)):
                tar.add(os.path.join(layout, name), name)
        self.loaded(self.path("umoci.tar"), "new:latest", manifest["config"]["digest"])


class Skopeo(Peer):
    def copy(self, target, *options):
        self.tool("skopeo", "--insecure-policy", "copy", *options, f"oci:{self.layout}:app:1", target)

    def test_a_docker_archive(self):
        self.copy(f"docker-archive:{self.path('d.tar')}:example.org/team/app:1")
        self.loaded(self.path("d.tar"), "example.org/team/app:1", self.image.id, self.image.layers)

    def test_several_images_in_a_docker_archive_by_way_of_a_second_name(self):
        self.copy(f"docker-archive:{self.path('d.tar')}:app:1", "--additional-tag", "docker.io/library/other:2")
        self.assertEqual(self.veneer("load", "-i", self.path("d.tar")),
                         "Loaded image: app:1\nLoaded image: other:2\n")
        self.assertEqual(self.images(), {"app:1": self.image.id, "other:2": self.image.id})

    def test_oci_archives_and_directories_in_every_compression(self):
        for options in ((), ("--dest-compress-format", "zstd", "--dest-compress"), ("--dest-decompress",)):
            with self.subTest(options=options):
                archive = self.path("o.tar")
                self.copy(f"oci-archive:{archive}:app:1", *options)
                self.loaded(archive, "app:1", self.image.id, self.image.layers)
                directory = self.path("o")
                self.copy(f"oci:{directory}:app:1", *options)
                self.loaded(directory, "app:1", self.image.id, self.image.layers)
                os.unlink(archive)
                shutil.rmtree(directory)


class Storage(Peer):
    """Tools with a storage of their own: the plain driver, in a directory of the case."""

    def run_tool(self, tool, *line):
        storage = ["--root", self.path("storage"), "--runroot", self.path("run"), "--storage-driver", "vfs"]
        return self.tool(tool, *storage, *line)

    def tearDown(self):
        # It may hold files of mode 0.
        subprocess.run(["chmod", "-R", "u+rwX", self.dir], check=False)
        super().tearDown()

    def test_podman_save(self):
        archive = self.path("in.tar")
        with open(archive, "wb") as file:
            members = []
            for folder, _, names in os.walk(self.layout):
                for name in names:
                    full = os.path.join(folder, name)
                    with open(full, "rb") as one:
                        members.append((os.path.relpath(full, self.layout), one.read()))
            file.write(tar_of(members))
        self.run_tool("podman", "load", "-i", archive)
        image_id = self.run_tool("podman", "images", "--no-trunc", "--format", "{{.ID}}").split()[0]
        self.assertEqual(image_id, self.image.id)
        self.run_tool("podman", "tag", image_id.removeprefix("sha256:"), "example.org/app:2")
        for kind in ("docker-archive", "oci-archive", "oci-dir"):
            with self.subTest(kind):
                target = self.path(kind)
                self.run_tool("podman", "save", "--format", kind, "-o", target, "example.org/app:2")
                self.loaded(target, "example.org/app:2", image_id, self.image.layers)

    def test_buildah_commit(self):
        container = self.run_tool("buildah", "from", f"oci:{self.layout}:app:1").strip()
        self.run_tool("buildah", "copy", container, self.write("added", b"added" * 1000), "/srv/added")
        self.run_tool("buildah", "config", "--env", "X=1", container)
        image_id = self.run_tool("buildah", "commit", "-q", container, "built:1").strip()
        for transport in ("docker-archive", "oci-archive", "oci"):
            with self.subTest(transport):
                target = self.path(transport)
                self.run_tool("buildah", "push", "-q", "built:1", f"{transport}:{target}:example.org/built:1")
                also = []
                if transport == "docker-archive":  # its config is another document, so its id is too; and it has all names
                    also = ["localhost/built:1"]
                    with tarfile.open(target) as tar:
                        manifest = json.load(tar.extractfile("manifest.json"))
                        expected = "sha256:" + sha(tar.extractfile(manifest[0]["Config"]).read())
                else:
                    expected = "sha256:" + image_id.removeprefix("sha256:")
                self.loaded(target, "example.org/built:1", expected, also=also)
