# SPDX-License-Identifier: Apache-2.0
"""A registry that gives out whatever it was told to, as no honest registry would; and the search of Docker Hub's form."""

import json
import re

from support import web
from support.files import digest


class FakeRegistry(web.Server):
    """Gives manifests and blobs unchecked; nothing can be pushed. `challenge`: its WWW-Authenticate, for all that come without
    Authorization."""

    def __init__(self, *, challenge=None, **more):
        super().__init__(**more)
        self.challenge = challenge
        self.manifests = {}  # (repository, tag or digest) to (media type, bytes)
        self.blobs = {}  # digest to bytes
        self.results = None  # of a search: a list as Docker Hub gives it; None: there is no search

    def put(self, layout, descriptor, repository, tag):
        """Takes an image, or an index with all its images, of a Layout (support/images.py); its digest."""
        self.blobs.update({f"sha256:{name}": data for name, data in layout.blobs.items()})
        self._put_manifest(layout, descriptor, repository)
        self.manifests[repository, tag] = self.manifests[repository, descriptor["digest"]]
        return descriptor["digest"]

    def _put_manifest(self, layout, descriptor, repository):
        data = layout.blobs[descriptor["digest"].removeprefix("sha256:")]
        for child in json.loads(data).get("manifests", []):
            self._put_manifest(layout, child, repository)
        self.manifests[repository, descriptor["digest"]] = (descriptor["mediaType"], data)

    def put_manifest(self, repository, tag, kind, data):
        """Takes any bytes as a manifest, by a tag and by their digest, which it gives."""
        self.manifests[repository, tag] = self.manifests[repository, digest(data)] = (kind, data)
        return digest(data)

    def answer(self, exchange):
        if self.challenge and "Authorization" not in exchange.headers:
            return exchange.reply(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}',
                                  headers=[("WWW-Authenticate", self.challenge)])
        if exchange.path == "/v2/":
            return exchange.reply(200, b"{}")
        if exchange.path == "/v1/search" and self.results is not None:
            return self._search(exchange)
        found = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", exchange.path)
        if found and found[2] == "manifests" and (found[1], found[3]) in self.manifests:
            kind, data = self.manifests[found[1], found[3]]
            return exchange.reply(200, data, kind, [("Docker-Content-Digest", digest(data))])
        if found and found[3] in self.blobs:
            return self._blob(exchange, self.blobs[found[3]])
        return exchange.reply(404, b'{"errors":[{"code":"NAME_UNKNOWN","message":"not known to the test"}]}')

    @staticmethod
    def _blob(exchange, data):
        part = re.fullmatch(r"bytes=(\d+)-(\d*)", exchange.headers.get("Range", ""))
        if not part:
            return exchange.reply(200, data, "application/octet-stream", [("Accept-Ranges", "bytes")])
        start, end = int(part[1]), int(part[2] or len(data) - 1)
        if start >= len(data):
            return exchange.reply(416, b"", "text/plain", [("Content-Range", f"bytes */{len(data)}")])
        return exchange.reply(206, data[start:end + 1], "application/octet-stream",
                              [("Content-Range", f"bytes {start}-{min(end, len(data) - 1)}/{len(data)}")])

    def _search(self, exchange):
        term = exchange.query.get("q", [""])[0]
        count = int(exchange.query.get("n", ["25"])[0])
        found = [one for one in self.results if term in one["name"] or term in one["description"]]
        return exchange.reply(200, json.dumps({"query": term, "num_results": len(found), "num_pages": 1, "page": 1,
                                               "page_size": count, "results": found[:count]}).encode())
