# SPDX-License-Identifier: Apache-2.0
"""Registries between `veneer` and others: what one pushes the other pulls, with the same digests, ids and files."""

import base64
import json
import os
import stat

from support import tree
from support.engines import Buildah, Docker, Podman, Skopeo
from support.files import write
from support.images import Image, layer, member, tar
from support.registry_case import USERS, RegistryCase, published
from support.tree import Dir, File, Hard, Link, Node

TREE = {
    "bin": {"tool": File(0o4755, 0, 0, data=b"#!/bin/sh\n" * 900), "same": Hard("bin/tool"), "sh": Link(target="tool")},
    "data": Dir(0o1777, 7, 8, entries={"large": File(0o640, 1234, 5678, data=bytes(range(256)) * 900), "empty": b"",
                                       "text": File(xattrs={"user.note": b"value\0\xff"}, data=b"text"), "gone": b"gone"}),
    "dev": {"null": Node(0o666, kind=stat.S_IFCHR, device=(1, 3)), "pipe": Node(0o600, 5, 6)},
}


class PeerCase(RegistryCase):
    def setUp(self):
        super().setUp()
        self.plain = self.registry()

    def judge(self, cls, *arguments):
        """A judge in a directory of its own until the case ends."""
        judge = cls(self.path("".join((cls.__name__.lower(), *arguments))), *arguments)
        judge.start()
        self.addCleanup(judge.stop)
        return judge

    def judges(self):
        """All that keep images."""
        return [self.judge(Podman, "vfs"), self.judge(Podman, "overlay"), self.judge(Buildah, "vfs"), self.judge(Docker)]

    def made_here(self, name):
        """Makes an image of two layers in the store, by this name; its id."""
        self.import_tree(TREE, "base:1")
        point = self.veneer("mount", "base:1", "-n", "work").strip()
        os.unlink(os.path.join(point, "data/gone"))
        os.rename(os.path.join(point, "data/text"), os.path.join(point, "moved"))
        write(os.path.join(point, "data/large"), b"short now")
        image = self.veneer("commit", "work", name).strip()
        self.veneer("umount", "work")
        return image

    def files_of(self, point):
        """The tree at a mount, but for what no layer says."""
        found = tree.snapshot(point, ghosts=True)
        del found[b"."]  # no layer describes the root
        return found

    def mine(self, name):
        """The tree of an image of the store."""
        point = self.veneer("mount", "-r", "-n", "look", name).strip()
        found = self.files_of(point)
        self.veneer("umount", "look")
        self.veneer("rm", "look")
        return found

    def theirs(self, judge, name):
        """The tree of an image of a judge."""
        with judge.mounted(name) as root:
            return self.files_of(root)


class FromVeneer(PeerCase):
    def test_others_pull_what_was_pushed(self):
        reference = f"{self.plain.host}/team/app:2.0"
        image = self.made_here(reference)
        output = self.veneer("push", reference)
        name = self.plain.digest("team/app", "2.0")
        self.assertIn(name, output)
        expected = self.mine(reference)
        for judge in self.judges():
            with self.subTest(judge=judge.dir):
                done = judge.pull(reference)
                self.assertEqual(done.code, 0, done)
                found = judge.image_id(reference) if isinstance(judge, Buildah) else judge.ids()[reference]
                self.assertEqual("sha256:" + found.removeprefix("sha256:"), image)
                self.assert_tree(expected, self.theirs(judge, reference))
                if isinstance(judge, Docker):
                    self.assertIn(f"Digest: {name}\n", done.out)
                if not isinstance(judge, Buildah):
                    self.assertIn(f"{self.plain.host}/team/app@{name}", judge.inspect(reference)["RepoDigests"])
        done = self.judge(Skopeo).run("inspect", "--tls-verify=false", f"docker://{reference}")
        self.assertEqual(json.loads(done.out)["Digest"], name)

    def test_zstd_is_pulled_by_podman(self):
        reference = f"{self.plain.host}/app:1"
        image = self.made_here(reference)
        self.veneer("push", "--compress", "zstd", reference)
        podman = self.judge(Podman, "vfs")
        self.assertEqual(podman.pull(reference).code, 0)
        self.assertEqual(podman.ids()[reference], image)
        self.assert_tree(self.mine(reference), self.theirs(podman, reference))

    def test_a_fresh_store_has_the_same(self):
        reference = f"{self.plain.host}/app:1"
        image = self.made_here(reference)
        self.veneer("push", reference)
        expected = self.mine(reference)
        self.environment["VENEER_ROOT"] = self.store = self.path("fresh")
        self.assertIn(self.plain.digest("app", "1"), self.veneer("pull", reference))
        self.assertEqual(self.images(), {reference: image})
        self.assert_tree(expected, self.mine(reference))


