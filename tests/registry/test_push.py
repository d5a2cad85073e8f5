# SPDX-License-Identifier: Apache-2.0
"""`veneer push`: what it sends, what it says, and how it goes on where a registry lets it."""

import gzip
import json
import os
import random
import re
import signal
import subprocess
import time

from support.engines import Skopeo
from support.faulty_proxy import busy, cut_request, html, no_answer, says
from support.files import digest
from support.images import OCI_MANIFEST, Image, Layout, dump, layer, write_directory
from support.registry_case import USERS, PullCase, published, sample

KILLS = int(os.environ.get("VENEER_KILLS", "50"))
SEED = int(os.environ.get("VENEER_SEED", "0")) or random.randrange(1, 1 << 30)


class PushCase(PullCase):
    def loaded(self, image, *names):
        """An image in the store, by names in the registry; its id."""
        layout = Layout()
        layout.add(layout.manifest(image), "loaded:1")
        self.veneer("load", "-i", write_directory(self.path(f"layout{image.id[7:19]}"), layout.members()))
        for name in names:
            self.veneer("tag", "loaded:1", name)
        self.veneer("rmi", "loaded:1")
        return image.id

    def document(self, repository, tag):
        """A manifest of the registry."""
        return json.loads(self.good.manifest(repository, tag))

    def assert_pushed(self, repository, tag, image):
        """The registry has the image: its config to the byte, its layers when they are decompressed."""
        document = self.document(repository, tag)
        self.assertEqual(self.good.blob(repository, document["config"]["digest"]), image.config)
        self.assertEqual(len(document["layers"]), len(image.layers))
        for described, data in zip(document["layers"], image.layers):
            blob = self.good.blob(repository, described["digest"])
            self.assertEqual((len(blob), digest(blob)), (described["size"], described["digest"]))
            if described["mediaType"].endswith("gzip"):
                self.assertEqual(gzip.decompress(blob), data)


