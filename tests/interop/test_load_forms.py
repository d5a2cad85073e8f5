# SPDX-License-Identifier: Apache-2.0
"""`veneer load` and `import` of valid but unusual archives: what Docker, podman, skopeo or umoci load is loaded, with the same
tree and the same id."""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import tarfile

from support import proc, tree
from support.files import read, write
from support.images import (OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, Image, Layout, docker_archive, dump, layer, member, tar, tar_of,
                            write_directory)
from support.stores import StoreCase

EMPTY_CONFIG = "application/vnd.oci.empty.v1+json"


def marks(*names, **files):
    """The tar of a layer with empty files of these names, and files with contents."""
    return tar(*map(member, names), *(member(name, data) for name, data in files.items()))


class FormsCase(StoreCase):
    def load(self, members, *lines):
        write(self.path("archive.tar"), tar_of(members))
        self.assertEqual(self.veneer("load", "-qi", "archive.tar").splitlines(), list(lines))

    def load_image(self, image, name="x:1"):
        """Loads a docker archive of an image; its id is the image's."""
        self.load(docker_archive((image, [name])), f"Loaded image: {name}")
        self.assertEqual(json.loads(self.veneer("inspect", name))[0]["Id"], image.id)

    def names_of(self, name):
        return {path.decode() for path in self.tree_of(name)} - {"."}


class Histories(FormsCase):
    def history(self, *items):
        image = Image(layer(a="a"), layer(b="b"), history=list(items))
        self.load_image(image)
        return [line.split("\t") for line in self.veneer(
            "history", "--no-trunc", "--format", "{{.CreatedBy}}\t{{.DiffID}}", "x:1").splitlines()], image.document[
                "rootfs"]["diff_ids"]

    def test_one_that_is_too_short_belongs_to_the_lowest_layers(self):
        lines, (lower, upper) = self.history({"created_by": "base"})
        self.assertEqual(lines, [["", upper], ["base", lower]])

    def test_one_that_is_too_long_belongs_to_the_lowest_layers(self):
        lines, (lower, upper) = self.history({"created_by": "a"}, {"created_by": "b"}, {"created_by": "c"})
        self.assertEqual(lines, [["c", ""], ["b", upper], ["a", lower]])

    def test_a_commit_on_top_counts_the_layers(self):
        for items in ([{"created_by": "a"}], [{"created_by": n} for n in "abc"], []):
            with self.subTest(items=items):
                self.load_image(Image(layer(a="a"), layer(b="b"), history=items))
                point = self.veneer("mount", "-n", "c", "x:1").strip()
                write(os.path.join(point, "new"), b"new")
                self.veneer("commit", "-m", "mine", "c", "y:1")
                self.veneer("umount", "c")
                self.veneer("rm", "c")
                told = [item for item in json.loads(read(self.config_of("y:1")))["history"] if not item.get("empty_layer")]
                self.assertEqual([item.get("comment", "") for item in told], ["", "", "mine"])
                lines = self.veneer("history", "--no-trunc", "--format", "{{.Comment}} {{.DiffID}}", "y:1").splitlines()
                self.assertRegex(lines[0], "^mine sha256:")
                self.veneer("rmi", "y:1", "x:1")


class Marks(FormsCase):
    BASE = {"keep": b"k", "test/x": b"x", "test/s/y": b"y"}

    def merged(self, *names, **files):
        self.load_image(Image(marks(**self.BASE), marks(*names, **files)))
        found = self.names_of("x:1")
        self.veneer("rmi", "x:1")
        return found

    def test_a_whiteout_does_not_bring_the_directory_back_that_it_is_in(self):
        for inside in ("test/.wh.x", "test/s/.wh.y", "test/.wh..wh..opq"):
            for names in ((".wh.test", inside), (inside, ".wh.test")):
                with self.subTest(names=names):
                    self.assertEqual(self.merged(*names), {"keep"})

    def test_what_is_beside_the_whiteout_stays(self):
        self.assertEqual(self.merged(".wh.test", "test/.wh.x", **{"test/new": b"n"}), {"keep", "test", "test/new"})

    def test_a_mark_in_a_directory_that_is_nowhere_adds_nothing(self):
        for name in ("none/.wh.x", "none/.wh..wh..opq", "none/deep/.wh.x", "keep/.wh.x", "keep/.wh..wh..opq"):
            with self.subTest(name=name):
                self.assertEqual(self.merged(name), {"keep", "test", "test/x", "test/s", "test/s/y"})

    def test_an_opaque_mark_leaves_the_directory_as_it_was(self):
        base = tar(member("tmp", kind=tarfile.DIRTYPE, mode=0o1777, mtime=1000, uid=7), member("tmp/f", b"f"))
        self.load_image(Image(base, marks("tmp/.wh..wh..opq")))
        found = self.tree_of("x:1")
        self.assertEqual(set(found), {b".", b"tmp"})
        self.assertEqual((found[b"tmp"]["mode"], found[b"tmp"]["uid"], found[b"tmp"]["mtime"]), (0o1777, 7, 1000 * 10**9))


