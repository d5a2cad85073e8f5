# SPDX-License-Identifier: Apache-2.0
"""`veneer pull` of images in all forms that registries have: media types, compressions, platforms, and what is no image."""

import json
import re
import struct
import subprocess

from support import proc
from support.fake_registry import FakeRegistry
from support.images import (DOCKER_LIST, DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Image, Layout,
                            compress, dump, layer, member, tar)
from support.registry_case import PullCase, published, sample


class Forms(PullCase):
    def pulled(self, layout, descriptor, image, repository="app", tag="1"):
        """It is pulled and is this image; the store is as before then."""
        self.good.put(layout, descriptor, repository, tag)
        output = self.veneer("pull", self.name(repository, tag))
        self.assertIn(f"Digest: {descriptor['digest']}\n", output)
        self.assert_pulled(self.name(repository, tag), image)
        self.veneer("rmi", self.name(repository, tag))
        self.veneer("prune")

    def test_every_compression_in_manifests_of_both_families(self):
        for docker in (False, True):
            for compression in ("", "gzip") if docker else ("", "gzip", "zstd"):
                with self.subTest(docker=docker, compression=compression):
                    image, layout = sample(2, seed=f"{docker}{compression}"), Layout()
                    self.pulled(layout, layout.manifest(image, compression, docker), image)

    def layers(self, image, *blobs, suffix="+gzip"):
        """(layout, descriptor) of the image with these bytes as its layers."""
        layout = Layout()
        layers = [layout.blob(data, OCI_LAYER + suffix) for data in blobs]
        config = layout.blob(image.config, OCI_CONFIG)
        return layout, layout.blob(dump({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers}),
                                   OCI_MANIFEST)

    def test_gzip_of_many_members_as_estargz_has_it(self):
        image = sample(1)
        data = image.layers[0]
        parts = [compress(data[start:start + 5000], "gzip") for start in range(0, len(data), 5000)]
        self.pulled(*self.layers(image, b"".join(parts)), image)

    def test_zstd_with_skippable_frames_as_chunked_has_it(self):
        image = sample(1)
        data = image.layers[0]
        skipped = struct.pack("<II", 0x184D2A50, 7) + b"skipped"
        body = compress(data[:9000], "zstd") + skipped + compress(data[9000:], "zstd") + skipped
        self.pulled(*self.layers(image, body, suffix="+zstd"), image)

    def test_the_bytes_count_and_not_the_media_type(self):
        image = sample(1)
        self.pulled(*self.layers(image, compress(image.layers[0], "zstd")), image)
        self.pulled(*self.layers(image, image.layers[0]), image)

    def test_zstd_windows_of_up_to_512_mib(self):
        image = sample(1)
        for power, code in ((29, 0), (30, 1)):
            data = subprocess.run(["zstd", "-c", f"--long={power}"], input=image.layers[0], capture_output=True, check=True).stdout
            if code:
                layout, descriptor = self.layers(image, data, suffix="+zstd")
                self.good.put(layout, descriptor, "app", "1")
                self.not_pulled(self.name("app", "1"), say="window|memory")
            else:
                self.pulled(*self.layers(image, data, suffix="+zstd"), image)

    def test_large_zstd_windows_are_there_one_at_a_time(self):
        size = 128 << 20
        image = Image(*(tar(member(f"zeros{number}", bytes(size))) for number in range(3)))
        blobs = [subprocess.run(["zstd", "-c", "-1", "--long=27"], input=data, capture_output=True, check=True).stdout
                 for data in image.layers]
        layout, descriptor = self.layers(image, *blobs, suffix="+zstd")
        self.good.put(layout, descriptor, "app", "1")
        peak = proc.peak_memory(self.command("pull", "-q", self.name("app", "1")), env=self.environment)
        self.assertLess(peak, 2 * size)

    def test_layers_that_are_empty_or_twice_and_an_image_without_layers(self):
        twice = layer(file="contents")
        for image in (Image(layer(), twice, layer(), twice), Image()):
            layout = Layout()
            self.pulled(layout, layout.manifest(image, "gzip"), image)

    def test_a_digest_of_an_index_names_the_image_of_this_platform(self):
        layout, mine = Layout(), sample(1)
        other = sample(1, seed="arm", architecture="arm64")
        index = layout.index([layout.manifest(one, "gzip", platform=one.platform) for one in (other, mine)])
        self.pulled(layout, index, mine)
        self.assertIn(f"Digest: {index['digest']}\n", self.veneer("pull", f"{self.name('app')}@{index['digest']}"))
        found = json.loads(self.veneer("inspect", mine.id))[0]
        self.assertEqual(found["RepoDigests"], [f"{self.name('app')}@{index['digest']}"])

    def test_only_the_chosen_platform_is_fetched(self):
        layout = Layout()
        images = [sample(1, seed=str(number), architecture=architecture, variant=variant) for number, (architecture, variant) in
                  enumerate((("arm64", "v8"), ("arm", "v6"), ("arm", "v7"), ("amd64", None)))]
        for kind, docker in ((OCI_INDEX, False), (DOCKER_LIST, True)):
            index = layout.index([layout.manifest(one, "gzip", docker, platform=one.platform) for one in images], kind)
            self.good.put(layout, index, "app", "1")
            for platform, number in (("linux/arm64", 0), ("linux/arm/v6", 1), ("linux/arm/v7", 2), ("linux/amd64", 3)):
                self.between.forget()
                self.veneer("pull", "--platform", platform, self.name("app", "1"))
                self.assert_pulled(self.name("app", "1"), images[number])
                self.assertEqual(self.between.count("/blobs/", "GET"), 2)
                self.veneer("rmi", self.name("app", "1"))
                self.veneer("prune")

    def test_a_platform_that_is_not_there(self):
        layout = Layout()
        images = [sample(1, seed=architecture, architecture=architecture) for architecture in ("arm64", "s390x")]
        self.good.put(layout, layout.index([layout.manifest(one, "gzip", platform=one.platform) for one in images]), "app", "1")
        self.not_pulled(self.name("app", "1"), code=(1, 3), say="linux/amd64")
        self.not_pulled(self.name("app", "1"), "--platform", "windows/amd64", code=(1, 3), say="windows/amd64")
        self.refused("pull", "--platform", "a/b/c/d", self.name("app", "1"), code=2)

    def test_attestations_are_skipped(self):
        layout, image = Layout(), sample(1)
        statement = layout.blob(b"{}", "application/vnd.in-toto+json")
        note = layout.blob(dump({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": layout.blob(b"{}", OCI_CONFIG),
                                 "layers": [statement]}), OCI_MANIFEST,
                           platform={"architecture": "unknown", "os": "unknown"})
        self.pulled(layout, layout.index([note, layout.manifest(image, "gzip", platform=image.platform)]), image)
        layout.index([note])
        self.good.put(layout, layout.index([note]), "app", "1")
        self.not_pulled(self.name("app", "1"), code=(1, 3))


