# SPDX-License-Identifier: Apache-2.0
"""`veneer search`, `tags` and `manifest inspect`: the form of Docker Hub where a registry has it, else the catalogue, by pages."""

import json

from support import proc
from support.engines import DOCKER_CLIENT
from support.fake_registry import FakeRegistry
from support.faulty_proxy import html, says
from support.images import DOCKER_LIST, Layout
from support.registry_case import PullCase, published, sample


class Search(PullCase):
    def setUp(self):
        super().setUp()
        self.hub = self.started(FakeRegistry())
        self.hub.results = [
            {"name": "bitnami/app", "description": "", "star_count": 30, "is_official": False, "is_automated": False},
            {"name": "app", "description": "An app " * 10, "star_count": 300, "is_official": True, "is_automated": False},
            {"name": "me/app", "description": "Mine", "star_count": 0, "is_official": False, "is_automated": True}]

    def rows(self, *arguments):
        """The lines of `search` as words, without the head."""
        head, *lines = self.veneer("search", *arguments).splitlines()
        self.assertEqual(head.split(), ["NAME", "DESCRIPTION", "STARS", "OFFICIAL"])
        return [line.split() for line in lines]

    def test_most_stars_first_and_descriptions_are_cut(self):
        output = self.veneer("search", f"{self.hub.host}/app").splitlines()
        self.assertRegex(output[0], r"\ANAME +DESCRIPTION +STARS +OFFICIAL\Z")
        self.assertRegex(output[1], r"\Aapp +An app An app An app An app An app An app An… +300 +\[OK\]\Z")
        self.assertRegex(output[2], r"\Abitnami/app +30 *\Z")
        self.assertRegex(output[3], r"\Ame/app +Mine +0 *\Z")

    def test_options(self):
        term = f"{self.hub.host}/app"
        self.assertIn("An app " * 9 + "An app", self.veneer("search", "--no-trunc", term))
        self.assertEqual([row[0] for row in self.rows("--filter", "stars=30", term)], ["app", "bitnami/app"])
        self.assertEqual([row[0] for row in self.rows("--filter", "is-official=true", term)], ["app"])
        self.assertEqual([row[0] for row in self.rows("--filter", "is-official=false", term)], ["bitnami/app", "me/app"])
        self.assertEqual(self.veneer("search", "--format", "{{.Name}} {{.StarCount}} {{.IsOfficial}}", term),
                         "app 300 [OK]\nbitnami/app 30 \nme/app 0 \n")
        self.hub.forget()
        self.rows("--limit", "2", term)
        self.assertEqual(self.hub.requests("/v1/search")[0].query["n"], ["2"])
        for limit in ("0", "101", "x"):
            self.refused("search", "--limit", limit, term, code=2)
        self.refused("search", "--filter", "colour=red", term, code=2)
        self.refused("search", code=2)

    def test_nothing_found(self):
        self.assertEqual(self.rows(f"{self.hub.host}/zzz"), [])

    def test_the_catalogue_where_there_is_no_search(self):
        for name in ("team/app", "app", "other/thing"):
            published(self.good, sample(1), name)
        self.assertEqual([row[0] for row in self.rows(self.name("app"))], ["app", "team/app"])
        self.assertEqual(len(self.rows("--limit", "1", self.name("app"))), 1)

    def test_a_catalogue_of_smaller_pages_than_are_asked_for(self):
        published(self.good, sample(1), "team/app")

        def small(proxy, exchange):
            return says(400)(proxy, exchange) if "n" in exchange.query else proxy.ask(exchange)
        self.between.fault(small, path="/_catalog")
        self.assertEqual([row[0] for row in self.rows(self.name("app"))], ["team/app"])

    def test_a_catalogue_of_many_pages(self):
        layout = Layout()
        descriptor = layout.manifest(sample(1, 10), "gzip")
        for number in range(120):
            self.good.put(layout, descriptor, f"many/app{number:03}", "1")
        self.assertEqual(self.rows("--limit", "100", self.name("app11")), [[f"many/app{number}", "0"] for number in range(110, 120)])

    def test_no_registry_and_no_answer(self):
        self.failed("search", "127.0.0.1:1/app", say="127.0.0.1:1")
        self.between.fault(html())
        self.failed("search", self.name("app"), say=".")


