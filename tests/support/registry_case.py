# SPDX-License-Identifier: Apache-2.0
"""Cases with a store and registries, in a network of their own (support/network.py)."""

import json
import os
import random

from support import network, sysio
from support.certificates import RSA_KEY, Authority
from support.faulty_proxy import FaultyProxy
from support.files import read, write
from support.images import Image, Layout, member, tar
from support.registry import Nginx, Registry
from support.stores import StoreCase
from support.token_service import TokenService

USERS = {"alice": "secret of alice", "bob": "söcrét:of bob"}


class RegistryCase(StoreCase):
    """A store, and what is started with its methods, which ends with the case."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        network.private()

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("run"), 0o700)
        self.own(self.path("run"))
        self.environment["XDG_RUNTIME_DIR"] = self.path("run")
        for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_CONFIG_HOME", "http_proxy", "https_proxy", "all_proxy",
                     "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
            self.environment.pop(name, None)

    def started(self, service):
        """Starts a service, which ends with the case; itself."""
        service.start()
        self.addCleanup(service.stop)
        return service

    def registry(self, name="registry", **more):
        """A docker-registry that runs until the case ends."""
        return self.started(Registry(self.path(name), **more))

    def proxy(self, registry, **more):
        """A FaultyProxy before a registry until the case ends."""
        proxy = self.started(FaultyProxy(registry.url, **more))
        self.addCleanup(lambda: self.assertEqual(proxy.errors, []))
        return proxy

    def nginx(self, target, prefix, name="nginx", **more):
        """nginx in front of the registry at a URL until the case ends."""
        return self.started(Nginx(self.path(name), target, prefix, **more))

    def authority(self, name="authority"):
        """An authority of this case."""
        return Authority(self.path(name), name)

    def token_service(self, users=None, **more):
        """A token service, for Registry(tokens=...), until the case ends."""
        folder = self.path("tokens")
        return self.started(TokenService(folder, Authority(folder, "tokens", RSA_KEY), USERS if users is None else users, **more))

    def private_etc(self):
        """From now on, and for this file of tests, /etc is a copy on which cases may write; it is made anew for each case."""
        kept = {name: read(f"/etc/{name}") for name in ("passwd", "group", "subuid", "subgid") if os.path.exists(f"/etc/{name}")}
        base = os.path.join(os.environ["TMPDIR"], "system", os.path.basename(self.dir))
        for name in ("upper", "work"):
            os.makedirs(os.path.join(base, name))
        sysio.mount("overlay", "/etc", "overlay", 0, f"lowerdir=/etc,upperdir={base}/upper,workdir={base}/work")
        self.addCleanup(sysio.umount2, "/etc")
        for name, data in kept.items():
            write(f"/etc/{name}", data)

    def etc(self, name, data):
        """Writes a file of the private /etc, and the folders that it needs."""
        path = os.path.join("/etc", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write(path, data if isinstance(data, bytes) else data.encode())


def sample(layers=3, size=20_000, seed="sample", **config):
    """An image of some layers with files of this many bytes that no compression makes smaller."""
    chance = random.Random(seed)
    tars = [tar(member(f"layer{number}/", kind=b"5", mode=0o755), member(f"layer{number}/data", chance.randbytes(size)),
                member(f"name{number}", f"{seed} {number}\n".encode())) for number in range(layers)]
    return Image(*tars, **config)


def published(registry, image, repository, tag="latest", compression="gzip", docker=False):
    """Puts an image into a registry; (its manifest's digest, the digests of its layers as they are there)."""
    layout = Layout()
    descriptor = layout.manifest(image, compression, docker)
    registry.put(layout, descriptor, repository, tag)
    manifest = json.loads(layout.blobs[descriptor["digest"].removeprefix("sha256:")])
    return descriptor["digest"], [one["digest"] for one in manifest["layers"]]


class PullCase(RegistryCase):
    """A registry behind a proxy that counts, and a store that is not empty."""

    def setUp(self):
        super().setUp()
        self.good = self.registry()
        self.between = self.proxy(self.good)
        self.kept = self.import_tree({"kept": "file"}, "kept:1")
        self.veneer("prune")
        self.before = self.files()

    def name(self, repository, tag=None):
        """The name of an image of the registry, as it is seen through the proxy."""
        return f"{self.between.host}/{repository}" + (f":{tag}" if tag else "")

    def files(self):
        """What the store holds, without the bytes."""
        return set(self.contents())

    def failed(self, *arguments, code=1, say=".", **more):
        """The command fails with one line on standard error that matches; what it did."""
        done = self.run_veneer(*arguments, **more)
        self.assertIn(done.code, code if isinstance(code, tuple) else (code,), done)
        self.assert_said("veneer: [^\n]*\n", done)
        self.assertRegex(done.err, say, done)
        return done

    def not_pulled(self, name, *options, code=1, say=".", **more):
        """`pull` fails so, the store has the images that it had, and nothing remains after `prune`."""
        images = self.images()
        done = self.failed("pull", *options, name, code=code, say=say, **more)
        self.assertEqual(self.images(), images, done)
        self.assert_sound()
        if set(images) == {"kept:1"}:
            self.assertEqual(self.files(), self.before, done)
        return done

    def assert_sound(self):
        """Nothing in the store is damaged, and `prune` leaves nothing of what did not end."""
        self.veneer("fsck")
        self.veneer("prune")
        self.assertEqual(os.listdir(os.path.join(self.store, "staging")), [])
        self.veneer("fsck")

    def assert_pulled(self, name, image):
        """The store has an image by this name, with its id and its layers to the byte."""
        self.assertEqual(self.images().get(name), image.id)
        for number, data in enumerate(image.layers, 1):
            self.assertEqual(self.layer_tar(name, number), data, f"layer {number} of {name}")
