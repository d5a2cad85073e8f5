# SPDX-License-Identifier: Apache-2.0
"""The judges themselves: each starts, shows the ids and the tree of an image, and leaves nothing behind."""

import os

from support import engines, mounts, proc
from support.case import MountCase
from support.files import write
from support.images import Image, docker_archive, layer, tar_of


class Judges(MountCase):
    def setUp(self):
        super().setUp()
        self.image = Image(layer(**{"etc/hostname": "base", "usr/tool": "x" * 5000}),
                           layer(**{"etc/.wh.hostname": "", "srv/a": "b"}))
        self.archive = self.path("a.tar")
        write(self.archive, tar_of(docker_archive((self.image, ["app:1"]))))

    def check_tree(self, snapshot):
        self.assertEqual(set(snapshot), {b".", b"etc", b"srv", b"srv/a", b"usr", b"usr/tool"})
        self.assertEqual(snapshot[b"usr/tool"]["size"], 5000)

    def check_store(self, judge):
        with judge:
            self.assertEqual(judge.load(self.archive).code, 0)
            [(name, image_id)] = judge.ids().items()
            self.assertEqual((name.removeprefix("localhost/"), image_id), ("app:1", self.image.id))
            self.check_tree(judge.snapshot(name))
            judge.remove_all()
            self.assertEqual(judge.ids(), {})
            folder = judge.dir
        self.assertFalse(os.path.exists(folder))
        self.assertEqual([point for point, _, _ in mounts.mount_info() if point.startswith(folder)], [])
        self.assertTrue(proc.wait_until(
            lambda: not any(folder in word for line in proc.processes().values() for word in line)))

    def test_docker(self):
        self.check_store(engines.Docker(self.path("docker")))

    def test_podman_vfs(self):
        self.check_store(engines.Podman(self.path("vfs"), "vfs"))

    def test_podman_overlay(self):
        self.check_store(engines.Podman(self.path("overlay"), "overlay"))

    def test_skopeo_and_umoci(self):
        layout = self.path("layout")
        with engines.Skopeo(self.path("skopeo")) as skopeo:
            self.assertEqual(skopeo.copy(f"docker-archive:{self.archive}", f"oci:{layout}:x").code, 0)
            self.assertEqual(skopeo.image_id(f"docker-archive:{self.archive}"), self.image.id)
        with engines.Umoci(self.path("umoci")) as umoci:
            self.check_tree(umoci.snapshot(f"{layout}:x"))