class ToVeneer(PeerCase):
    def setUp(self):
        super().setUp()
        base = tar(member("etc/", kind=b"5", mode=0o755), member("etc/name", b"lower"), member("etc/gone", b"gone"),
                   member("etc/hard", kind=b"1", linkname="etc/name"), member("etc/link", kind=b"2", linkname="name"))
        self.image = Image(base, layer(), tar(member("etc/", kind=b"5", mode=0o755), member("etc/.wh.gone"),
                                              member("srv/", kind=b"5", mode=0o2755), member("srv/big", os.urandom(300_000), mode=0o4711, uid=7, gid=8)))
        published(self.plain, self.image, "origin", "1", docker=True)

    def pulled(self, repository, expected=None):
        """Veneer pulls it; its tree is as expected."""
        reference = f"{self.plain.host}/{repository}:1"
        self.assertIn(f"Digest: {self.plain.digest(repository, '1')}\n", self.veneer("pull", reference))
        document = json.loads(self.plain.manifest(repository, "1"))
        self.assertEqual(self.images()[reference], document["config"]["digest"])
        if expected is not None:
            self.assert_tree(expected, self.mine(reference))
        self.veneer("fsck")

    def test_what_each_of_them_pushes(self):
        origin = f"{self.plain.host}/origin:1"
        for number, judge in enumerate(self.judges()):
            with self.subTest(judge=judge.dir):
                target = f"{self.plain.host}/of{number}:1"
                self.assertEqual(judge.pull(origin).code, 0)
                judge.run("tag", origin, target)
                done = judge.push(target)
                self.assertEqual(done.code, 0, done)
                self.pulled(f"of{number}", self.theirs(judge, target))

    def test_skopeo_in_every_form(self):
        judge = self.judge(Skopeo)
        for number, options in enumerate((("--format", "oci"), ("--format", "v2s2"),
                                          ("--format", "oci", "--dest-compress-format", "zstd", "--dest-compress"))):
            done = judge.copy(f"docker://{self.plain.host}/origin:1", f"docker://{self.plain.host}/form{number}:1",
                              "--src-tls-verify=false", "--dest-tls-verify=false", *options)
            self.assertEqual(done.code, 0, done)
            self.pulled(f"form{number}")

    def test_an_image_that_buildah_made(self):
        judge = self.judge(Buildah, "vfs")
        target = f"{self.plain.host}/made:1"
        judge.commit_file(target, self.write("file", os.urandom(100_000)), "/srv/file")
        self.assertEqual(judge.push(target).code, 0)
        self.pulled("made", self.theirs(judge, target))


class Registries(PeerCase):
    """The same image through every kind of registry."""

    def there_and_back(self, host, registry):
        """It is pushed, a fresh store pulls it, and has the same."""
        reference = f"{host}/app:1"
        image = self.made_here(reference)
        self.veneer("push", reference)
        expected, name = self.mine(reference), registry.digest("app", "1")
        self.environment["VENEER_ROOT"] = self.store = self.path("fresh")
        self.assertIn(f"Digest: {name}\n", self.veneer("pull", reference))
        self.assertEqual(self.images(), {reference: image})
        self.assert_tree(expected, self.mine(reference))

    def known(self, user, registry):
        """The credentials of a user for a registry, as Docker keeps them."""
        auth = base64.b64encode(f"{user}:{USERS[user]}".encode()).decode()
        self.environment["DOCKER_CONFIG"] = self.path("home")
        self.write("home/config.json", json.dumps({"auths": {registry.host: {"auth": auth}}}))

    def test_with_users(self):
        guarded = self.registry("guarded", users=USERS)
        self.known("bob", guarded)
        self.there_and_back(guarded.host, guarded)

    def test_with_tokens(self):
        guarded = self.registry("guarded", tokens=self.token_service())
        self.known("alice", guarded)
        self.there_and_back(guarded.host, guarded)

    def test_with_tls(self):
        self.private_etc()
        authority = self.authority()
        secure = self.registry("secure", tls=authority.issue("127.0.0.1"))
        secure.trust = authority.client_context()
        with open(authority.certificate, encoding="ascii") as file:
            self.etc(f"docker/certs.d/{secure.host}/ca.crt", file.read())
        self.there_and_back(secure.host, secure)

    def test_behind_a_mirror_with_a_path(self):
        self.private_etc()
        reference = f"{self.plain.host}/library/app:1"
        image = self.made_here(reference)
        self.veneer("push", reference)
        expected = self.mine(reference)
        mirror = self.nginx(self.plain.url, "/some/path")
        self.etc("docker/daemon.json", json.dumps({"registry-mirrors": [mirror.url]}))
        self.environment["VENEER_ROOT"] = self.store = self.path("fresh")
        self.veneer("pull", "app:1")
        self.assertEqual(self.images(), {"app:1": image})
        self.assert_tree(expected, self.mine("app:1"))

    def test_the_catalogue_is_empty_first_and_has_the_name_after_the_push(self):
        self.assertEqual(json.loads(self.plain.request("GET", "/v2/_catalog").body), {"repositories": []})
        reference = f"{self.plain.host}/team/app:1"
        self.made_here(reference)
        self.veneer("push", reference)
        self.assertEqual(json.loads(self.plain.request("GET", "/v2/_catalog").body), {"repositories": ["team/app"]})
