# SPDX-License-Identifier: Apache-2.0
"""`veneer pull` while networks and registries fail: each failure is survived or refused in one line, and nothing half remains."""

import json
import re
import time

from support.fake_registry import FakeRegistry
from support.faulty_proxy import (busy, changed, cut, html, longer, no_answer, redirect, says, says_length, shorter, slow,
                                  without_length, without_ranges)
from support.images import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Image, Layout, dump, layer
from support.registry_case import PullCase, published, sample

SIZE = 400_000  # of a layer, more than any buffer on the way


class FaultCase(PullCase):
    def setUp(self):
        super().setUp()
        self.image = sample(2, SIZE)
        self.digest, self.layers = published(self.good, self.image, "app", "1")
        self.config = self.image.id
        self.stages = (("^/v2/$", "the greeting"), ("/manifests/", "the manifest"), (self.config, "the config"),
                       (self.layers[0], "a layer"))
        self.reference = self.name("app", "1")

    def survived(self, fault, path, nth=1, options=("--retry", "2")):
        """The image is pulled though this happens; it is removed again."""
        self.between.heal()
        self.between.forget()
        self.between.fault(fault, path=path, method="GET", nth=nth)
        done = self.run_veneer("pull", *options, self.reference)
        self.assertEqual((done.code, done.err), (0, ""), done)
        self.assert_pulled(self.reference, self.image)
        self.veneer("rmi", self.reference)
        self.veneer("prune")
        self.assertEqual(self.files(), self.before)
        return done

    def refused_with(self, fault, path, say, options=("--retry", "0"), **more):
        """The pull fails so."""
        self.between.heal()
        self.between.forget()
        self.between.fault(fault, path=path, **more)
        done = self.not_pulled(self.reference, *options, say=say, code=(1, 3))
        self.between.heal()
        return done