class Output(PushCase):
    def test_it_says_what_docker_push_says(self):
        image = sample(3)
        self.loaded(image, self.name("team/app", "1.0"))
        output = self.veneer("push", self.name("team/app", "1.0"))
        name = self.good.digest("team/app", "1.0")
        lines = output.splitlines()
        self.assertEqual(lines[0], f"The push refers to repository [{self.name('team/app')}]")
        self.assertEqual(lines[-1], f"1.0: digest: {name} size: {len(self.good.manifest('team/app', '1.0'))}")
        ends = dict(re.fullmatch("([0-9a-f]{12}): (.*)", line).groups() for line in lines[1:-1])
        self.assertEqual(ends, {digest(data)[7:19]: "Pushed" for data in image.layers})
        self.assert_pushed("team/app", "1.0", image)

    def test_without_a_tag_it_is_latest(self):
        self.loaded(sample(1), self.name("app", "latest"))
        self.assertTrue(self.veneer("push", self.name("app")).startswith("Using default tag: latest\nThe push refers to "))
        self.assertEqual(self.good.tags("app"), ["latest"])

    def test_quiet_and_image_push(self):
        self.loaded(sample(1), self.name("app", "1"))
        self.assertEqual(self.veneer("push", "-q", self.name("app", "1")), self.name("app", "1") + "\n")
        self.assertIn("digest: sha256:", self.veneer("image", "push", self.name("app", "1")))
        self.assertEqual(self.veneer("image", "push", "--help").replace("image push", "push"), self.veneer("push", "--help"))

    def test_all_tags(self):
        images = {tag: sample(1, seed=tag) for tag in ("1", "2")}
        for tag, image in images.items():
            self.loaded(image, self.name("app", tag))
        self.veneer("push", "-a", self.name("app"))
        self.assertEqual(self.good.tags("app"), ["1", "2"])
        for tag, image in images.items():
            self.assert_pushed("app", tag, image)

    def test_what_is_not_here_or_has_no_host(self):
        self.failed("push", self.name("none", "1"), code=3, say="none:1")
        self.failed("push", "-a", self.name("none"), code=3, say="none")
        self.assertEqual(self.between.count(), 0)

    def test_digests_are_known_afterwards(self):
        image = sample(2)
        self.loaded(image, self.name("app", "1"))
        self.veneer("push", self.name("app", "1"))
        name = self.good.digest("app", "1")
        self.assertEqual(json.loads(self.veneer("inspect", image.id))[0]["RepoDigests"], [f"{self.name('app')}@{name}"])
        self.assertIn(name, self.veneer("images", "--digests"))


    def test_the_name_by_digest_goes_by_rmi(self):
        image = sample(1)
        self.loaded(image, self.name("app", "1"))
        self.veneer("push", self.name("app", "1"))
        named = f"{self.name('app')}@{self.good.digest('app', '1')}"
        self.assertEqual(self.veneer("rmi", named), f"Untagged: {named}\n")
        self.assertEqual(self.images()[self.name("app", "1")], image.id)

    def test_what_a_push_does_not_take(self):
        self.loaded(sample(1), self.name("app", "1"))
        for line in (("-a", self.name("app", "1")), (f"{self.name('app')}@sha256:{'1' * 64}",), ("--compress", "none", self.name("app", "1")),
                     ("--compress", "gzip:3", self.name("app", "1"))):
            self.failed("push", *line, code=2)
        self.assertEqual(self.between.count(), 0)

    def test_no_credential(self):
        guarded = self.registry("guarded", users=USERS)
        self.loaded(sample(1), f"{guarded.host}/app:1")
        self.failed("push", f"{guarded.host}/app:1", say=f"app.*: access denied: .*; `veneer login {guarded.host}` first")

    def test_a_layer_that_must_not_be_distributed(self):
        layout, image = Layout(), sample(1)
        document = json.loads(layout.blobs[layout.manifest(image)["digest"][7:]])
        document["layers"][0].update(mediaType="application/vnd.oci.image.layer.nondistributable.v1.tar", urls=["https://example.org/"])
        layout.add(layout.blob(dump(document), OCI_MANIFEST), "loaded:1")
        self.veneer("load", "-i", write_directory(self.path("foreign"), layout.members()))
        self.veneer("tag", "loaded:1", self.name("app", "1"))
        self.failed("push", self.name("app", "1"), say="foreign")