class Attributes(FormsCase):
    def test_the_mode_of_a_symbolic_link_is_that_of_linux(self):
        os.symlink("t", self.path("l"))
        proc.run(["tar", "--mode=4755", "-C", self.dir, "-cf", self.path("a.tar"), "l"], check=True)
        self.veneer("import", "-q", "a.tar", "sl:1")
        self.assertEqual(self.tree_of("sl:1")[b"l"]["mode"], 0o777)
        # The layer keeps its bytes.
        self.assertEqual(self.layer_tar("sl:1"), read(self.path("a.tar")))

    def test_an_acl_in_two_forms_is_one_and_keeps_ids_without_names(self):
        for name, entry in (("f", "u:1234:rw"), ("g", "u:games:rw"), ("d", "d:u:games:rwx")):
            if name == "d":
                os.mkdir(self.path(name))
            else:
                write(self.path(name), b"x")
            proc.run(["setfacl", "-m", entry, self.path(name)], check=True)
        proc.run(["tar", "--acls", "--xattrs", "--xattrs-include=*", "--format=pax", "-C", self.dir, "-cf",
                  self.path("a.tar"), "f", "g", "d"], check=True)
        self.veneer("import", "-q", "a.tar", "acl:1")  # no warning
        found = self.tree_of("acl:1")
        point = self.veneer("mount", "-r", "-n", "names", "acl:1").strip()
        for name in ("f", "g", "d"):
            self.assertEqual(found[name.encode()]["xattrs"], tree.xattrs(self.path(name)), name)
            listed = os.listxattr(os.path.join(point, name))
            self.assertEqual(sorted(listed), sorted(set(listed)))
        self.veneer("umount", "names")

    def test_attributes_that_linux_keeps_for_no_such_object_are_left_out(self):
        attributes = {"SCHILY.xattr.user.x": "y", "SCHILY.acl.access": "user::rw-,user:7:rw-,group::r--,mask::rw-,other::r--"}
        self.write("a.tar", tar(member("l", kind=tarfile.SYMTYPE, linkname="t", pax_headers=attributes),
                                member("p", kind=tarfile.FIFOTYPE, pax_headers=attributes)))
        self.veneer("import", "-q", "a.tar", "odd:1")
        found = self.tree_of("odd:1")
        self.assertEqual(found[b"l"]["xattrs"], {})
        self.assertEqual(set(found[b"p"]["xattrs"]), {"system.posix_acl_access"})


class NoLayers(FormsCase):
    def test_every_command_takes_an_image_without_layers(self):
        image = Image()
        self.load_image(image, "none:1")
        self.assertEqual(self.names_of("none:1"), set())
        self.assertEqual(self.veneer("history", "-q", "none:1"), "")
        self.assertIn("none:1", self.veneer("images", "--tree"))
        self.assertIn("none", self.veneer("system", "df", "-v"))
        self.assertEqual(json.loads(self.veneer("inspect", "none:1"))[0]["RootFS"]["Layers"], [])
        self.veneer("layer", "ls", "none:1")
        done = self.run_on_bytes("layer", "tar", "none:1")
        self.assertEqual((done.returncode, done.stderr), (3, b"veneer: none:1 has no layers\n"))
        self.load_image(Image(layer(a="a")), "one:1")
        self.assertEqual(self.veneer("diff", "none:1", "one:1"), "A /a\n")
        point = self.veneer("mount", "-n", "c", "none:1").strip()
        self.assertEqual(self.veneer("ps", "-aq", "--filter", "ancestor=none:1"), "c\n")
        write(os.path.join(point, "new"), b"new")
        self.assertTrue(any(line.startswith("A /new") for line in self.diff("c")), self.diff("c"))
        committed = self.veneer("commit", "c", "more:1").strip()
        self.assertEqual(self.names_of("more:1"), {"new"})
        self.veneer("export", "-o", "c.tar", "c")
        with tarfile.open(self.path("c.tar")) as tar:
            self.assertIn("new", [name.removeprefix("./") for name in tar.getnames()])
        self.veneer("umount", "c")
        self.veneer("fsck")
        self.veneer("rm", "c")
        self.assertEqual(json.loads(read(self.config_of("more:1")))["rootfs"]["diff_ids"][1:], [])
        for kind in ("docker-archive", "oci-archive", "oci-dir"):
            with self.subTest(kind):
                self.veneer("save", "--format", kind, "-o", kind, "none:1", "more:1")
                other = {"environment": {"VENEER_ROOT": self.path("other-" + kind)}}
                self.assertEqual(set(self.veneer("load", "-qi", kind, **other).splitlines()),
                                 {"Loaded image: none:1", "Loaded image: more:1"})
                ids = self.veneer("images", "-q", "--no-trunc", **other).split()
                self.assertEqual(set(ids), {image.id, committed})
        self.veneer("rmi", "more:1", "none:1", "one:1")
        self.veneer("prune")
        self.assertEqual(self.veneer("images", "-q"), "")


