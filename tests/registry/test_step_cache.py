# SPDX-License-Identifier: Apache-2.0
"""Caches of builds at registries: what one machine's build gives, another one's takes (--cache-to, --cache-from)."""

import base64
import json
import os
import random

from support.files import digest, write
from support.registry_case import PullCase
from support.small_builds import base_tree

APP = """\
FROM base:1
COPY one /one
RUN cat /proc/sys/kernel/random/uuid > /made
LABEL a=b
RUN cat /made > /again
"""
STAGES = """\
FROM base:1 AS made
RUN cat /proc/sys/kernel/random/uuid > /made
FROM base:1
COPY --from=made /made /made
"""


class StepCache(PullCase):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("context"))
        write(self.path("context", "one"), random.Random("one").randbytes(100_000))
        self.base = None
        self.machine("first")

    def machine(self, name):
        """Another store, with the same base image and nothing else."""
        self.environment["VENEER_ROOT"] = self.store = self.path(name)
        if self.base is None:
            self.import_tree(base_tree(), "base:1")
            self.base = self.path("base.tar")
            self.veneer("save", "-q", "-o", self.base, "base:1")
        else:
            self.veneer("load", "-q", "-i", self.base)

    def build(self, dockerfile, *options, code=0):
        """Builds app:1 in the store; what it said, and the id."""
        write(self.path("context", "Dockerfile"), dockerfile)
        done = self.run_veneer("build", "--progress", "plain", "-t", "app:1", "--iidfile", self.path("id"), *options, "context")
        self.assertEqual(done.code, code, done)
        if code:
            return done.err, None
        with open(self.path("id"), encoding="utf-8") as file:
            return done.err, file.read()

    def cached(self, said):
        """How many steps came from the cache."""
        return said.count(" CACHED\n")

    def cache(self, tag="cache"):
        return self.name("team/app", tag)

    def test_another_machine_takes_the_steps_and_makes_the_same_image(self):
        _, made = self.build(APP, "--cache-to", f"type=registry,ref={self.cache()}")
        for form in (f"type=registry,ref={self.cache()}", self.cache()):
            self.machine(f"second{len(form)}")
            said, taken = self.build(APP, "--cache-from", form)
            self.assertEqual((taken, self.cached(said)), (made, 3), said)
            said, taken = self.build(APP)  # by now its own
            self.assertEqual((taken, self.cached(said)), (made, 3), said)
            self.veneer("fsck")

    def test_layers_whose_steps_nobody_asks_for_are_not_fetched(self):
        self.build(APP, "--cache-to", self.cache())
        self.machine("second")
        before = len(self.between.requests())
        said, _ = self.build(APP.replace("COPY one /one", "COPY one /two"), "--cache-from", self.cache())
        self.assertEqual(self.cached(said), 0)
        blobs = [each.path for each in self.between.requests()[before:] if "/blobs/" in each.path]
        self.assertEqual(len(blobs), 1, f"the config alone: {blobs}")

    def test_mode_max_has_the_steps_of_all_stages(self):
        _, made = self.build(STAGES, "--cache-to", f"type=registry,ref={self.cache()},mode=max")
        self.build(STAGES, "--cache-to", f"type=registry,ref={self.cache('min')},mode=min")
        records = {tag: len(self.config(tag)["records"]) for tag in ("cache", "min")}
        self.assertEqual(records, {"cache": 2, "min": 1})
        self.machine("second")
        said, taken = self.build(STAGES, "--cache-from", self.cache())
        self.assertEqual((taken, self.cached(said)), (made, 2), said)

    def config(self, tag):
        """The config of a cache."""
        manifest = json.loads(self.good.manifest("team/app", tag))
        self.assertEqual(manifest["config"]["mediaType"], "application/vnd.buildkit.cacheconfig.v0")
        return json.loads(self.good.blob("team/app", manifest["config"]["digest"]))

    def test_a_cache_has_the_form_of_buildkit(self):
        self.build(APP, "--cache-to", f"type=registry,ref={self.cache()},compression=zstd")
        manifest = json.loads(self.good.manifest("team/app", "cache"))
        config = self.config("cache")
        self.assertEqual({each["digest"] for each in manifest["layers"]}, {each["blob"] for each in config["layers"]})
        for layer in manifest["layers"]:
            self.assertEqual(layer["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd")
        for record in config["records"]:
            self.assertRegex(record["digest"], "^sha256:[0-9a-f]{64}$")
            self.assertLess(record["layers"][0]["layer"], len(config["layers"]))

    def test_an_image_brings_its_cache_along(self):
        for form in (("--cache-to", "type=inline"), ("--build-arg", "BUILDKIT_INLINE_CACHE=1")):
            _, made = self.build(APP, *form, "--no-cache", "-t", self.name("team/inline", "1"))
            config = self.raw_config()
            self.assertEqual(len(json.loads(base64.b64decode(config["moby.buildkit.cache.v0"]))), 3)
            self.veneer("push", "-q", self.name("team/inline", "1"))
            self.machine(f"second{len(form[1])}")
            said, taken = self.build(APP, *form, "--cache-from", self.name("team/inline", "1"))
            self.assertEqual((taken, self.cached(said)), (made, 3), said)
            self.machine("first" + str(len(form[1])))

    def raw_config(self):
        """The config of app:1 as it is kept."""
        name = self.veneer("inspect", "-f", "{{.Id}}", "app:1").strip().removeprefix("sha256:")
        with open(os.path.join(self.store, "blobs/sha256", name), encoding="utf-8") as file:
            return json.load(file)

    def test_an_image_without_a_cache_and_a_cache_that_is_not_there_are_no_failure(self):
        self.veneer("tag", "base:1", self.name("team/plain", "1"))
        self.veneer("push", "-q", self.name("team/plain", "1"))
        said, _ = self.build(APP, "--cache-from", self.name("team/plain", "1"), "--cache-from", self.name("team/nosuch", "1"))
        self.assertIn(f"the cache {self.name('team/nosuch', '1')} cannot be read, and the build goes on without it: ", said)
        self.assertNotIn(f"the cache {self.name('team/plain', '1')} ", said)
        self.assertEqual(self.cached(said), 0)

    def test_a_layer_that_is_gone_is_made_again(self):
        self.build(APP, "--cache-to", self.cache())
        for each in json.loads(self.good.manifest("team/app", "cache"))["layers"]:
            name = each["digest"].removeprefix("sha256:")
            os.remove(self.good.path("data/docker/registry/v2/blobs/sha256", name[:2], name, "data"))
        self.good.restart()
        self.machine("second")
        said, _ = self.build(APP, "--cache-from", self.cache())
        self.assertEqual(self.cached(said), 0)
        self.assertIn("cannot be fetched", said)

    def test_no_cache_asks_nobody(self):
        self.build(APP, "--cache-to", self.cache())
        before = len(self.between.requests())
        said, _ = self.build(APP, "--no-cache", "--cache-from", self.cache())
        self.assertEqual((self.cached(said), len(self.between.requests())), (0, before))

    def test_a_registry_that_takes_nothing_fails_the_build_unless_that_is_no_matter(self):
        nowhere = "127.0.0.1:1/team/app:cache"
        said, _ = self.build(APP, "--retry", "0", "--cache-to", f"type=registry,ref={nowhere}", code=1)
        self.assertIn(f"export the cache to {nowhere}", said)
        self.assertIn("app:1", self.veneer("images", "--format", "{{.Repository}}:{{.Tag}}"), "the image stays")
        said, _ = self.build(APP, "--retry", "0", "--cache-to", f"type=registry,ref={nowhere},ignore-error=true")
        self.assertIn(f"the cache {nowhere} is not written: ", said)

    def test_a_hostile_cache_is_an_error_of_one_line_and_no_end_of_the_build(self):
        self.build(APP, "--cache-to", self.cache())
        config = self.config("cache")
        layers = json.loads(self.good.manifest("team/app", "cache"))["layers"]
        for number, change in enumerate((lambda c: c["records"][0]["layers"][0].update(layer=10**9),
                                         lambda c: c["records"][0].update(digest="sha256:../../x"),
                                         lambda c: c["layers"][0]["annotations"].update(diffID="x"),
                                         lambda c: c.update(records={}), lambda c: c.update(layers=[1]))):
            bad = json.loads(json.dumps(config))
            change(bad)
            self.put_cache(f"bad{number}", json.dumps(bad).encode(), layers)
            self.machine(f"bad{number}")
            said, _ = self.build(APP, "--cache-from", self.cache(f"bad{number}"))
            self.assertEqual(self.cached(said), 0)
            self.assertRegex(said, f"(?m)the cache {self.cache(f'bad{number}')} cannot be read, .*: .*$")

    def put_cache(self, tag, config, layers):
        """A cache with this config."""
        self.good.put_blob("team/app", config)
        described = {"mediaType": "application/vnd.buildkit.cacheconfig.v0", "digest": digest(config), "size": len(config)}
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": described,
                    "layers": layers}
        self.good.ask("PUT", f"/v2/team/app/manifests/{tag}", 201, body=json.dumps(manifest).encode(),
                      headers={"Content-Type": manifest["mediaType"]})

    def test_wrong_values_are_usage_errors(self):
        for option, value in (("--cache-from", "type=local,src=x"), ("--cache-from", "type=registry"),
                              ("--cache-from", "type=registry,ref=x/UPPER"), ("--cache-to", "type=registry,ref=x,mode=most"),
                              ("--cache-to", "type=gha"), ("--cache-to", "type=registry,ref=x,nope=1"),
                              ("--cache-to", f"x@sha256:{'0' * 64}"),
                              ("--cache-to", "type=registry,ref=x,compression=xz")):
            said, _ = self.build(APP, option, value, code=2)
            self.assertIn(option, said)
