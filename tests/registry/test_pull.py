# SPDX-License-Identifier: Apache-2.0
"""`veneer pull`: names, what it says, what it fetches and what is in the store then."""

import json
import os
import pty
import re

from support.faulty_proxy import says
from support.files import read
from support.images import OCI_INDEX, Image, Layout, layer, write_directory
from support.registry_case import PullCase, published, sample

PROGRESS = r"Pulling fs layer|Waiting|Downloading|Verifying Checksum|Download complete|Extracting|Retrying[^\n]*"


class Output(PullCase):
    def lines(self, output, layers, last="Pull complete"):
        """The lines of a pull without those of layers, each of which must have its own and end as `last` says."""
        ends, rest = {}, []
        for line in output.splitlines():
            found = re.fullmatch(rf"([0-9a-f]{{12}}): ({PROGRESS}|Pull complete|Already exists)", line)
            if found:
                ends[found[1]] = found[2]
            else:
                rest.append(line)
        self.assertEqual(ends, {name.removeprefix("sha256:")[:12]: last for name in layers}, output)
        return rest

    def test_without_a_tag_it_takes_latest_and_says_so(self):
        image = sample()
        name, layers = published(self.good, image, "team/app")
        self.assertEqual(self.lines(self.veneer("pull", self.name("team/app")), layers),
                         ["Using default tag: latest", "latest: Pulling from team/app", f"Digest: {name}",
                          f"Status: Downloaded newer image for {self.name('team/app', 'latest')}",
                          self.name("team/app", "latest")])
        self.assert_pulled(self.name("team/app", "latest"), image)

    def test_pulled_again_it_is_up_to_date_and_no_layer_is_asked_for(self):
        name, layers = published(self.good, sample(), "team/app", "1")
        self.veneer("pull", self.name("team/app", "1"))
        self.between.forget()
        self.assertEqual(self.veneer("pull", self.name("team/app", "1")),
                         f"1: Pulling from team/app\nDigest: {name}\n"
                         f"Status: Image is up to date for {self.name('team/app', '1')}\n{self.name('team/app', '1')}\n")
        self.assertEqual(self.between.count("/blobs/", "GET"), 0)

    def test_layers_that_are_here_exist_already_and_are_not_fetched(self):
        base = sample(2)
        _, here = published(self.good, base, "base", "1")
        _, both = published(self.good, Image(*base.layers, layer(new="file")), "app", "1")
        self.veneer("pull", self.name("base", "1"))
        self.between.forget()
        output = self.veneer("pull", self.name("app", "1"))
        for name in here:
            self.assertIn(f"{name[7:19]}: Already exists\n", output)
            self.assertEqual(self.between.bytes_sent(name), 0)
        self.assertIn(f"{both[2][7:19]}: Pull complete\n", output)
        self.assertEqual(self.between.bytes_sent(both[2]), len(self.good.blob("app", both[2])))

    def test_a_layer_that_came_another_way_is_not_written_again(self):
        image = sample(2)
        layout = Layout()
        layout.add(layout.manifest(image), "here:1")
        self.veneer("load", "-i", write_directory(self.path("layout"), layout.members()))
        published(self.good, image, "app", "1")
        self.veneer("pull", self.name("app", "1"))
        self.assertEqual(self.images()[self.name("app", "1")], image.id)
        self.assert_sound()

    def test_quiet_prints_the_name_alone(self):
        published(self.good, sample(), "app")
        self.assertEqual(self.veneer("pull", "-q", self.name("app")), self.name("app", "latest") + "\n")
        self.assertEqual(self.veneer("image", "pull", "--quiet", self.name("app")), self.name("app", "latest") + "\n")

    def test_image_pull_is_pull(self):
        published(self.good, sample(1), "app", "1")
        self.assertIn("Status: Downloaded newer image", self.veneer("image", "pull", self.name("app", "1")))
        self.assertEqual(self.veneer("image", "pull", "--help").replace("image pull", "pull"), self.veneer("pull", "--help"))
        for option in ("--platform", "--all-tags", "--quiet", "--retry", "--tls-verify", "--keep-compressed"):
            self.assertIn(option, self.veneer("pull", "--help"))

    def test_a_terminal_sees_each_layer_move(self):
        published(self.good, sample(2, 300_000), "app", "1")
        leader, follower = pty.openpty()
        child = self.start("pull", self.name("app", "1"), stdout=follower, stderr=follower)
        os.close(follower)
        shown = b""
        while True:
            try:
                data = os.read(leader, 4096)
            except OSError:
                break
            if not data:
                break
            shown += data
        os.close(leader)
        self.assertEqual(child.wait(), 0, shown)
        self.assertRegex(shown.decode(), r"\x1b\[")
        self.assertEqual(shown.decode().count("Pull complete"), 2)
        self.assertIn("Status: Downloaded newer image", shown.decode())