class Artifacts(FormsCase):
    def layout(self):
        """A layout with one image, to which artifacts are added; and the image."""
        layout, image = Layout(), Image(layer(a="a"))
        layout.add(layout.manifest(image, "gzip"), "img:1")
        return layout, image

    def manifest(self, layout, config_type, layer_type, **more):
        config = layout.blob(b"{}", config_type)
        layers = [layout.blob(b"signature", layer_type)]
        return layout.blob(dump({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers, **more}),
                           OCI_MANIFEST)

    def check(self, layout, image):
        for source in (self.directory(layout), self.archive(layout)):
            self.assertEqual(self.veneer("load", "-qi", source), "Loaded image: img:1\n")
            self.assertEqual(json.loads(self.veneer("inspect", "img:1"))[0]["Id"], image.id)
            self.veneer("rmi", "img:1")

    def directory(self, layout):
        shutil.rmtree(self.path("lay"), ignore_errors=True)
        return write_directory(self.path("lay"), layout.members())

    def archive(self, layout):
        write(self.path("lay.tar"), tar_of(layout.members()))
        return "lay.tar"

    def test_what_is_no_image_is_passed_over(self):
        subject = {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "0" * 64, "size": 7}
        cosign = "application/vnd.dev.cosign.simplesigning.v1+json"
        image_config = "application/vnd.oci.image.config.v1+json"
        for config, kind, more in ((EMPTY_CONFIG, "application/spdx+json", {"artifactType": "application/spdx+json",
                                                                           "subject": subject}),
                                   (EMPTY_CONFIG, EMPTY_CONFIG, {}),
                                   ("application/vnd.cncf.helm.config.v1+json", "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
                                    {}),
                                   (image_config, cosign, {}),
                                   (image_config, "application/vnd.oci.image.layer.v1.tar", {"subject": subject})):
            with self.subTest(config=config, kind=kind, more=more):
                layout, image = self.layout()
                layout.add(self.manifest(layout, config, kind, **more))
                layout.add(self.manifest(layout, config, kind, annotations={"n": "2"}, **more), "sha256-abc.sig")
                self.check(layout, image)

    def test_an_attestation_in_a_nested_index_without_platform(self):
        layout, image = Layout(), Image(layer(a="a"))
        attestation = self.manifest(layout, "application/vnd.oci.image.config.v1+json", "application/vnd.in-toto+json")
        layout.add(layout.index([layout.manifest(image), attestation]), "img:1")
        self.check(layout, image)

    def test_artifacts_alone_are_an_error_that_says_what_they_are(self):
        layout = Layout()
        layout.add(self.manifest(layout, "application/vnd.cncf.helm.config.v1+json", "application/x"), "chart:1")
        self.refused("load", "-i", self.directory(layout), code=1,
                     say=r'blobs/sha256/[0-9a-f]{64}: "config": "mediaType" is not .*helm.*: an artifact, and .* no image')


class Digests(FormsCase):
    def test_blobs_by_sha512(self):
        tar, image = layer(a="a"), Image(layer(a="a"))
        blobs = {}

        def blob(data, kind):
            algorithm = "sha256" if kind == OCI_CONFIG else "sha512"  # the id of an image is one
            digest = hashlib.new(algorithm, data).hexdigest()
            blobs[f"blobs/{algorithm}/{digest}"] = data
            return {"mediaType": kind, "digest": f"{algorithm}:{digest}", "size": len(data)}

        manifest = blob(dump({"schemaVersion": 2, "config": blob(image.config, OCI_CONFIG),
                              "layers": [blob(gzip.compress(tar), OCI_LAYER + "+gzip")]}), OCI_MANIFEST)
        index = dump({"schemaVersion": 2, "manifests": [{**manifest, "annotations": {"org.opencontainers.image.ref.name": "x:1"}}]})
        members = [("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", index), *blobs.items()]
        self.load(members, "Loaded image: x:1")
        self.assertEqual(json.loads(self.veneer("inspect", "x:1"))[0]["Id"], image.id)
        self.veneer("rmi", "x:1")
        self.veneer("prune")
        name = next(name for name, data in blobs.items() if data[:2] == b"\x1f\x8b")
        damaged = [(one, data[:-1] + b"x" if one == name else data) for one, data in members]
        write(self.path("bad.tar"), tar_of(damaged))
        self.refused("load", "-i", "bad.tar", code=1, say="has another digest, sha512:|damaged")