class NoImages(PullCase):
    """One line each says why it is none that can be pulled."""

    def test_artifacts_are_named_by_their_type(self):
        layout = Layout()
        empty = layout.blob(b"{}", "application/vnd.oci.empty.v1+json")
        thing = layout.blob(b"contents", "application/vnd.example.thing")
        chart = layout.blob(b"{ }", "application/vnd.cncf.helm.config.v1+json")
        for number, (config, more, say) in enumerate(((empty, {"artifactType": "application/vnd.example.signature"},
                                                       "application/vnd.example.signature"),
                                                      (chart, {}, "application/vnd.cncf.helm.config.v1\\+json"))):
            self.good.put(layout, layout.blob(dump({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config,
                                                    "layers": [thing], **more}), OCI_MANIFEST), "art", str(number))
            self.not_pulled(self.name("art", str(number)), say=say)
        self.assertEqual(self.between.count(thing["digest"]), 0)

    def test_layers_that_lie_elsewhere(self):
        layout, image = Layout(), sample(1)
        far = {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "digest": "sha256:" + "1" * 64,
               "size": 10, "urls": ["http://127.0.0.1:1/layer"]}
        config = layout.blob(image.config, OCI_CONFIG)
        fake = self.started(FakeRegistry())
        fake.put(layout, layout.blob(dump({"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": config, "layers": [far]}),
                                     DOCKER_MANIFEST), "app", "1")
        self.not_pulled(f"{fake.host}/app:1", say="foreign")

    def test_manifests_of_the_first_age(self):
        fake = self.started(FakeRegistry())
        old = dump({"schemaVersion": 1, "name": "app", "tag": "1", "architecture": "amd64", "fsLayers": [], "history": [],
                    "signatures": []})
        for number, kind in enumerate(("application/vnd.docker.distribution.manifest.v1+prettyjws",
                                       "application/vnd.docker.distribution.manifest.v1+json")):
            fake.put_manifest("app", str(number), kind, old)
            self.not_pulled(f"{fake.host}/app:{number}", say="schema 1|schemaVersion 1|version 1")

    def test_media_types_that_nobody_knows(self):
        fake = self.started(FakeRegistry())
        fake.put_manifest("app", "1", "application/vnd.example.unknown+json", b'{"schemaVersion":2}')
        self.not_pulled(f"{fake.host}/app:1", say=re.escape("application/vnd.example.unknown+json"))