class Names(PullCase):
    def test_by_digest(self):
        image = sample(2)
        name, _ = published(self.good, image, "app", "1")
        published(self.good, sample(1, seed="newer"), "app", "1")
        output = self.veneer("pull", f"{self.name('app')}@{name}")
        self.assertIn(f"{self.name('app')}@{name}: Pulling from app\n", output)
        self.assertTrue(output.endswith(f"Status: Downloaded newer image for {self.name('app')}@{name}\n"
                                        f"{self.name('app')}@{name}\n"), output)
        self.assertIn(image.id, self.veneer("images", "--no-trunc", "-q").split())
        self.assertEqual(json.loads(self.veneer("inspect", f"{self.name('app')}@{name}"))[0]["Id"], image.id)

    def test_all_tags(self):
        images = {tag: sample(2, seed=tag) for tag in ("1", "2", "latest")}
        for tag, image in images.items():
            published(self.good, image, "team/app", tag)
        output = self.veneer("pull", "-a", self.name("team/app"))
        for tag, image in images.items():
            self.assertIn(f"{tag}: Pulling from team/app\n", output)
            self.assert_pulled(self.name("team/app", tag), image)
        self.assertTrue(output.endswith(f"for {self.name('team/app')}\n{self.name('team/app')}\n"), output)
        self.refused("pull", "-a", self.name("team/app", "1"), code=2, say="tag")

    def test_all_tags_though_one_is_no_image(self):
        published(self.good, sample(1), "mixed", "1")
        published(self.good, sample(1, seed="other"), "mixed", "3")
        self.between.fault(says(200, b'{"schemaVersion":2,"manifests":[]}', OCI_INDEX), path="/manifests/2")
        self.between.fault(says(200, b'{"name":"mixed","tags":["1","2","3"]}'), path="/tags/list")
        done = self.run_veneer("pull", "-a", self.name("mixed"))
        self.assertRegex(done.err, r"\Aveneer: warning: .*mixed:2: .*; the next tag is pulled\nveneer: .*mixed:2: .*\n\Z")
        self.assertNotEqual(done.code, 0)
        self.assertEqual(set(self.images()) & {self.name("mixed", "1"), self.name("mixed", "3")},
                         {self.name("mixed", "1"), self.name("mixed", "3")})

    def test_the_size_is_that_of_the_files_and_larger_than_what_came(self):
        published(self.good, Image(layer(file="a" * 500_000)), "app", "1")
        self.veneer("pull", self.name("app", "1"))
        size = json.loads(self.veneer("inspect", self.name("app", "1")))[0]["Size"]
        self.assertGreaterEqual(size, 500_000)
        self.assertLess(self.between.bytes_sent("/blobs/"), 100_000)

    def test_a_tag_that_names_another_image_moves_and_the_older_one_dangles(self):
        old, new = sample(2, seed="old"), sample(2, seed="new")
        published(self.good, old, "app", "1")
        self.veneer("pull", self.name("app", "1"))
        published(self.good, new, "app", "1")
        self.assertIn("Status: Downloaded newer image", self.veneer("pull", self.name("app", "1")))
        self.assertEqual(self.images()[self.name("app", "1")], new.id)
        self.assertEqual(self.veneer("images", "-f", "dangling=true", "-q", "--no-trunc").split(), [old.id])
        self.veneer("image", "prune", "-f")
        self.assertEqual(self.veneer("images", "-f", "dangling=true", "-q"), "")

    def test_digests_are_of_the_repository_that_was_pulled_from(self):
        image = sample(2)
        name, _ = published(self.good, image, "app", "1")
        published(self.good, image, "other/app", "1", "zstd")
        other = self.good.digest("other/app", "1")
        for repository in ("app", "other/app"):
            self.veneer("pull", self.name(repository, "1"))
        rows = self.veneer("images", "--digests", "--format", "{{.Repository}}:{{.Tag}} {{.Digest}}").split("\n")
        self.assertIn(f"{self.name('app', '1')} {name}", rows)
        self.assertIn(f"{self.name('other/app', '1')} {other}", rows)
        found = json.loads(self.veneer("inspect", image.id))[0]
        self.assertEqual(sorted(found["RepoDigests"]),
                         sorted([f"{self.name('app')}@{name}", f"{self.name('other/app')}@{other}"]))
        self.assertEqual(sorted(found["RepoTags"]), sorted([self.name("app", "1"), self.name("other/app", "1")]))

    def test_digests_without_a_tag_are_listed(self):
        digest, _ = published(self.good, sample(1), "app", "1")
        self.veneer("pull", f"{self.name('app')}@{digest}")
        rows = [line.split()[:3] for line in self.veneer("images", "--digests").splitlines()]
        self.assertIn([self.name("app"), "<none>", digest], rows)
        self.assertIn(["<none>", "<none>"], [line.split()[:2] for line in self.veneer("images").splitlines()])

    def test_rmi_of_a_digest_and_of_the_last_tag(self):
        name, _ = published(self.good, sample(2), "app", "1")
        self.veneer("pull", self.name("app", "1"))
        self.assertEqual(self.veneer("rmi", f"{self.name('app')}@{name}"), f"Untagged: {self.name('app')}@{name}\n")
        self.veneer("pull", self.name("app", "1"))
        output = self.veneer("rmi", self.name("app", "1"))
        self.assertEqual(output.splitlines()[:2], [f"Untagged: {self.name('app', '1')}", f"Untagged: {self.name('app')}@{name}"])
        self.assertRegex(output, r"\A(Untagged: [^\n]*\n){2}(Deleted: sha256:[0-9a-f]{64}\n){3}\Z")

    def test_layers_that_others_need_stay_behind_an_rmi(self):
        base = sample(3)
        published(self.good, base, "base", "1")
        top = Image(*base.layers, layer(top="file"))
        published(self.good, top, "app", "1")
        self.veneer("pull", self.name("base", "1"))
        self.veneer("pull", self.name("app", "1"))
        output = self.veneer("rmi", self.name("app", "1"))
        self.assertLess(output.count("Deleted: sha256:"), len(top.layers))
        self.veneer("prune")
        self.assert_pulled(self.name("base", "1"), base)

    def test_it_is_mounted_as_it_was_made(self):
        image = Image(layer(**{"etc/name": "lower", "etc/gone": "x"}), layer(**{"etc/name": "upper", "etc/.wh.gone": ""}))
        published(self.good, image, "app", "1")
        self.veneer("pull", self.name("app", "1"))
        found = self.tree_of(self.name("app", "1"))
        self.assertEqual(found[b"etc/name"]["size"], len("upper"))
        self.assertNotIn(b"etc/gone", found)

    def test_what_is_not_there(self):
        published(self.good, sample(1), "app", "1")
        self.not_pulled(self.name("app", "2"), code=3, say="app:2")
        self.not_pulled(self.name("none"), code=3, say="none:latest")
        self.not_pulled(f"{self.name('app')}@sha256:{'0' * 64}", code=3, say="0{64}")
        self.not_pulled("127.0.0.1:1/app", say="127.0.0.1:1")
        self.not_pulled("nowhere.example/app", say="nowhere.example")

    def test_names_that_are_none(self):
        for name in ("team/UPPER", "app:", "app@sha256:12", "", "a//b", "scratch:latest"):
            self.refused("pull", name, code=(1, 2))
        self.refused("pull", code=2)



