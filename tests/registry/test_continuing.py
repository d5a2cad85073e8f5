# SPDX-License-Identifier: Apache-2.0
"""`veneer pull` that is killed goes on where it stopped, and pulls at the same time fetch each layer once."""

import os
import random
import signal
import subprocess
import threading
import time

from support import proc
from support.faulty_proxy import held, without_ranges
from support.images import Image, layer
from support.registry_case import PullCase, published, sample

SIZE = 3_000_000
KILLS = int(os.environ.get("VENEER_KILLS", "50"))
SEED = int(os.environ.get("VENEER_SEED", "0")) or random.randrange(1, 1 << 30)


class ContinuingCase(PullCase):
    def staged(self):
        """The bytes of the files in the store's staging."""
        total = 0
        for folder, _, names in os.walk(os.path.join(self.store, "staging")):
            for name in names:
                try:
                    total += os.lstat(os.path.join(folder, name)).st_size
                except FileNotFoundError:
                    pass  # published meanwhile
        return total

    def at_rest(self):
        """Does staging stay as large as it is for a while?"""
        before = self.staged()
        time.sleep(0.3)
        return before and self.staged() == before

    def begun(self, reference):
        """A pull that runs."""
        child = self.start("pull", reference, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(child.stderr.close)
        return child

    def ended(self, child):
        """A pull that was begun is done, and said nothing of errors."""
        _, err = child.communicate(timeout=120)
        self.assertEqual((child.returncode, err), (0, b""))

    def kill(self, child):
        """kill -9 of all its processes."""
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


class Killed(ContinuingCase):
    def setUp(self):
        super().setUp()
        self.image = sample(1, SIZE)
        _, (self.layer,) = published(self.good, self.image, "app", "1")
        self.total = len(self.good.blob("app", self.layer))
        self.reference = self.name("app", "1")
        self.event = threading.Event()
        self.addCleanup(self.event.set)

    def killed_at(self, position):
        """A pull that is killed when it has so many bytes of the layer."""
        self.between.fault(held(self.event, position), path=self.layer, nth=1)
        child = self.begun(self.reference)
        self.assertTrue(proc.wait_until(lambda: self.between.bytes_sent(self.layer) >= position, 60), self.between.seen)
        self.assertTrue(proc.wait_until(self.at_rest, 60, 0))
        self.kill(child)
        self.event.set()
        self.between.heal()
        self.between.forget()

    def test_started_again_it_transfers_only_the_rest(self):
        for part in (0.5, 0.9, 1.0):
            with self.subTest(part=part):
                self.event.clear()
                self.killed_at(int(self.total * part) - (part == 1.0))
                self.veneer("pull", self.reference)
                self.assert_pulled(self.reference, self.image)
                self.assertLessEqual(self.between.bytes_sent(self.layer), self.total * (1 - part) + 65_536)
                self.veneer("rmi", self.reference)
                self.veneer("prune")
                self.assertEqual(self.files(), self.before)

    def test_a_server_without_ranges_gives_all_of_it_again(self):
        self.killed_at(self.total // 2)
        self.between.fault(without_ranges(), path="/blobs/")
        self.veneer("pull", self.reference)
        self.assert_pulled(self.reference, self.image)

    def damage(self, change):
        """Changes what was kept of the layer, as a power cut may do it: `change` gets the open file and its size."""
        for folder, _, names in os.walk(os.path.join(self.store, "staging")):
            for name in names:
                path = os.path.join(folder, name)
                if (size := os.path.getsize(path)) > 1000:
                    with open(path, "r+b") as file:
                        change(file, size)

    def test_bytes_that_were_damaged_meanwhile_are_fetched_again(self):
        def other_contents(file, _):
            file.seek(500)
            byte = file.read(1)
            file.seek(500)
            file.write(bytes([byte[0] ^ 1]))

        def no_archive(file, size):
            file.truncate(size // 2)
            file.truncate(size)

        for change in (other_contents, no_archive):
            with self.subTest(change.__name__):
                self.event.clear()
                self.killed_at(self.total // 2)
                self.damage(change)
                self.veneer("pull", "--retry", "0", self.reference)
                self.assert_pulled(self.reference, self.image)
                self.veneer("rmi", self.reference)
                self.veneer("prune")
                self.assertEqual(self.files(), self.before)

    def test_prune_removes_what_nobody_finishes(self):
        self.killed_at(self.total // 2)
        self.veneer("fsck")
        self.veneer("prune")
        self.assertEqual(self.files(), self.before)

    def test_prune_keeps_what_a_running_pull_needs(self):
        self.between.fault(held(self.event, self.total // 2), path=self.layer, nth=1)
        child = self.begun(self.reference)
        self.assertTrue(proc.wait_until(lambda: self.staged() >= self.total // 2, 60))
        self.veneer("prune", err="(veneer: [^\n]*running[^\n]*\n)?")
        self.event.set()
        self.ended(child)
        self.assert_pulled(self.reference, self.image)
        self.assertEqual(self.between.bytes_sent(self.layer), self.total)

    def test_another_image_with_the_same_layer_goes_on_with_it(self):
        self.killed_at(self.total // 2)
        other = Image(*self.image.layers, layer(more="file"))
        published(self.good, other, "other", "1")
        self.veneer("pull", self.name("other", "1"))
        self.assert_pulled(self.name("other", "1"), other)
        self.assertLessEqual(self.between.bytes_sent(self.layer), self.total // 2 + 65_536)

    def test_interrupted_by_the_user_it_ends_at_once(self):
        self.between.fault(held(self.event, self.total // 2), path=self.layer, nth=1)
        child = self.begun(self.reference)
        self.assertTrue(proc.wait_until(lambda: self.staged() >= self.total // 2, 60))
        begin = time.monotonic()
        os.killpg(child.pid, signal.SIGINT)
        child.wait(timeout=20)
        self.assertLess(time.monotonic() - begin, 5)
        self.assertNotEqual(child.returncode, 0)
        self.assert_sound()


class Together(ContinuingCase):
    def test_two_pulls_of_one_image_fetch_each_layer_once(self):
        image = sample(4, 300_000)
        _, layers = published(self.good, image, "app", "1")
        self.between.delay = 0.05
        children = [self.begun(self.name("app", "1")) for _ in range(2)]
        for child in children:
            self.ended(child)
        for name in layers:
            self.assertEqual(self.between.bytes_sent(name), len(self.good.blob("app", name)))
        self.assert_pulled(self.name("app", "1"), image)
        self.assert_sound()

    def test_two_images_with_a_common_layer_fetch_it_once(self):
        base = sample(2, 300_000)
        images = {str(number): Image(*base.layers, layer(number=str(number))) for number in range(2)}
        shared = [published(self.good, image, "app", tag)[1] for tag, image in images.items()][0][:2]
        self.between.delay = 0.05
        for child in [self.begun(self.name("app", tag)) for tag in images]:
            self.ended(child)
        for name in shared:
            self.assertEqual(self.between.bytes_sent(name), len(self.good.blob("app", name)))
        for tag, image in images.items():
            self.assert_pulled(self.name("app", tag), image)

    def test_one_that_is_killed_does_not_stop_the_other(self):
        image = sample(1, SIZE)
        _, (name,) = published(self.good, image, "app", "1")
        event = threading.Event()
        self.addCleanup(event.set)
        self.between.fault(held(event, SIZE // 2), path=name, nth=1)
        first = self.begun(self.name("app", "1"))
        self.assertTrue(proc.wait_until(lambda: self.staged() >= SIZE // 2, 60))
        second = self.begun(self.name("app", "1"))
        time.sleep(0.3)
        self.kill(first)
        event.set()
        self.ended(second)
        self.assert_pulled(self.name("app", "1"), image)
        self.assertLessEqual(self.between.bytes_sent(name), len(self.good.blob("app", name)) + 65_536)


class RandomMoments(ContinuingCase):
    def test_kill_9_leaves_a_store_that_fsck_calls_clean(self):
        image = sample(6, 200_000)
        published(self.good, image, "app", "1")
        begin = time.monotonic()
        self.veneer("pull", self.name("app", "1"))
        whole = time.monotonic() - begin
        self.veneer("rmi", self.name("app", "1"))
        self.veneer("prune")
        chance = random.Random(SEED)
        for number in range(KILLS):
            with self.subTest(seed=SEED, number=number):
                child = self.begun(self.name("app", "1"))
                time.sleep(chance.uniform(0, whole * 1.1))
                self.kill(child)
                self.veneer("fsck")
                if chance.random() < 0.5:
                    self.run_veneer("rmi", "-f", self.name("app", "1"))
                    self.veneer("prune")
                    self.assertEqual(self.files(), self.before)
        self.veneer("pull", self.name("app", "1"))
        self.assert_pulled(self.name("app", "1"), image)
        self.assert_sound()
