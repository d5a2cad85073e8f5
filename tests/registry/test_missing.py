# SPDX-License-Identifier: Apache-2.0
"""`create`, `mount` and `chroot` pull an image that is not here (--pull)."""

from support.images import Image, layer
from support.registry_case import PullCase, published

ANYTHING = r"[\s\S]*"


class Missing(PullCase):
    def setUp(self):
        super().setUp()
        self.image = Image(layer(**{"etc/name": "first"}))
        self.digest, self.layers = published(self.good, self.image, "app", "1")
        self.app = self.name("app", "1")

    def test_create_mount_and_chroot_pull_first(self):
        for line in (("create", "--name", "a"), ("mount", "-n", "b")):
            with self.subTest(line[0]):
                self.veneer(*line, self.app, err=ANYTHING)
                self.assertEqual(self.images()[self.app], self.image.id)
                if line[0] == "mount":
                    self.veneer("umount", "b")
                self.veneer("rm", line[-1])
                self.veneer("rmi", self.app)
        # The image has no program, so that the command itself is not found.
        done = self.run_veneer("chroot", self.app, "--", "/none")
        self.assertEqual(done.code, 127, done)
        self.assertEqual(self.images()[self.app], self.image.id)

    def test_the_pull_is_shown_on_standard_error(self):
        done = self.run_veneer("create", "--name", "a", self.app)
        self.assertEqual((done.code, done.out), (0, "a\n"), done)
        layer_id = self.layers[0][7:19]
        self.assertEqual(done.err, f"Unable to find image '{self.app}' locally\n1: Pulling from app\n"
                         f"{layer_id}: Pulling fs layer\n{layer_id}: Download complete\n{layer_id}: Pull complete\n"
                         f"Digest: {self.digest}\nStatus: Downloaded newer image for {self.app}\n")

    def test_never_missing_and_always(self):
        self.failed("create", "--pull", "never", self.app, code=3, say="no such image")
        self.assertEqual(self.between.count(), 0)
        self.veneer("create", "--pull", "missing", self.app, err=ANYTHING)
        newer = Image(layer(**{"etc/name": "second"}))
        published(self.good, newer, "app", "1")
        self.veneer("create", "--pull", "missing", self.app)
        self.assertEqual(self.images()[self.app], self.image.id)
        self.veneer("create", "--pull=always", self.app, err=ANYTHING)
        self.assertEqual(self.images()[self.app], newer.id)
        self.failed("create", "--pull", "sometimes", self.app, code=2)

    def test_a_container_of_the_name_is_not_pulled(self):
        self.veneer("create", "--name", "kept", "kept:1")
        for policy in ("missing", "always"):
            self.veneer("mount", "--pull", policy, "kept")
            self.veneer("umount", "kept")
        self.failed("create", "kept", code=3, say="is a container")

    def test_an_image_that_nobody_has(self):
        done = self.run_veneer("create", self.name("app", "2"))
        self.assertEqual((done.code, done.out), (3, ""), done)
        self.assertRegex(done.err.splitlines()[-1],
                         r"^veneer: no such image: \S*app:2 \(nor can it be pulled: .*manifest unknown.*\)$")
        self.assert_sound()

    def test_the_first_command_of_a_store(self):
        store = self.path("new")
        self.veneer("--root", store, "create", "--name", "a", self.app, err=ANYTHING)
        self.veneer("--root", store, "fsck")