class Tags(PullCase):
    def test_all_tags_of_a_repository(self):
        layout = Layout()
        descriptor = layout.manifest(sample(1, 10), "gzip")
        tags = sorted(f"v{number}" for number in range(150))
        for tag in tags:
            self.good.put(layout, descriptor, "team/app", tag)
        self.assertEqual(sorted(self.veneer("tags", self.name("team/app")).split()), tags)

    def test_pages_by_link(self):
        pages = {"/v2/app/tags/list": (["1", "2"], "/v2/app/tags/list?last=2&n=2"), "last=2": (["3"], None)}

        def paged(_, exchange):
            tags, link = pages["last=2" if "last" in exchange.query else exchange.path]
            headers = [("Link", f'<{link}>; rel="next"')] if link else []
            return says(200, json.dumps({"name": "app", "tags": tags}).encode(), headers=headers)(_, exchange)
        self.between.fault(paged, path="/tags/list")
        self.assertEqual(self.veneer("tags", self.name("app")), "1\n2\n3\n")

    def test_links_that_lead_elsewhere_or_nowhere(self):
        other = self.started(FakeRegistry())
        body = json.dumps({"name": "app", "tags": ["1"]}).encode()
        for link in (f"{other.url}/v2/app/tags/list", "file:///etc/passwd"):
            self.between.heal()
            self.between.fault(says(200, body, headers=[("Link", f'<{link}>; rel="next"')]), path="/tags/list")
            self.run_veneer("tags", self.name("app"))
        self.assertEqual(other.seen, [])
        self.between.heal()
        self.between.fault(says(200, body, headers=[("Link", '</v2/app/tags/list?last=1>; rel="next"')]), path="/tags/list")
        self.failed("tags", self.name("app"))

    def test_lists_that_are_none(self):
        for body in (b"<html></html>", b"[]", b'{"tags":5}', b'{"tags":[1]}', b'{"tags":{}}', b"", b"{" * 1000,
                     b'{"tags":["' + b"x" * 10_000_000 + b'"]}'):
            self.between.heal()
            self.between.fault(says(200, body), path="/tags/list")
            self.failed("tags", "--retry", "0", self.name("app"), say=".")

    def test_a_list_without_end(self):
        numbers = iter(range(1 << 30))

        def endless(_, exchange):
            link = f'</v2/app/tags/list?last={next(numbers)}>; rel="next"'
            return says(200, json.dumps({"name": "app", "tags": ["x" * 100] * 5000}).encode(), headers=[("Link", link)])(_, exchange)
        self.between.fault(endless, path="/tags/list")
        self.failed("tags", self.name("app"), say="does not end")
        self.assertLess(self.between.count("/tags/list"), 1001)
        self.assertEqual(self.veneer("tags", "--limit", "2", self.name("app")), ("x" * 100 + "\n") * 2)

    def test_formats(self):
        published(self.good, sample(1, 10), "team/app", "1")
        name = self.name("team/app")
        self.assertEqual(self.veneer("tags", "--format", "{{.Repository}}:{{.Tag}}", name), f"{name}:1\n")
        self.assertRegex(self.veneer("tags", "--format", "table", name), r"\AREPOSITORY +TAG\n\S+ +1\n\Z")
        for limit in ("0", "-1", "x"):
            self.refused("tags", "--limit", limit, name, code=2)
        self.refused("tags", f"{name}:1", code=2)

    def test_what_is_not_there(self):
        self.failed("tags", self.name("none"), code=3, say="none")
        self.refused("tags", code=2)

    def test_names_that_no_terminal_should_see(self):
        self.between.fault(says(200, json.dumps({"name": "app", "tags": ["1", "\x1b[31mred"]}).encode()), path="/tags/list")
        done = self.run_veneer("tags", self.name("app"))
        self.assertNotIn("\x1b", done.out + done.err)


class ManifestInspect(PullCase):
    def test_it_shows_the_document_and_fetches_no_layer(self):
        layout, image = Layout(), sample(1)
        one = layout.manifest(image, "gzip", platform=image.platform)
        index = layout.index([one])
        self.good.put(layout, index, "app", "1")
        self.assertEqual(json.loads(self.veneer("manifest", "inspect", self.name("app", "1"))),
                         json.loads(self.good.manifest("app", "1")))
        self.assertEqual(json.loads(self.veneer("manifest", "inspect", f"{self.name('app')}@{one['digest']}")),
                         json.loads(self.good.manifest("app", one["digest"])))
        self.assertEqual(self.between.count("/blobs/"), 0)
        self.assertEqual(self.files(), self.before)

    def test_verbose_says_what_it_is(self):
        name, _ = published(self.good, sample(1), "app", "1")
        found = json.loads(self.veneer("manifest", "inspect", "-v", self.name("app", "1")))
        self.assertEqual((found["Ref"], found["Descriptor"]["digest"]), (self.name("app", "1"), name))
        self.assertEqual(found["Descriptor"]["platform"], {"architecture": "amd64", "os": "linux"})
        self.assertEqual(found["OCIManifest"], json.loads(self.good.manifest("app", "1")))

    def test_it_is_what_the_docker_client_shows(self):
        layout, image = Layout(), sample(1)
        one = layout.manifest(image, "gzip", True, platform=image.platform)
        self.good.put(layout, layout.index([one], kind=DOCKER_LIST), "index", "1")
        published(self.good, image, "app", "1", docker=True)
        for name in (f"{self.good.host}/app:1", f"{self.good.host}/index:1"):
            for option in ([], ["-v"]):
                theirs = proc.run([DOCKER_CLIENT, "manifest", "inspect", "--insecure", *option, name], check=True,
                                  env={**self.environment, "DOCKER_CLI_EXPERIMENTAL": "enabled"}).out
                ours = self.veneer("manifest", "inspect", *option, name)
                if not option and name.startswith(f"{self.good.host}/app"):
                    self.assertEqual(ours, theirs)
                self.assertEqual(ours[:5], theirs[:5])
                # The client of Debian 12 has no "Raw".
                found = [json.loads(text, object_hook=lambda one: {**one, "Raw": ""}) for text in (ours, theirs)]
                self.assertEqual(*found)

    def test_what_is_not_there(self):
        self.failed("manifest", "inspect", self.name("none", "1"), code=3, say="none:1")
