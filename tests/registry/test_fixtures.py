# SPDX-License-Identifier: Apache-2.0
"""The fixtures themselves: the registries, the token service and the faulty proxy do what they say, with other clients."""

import http.client
import json
import os
import threading
import time

from support import faulty_proxy, network, proc
from support.certificates import Authority
from support.engines import Buildah, Docker, Podman, Skopeo
from support.fake_registry import FakeRegistry
from support.files import digest, read
from support.images import OCI_MANIFEST, Layout, write_directory
from support.registry import basic, free_port
from support.registry_case import USERS, RegistryCase, published, sample


class FixtureCase(RegistryCase):
    def setUp(self):
        super().setUp()
        self.image = sample()

    def judge(self, cls, *arguments):
        """A judge in a directory of its own until the case ends."""
        judge = cls(self.path(cls.__name__.lower()), *arguments)
        judge.start()
        self.addCleanup(judge.stop)
        return judge

    def layout(self):
        """The image as a layout that skopeo can copy: "oci:PATH:1"."""
        layout = Layout()
        layout.add(layout.manifest(self.image, "gzip"), "1")
        return f"oci:{write_directory(self.path('layout'), layout.members())}:1"

    def skopeo(self, source, target, *options, code=0, say=".*"):
        """`skopeo copy`, which must end so."""
        judge = Skopeo(self.path("skopeo"))
        done = judge.copy(source, target, *options)
        self.assertEqual(done.code != 0, code != 0, done)
        self.assertRegex(done.err, say, done)
        return done

    def fetch(self, host, path, method="GET", headers=None, body=None):
        """One request to a server of the tests: (status, headers, body)."""
        connection = http.client.HTTPConnection(host, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()


class Registries(FixtureCase):
    def test_a_plain_one_takes_an_image_and_gives_it_with_the_same_digest(self):
        registry = self.registry()
        self.skopeo(self.layout(), f"docker://{registry.host}/team/app:1", "--dest-tls-verify=false")
        layout = json.loads(read(self.path("layout/index.json")))
        self.assertEqual(registry.digest("team/app", "1"), layout["manifests"][0]["digest"])
        self.assertEqual(registry.tags("team/app"), ["1"])
        self.skopeo(f"docker://{registry.host}/team/app:1", f"oci:{self.path('back')}:1", "--src-tls-verify=false")
        self.assertEqual(json.loads(read(self.path("back/index.json")))["manifests"][0]["digest"],
                         registry.digest("team/app", "1"))

    def test_put_without_a_client_and_the_questions(self):
        registry = self.registry()
        name, layers = published(registry, self.image, "team/app", "2", "zstd")
        self.assertEqual(registry.digest("team/app", "2"), name)
        self.assertTrue(registry.has("team/app", name))
        self.assertFalse(registry.has("team/app", "3"))
        self.assertEqual([digest(registry.blob("team/app", layer)) for layer in layers], layers)
        self.assertEqual(json.loads(registry.request("GET", "/v2/_catalog").body), {"repositories": ["team/app"]})

    def test_it_keeps_port_and_data_over_a_restart(self):
        registry = self.registry()
        published(registry, self.image, "app")
        host = registry.host
        registry.restart()
        self.assertEqual((registry.host, registry.tags("app")), (host, ["latest"]))

    def test_deletion_is_a_choice(self):
        for number, deletes in enumerate((False, True)):
            registry = self.registry(f"registry{number}", deletes=deletes)
            name, _ = published(registry, self.image, "app")
            self.assertEqual(registry.request("DELETE", f"/v2/app/manifests/{name}").status, 202 if deletes else 405)
            self.assertEqual(registry.has("app", name), not deletes)

    def test_users_by_htpasswd(self):
        registry = self.registry(users=USERS)
        published(registry, self.image, "app")
        source, target = f"docker://{registry.host}/app", f"dir:{self.path('back')}"
        self.skopeo(source, target, "--src-tls-verify=false", code=1, say="unauthorized|authentication required")
        self.skopeo(source, target, "--src-tls-verify=false", "--src-creds=alice:wrong", code=1, say="unauthorized|authentication")
        for name, password in USERS.items():
            self.skopeo(source, target, "--src-tls-verify=false", f"--src-creds={name}:{password}")

    def test_tls_by_an_authority_of_the_case_and_client_certificates(self):
        authority, clients = self.authority(), self.authority("clients")
        pair = authority.issue("127.0.0.1")
        for number, signer in enumerate((None, clients)):
            registry = self.registry(f"registry{number}", tls=pair, clients=signer)
            mine = clients.issue("client", file="client")
            registry.trust = authority.client_context(mine if signer else None)
            published(registry, self.image, "app")
            source, target = f"docker://{registry.host}/app", f"dir:{self.path('back')}"
            self.skopeo(source, target, code=1, say="certificate")
            folder = self.path(f"certs{number}")
            os.mkdir(folder)
            os.symlink(authority.certificate, os.path.join(folder, "ca.crt"))
            if signer:
                self.skopeo(source, target, f"--src-cert-dir={folder}", code=1, say="certificate")
                os.symlink(mine.certificate, os.path.join(folder, "client.cert"))
                os.symlink(mine.key, os.path.join(folder, "client.key"))
            self.skopeo(source, target, f"--src-cert-dir={folder}")

    def test_nginx_as_a_mirror_with_a_path(self):
        registry = self.registry()
        name, layers = published(registry, self.image, "library/app")
        mirror = self.nginx(registry.url, "/some/path")
        status, headers, body = self.fetch(mirror.host, "/some/path/v2/library/app/manifests/latest",
                                           headers={"Accept": OCI_MANIFEST})
        self.assertEqual((status, headers["Docker-Content-Digest"], digest(body)), (200, name, name))
        status, _, body = self.fetch(mirror.host, f"/some/path/v2/library/app/blobs/{layers[0]}",
                                     headers={"Range": "bytes=10-"})
        self.assertEqual((status, body), (206, registry.blob("library/app", layers[0])[10:]))
        self.assertEqual(self.fetch(mirror.host, "/some/path/v2/library/app/blobs/uploads/", "POST")[0], 403)
        self.assertEqual(self.fetch(mirror.host, "/v2/")[0], 404)
        self.assertTrue(proc.wait_until(lambda: len(mirror.asked()) == 4), mirror.asked())  # nginx writes its log later

    def test_docker_registry_as_a_cache_of_another_one(self):
        registry = self.registry()
        name, layers = published(registry, self.image, "library/app")
        mirror = self.registry("mirror", mirror_of=registry.url)
        self.assertEqual(mirror.digest("library/app", "latest"), name)
        self.assertEqual([digest(mirror.blob("library/app", layer)) for layer in layers], layers)

    def test_an_address_that_is_no_loopback_address_and_no_way_out(self):
        registry = self.registry(name="registry", address=network.OUTSIDE)
        registry.name = network.OUTSIDE
        published(registry, self.image, "app")
        self.assertEqual(registry.tags("app"), ["latest"])
        with self.assertRaises(OSError):
            self.fetch("192.0.2.77:80", "/")

    def test_a_private_etc(self):
        before = sorted(os.listdir("/etc"))
        self.private_etc()
        self.etc("docker/certs.d/example.org/ca.crt", "text")
        self.assertEqual(read("/etc/docker/certs.d/example.org/ca.crt"), b"text")
        self.assertIn("veneer4711", read("/etc/passwd").decode())
        self.doCleanups()
        self.assertEqual(sorted(os.listdir("/etc")), before)


class Tokens(FixtureCase):
    def setUp(self):
        super().setUp()
        self.tokens = self.token_service()
        self.guarded = self.registry(tokens=self.tokens)
        published(self.guarded, self.image, "team/app")
        self.tokens.forget()

    def test_nobody_may_pull_and_users_may_push(self):
        source, copy = f"docker://{self.guarded.host}/team/app", f"docker://{self.guarded.host}/team/copy:1"
        self.skopeo(source, f"dir:{self.path('back')}", "--src-tls-verify=false")
        self.skopeo(f"dir:{self.path('back')}", copy, "--dest-tls-verify=false", code=1, say="denied|unauthorized")
        self.skopeo(f"dir:{self.path('back')}", copy, "--dest-tls-verify=false", "--dest-creds=alice:wrong", code=1)
        self.skopeo(f"dir:{self.path('back')}", copy, "--dest-tls-verify=false", f"--dest-creds=alice:{USERS['alice']}")
        self.assertEqual(self.guarded.tags("team/copy"), ["1"])
        self.assertTrue(self.tokens.requests("/token", "GET"))

    def test_what_users_may_is_said_by_the_case(self):
        self.tokens.may = lambda user, action, repository: user == "bob"
        source, target = f"docker://{self.guarded.host}/team/app", f"dir:{self.path('back')}"
        self.skopeo(source, target, "--src-tls-verify=false", code=1)
        self.skopeo(source, target, "--src-tls-verify=false", f"--src-creds=alice:{USERS['alice']}", code=1)
        self.skopeo(source, target, "--src-tls-verify=false", f"--src-creds=bob:{USERS['bob']}")

    def test_refresh_tokens(self):
        scope = "scope=repository:team/app:pull&service=registry%20of%20the%20tests"
        status, _, body = self.fetch(self.tokens.host, f"/token?{scope}&offline_token=true",
                                     headers={"Authorization": basic("alice", USERS["alice"])})
        document = json.loads(body)
        self.assertEqual((status, document["expires_in"]), (200, 300))
        form = f"grant_type=refresh_token&client_id=tests&{scope}&refresh_token="
        status, _, body = self.fetch(self.tokens.host, "/token", "POST", body=form + document["refresh_token"])
        token = json.loads(body)["access_token"]
        self.assertEqual(status, 200)
        for bearer, wanted in ((token, 200), ("x" + token, 401)):
            status, headers, _ = self.fetch(self.guarded.host, "/v2/team/app/tags/list",
                                            headers={"Authorization": f"Bearer {bearer}"})
            self.assertEqual(status, wanted)
        self.assertEqual(headers["WWW-Authenticate"].split(",")[0], f'Bearer realm="{self.tokens.realm}"')
        self.assertEqual(self.fetch(self.tokens.host, "/token", "POST", body=form + "wrong")[0], 401)

    def test_a_token_whose_time_is_over(self):
        self.tokens.expired = 1
        for wanted in (401, 200):
            token = self.tokens.token("alice", [("repository", "team/app", ["pull"])])
            status, _, _ = self.fetch(self.guarded.host, "/v2/team/app/tags/list", headers={"Authorization": f"Bearer {token}"})
            self.assertEqual(status, wanted)


class Faults(FixtureCase):
    def setUp(self):
        super().setUp()
        self.good = self.registry()
        _, self.layers = published(self.good, self.image, "app")
        self.between = self.proxy(self.good)
        self.blob = f"/v2/app/blobs/{self.layers[0]}"
        self.data = self.good.blob("app", self.layers[0])

    def get(self, **more):
        return self.fetch(self.between.host, self.blob, **more)

    def test_without_a_fault_it_passes_all_and_counts(self):
        self.skopeo(f"docker://{self.between.host}/app", f"dir:{self.path('back')}", "--src-tls-verify=false")
        self.skopeo(f"dir:{self.path('back')}", f"docker://{self.between.host}/copy", "--dest-tls-verify=false")
        self.assertEqual(self.good.digest("copy", "latest"), self.good.digest("app", "latest"))
        total = sum(len(self.good.blob("app", layer)) for layer in self.layers)
        self.assertEqual(self.between.bytes_sent("|".join(self.layers), "GET"), total)
        self.assertEqual(self.between.count(self.layers[1], "GET"), 1)
        self.assertEqual(self.between.bytes_received("/copy/manifests/", "PUT"), len(self.good.manifest("app", "latest")))
        self.between.forget()
        self.assertEqual(self.between.count(), 0)

    def test_the_nth_request_of_a_path_has_it(self):
        self.between.fault(faulty_proxy.busy(503, 7), path="/blobs/", method="GET", nth={1, 3})
        answers = [self.get() for _ in range(4)]
        self.assertEqual([status for status, _, _ in answers], [503, 200, 503, 200])
        self.assertEqual(answers[0][1]["Retry-After"], "7")
        self.between.heal()
        self.assertEqual(self.get()[0], 200)

    def test_connections_are_cut(self):
        for fault in (faulty_proxy.cut(1000), faulty_proxy.cut(1000, reset=True), faulty_proxy.no_answer(),
                      faulty_proxy.says_length(10)):
            self.between.heal()
            self.between.fault(fault)
            with self.assertRaises((http.client.HTTPException, OSError)):
                self.get()
        self.assertEqual([one.sent for one in self.between.seen], [1000, 1000, 0, len(self.data)])

    def test_a_request_is_cut_and_the_registry_has_its_beginning(self):
        status, headers, _ = self.fetch(self.between.host, "/v2/app/blobs/uploads/", "POST")
        self.assertEqual(status, 202)
        place = headers["Location"].removeprefix(self.between.url)
        self.between.fault(faulty_proxy.cut_request(5000), method="PATCH")
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.fetch(self.between.host, place, "PATCH", body=bytes(20000))
        self.assertEqual([one.received for one in self.between.requests(method="PATCH")], [20000])

    def test_bodies_are_wrong(self):
        for fault, wanted in ((faulty_proxy.changed(5), self.data[:5] + bytes([self.data[5] ^ 0x20]) + self.data[6:]),
                              (faulty_proxy.shorter(100), self.data[:100]), (faulty_proxy.longer(b"more"), self.data + b"more"),
                              (faulty_proxy.without_length(), self.data), (faulty_proxy.without_length(chunked=False), self.data),
                              (faulty_proxy.slow(0.001, 4096), self.data), (faulty_proxy.says_length(-1), self.data[:-1])):
            self.between.heal()
            self.between.fault(fault)
            self.assertEqual(self.get()[2], wanted)
        self.between.heal()
        self.between.fault(faulty_proxy.html())
        self.assertRegex(self.get()[1]["Content-Type"], "text/html")
        self.between.heal()
        self.assertEqual(self.get(headers={"Range": "bytes=7-"})[::2], (206, self.data[7:]))
        self.between.fault(faulty_proxy.without_ranges())
        self.assertEqual(self.get(headers={"Range": "bytes=7-"})[::2], (200, self.data))

    def test_another_host_sees_the_headers_of_a_redirect(self):
        other = self.proxy(self.good)
        self.between.fault(faulty_proxy.redirect(other.url), path="/blobs/")
        self.skopeo(f"docker://{self.between.host}/app", f"dir:{self.path('back')}", "--src-tls-verify=false")
        self.assertEqual(other.count("/blobs/", "GET"), 4)
        self.assertIn("User-Agent", other.seen[0].headers)

    def test_delays_and_answers_that_wait_for_the_case(self):
        self.between.delay = 0.05
        begin = time.monotonic()
        self.get()
        self.assertGreaterEqual(time.monotonic() - begin, 0.05)
        self.between.delay, event = 0, threading.Event()
        self.between.fault(faulty_proxy.held(event, 100))
        answers = []
        thread = threading.Thread(target=lambda: answers.append(self.get()[2]))
        thread.start()
        self.assertTrue(proc.wait_until(lambda: self.between.seen[-1].sent == 100))
        self.assertEqual(answers, [])
        event.set()
        thread.join(10)
        self.assertEqual(answers, [self.data])

    def test_a_stopped_one_refuses_and_serves_again(self):
        self.between.stop()
        with self.assertRaises(ConnectionRefusedError):
            self.get()
        self.between.start()
        self.assertEqual(self.get()[0], 200)

    def test_with_tls(self):
        authority = Authority(self.path("tls"))
        secure = self.proxy(self.good, tls=authority.issue("127.0.0.1").server_context())
        os.mkdir(self.path("certs"))
        os.symlink(authority.certificate, self.path("certs/ca.crt"))
        self.skopeo(f"docker://{secure.host}/app", f"dir:{self.path('back')}", f"--src-cert-dir={self.path('certs')}")
        self.assertTrue(secure.url.startswith("https://"))

    def test_a_fake_registry_gives_what_it_has(self):
        fake = self.started(FakeRegistry(port=free_port()))
        published(fake, self.image, "app", "1")
        self.skopeo(f"docker://{fake.host}/app:1", f"dir:{self.path('back')}", "--src-tls-verify=false")
        fake.results = [{"name": "app", "description": "An app", "star_count": 3, "is_official": True, "is_automated": False}]
        body = json.loads(self.fetch(fake.host, "/v1/search?q=app&n=5")[2])
        self.assertEqual((body["num_results"], body["results"]), (1, fake.results))


class Engines(FixtureCase):
    def setUp(self):
        super().setUp()
        self.plain = self.registry()
        self.name, _ = published(self.plain, self.image, "app", "1", docker=True)

    def test_podman_and_buildah_pull_and_push(self):
        reference, target = f"{self.plain.host}/app:1", f"{self.plain.host}/of/{{}}:1"
        podman, buildah = self.judge(Podman, "vfs"), self.judge(Buildah, "overlay")
        self.assertEqual(podman.pull(reference).code, 0)
        self.assertEqual(podman.ids(), {reference: self.image.id})
        podman.run("tag", reference, target.format("podman"))
        self.assertEqual(podman.push(target.format("podman")).code, 0)
        self.assertEqual(buildah.pull(reference).code, 0)
        self.assertEqual(buildah.image_id(reference), self.image.id)
        trees = [judge.snapshot(reference) for judge in (podman, buildah)]
        for found in trees:
            del found[b"."]["mtime"]  # no layer describes the root
        self.assert_tree(*trees)
        buildah.run("tag", reference, target.format("buildah"))
        self.assertEqual(buildah.push(target.format("buildah")).code, 0)
        for name in ("podman", "buildah"):
            document = json.loads(self.plain.manifest(f"of/{name}", "1"))
            self.assertEqual(document["config"]["digest"], self.image.id)
        buildah.commit_file("made", self.write("file", b"contents"), "/file")
        with buildah.mounted("made") as root:
            self.assertEqual(read(os.path.join(root, "file")), b"contents")

    def test_the_docker_engine_pulls_and_pushes(self):
        docker, target = self.judge(Docker), f"{self.plain.host}/of/docker:1"
        done = docker.pull(f"{self.plain.host}/app:1")
        self.assertIn(f"Digest: {self.name}", done.out, done)
        docker.run("tag", f"{self.plain.host}/app:1", target)
        done = docker.push(target)
        self.assertIn(f"digest: {self.plain.digest('of/docker', '1')}", done.out, done)