class Transfer(PushCase):
    def test_only_what_is_lacking_is_sent(self):
        base = sample(2, 200_000)
        self.loaded(base, self.name("app", "1"))
        self.veneer("push", self.name("app", "1"))
        sent = self.between.bytes_received("/blobs/")
        self.between.forget()
        self.loaded(Image(*base.layers, layer(top="file")), self.name("app", "2"))
        output = self.veneer("push", self.name("app", "2"))
        self.assertEqual(output.count("Layer already exists"), 2)
        self.assertLess(self.between.bytes_received("/blobs/"), sent // 50)
        self.between.forget()
        self.assertEqual(self.veneer("push", self.name("app", "2")).count("Layer already exists"), 3)
        self.assertEqual(self.between.bytes_received("/blobs/"), 0)

    def test_layers_of_another_repository_are_mounted(self):
        image = sample(2, 200_000)
        self.loaded(image, self.name("base", "1"), self.name("team/app", "1"))
        self.veneer("push", self.name("base", "1"))
        self.between.forget()
        self.assertEqual(self.veneer("push", self.name("team/app", "1")).count("Mounted from base"), 2)
        self.assertLess(self.between.bytes_received("/blobs/"), 5000)
        self.assert_pushed("team/app", "1", image)

    def test_layers_that_were_pulled_are_mounted(self):
        image = sample(2, 200_000)
        name, _ = published(self.good, image, "base", "1")
        self.veneer("pull", self.name("base", "1"))
        self.veneer("tag", self.name("base", "1"), self.name("copy", "1"))
        self.assertEqual(self.veneer("push", self.name("copy", "1")).count("Mounted from base"), 2)
        self.assertEqual(self.good.digest("copy", "1"), name)

    def test_a_push_that_failed_compresses_nothing_again(self):
        self.loaded(sample(2, 200_000), self.name("app", "1"))
        self.between.fault(says(403), path="/manifests/", method="PUT")
        self.failed("push", self.name("app", "1"))
        self.between.heal()
        self.between.forget()
        self.assertEqual(self.veneer("push", self.name("app", "1")).count("Layer already exists"), 2)
        self.assertEqual(self.between.bytes_received("/blobs/"), 0)

    def test_what_is_known_of_a_layer_goes_with_it(self):
        image = sample(1)
        self.loaded(image, self.name("app", "1"))
        self.veneer("push", self.name("app", "1"))
        self.veneer("rmi", "-f", image.id)
        self.veneer("prune")
        self.between.forget()
        self.loaded(image, self.name("app", "1"))
        self.assertIn(": Pushed\n", self.veneer("push", self.name("app", "1")))

    def test_the_digest_is_the_same_every_time(self):
        image = sample(3)
        self.loaded(image, self.name("app", "1"))
        self.veneer("push", self.name("app", "1"))
        first = self.good.digest("app", "1")
        self.good.empty()
        self.good.restart()
        self.veneer("push", self.name("app", "1"))
        self.assertEqual(self.good.digest("app", "1"), first)

    def test_original_bytes_where_they_are_kept(self):
        layout, image = Layout(), sample(2)
        document = json.loads(layout.blobs[layout.manifest(image, "gzip")["digest"][7:]])
        document["annotations"] = {"org.example.note": "kept"}
        document["layers"][0]["annotations"] = {"org.example.layer": "kept too"}
        descriptor = layout.blob(dump(document), OCI_MANIFEST)
        self.good.put(layout, descriptor, "app", "1")
        self.veneer("pull", "--keep-compressed", self.name("app", "1"))
        self.veneer("tag", self.name("app", "1"), self.name("copy", "1"))
        self.veneer("push", self.name("copy", "1"))
        self.assertEqual(self.good.manifest("copy", "1"), self.good.manifest("app", "1"))
        self.veneer("fsck")

    def test_compressions(self):
        for number, (method, kind) in enumerate((("gzip", "gzip"), ("zstd", "zstd"), ("zstd:12", "zstd"))):
            image = sample(1, seed=method)
            self.loaded(image, self.name("app", str(number)))
            self.veneer("push", "--compress", method, self.name("app", str(number)))
            self.assertTrue(self.document("app", str(number))["layers"][0]["mediaType"].endswith(kind))
            self.veneer("rmi", self.name("app", str(number)))
            self.veneer("prune")
            self.veneer("pull", self.name("app", str(number)))
            self.assert_pulled(self.name("app", str(number)), image)
        self.refused("push", "--compress", "xz", self.name("app", "0"), code=2)

    def test_another_store_pulls_it_by_the_same_name(self):
        image = sample(3)
        self.loaded(image, self.name("app", "1"))
        self.veneer("push", self.name("app", "1"))
        self.environment["VENEER_ROOT"] = self.store = self.path("fresh")
        self.veneer("pull", self.name("app", "1"))
        self.assert_pulled(self.name("app", "1"), image)

    def test_a_container_that_was_committed(self):
        point = self.veneer("mount", "kept:1", "-n", "work").strip()
        with open(os.path.join(point, "new"), "w", encoding="ascii") as file:
            file.write("new")
        self.veneer("commit", "work", self.name("app", "1"))
        self.veneer("umount", "work")
        self.veneer("push", self.name("app", "1"))
        judge = Skopeo(self.path("skopeo"))
        done = judge.copy(f"docker://{self.good.host}/app:1", f"dir:{self.path('back')}", "--src-tls-verify=false")
        self.assertEqual(done.code, 0, done)


class Faults(PushCase):
    def setUp(self):
        super().setUp()
        self.image = sample(2, 400_000)
        self.loaded(self.image, self.name("app", "1"))
        self.reference = self.name("app", "1")

    def survived(self, *faults, options=("--retry", "3")):
        """It is pushed though these happen: (fault, path, method, nth)."""
        for fault, path, method, nth in faults:
            self.between.fault(fault, path=path, method=method, nth=nth)
        done = self.run_veneer("push", *options, self.reference)
        self.assertEqual((done.code, done.err), (0, ""), done)
        self.assert_pushed("app", "1", self.image)
        self.between.heal()
        return done

    def afresh(self):
        """The registry has nothing again."""
        self.good.empty()
        self.good.restart()
        self.between.forget()

    def test_cut_or_busy_at_every_stage(self):
        for method, path in (("POST", "/uploads/"), ("PATCH", "/uploads/"), ("PUT", "/uploads/"), ("PUT", "/manifests/"),
                             ("HEAD", "/blobs/")):
            for fault in (no_answer(), busy(500), busy(429, 1), busy(503)):
                with self.subTest(method=method, path=path):
                    self.survived((fault, path, method, 1))
                    self.afresh()

    def test_an_upload_that_is_forgotten_begins_anew_and_says_so(self):
        # libcurl sends once more by itself where a connection that was used before ends.
        done = self.survived((cut_request(100), "/uploads/", "PATCH", range(1, 5)), (says(404), "/uploads/", "GET", None))
        self.assertRegex(done.out, "(?i)again|anew|retry")

    def test_a_later_chunk_is_cut(self):
        image = sample(1, 9_000_000, seed="large")
        self.loaded(image, self.name("large", "1"))
        for fault in (cut_request(100_000), no_answer(), busy(503)):
            self.between.fault(fault, path="/uploads/", method="PATCH", nth=3)
            self.veneer("push", self.name("large", "1"))
            self.between.heal()
            self.assert_pushed("large", "1", image)
            self.afresh()

    def test_a_registry_that_takes_less_than_is_sent(self):
        def short(proxy, exchange):
            data = b"".join(exchange.body())[:1000]
            del exchange.headers["Content-Length"]
            exchange.headers["Content-Length"] = str(len(data))
            return proxy.ask(exchange, [data])
        self.between.fault(short, path="/uploads/", method="PATCH", nth=1)
        self.assertNotIn("again", self.veneer("push", self.reference))
        self.assert_pushed("app", "1", self.image)

    def test_a_registry_that_has_other_bytes(self):
        def wrong(proxy, exchange):
            answer = proxy.ask(exchange)
            answer.replace("Range", "0-12345678")
            return answer
        self.between.fault(wrong, path="/uploads/", method="PATCH", nth=1)
        self.assertIn("again from the start", self.veneer("push", self.reference))
        self.assert_pushed("app", "1", self.image)

    def test_an_upload_goes_on_over_a_restart_of_the_registry(self):
        def restart(proxy, exchange):
            answer = proxy.ask(exchange)
            self.good.restart()
            return answer
        self.survived((restart, "/uploads/", "PATCH", 1))

    def test_chunks_are_no_larger_than_the_registry_wants(self):
        def small(proxy, exchange):
            answer = proxy.ask(exchange)
            answer.headers.append(("OCI-Chunk-Min-Length", "1000"))
            return answer
        self.survived((small, "/uploads/", "POST", None))

    def test_a_registry_that_takes_no_chunks(self):
        """Some take the bytes of a blob in one request alone."""
        image = sample(2, 7_000_000, seed="whole")
        self.loaded(image, self.name("whole", "1"))

        def one(proxy, exchange):
            if exchange.headers.get("Content-Range", "0-").startswith("0-"):
                return proxy.ask(exchange)
            return says(416)(proxy, exchange)
        self.between.fault(one, path="/uploads/", method="PATCH")
        self.veneer("push", "--retry", "3", self.name("whole", "1"))
        self.assert_pushed("whole", "1", image)
        whole = [one for one in self.between.requests("/uploads/", "PATCH") if "Content-Range" not in one.headers]
        self.assertEqual([one.status for one in whole], [202] * 3)  # two layers and the config

    def test_one_request_for_a_blob_that_is_cut(self):
        image = sample(1, 7_000_000, seed="cut")
        self.loaded(image, self.name("cut", "1"))
        self.between.fault(says(416), path="/uploads/", method="PATCH", nth=(2, 4))
        self.between.fault(cut_request(3_000_000), path="/uploads/", method="PATCH", nth=5)
        self.veneer("push", "--retry", "3", self.name("cut", "1"))
        self.assert_pushed("cut", "1", image)
        self.assertEqual(["Content-Range" in one.headers for one in self.between.requests("/uploads/", "PATCH")],
                         [True] * 4 + [False] * 3)

    def test_what_is_given_up_is_deleted_from_the_registry(self):
        self.between.fault(says(403), path="/uploads/", method="PATCH")
        self.failed("push", "--retry", "0", self.reference, say="said by a test")
        deleted = self.between.requests("/uploads/", "DELETE")
        self.assertEqual({one.status for one in deleted}, {204})
        self.assertEqual(len(deleted), len([one for one in self.between.requests("/uploads/", "POST") if one.status == 202]))

    def test_the_last_put_carries_no_bytes(self):
        self.survived()
        self.assertEqual({one.received for one in self.between.requests("/uploads/", "PUT")}, {0})

    def test_refusals_are_shown(self):
        for fault, path, method, say in ((says(403), "/uploads/", "POST", "said by a test"),
                                         (says(401), "/uploads/", "POST", "said by a test"),
                                         (says(400, dump({"errors": [{"code": "MANIFEST_BLOB_UNKNOWN", "message": "no blob"},
                                                                     {"code": "UNKNOWN", "message": "who knows"}]})),
                                          "/manifests/", "PUT", "no blob"),
                                         (html(405), "/uploads/", "POST", "405"), (html(), "/manifests/", "PUT", ".")):
            self.afresh()
            self.between.fault(fault, path=path, method=method)
            self.failed("push", "--retry", "0", self.reference, say=say)
            self.between.heal()
            self.assertEqual(self.good.tags("app"), [])
        self.assert_sound()

    def test_kill_9_at_random_moments(self):
        begin = time.monotonic()
        self.survived()
        whole, chance = time.monotonic() - begin, random.Random(SEED)
        for number in range(KILLS):
            with self.subTest(seed=SEED, number=number):
                if chance.random() < 0.3:
                    self.afresh()
                child = self.start("push", self.reference, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(chance.uniform(0, whole * 1.1))
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                self.veneer("fsck")
        self.survived()
        before = self.files()
        self.veneer("prune")
        self.assertEqual(self.files(), before)
        self.assert_sound()


class Artifacts(PushCase):
    def test_annotations_subject_and_artifact_type_survive(self):
        base, _ = published(self.good, sample(1), "app", "base")
        document = json.loads(self.good.manifest("app", "base"))
        document.update(annotations={"a": "b"}, artifactType="application/vnd.example.thing",
                        subject={"mediaType": OCI_MANIFEST, "digest": base, "size": len(self.good.manifest("app", "base"))})
        data = dump(document)
        self.good.ask("PUT", "/v2/app/manifests/1", 201, body=data, headers={"Content-Type": OCI_MANIFEST})
        self.veneer("pull", "--keep-compressed", self.name("app", "1"))
        self.veneer("tag", self.name("app", "1"), self.name("copy", "1"))
        self.veneer("push", self.name("copy", "1"))
        found = self.document("copy", "1")
        self.assertEqual({key: found.get(key) for key in ("annotations", "artifactType", "subject")},
                         {key: document[key] for key in ("annotations", "artifactType", "subject")})
