# SPDX-License-Identifier: Apache-2.0
"""`veneer load` of archives that are damaged or made to do harm: one line that names file and field, the store as before."""

import json
import os
import resource
import subprocess
import tarfile

from support.images import (OCI_INDEX, OCI_MANIFEST, Image, Layout, compress, docker_archive, dump, layer, member, sha, tar,
                            tar_of, write_directory)
from support.stores import StoreCase

BASE = layer(**{"etc/hostname": "base", "usr/bin/tool": "x" * 50_000})
TOP = layer(**{"srv/a": "b", "srv/small": "c" * 3000})


class BadCase(StoreCase):
    def setUp(self):
        super().setUp()
        # Something to be harmed, in the store and beside it.
        path = self.write("good.tar", tar_of(docker_archive((Image(layer(kept="kept")), ["kept:1"]))))
        self.veneer("load", "-i", path)
        self.write("secret", b"secret")

    def bad(self, members, say, *options, encode=tar_of, code=1):
        path = self.write("bad.tar", encode(members))
        self.refused("load", "-i", path, *options, say=rf"\Aveneer: {path}: {say}", code=code)
        done = self.run_on_bytes("load", *options, input=encode(members))
        self.assertEqual(done.returncode, code)
        self.assertRegex(done.stderr.decode(), rf"\Aveneer: standard input: {say}.*\n\Z")


