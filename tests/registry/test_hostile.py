# SPDX-License-Identifier: Apache-2.0
"""Registries and proxies that mean harm: what they say reaches neither another server, nor the terminal, nor all memory."""

import base64
import json

from support import proc
from support.fake_registry import FakeRegistry
from support.faulty_proxy import Answer, says
from support.images import OCI_INDEX, OCI_MANIFEST, Layout, dump, write_directory
from support.registry_case import PullCase, published, sample

SMUGGLED = "application/x\r\nX-Injected: yes\r\nContent-Length: 0\r\n\r\nDELETE /v2/app/manifests/victim HTTP/1.1\r\nHost: x"


class Documents(PullCase):
    def hostile(self, media_type):
        """A layout of an image whose manifest calls itself so, and its descriptor."""
        layout = Layout()
        descriptor = layout.manifest(sample(1))
        document = json.loads(layout.blobs[descriptor["digest"].removeprefix("sha256:")])
        document["mediaType"] = media_type
        return layout, layout.blob(dump(document), OCI_MANIFEST)

    def test_a_media_type_that_is_none_of_an_image(self):
        for media_type in (SMUGGLED, "a\0b", "x" * 300_000, "application/json"):
            layout, descriptor = self.hostile(media_type)
            fake = self.started(FakeRegistry())
            fake.put(layout, descriptor, "evil", "1")
            self.not_pulled(f"{fake.host}/evil:1", say='"mediaType" is that of no image')
            layout.add(descriptor, "evil:1")
            self.failed("load", "-i", write_directory(self.path(f"layout{len(media_type)}"), layout.members()),
                        say='"mediaType" is that of no image')

    def test_an_index_of_many_large_manifests_is_not_shown_whole(self):
        fake = self.started(FakeRegistry())
        name = fake.put_manifest("app", "big", OCI_MANIFEST, dump({"schemaVersion": 2, "layers": [], "filler": ["x" * 3_000_000]}))
        fake.put_manifest("app", "1", OCI_INDEX, dump({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
            {"mediaType": OCI_MANIFEST, "digest": name, "size": 3_000_000}] * 50}))
        self.failed("manifest", "inspect", "-v", f"{fake.host}/app:1", say="larger than 8 MiB")

    def test_platforms_without_end_are_told_in_one_short_line(self):
        fake = self.started(FakeRegistry())
        fake.put_manifest("app", "1", OCI_INDEX, dump({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
            {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "0" * 64, "size": 1,
             "platform": {"os": f"lin\x1b[31mux{number}", "architecture": "none"}} for number in range(3000)]}))
        done = self.failed("pull", f"{fake.host}/app:1", code=3, say="and others")
        self.assertLess(len(done.err), 2000)


class Lists(PullCase):
    def test_a_tag_that_is_none(self):
        published(self.good, sample(1), "app", "1")
        for tag in ("5000/corp/base:1", "1@sha256:" + "0" * 64, "\x1b]0;x\x07\n veneer: well", "x" * 1_000_000):
            self.between.fault(says(200, dump({"name": "app", "tags": [tag]})), path="/tags/list")
            done = self.failed("pull", "-a", self.name("app"), say="no tag")
            self.assertLess(len(done.err), 1000)
            self.assertNotRegex(done.err, "[\x00-\x09\x0b-\x1f]")
            self.between.heal()

    def test_warnings_are_text(self):
        self.write_config(f'[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "{self.between.host}"\n')
        self.between.fault(says(200, dump({"name": "app", "tags": ["\x1b]0;x\x07\n veneer: well\u202e"]})), path="/tags/list")
        done = self.run_veneer("pull", "-a", "--retry", "0", "app", environment=self.configured)
        self.assertNotRegex(done.err, "[\x00-\x09\x0b-\x1f\u202e]", done)
        self.assertRegex(done.err, r"\Aveneer: warning: .*no tag[^\n]*\n")

    def write_config(self, text):
        """Has the next commands read a registries.conf of the test's own."""
        path = self.path("registries.conf")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        self.configured = {"CONTAINERS_REGISTRIES_CONF": path}