class Hub(PullCase):
    """Docker Hub as it is named, played by a registry of the case."""

    def setUp(self):
        super().setUp()
        self.private_etc()
        self.image = sample(2)
        self.digest, _ = published(self.good, self.image, "library/ubuntu", "16.04")

    def with_hub(self, registry=None):
        """registry-1.docker.io is a registry with TLS on this machine, whose authority this machine trusts."""
        authority = self.authority("hub")
        pair = authority.issue("registry-1.docker.io", "auth.docker.io", "index.docker.io")
        with open("/etc/ssl/certs/ca-certificates.crt", "ab") as bundle:
            bundle.write(read(authority.certificate))
        self.etc("hosts", "127.0.0.1 localhost registry-1.docker.io\n")
        return self.proxy(registry or self.good, port=443, name="registry-1.docker.io", tls=pair.server_context())

    def test_one_part_is_of_the_library(self):
        hub = self.with_hub()
        output = self.veneer("pull", "ubuntu:16.04")
        self.assertTrue(output.startswith("16.04: Pulling from library/ubuntu\n"), output)
        self.assertTrue(output.endswith(f"Digest: {self.digest}\nStatus: Downloaded newer image for ubuntu:16.04\n"
                                        "docker.io/library/ubuntu:16.04\n"), output)
        self.assert_pulled("ubuntu:16.04", self.image)
        self.assertEqual({one.path.split("/")[2] for one in hub.requests("/manifests/")}, {"library"})
        for name in ("docker.io/ubuntu:16.04", "docker.io/library/ubuntu:16.04", "index.docker.io/library/ubuntu:16.04"):
            self.assertIn("Status: Image is up to date for ubuntu:16.04", self.veneer("pull", name))

    def mirrored(self, url):
        """The mirror at this URL is set, as Docker's administrator does it; an image comes from there under the Hub's name."""
        self.etc("docker/daemon.json", json.dumps({"registry-mirrors": [url]}))
        output = self.veneer("pull", "ubuntu:16.04")
        self.assertIn(f"Digest: {self.digest}\nStatus: Downloaded newer image for ubuntu:16.04\n", output)
        self.assert_pulled("ubuntu:16.04", self.image)
        found = json.loads(self.veneer("inspect", "ubuntu:16.04"))[0]
        self.assertEqual((found["RepoTags"], found["RepoDigests"]), (["ubuntu:16.04"], [f"ubuntu@{self.digest}"]))
        self.assertIn(url.rstrip("/"), self.veneer("info"))
        self.veneer("rmi", "ubuntu:16.04")
        self.veneer("prune")

    def test_a_mirror_with_a_path_of_its_own(self):
        mirror = self.nginx(self.good.url, "/some/path")
        for slash in ("", "/"):
            self.mirrored(mirror.url + slash)
        self.assertTrue([line for line in mirror.asked() if line.startswith("GET /some/path/v2/library/ubuntu/")])

    def test_a_cache_as_a_mirror_with_and_without_tls(self):
        self.mirrored(self.registry("mirror", mirror_of=self.good.url).url)
        authority = self.authority("mirror")
        secure = self.registry("secure", tls=authority.issue("127.0.0.1"))
        secure.trust = authority.client_context()
        published(secure, self.image, "library/ubuntu", "16.04")
        self.etc(f"docker/certs.d/{secure.host}/ca.crt", read(authority.certificate))
        self.mirrored(secure.url)

    def test_a_mirror_that_has_it_not_or_is_not_there_is_passed_over(self):
        hub, empty = self.with_hub(), self.registry("empty")
        for url in (empty.url, "http://127.0.0.1:1"):
            self.etc("docker/daemon.json", json.dumps({"registry-mirrors": [url]}))
            self.veneer("pull", "ubuntu:16.04", err="(veneer: [^\n]*\n)?")
            self.assert_pulled("ubuntu:16.04", self.image)
            self.veneer("rmi", "ubuntu:16.04")
            self.veneer("prune")
        self.assertTrue(hub.count("/blobs/", "GET"))

    def test_a_mirror_is_for_the_hub_alone_and_is_not_pushed_to(self):
        mirror = self.proxy(self.registry("mirror"))
        self.etc("docker/daemon.json", json.dumps({"registry-mirrors": [mirror.url]}))
        published(self.good, self.image, "app", "1")
        self.veneer("pull", self.name("app", "1"))
        self.assertEqual(mirror.count(), 0)

    def test_registries_conf_has_mirrors_and_counts_before_docker(self):
        mirror, other = self.proxy(self.good), self.proxy(self.registry("other"))
        self.etc("docker/daemon.json", json.dumps({"registry-mirrors": [other.url]}))
        self.etc("containers/registries.conf", f'[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\n'
                                               f'location = "{mirror.host}"\ninsecure = true\n')
        self.veneer("pull", "ubuntu:16.04")
        self.assert_pulled("ubuntu:16.04", self.image)
        self.assertEqual((other.count(), mirror.count("/library/ubuntu/") > 0), (0, True))

    def test_aliases_and_search_registries_for_short_names(self):
        self.etc("containers/registries.conf", f'unqualified-search-registries = ["{self.between.host}"]\n'
                                               f'[aliases]\nmine = "{self.between.host}/team/mine"\n')
        published(self.good, self.image, "team/mine", "1")
        published(self.good, self.image, "tool", "1")
        self.assertIn(self.name("team/mine", "1"), self.veneer("pull", "mine:1"))
        self.assertIn(self.name("tool", "1"), self.veneer("pull", "tool:1"))

    def test_a_blocked_host_is_not_asked(self):
        published(self.good, self.image, "app", "1")
        self.etc("containers/registries.conf", f'[[registry]]\nlocation = "{self.between.host}"\nblocked = true\n')
        self.not_pulled(self.name("app", "1"), say="blocked")
        self.assertEqual(self.between.count(), 0)

    def test_a_configuration_that_cannot_be_read_is_named(self):
        for name, text in (("containers/registries.conf", "[[registry\n"), ("docker/daemon.json", "{")):
            self.etc(name, text)
            self.not_pulled("ubuntu:16.04", say=re.escape(name))
            os.unlink(f"/etc/{name}")