class Connections(FaultCase):
    def test_a_cut_at_every_stage_is_survived_once(self):
        for path, stage in self.stages[1:]:
            for fault in (cut(0), cut(10), cut(100, reset=True), no_answer(), no_answer(reset=True)):
                with self.subTest(stage=stage):
                    self.survived(fault, path)

    def test_a_cut_at_every_stage_that_never_ends(self):
        for path, stage in self.stages[1:]:
            with self.subTest(stage=stage):
                self.refused_with(cut(0), path, re.escape(self.between.host), ("--retry", "1"))

    def test_a_layer_that_fails_ends_the_others(self):
        self.between.fault(slow(0.05), path=self.layers[1])  # 20 s in all
        begin = time.monotonic()
        self.between.fault(says(404), path=self.layers[0])
        self.not_pulled(self.reference, say="said by a test", code=(1, 3))
        self.assertLess(time.monotonic() - begin, 10)

    def test_a_layer_goes_on_where_it_stopped(self):
        self.survived(cut(SIZE // 2), self.layers[0], nth={1, 2})
        parts = self.between.requests(self.layers[0], "GET")
        self.assertEqual(len(parts), 3)
        self.assertNotIn("Range", parts[0].headers)
        for one, start in ((parts[1], SIZE // 2), (parts[2], SIZE // 2 * 2)):
            self.assertRegex(one.headers.get("Range", ""), rf"\Abytes={start}-\d*\Z")
        total = len(self.good.blob("app", self.layers[0]))
        self.assertEqual(self.between.bytes_sent(self.layers[0]), total)

    def test_a_cut_behind_the_last_byte_but_one(self):
        total = len(self.good.blob("app", self.layers[0]))
        self.survived(cut(total - 1), self.layers[0])
        self.assertEqual(self.between.bytes_sent(self.layers[0]), total)

    def test_a_server_that_knows_no_ranges(self):
        self.between.heal()
        for nth, fault in ((1, cut(SIZE // 2)), (2, without_ranges())):
            self.between.fault(fault, path=self.layers[0], method="GET", nth=nth)
        self.veneer("pull", "--retry", "2", self.reference)
        self.assert_pulled(self.reference, self.image)

    def test_nobody_listens(self):
        self.between.stop()
        self.not_pulled(self.reference, "--retry", "0", say=re.escape(self.between.host))

    def test_a_registry_that_comes_back_in_time(self):
        self.survived(busy(503), ".", nth={1})

    def test_slow_bodies(self):
        for path, _ in self.stages[1:]:
            self.survived(slow(0.002, 16_384), path, nth=None)


class Statuses(FaultCase):
    def test_busy_servers_are_asked_again(self):
        for status in (429, 500, 502, 503, 504):
            for path, stage in self.stages[1:]:
                with self.subTest(status=status, stage=stage):
                    self.survived(busy(status), path)

    def test_retry_after_is_honoured(self):
        for status in (429, 503):
            begin = time.monotonic()
            self.survived(busy(status, 2), self.layers[0])
            self.assertGreaterEqual(time.monotonic() - begin, 2)
            self.assertEqual(self.between.count(self.layers[0], "GET"), 2)

    def test_the_option_says_how_often(self):
        for retries in (0, 2):
            self.refused_with(busy(500), self.layers[0], "said by a test", ("--retry", str(retries)))
            self.assertEqual(self.between.count(self.layers[0], "GET"), retries + 1)
        self.refused("pull", "--retry", "-1", self.reference, code=2)
        self.refused("pull", "--retry", "many", self.reference, code=2)

    def test_refusals_are_final(self):
        for status in (401, 403, 404):
            for path, stage in self.stages[1:]:
                with self.subTest(status=status, stage=stage):
                    self.refused_with(says(status), path, "said by a test" if status != 404 else ".", ("--retry", "3"))
                    self.assertEqual(self.between.count(path, "GET"), 1)

    def test_all_errors_of_a_list_are_shown(self):
        errors = {"errors": [{"code": "UNKNOWN", "message": "first thing"}, {"code": "DENIED", "message": "second thing"}]}
        done = self.refused_with(says(403, dump(errors)), "/manifests/", "second thing")
        self.assertIn("first thing", done.err)

    def test_answers_that_are_no_json(self):
        for status in (200, 403, 404, 500):
            self.refused_with(html(status), "/manifests/", "JSON|403|404|500")
        self.refused_with(says(404, b"404 page not found\n", "text/plain"), "/manifests/", ".")
        self.refused_with(html(), self.layers[0], "digest|size|html|bytes")
        self.refused_with(html(), self.config, "digest|size|html|bytes")

    def test_what_a_registry_says_is_fit_to_be_shown(self):
        evil = dump({"errors": [{"code": "DENIED", "message": "line\nline\x1b[31m\x07\u202e" + "long" * 5000}]})
        done = self.refused_with(says(403, evil), "/manifests/", "line")
        self.assertNotRegex(done.err, "[\x1b\x07\u202e]")
        self.assertLess(len(done.err), 4000)


class Bodies(FaultCase):
    def test_changed_bytes(self):
        for path, stage in self.stages[2:]:
            with self.subTest(stage=stage):
                self.refused_with(changed(7), path, "(?i)digest|sha256", ("--retry", "1"))
        self.refused_with(changed(SIZE - 1000), self.layers[0], "(?i)digest|sha256|gzip")

    def test_a_changed_manifest_that_was_named_by_its_digest(self):
        self.between.fault(longer(b" "), path="/manifests/")
        self.not_pulled(f"{self.name('app')}@{self.digest}", "--retry", "0", say="(?i)digest|sha256")

    def test_nothing_of_the_changed_bytes_is_kept_for_the_next_pull(self):
        self.between.fault(changed(SIZE // 2), path=self.layers[0])
        self.failed("pull", "--retry", "0", self.reference)
        self.between.heal()
        self.veneer("pull", "--retry", "0", self.reference)
        self.assert_pulled(self.reference, self.image)

    def test_lengths_that_are_wrong(self):
        for path, stage in self.stages[2:]:
            for fault in (shorter(50), longer(b"more bytes"), says_length(10), says_length(-10)):
                with self.subTest(stage=stage):
                    self.refused_with(fault, path, "(?i)size|digest|bytes|end|short|long")

    def test_bytes_behind_the_size_are_not_waited_for(self):
        self.refused_with(longer(bytes(50_000_000)), self.layers[0], "(?i)size|bytes|long")
        self.assertLess(self.between.bytes_sent(self.layers[0]), 20_000_000)

    def test_no_lengths(self):
        for path, _ in self.stages[1:]:
            for chunked in (True, False):
                self.survived(without_length(chunked), path, nth=None)


class Redirects(FaultCase):
    def setUp(self):
        super().setUp()
        self.other = self.proxy(self.good)

    def test_blobs_of_another_host(self):
        self.survived(redirect(self.other.url), "/blobs/", nth=None)
        self.assertEqual(self.other.bytes_sent(self.layers[0]), len(self.good.blob("app", self.layers[0])))

    def test_credentials_stay_with_the_host_they_are_for(self):
        self.environment["DOCKER_CONFIG"] = self.path("home")
        auth = "YWxpY2U6c2VjcmV0"  # alice:secret
        self.write("home/config.json", json.dumps({"auths": {self.between.host: {"auth": auth}}}))
        self.between.fault(says(401, headers=[("WWW-Authenticate", 'Basic realm="tests"')]), nth=1)
        self.between.fault(redirect(self.other.url.replace("127.0.0.1", "localhost")), path="/blobs/", method="GET")
        self.veneer("pull", self.reference)
        self.assertTrue([one for one in self.between.seen if one.headers.get("Authorization") == f"Basic {auth}"])
        self.assertTrue(self.other.count("/blobs/"))
        for one in self.other.seen:
            self.assertNotIn("Authorization", one.headers)
            self.assertNotIn(auth, str(one.headers))

    def test_a_cut_behind_a_redirect_goes_on(self):
        self.between.fault(redirect(self.other.url), path="/blobs/", method="GET")
        self.other.fault(cut(SIZE // 2), path=self.layers[0], nth=1)
        self.veneer("pull", "--retry", "2", self.reference)
        self.assert_pulled(self.reference, self.image)
        self.assertEqual(self.other.bytes_sent(self.layers[0]), len(self.good.blob("app", self.layers[0])))

    def test_places_that_are_not_followed(self):
        for place in ("file:///etc/passwd#", "ftp://127.0.0.1", "gopher://127.0.0.1:1", "dict://127.0.0.1:1"):
            self.refused_with(redirect(place), "/blobs/", ".", method="GET")

    def test_a_redirect_that_never_ends(self):
        self.refused_with(redirect(self.between.url), "/blobs/", "(?i)redirect", method="GET")
        self.assertLess(self.between.count("/blobs/", "GET"), 200)


class Documents(PullCase):
    """A registry that gives any document."""

    def setUp(self):
        super().setUp()
        self.fake = self.started(FakeRegistry())
        self.layout = Layout()
        self.image = Image(layer(file="contents"))

    def bad(self, document, say=".", kind=OCI_MANIFEST):
        """This manifest is refused."""
        self.fake.put_manifest("app", "1", kind, document if isinstance(document, bytes) else dump(document))
        self.fake.blobs.update({f"sha256:{name}": data for name, data in self.layout.blobs.items()})
        self.not_pulled(f"{self.fake.host}/app:1", "--retry", "0", code=(1, 3), say=say)

    def manifest(self, config=None, layers=None, **more):
        """A manifest of these descriptors, of the image if they are not given."""
        if config is None:
            config = self.layout.blob(self.image.config, OCI_CONFIG)
        if layers is None:
            layers = [self.layout.blob(data, OCI_LAYER) for data in self.image.layers]
        return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers, **more}

    def test_no_document_at_all(self):
        for data in (b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"schemaVersion":2}', b"[" * 100_000):
            self.bad(data)

    def test_documents_without_end(self):
        self.bad(b'{"schemaVersion":2,"a":"' + b"x" * 40_000_000 + b'"}', "(?i)large|bytes|MiB|size")
        self.assertLess(self.fake.bytes_sent("/manifests/"), 20_000_000)

    def test_parts_of_the_wrong_kind(self):
        good = self.manifest()
        for part in ({"layers": {}}, {"layers": [1]}, {"config": []}, {"layers": [{}]}, {"config": {"digest": 5, "size": 1}}):
            self.bad({**good, **part})

    def test_digests_and_sizes_that_are_none(self):
        good = self.manifest()
        for change in ({"digest": "sha256:../../../etc/passwd"}, {"digest": "md5:" + "0" * 32}, {"digest": "sha256:" + "A" * 64},
                       {"digest": ""}, {"size": -1}, {"size": 1 << 63}, {"size": "12"}, {"size": 5}):
            self.bad({**good, "layers": [{**good["layers"][0], **change}]})
            self.bad({**good, "config": {**good["config"], **change}})

    def test_a_config_that_does_not_fit_the_layers(self):
        other = Image(layer(file="contents"), layer(more="contents"))
        self.bad(self.manifest(config=self.layout.blob(other.config, OCI_CONFIG)), "(?i)layer")
        wrong = Image(layer(file="other"))
        self.bad(self.manifest(config=self.layout.blob(wrong.config, OCI_CONFIG)), "(?i)diff|digest|layer")

    def test_configs_that_are_none(self):
        for data in (b"", b"[]", b'{"rootfs":{"diff_ids":"x"}}', b"{" * 50_000):
            self.bad(self.manifest(config=self.layout.blob(data, OCI_CONFIG)))
        self.bad(self.manifest(config=self.layout.blob(b'{"a":"' + b"x" * 40_000_000 + b'"}', OCI_CONFIG)),
                 "(?i)large|bytes|MiB|size")

    def test_layers_that_are_none(self):
        for data in (b"no archive at all", b"\x1f\x8b broken", layer(file="x" * 2000)[:700]):
            image = Image(data)
            self.bad(self.manifest(config=self.layout.blob(image.config, OCI_CONFIG),
                                   layers=[self.layout.blob(data, OCI_LAYER)]))

    def test_indexes_without_images_or_without_end(self):
        self.bad({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}, kind=OCI_INDEX)
        one = self.layout.blob(dump(self.manifest()), OCI_MANIFEST, platform=self.image.platform)
        for _ in range(50):
            one = self.layout.index([one], platform=self.image.platform)
            self.fake.put_manifest("app", "nested", OCI_INDEX, self.layout.blobs[one["digest"].removeprefix("sha256:")])
        self.bad(self.layout.blobs[one["digest"].removeprefix("sha256:")], kind=OCI_INDEX)

    def test_a_child_of_an_index_with_other_bytes(self):
        one = self.layout.blob(dump(self.manifest()), OCI_MANIFEST, platform=self.image.platform)
        self.fake.manifests["app", one["digest"]] = (OCI_MANIFEST, dump(self.manifest(annotations={"a": "b"})))
        self.bad({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [one]}, "(?i)digest|size", kind=OCI_INDEX)