class Links(FormsCase):
    def both(self, directory, name="img:1"):
        """The directory and the archive of it are loaded alike."""
        proc.run(["tar", "-C", directory, "-cf", self.path("lay.tar"), "."], check=True)
        for source in (directory, "lay.tar"):
            self.assertEqual(self.veneer("load", "-qi", source), f"Loaded image: {name}\n", source)
            self.veneer("rmi", name)
            self.veneer("prune")

    def layout(self):
        layout = Layout()
        layout.add(layout.manifest(Image(layer(a="a"), layer(b="b" * 9000)), "gzip"), "img:1")
        return write_directory(self.path("lay"), layout.members())

    def test_blobs_that_are_links_to_files(self):
        lay = self.layout()
        blobs = os.path.join(lay, "blobs")
        for number, name in enumerate(os.listdir(os.path.join(blobs, "sha256"))):
            os.rename(os.path.join(blobs, "sha256", name), os.path.join(blobs, f"part{number}"))
            os.symlink(f"../part{number}", os.path.join(blobs, "sha256", name))
        self.both(lay)

    def test_directories_that_are_links_and_links_to_links(self):
        lay = self.layout()
        os.rename(os.path.join(lay, "blobs"), os.path.join(lay, "real"))
        os.symlink("middle", os.path.join(lay, "blobs"))
        os.symlink("./real/../real", os.path.join(lay, "middle"))
        os.rename(os.path.join(lay, "index.json"), os.path.join(lay, "real", "index"))
        os.symlink("blobs/index", os.path.join(lay, "index.json"))
        self.both(lay)

    def test_a_link_that_leads_out_is_refused(self):
        for target, say in (("../../secret", "leaves the archive"), ("/etc/passwd", "leaves the archive"),
                            ("index.json", "leads to itself"), ("none", "\"none\", which is missing")):
            with self.subTest(target=target):
                lay = self.layout()
                os.unlink(os.path.join(lay, "index.json"))
                os.symlink(target, os.path.join(lay, "index.json"))
                proc.run(["tar", "-C", lay, "-cf", self.path("lay.tar"), "."], check=True)
                for source in (lay, "lay.tar"):
                    self.refused("load", "-i", source, code=1, say=f'"index.json" is a link .*{say}')
                shutil.rmtree(lay)


class Members(FormsCase):
    def test_names_that_are_absolute_or_climb_inside(self):
        image = Image(layer(a="a"))
        members = docker_archive((image, ["x:1"]))
        self.load([("/" + name, what) for name, what in members], "Loaded image: x:1")
        self.load([("d/../" + name, what) for name, what in members], "Loaded image: x:1")

    def test_a_layer_of_no_bytes_is_an_empty_layer(self):
        image = Image(layer(a="a"), b"")
        self.load_image(image)
        self.assertEqual(self.names_of("x:1"), {"a"})


class Compressions(FormsCase):
    def test_a_zstd_window_of_half_a_gigabyte(self):
        tar = layer(a="a" * 3000, b="b" * 70_000)
        for window in (27, 28, 29):
            # From a pipe, so that the window is not cut to the size.
            done = subprocess.run(["zstd", "-q", f"--long={window}", "-c"], input=tar, stdout=subprocess.PIPE, check=True)
            write(self.path("a.tar.zst"), done.stdout)
            self.veneer("import", "-q", "a.tar.zst", f"window:{window}")
        done = subprocess.run(["zstd", "-q", "--ultra", "--long=30", "-c"], input=tar, stdout=subprocess.PIPE, check=True)
        write(self.path("a.tar.zst"), done.stdout)
        self.refused("import", "a.tar.zst", "no:1", code=1, say="zstd window of 1024 MiB; at most 512 MiB")

    def test_zstd_in_several_frames_and_cut_short(self):
        tar = layer(a="a" * 300_000)
        parts = [subprocess.run(["zstd", "-q", "-c"], input=part, stdout=subprocess.PIPE, check=True).stdout
                 for part in (tar[:1000], tar[1000:])]
        skipped = b"\x5a\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"
        write(self.path("a.tar.zst"), skipped + parts[0] + skipped + parts[1] + skipped)
        self.veneer("import", "-q", "a.tar.zst", "frames:1")
        self.assertEqual(self.names_of("frames:1"), {"a"})
        write(self.path("a.tar.zst"), parts[0] + parts[1][:-3])
        self.refused("import", "a.tar.zst", "no:1", code=1, say="cut short|damaged")