class Docker(BadCase):
    def manifest(self, say, document, more=()):
        members = dict(docker_archive((Image(BASE, TOP), ["a:1"])))
        members["manifest.json"] = document if isinstance(document, bytes) else dump(document)
        self.bad([*members.items(), *more], say)

    def item(self, **fields):
        members = docker_archive((Image(BASE, TOP), ["a:1"]))
        return [{**json.loads(dict(members)["manifest.json"])[0], **fields}]

    def test_the_manifest(self):
        self.manifest(r"manifest.json: not a JSON document: syntax error", b"[{")
        self.manifest(r"manifest.json: not a JSON document: the top is not a list", {})
        self.manifest(r"manifest.json: it lists no image", [])
        self.manifest(r"manifest.json: image 1: not an object", [1])
        self.manifest(r"manifest.json: image 1: \"Config\" is missing", [{}])
        self.manifest(r"manifest.json: image 1: \"Config\" is not a string", [{"Config": 1}])
        self.manifest(r"manifest.json: image 1: \"Layers\" is not a list", self.item(Layers="x"))
        self.manifest(r"manifest.json: image 1: \"RepoTags\": 'A:b' is not an image name", self.item(RepoTags=["A:b"]))
        self.manifest(r"manifest.json: image 1: \"RepoTags\": 'a' is not NAME:TAG", self.item(RepoTags=["a"]))
        self.manifest(r"manifest.json: .*is there twice", b'[{"Config":"a","Config":"b"}]')
        self.manifest(r"manifest.json: .*nested deeper", b"[" * 1000 + b"]" * 1000)
        self.manifest(r"manifest.json: image 1: both an image and an index", self.item(manifests=[]))

    def test_paths_that_escape(self):
        for path in ("../../secret", "/etc/passwd", "a/../../secret"):
            self.manifest(rf"manifest.json: image 1: \"Config\": the name \"{path}\".*leaves? the archive",
                          self.item(Config=path))
            self.manifest(rf"manifest.json: image 1: \"Layers\", item 1: the name \"{path}\".*leaves? the archive",
                          self.item(Layers=[path, path]))
        self.manifest(r"manifest.json: image 1: \"Config\": \"x\" is missing", self.item(Config="x"))
        self.manifest(r"manifest.json: image 1: \"Layers\", item 2: \"x\" is missing",
                      self.item(Layers=[f"{sha(BASE)}.tar", "x"]))
        self.manifest(r"manifest.json: image 1: \"Config\": the name \"a\\(u0000|x00|000|0)", self.item(Config="a\0b"))

    def test_links(self):
        for target, say in (("../../secret", "leaves the archive"), (self.path("secret"), "leaves the archive"),
                            ("link", "leads to itself"), ("nothing", "\"nothing\", which is missing")):
            self.manifest(rf"manifest.json: image 1: \"Layers\", item 1: \"link\" is a link .*{say}"
                          if say != "leads to itself" else r"manifest.json: image 1: .*\"link\" is a link that leads to itself",
                          self.item(Layers=["link", "link"]), more=[("link", target)])
        members = dict(docker_archive((Image(BASE), ["a:1"])))
        link = tar(member(f"{sha(BASE)}.tar", kind=tarfile.LNKTYPE, linkname="../secret"))
        rest = tar_of([(k, v) for k, v in members.items() if not k.endswith(".tar")])
        whole = link[:512] + rest
        self.bad([], r"manifest.json: image 1: \"Layers\", item 1: .*leaves the archive", encode=lambda _: whole)

    def test_layers_and_config_that_do_not_fit(self):
        self.manifest(r"manifest.json: image 1: [0-9a-f]{64}.json: \"diff_ids\" has 2 items, but the image has 1 layers",
                      self.item(Layers=[f"{sha(BASE)}.tar"]))
        swapped = [f"{sha(TOP)}.tar", f"{sha(BASE)}.tar"]
        self.manifest(rf"{sha(TOP)}.tar: its contents have digest sha256:{sha(TOP)} and not sha256:{sha(BASE)}",
                      self.item(Layers=swapped))
        odd = Image(BASE, rootfs={"type": "layers", "diff_ids": ["sha256:../../secret"]})
        self.bad(docker_archive((odd, ["a:1"])), r"manifest.json: image 1: .*json: \"diff_ids\", item 1, is not sha256:")
        for more, say in (({"Labels": [1]}, "Labels"), ({"Volumes": "x"}, "Volumes"), ({"OnBuild": {}}, "OnBuild")):
            self.bad(docker_archive((Image(BASE, config=more), ["a:1"])), rf"manifest.json: image 1: .*json: \"{say}\"")
        self.bad(docker_archive((Image(BASE, created="yesterday"), ["a:1"])), r"manifest.json: image 1: .*\"created\"")

    def test_the_second_image_is_bad(self):
        good, bad = Image(BASE), Image(TOP)
        members = [(k, v if k != f"{sha(TOP)}.tar" else v[:-1024] + b"x" * 1024)
                   for k, v in docker_archive((good, ["good:1"]), (bad, ["bad:1"]))]
        self.bad(members, rf"{sha(TOP)}.tar: .*digest")

    def test_blobs_with_other_contents(self):
        image = Image(BASE)
        digest = image.id.removeprefix("sha256:")
        members = dict(docker_archive((image, ["a:1"]), style="blobs"))
        members[f"blobs/sha256/{digest}"] += b" "
        self.bad(members.items(), r"manifest.json: image 1: \"Config\": blobs/sha256/.* has another digest, sha256:")
        members = dict(docker_archive((image, ["a:1"])))
        members[f"{digest}.json"] += b" "
        self.bad(members.items(), r"manifest.json: image 1: \"Config\": .*json has another digest, sha256:")

    def test_the_archive(self):
        members = docker_archive((Image(BASE), ["a:1"]))
        whole = tar_of(members)
        self.bad([], r"the archive is empty", encode=lambda _: b"")
        self.bad([], r"the archive is empty", encode=lambda _: bytes(10240))
        self.bad([], r"not a tar archive", encode=lambda _: b"x" * 5000)
        self.bad([("etc/passwd", b"root")], r"not an image archive: .*veneer import")
        for size in (700, len(BASE) // 2, len(whole) - 20_000):
            self.bad([], r"(the archive is cut short|damaged|\"?manifest.json\"? is missing|not an image archive)",
                     encode=lambda _, size=size: whole[:size])
        for kind in ("gzip", "xz", "zstd", "bzip2"):
            data = compress(whole, kind)
            self.bad([], r".*(damaged|cut short|truncated)", encode=lambda _, data=data: data[:len(data) * 2 // 3])
        for name in ("../manifest.json", "/../manifest.json", "a/../../x"):
            self.bad([*members, (name, b"x")], r"the name .*leaves? the archive")
        for name in ("/manifest.json", "./manifest.json", "a/../manifest.json"):
            self.bad([*members, (name, b"x")], r"\".*manifest.json\" is in the archive twice")
        self.bad([*members, (members[0][0], b"other")], r"\".*\" is in the archive twice, with different contents")
        self.bad([*members, (members[0][0], "manifest.json")], r"\".*\" is in the archive twice")

    def test_a_manifest_of_a_gigabyte(self):
        """It is refused by its size, before a byte of it is read."""
        path = self.path("huge.tar")
        info = tarfile.TarInfo("manifest.json")
        info.size = 1 << 30
        with open(path, "wb") as file:
            file.write(info.tobuf())
            file.truncate(512 + info.size + 1024)
        self.refused("load", "-i", path, say="\"manifest.json\" has 1073741824 bytes, at most 4194304 are read")
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, 300_000, "kB of the largest process")

    def test_a_file_that_is_not_there(self):
        self.refused("load", "-i", "nothing.tar", say="nothing.tar: No such file", code=3)

    def test_control_characters_do_not_reach_the_terminal(self):
        done = self.run_veneer("load", "-i", self.write("x.tar", tar_of(docker_archive((Image(BASE), ["\x1b[31mred:1"])))))
        self.assertEqual(done.code, 1)
        self.assertNotIn("\x1b", done.err)


class Oci(BadCase):
    def layout(self, say, change, image=None, code=1):
        """A layout whose manifest is changed by a function (which may give its bytes)."""
        layout = Layout()
        descriptor = layout.manifest(image or Image(BASE, TOP), "gzip")
        document = json.loads(layout.blobs.pop(descriptor["digest"].removeprefix("sha256:")))
        data = change(document)
        layout.add(layout.blob(data if isinstance(data, bytes) else dump(document), OCI_MANIFEST), "a:1")
        self.bad(layout.members(), say, code=code)
        directory = write_directory(self.path("layout"), layout.members())
        self.refused("load", "-i", directory, say=say, code=code)
        subprocess.run(["rm", "-r", directory], check=True)

    def test_the_manifest(self):
        where = r"blobs/sha256/[0-9a-f]{64}: "
        self.layout(where + r"both a manifest \(\"layers\"\) and an index", lambda d: d.update(manifests=[]))
        self.layout(where + r"\"mediaType\" says .*index.*, but it is a manifest", lambda d: d.update(mediaType=OCI_INDEX))
        self.layout(where + r"\"schemaVersion\" is not 2", lambda d: d.update(schemaVersion=1))
        self.layout(where + r"\"config\" is missing", lambda d: d.pop("config"))
        self.layout(where + r"\"layers\" is missing", lambda d: d.pop("layers"))
        self.layout(where + r"not a JSON document", lambda d: b"{")
        self.layout(where + r"\"layers\", item 2: \"size\" is not a number of bytes: -5",
                    lambda d: d["layers"][1].update(size=-5))
        self.layout(where + r"\"layers\", item 1: \"size\" is impossible", lambda d: d["layers"][0].update(size=2**62))
        self.layout(where + r"\"layers\", item 1: \"size\" is not a number of bytes", lambda d: d["layers"][0].update(size=1e300))
        self.layout(where + r"\"layers\", item 1: \"size\" is missing", lambda d: d["layers"][0].pop("size"))
        self.layout(where + r"\"layers\", item 1: \"size\" of sha256:.* is 7, but blobs/.* has \d+ bytes",
                    lambda d: d["layers"][0].update(size=7))
        self.layout(where + r"\"layers\", item 1: \"digest\" is not sha256: .*\.\./\.\./secret",
                    lambda d: d["layers"][0].update(digest="sha256:../../secret"))
        self.layout(where + r"\"config\": \"digest\" is not sha256: ", lambda d: d["config"].update(digest="sha512:" + "a" * 128))
        self.layout(where + r"\"layers\", item 2: \"blobs/sha256/a{64}\" is missing",
                    lambda d: d["layers"][1].update(digest="sha256:" + "a" * 64))
        self.layout(where + r"\"layers\", item 1: \"mediaType\" is not that of a layer", lambda d: d["layers"][0].update(mediaType="x/y"))
        self.layout(r".*\"diff_ids\" has 2 items, but the image has 1 layers", lambda d: d["layers"].pop())
        self.layout(r".*\"diff_ids\" has 2 items, but the image has 3 layers", lambda d: d["layers"].append(d["layers"][0]))
        self.layout(r".*its contents have digest", lambda d: d["layers"].reverse())

    def test_blobs_with_other_contents(self):
        """A gzip with the right contents but other bytes is refused too."""
        other = compress(BASE, "gzip")
        other = other[:4] + b"\1\0\0\0" + other[8:]  # another time of modification
        layout = Layout()
        layout.add(layout.manifest(Image(BASE), "gzip"), "a:1")
        digest = sha(compress(BASE, "gzip"))
        layout.blobs[digest] = other
        self.bad(layout.members(), rf"blobs/sha256/{digest} has another digest, sha256:{sha(other)}")
        # Also where the layer is known, so that it would not be read.
        path = self.write("good.tar", tar_of(docker_archive((Image(BASE), ["known:1"]))))
        self.veneer("load", "-i", path)
        self.bad(layout.members(), rf"blobs/sha256/{digest} has another digest, sha256:{sha(other)}")
        self.veneer("rmi", "known:1")
        self.veneer("prune")
        for kind in ("config", "manifest"):
            layout = Layout()
            descriptor = layout.manifest(Image(BASE))
            layout.add(descriptor, "a:1")
            digest = Image(BASE).id.removeprefix("sha256:") if kind == "config" else descriptor["digest"].removeprefix("sha256:")
            layout.blobs[digest] = layout.blobs[digest].replace(b"layers", b"layerz")
            self.bad(layout.members(), rf".*blobs/sha256/{digest} has another digest")

    def test_the_layout(self):
        layout = Layout()
        descriptor = layout.manifest(Image(BASE))
        layout.add(descriptor, "a:1")
        members = dict(layout.members())
        for name, data, say in (("oci-layout", b'{"imageLayoutVersion":"2.0"}', "oci-layout: \"imageLayoutVersion\" is \"2.0\""),
                                ("oci-layout", b"{}", "oci-layout: \"imageLayoutVersion\""),
                                ("index.json", b"[]", "index.json: not a JSON document"),
                                ("index.json", dump({"schemaVersion": 2, "manifests": []}), "index.json: it lists no image"),
                                ("index.json", dump({"manifests": [{}]}), "index.json: \"manifests\", item 1: \"digest\" is missing"),
                                ("index.json", dump({"manifests": [{**descriptor, "size": 3}]}), "index.json: \"size\" of"),
                                ("index.json", dump({"manifests": [{**descriptor, "mediaType": OCI_INDEX}]}),
                                 "blobs/sha256/.*\"mediaType\" says .*index.*, but it is a manifest")):
            self.bad({**members, name: data}.items(), say)
        for name in ("oci-layout", "index.json"):
            self.bad([(k, v) for k, v in members.items() if k != name], f"\"{name}\" is missing")

    def test_indexes_in_indexes(self):
        layout = Layout()
        inner = layout.manifest(Image(BASE))
        for _ in range(10):
            inner = layout.index([inner] * 2)
        layout.add(inner, "a:1")
        self.bad(layout.members(), "blobs/sha256/[0-9a-f]{64}: an index within too many others")
        layout = Layout()
        inner = layout.manifest(Image(BASE))
        for _ in range(4):
            inner = layout.index([inner] * 100)
        layout.add(inner, "a:1")
        self.bad(layout.members(), "(index.json: more than 10000 manifests|its documents are larger)")

    def test_directories_with_links_and_pipes(self):
        layout = Layout()
        layout.add(layout.manifest(Image(BASE)), "a:1")
        digest = sha(BASE)
        outside = self.write("outside.tar", BASE)

        def link(path):
            os.symlink(outside, path)

        for make, say in ((link, "symbolic link"), (os.mkfifo, "not a regular file"), (os.mkdir, "not a regular file")):
            directory = write_directory(self.path("layout"), layout.members())
            path = os.path.join(directory, "blobs/sha256", digest)
            os.unlink(path)
            make(path)
            self.refused("load", "-i", directory, say=say)
            subprocess.run(["rm", "-r", directory], check=True)
        directory = write_directory(self.path("layout"), layout.members())
        os.rename(os.path.join(directory, "blobs"), self.path("blobs"))
        os.symlink(self.path("blobs"), os.path.join(directory, "blobs"))
        self.refused("load", "-i", directory, say="blobs/sha256/.*(Not a directory|symbolic)")

    def test_layers_that_are_no_archives(self):
        """The digests are right: it is the importer that refuses."""
        image = Image(b"no archive" * 200)
        layout = Layout()
        layout.add(layout.manifest(image), "a:1")
        self.bad(layout.members(), "blobs/sha256/[0-9a-f]{64}: .*not a tar archive")