class Proxies(PullCase):
    def test_what_is_on_this_machine_is_asked_through_no_proxy(self):
        published(self.good, sample(1), "app", "1")
        listener = self.started(FakeRegistry())
        for variable in ("http_proxy", "all_proxy", "https_proxy"):
            for host in (self.good.host, self.good.host.replace("127.0.0.1", "localhost")):
                self.veneer("pull", "-q", f"{host}/app:1", environment={variable: listener.url})
        self.assertEqual(listener.seen, [])


class Secrets(PullCase):
    def test_a_registry_that_gives_back_the_password(self):
        secret = base64.b64encode(b"me:wrong word").decode()
        with open(self.path("auth.json"), "w", encoding="utf-8") as out:
            json.dump({"auths": {self.between.host: {"auth": secret}}}, out)

        def tell(_, exchange):
            sent = exchange.headers.get("Authorization", "")
            body = dump({"errors": [{"code": "DENIED", "message": f"you sent {sent} wrong word"}]})
            return Answer(401, [("WWW-Authenticate", 'Basic realm="x"'), ("Content-Length", str(len(body)))], [body])
        self.between.fault(tell)
        for line in (("pull", "--authfile", self.path("auth.json"), self.name("app", "1")),
                     ("tags", "--authfile", self.path("auth.json"), self.name("app"))):
            done = self.failed(*line, code=(1, 3))
            self.assertNotIn(secret, done.err)
            self.assertNotIn("wrong word", done.err)


class Uploads(PullCase):
    def setUp(self):
        super().setUp()
        layout = Layout()
        layout.add(layout.manifest(sample(1, 9_000_000)), "large:1")
        self.veneer("load", "-i", write_directory(self.path("layout"), layout.members()))
        self.veneer("tag", "large:1", self.name("app", "1"))

    def test_an_answer_before_the_bytes_is_no_end(self):
        def early(proxy, exchange):
            answer = Answer(202, [("Location", exchange.target), ("Content-Length", "0")])
            answer.closes = True
            return answer if "Content-Range" not in exchange.headers else says(416)(proxy, exchange)
        self.between.fault(early, path="/uploads/", method="PATCH", nth=range(2, 100, 2))
        self.between.fault(early, path="/uploads/", method="PATCH", nth=range(5, 100))
        done = proc.run(self.command("push", "--retry", "2", self.name("app", "1")), env=self.environment, timeout=60)
        self.assertEqual(done.code, 1, done)

    def test_a_registry_that_wants_large_chunks_costs_no_memory(self):
        def large(proxy, exchange):
            answer = proxy.ask(exchange)
            answer.headers.append(("OCI-Chunk-Min-Length", "999999999"))
            return answer
        self.between.fault(large, path="/uploads/", method="POST")
        self.veneer("push", self.name("app", "1"))
        sent = self.between.requests("/uploads/", "PATCH")
        self.assertEqual(["Content-Range" in one.headers for one in sent], [False] * len(sent))

    def test_a_registry_that_keeps_hardly_anything(self):
        def byte(proxy, exchange):
            data = b"".join(exchange.body())[:1]
            exchange.headers.replace_header("Content-Length", "1")
            return proxy.ask(exchange, [data])
        self.between.fault(byte, path="/uploads/", method="PATCH")
        self.failed("push", "--retry", "3", self.name("app", "1"), say="hardly anything")
        self.assertLess(len(self.between.requests("/uploads/", "PATCH")), 30)

    def test_nothing_is_deleted_on_another_server(self):
        other = self.started(FakeRegistry())

        def lead(proxy, exchange):
            answer = proxy.ask(exchange)
            answer.replace("Location", f"{other.url}/containers/all")
            return answer
        self.between.fault(lead, path="/uploads/", method="POST")
        self.failed("push", "--retry", "0", self.name("app", "1"))
        self.assertNotIn("DELETE", {one.method for one in other.seen})
        self.assertEqual({one.headers.get("Authorization") for one in other.seen}, {None})
