# SPDX-License-Identifier: Apache-2.0
"""`veneer load` of archives of every kind and age, made by hand: names, ids, layers, platforms."""

import json
import os
import platform
import pty
import signal
import subprocess
import time

from support.files import digest
from support.images import (DOCKER_LIST, Image, Layout, compress, docker_archive, dump, layer, legacy_archive, sha, tar_of,
                            write_directory)
from support.stores import StoreCase

BASE = layer(**{"etc/hostname": "base", "usr/bin/tool": "x" * 5000})
MIDDLE = layer(**{"etc/hostname": "middle", "big": "y" * 100_000})
TOP = layer(**{"etc/.wh.hostname": "", "srv/a": "b"})
HOST = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
OTHER = "s390x" if HOST != "s390x" else "amd64"


class Load(StoreCase):
    def loads(self, members, expected, *options, encode=tar_of):
        """An archive of these members is loaded with exactly these lines, but for names that move; its path."""
        path = self.write("archive.tar", encode(members))
        lines = self.veneer("load", "-i", path, *options).splitlines()
        if not any(line.startswith("The image ") for line in expected):
            lines = [line for line in lines if not line.startswith("The image ")]
        self.assertEqual(lines, expected)
        return path

    def has(self, name, image):
        """The store has the image under this name: same id, same bytes of config and of every layer."""
        self.assertEqual(self.images()[name], image.id)
        self.assertEqual(self.config(image.id), image.document)
        for number, tar in enumerate(image.layers, 1):
            self.assertEqual(self.layer_tar(name, number), tar)


class Docker(Load):
    def test_every_way_to_name_the_layers(self):
        image = Image(BASE, MIDDLE, TOP)
        for style in ("hex", "folders", "blobs"):
            with self.subTest(style):
                self.loads(docker_archive((image, [f"app/{style}:1"]), style=style), [f"Loaded image: app/{style}:1"])
                self.has(f"app/{style}:1", image)

    def test_several_images_share_layers_and_names(self):
        one, two, three = Image(BASE), Image(BASE, TOP), Image(BASE, MIDDLE)
        members = docker_archive((one, ["one:1", "docker.io/library/one:latest"]), (two, ["host:5000/two:x"]),
                                 (three, None), style="folders")
        self.assertTrue(any(isinstance(what, str) for _, what in members), "no link in the archive")
        self.loads(members, ["Loaded image: one:1", "Loaded image: one:latest", "Loaded image: host:5000/two:x",
                             f"Loaded image ID: {three.id}"])
        self.has("one:1", one)
        self.has("one:latest", one)
        self.has("host:5000/two:x", two)
        self.assertIn(three.id, self.veneer("images", "--no-trunc", "-q").split())

    def test_thirty_names(self):
        names = [f"app:{i}" for i in range(30)]
        self.loads(docker_archive((Image(BASE), names)), [f"Loaded image: {name}" for name in names])
        self.assertEqual(sorted(self.images()), sorted(names))

    def test_two_hundred_layers_some_of_them_empty(self):
        tars = [layer() if i % 7 == 3 else layer(**{f"f{i}": str(i)}) for i in range(200)]
        image = Image(*tars)
        self.loads(docker_archive((image, ["many:1"])), ["Loaded image: many:1"])
        self.has("many:1", image)

    def test_an_image_of_one_empty_layer(self):
        image = Image(layer())
        self.loads(docker_archive((image, ["empty:1"])), ["Loaded image: empty:1"])
        self.has("empty:1", image)

    def test_compressed_layers(self):
        image = Image(BASE, TOP)
        members = [(name, compress(what, "gzip") if name.endswith(".tar") else what)
                   for name, what in docker_archive((image, ["gz:1"]))]
        self.loads(members, ["Loaded image: gz:1"])
        self.has("gz:1", image)

    def test_members_in_any_order_with_dots_and_folders(self):
        image = Image(BASE, TOP)
        members = [("./" + name, what) for name, what in reversed(docker_archive((image, ["dots:1"])))]
        self.loads(members, ["Loaded image: dots:1"])
        self.has("dots:1", image)

    def test_a_member_twice_with_the_same_contents(self):
        members = docker_archive((Image(BASE), ["twice:1"]))
        self.loads([*members, *members], ["Loaded image: twice:1"])

    def test_the_outer_archive_compressed(self):
        image = Image(BASE, TOP)
        for kind in ("gzip", "bzip2", "xz", "zstd"):
            with self.subTest(kind):
                self.loads(docker_archive((image, [f"{kind}:1"])), [f"Loaded image: {kind}:1"],
                           encode=lambda members, kind=kind: compress(tar_of(members), kind))
                self.has(f"{kind}:1", image)

    def test_standard_input_as_a_file_and_as_a_pipe(self):
        image = Image(BASE, TOP)
        path = self.write("a.tar", tar_of(docker_archive((image, ["in:1"]))))
        for arguments in ([], ["-i", "-"]):
            with open(path, "rb") as file:
                done = self.run_on_bytes("load", *arguments, stdin=file)
            self.assertEqual(done.stdout, b"Loaded image: in:1\n")
            self.veneer("rmi", "in:1")
        with open(path, "rb") as file:
            done = self.run_on_bytes("load", input=file.read())
        self.assertEqual(done.stdout, b"Loaded image: in:1\n")
        self.has("in:1", image)

    def test_a_terminal_is_refused(self):
        leader, follower = pty.openpty()
        done = self.run_on_bytes("load", stdin=follower)
        os.close(leader)
        os.close(follower)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr.decode(), r"\Aveneer: load .*terminal.*-i FILE.*\n\Z")
        self.assertFalse(os.path.exists(self.store))

    def test_again_reads_no_layer(self):
        image = Image(BASE, MIDDLE)
        members = docker_archive((image, ["again:1"]))
        self.loads(members, ["Loaded image: again:1"])
        before = self.contents()
        # What is known is not looked at, so nobody sees that it is damaged now.
        damaged = [(name, bytes(len(what)) if name.endswith(".tar") else what) for name, what in members]
        self.loads(damaged, ["Loaded image: again:1"])
        self.assertEqual({k: v for k, v in self.contents().items() if not k.startswith("catalog")},
                         {k: v for k, v in before.items() if not k.startswith("catalog")})
        self.has("again:1", image)

    def test_fsck_repair_has_a_damaged_layer_read_again(self):
        image = Image(BASE, MIDDLE)
        path = self.loads(docker_archive((image, ["whole:1"])), ["Loaded image: whole:1"])
        large = [name for name in self.contents() if name.startswith("objects/")
                 and os.path.getsize(os.path.join(self.store, name)) == 100_000]
        damaged = os.path.join(self.store, large[0])
        os.chmod(damaged, 0o644)
        with open(damaged, "r+b") as file:
            file.write(b"x")
        self.loads(docker_archive((image, ["whole:1"])), ["Loaded image: whole:1"])
        done = self.run_veneer("fsck")
        self.assertEqual(done.code, 1)
        self.assertRegex(done.out, rf"(?m)^{large[0]}: has other contents .*; images: whole:1$")
        done = self.run_veneer("fsck", "--repair")
        self.assertEqual(done.code, 1)
        self.assertRegex(done.out, rf"(?m)^{large[0]}: .* -- to bring it back, load the image again")
        self.assertEqual(self.veneer("load", "-i", path), "Loaded image: whole:1\n")
        self.assertRegex(self.veneer("fsck"), r": 0 damaged\n\Z")
        self.has("whole:1", image)

    def test_a_name_moves(self):
        old, new = Image(BASE), Image(TOP)
        self.loads(docker_archive((old, ["name:1"])), ["Loaded image: name:1"])
        self.loads(docker_archive((new, ["name:1"])),
                   [f"The image name:1 already exists, renaming the old one with ID {old.id} to empty string",
                    "Loaded image: name:1"])
        self.has("name:1", new)
        self.assertIn(old.id, self.veneer("images", "--no-trunc", "-q").split())

    def test_quiet(self):
        self.loads(docker_archive((Image(BASE), ["q:1"])), ["Loaded image: q:1"], "-q")

    def test_platform_of_a_single_image(self):
        image = Image(BASE, architecture=OTHER)
        members = docker_archive((image, ["other:1"]))
        path = self.loads(members, ["Loaded image: other:1"])
        self.loads(members, ["Loaded image: other:1"], f"--platform=linux/{OTHER}")
        self.refused("load", "-i", path, "--platform", "linux/mips", say=f"linux/mips.*linux/{OTHER}", code=3)
        self.refused("load", "-i", path, "--platform", "mips", say="OS/ARCH", code=2)

    def test_interrupted(self):
        """While it waits for a pipe that gives nothing, and for the rest of a layer: it ends by the signal and leaves nothing."""
        archive = tar_of(docker_archive((Image(layer(big="z" * 40_000_000)), ["big:1"])))
        self.veneer("images")
        before = self.contents()
        for size in (0, 20_000_000):
            child = self.start("load", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            child.stdin.write(archive[:size])
            child.stdin.flush()
            time.sleep(0.3)
            child.send_signal(signal.SIGINT)
            self.assertEqual(child.wait(10), -signal.SIGINT)
            self.assertEqual(child.stdout.read() + child.stderr.read(), b"")
            for pipe in (child.stdout, child.stderr):
                pipe.close()
            try:
                child.stdin.close()
            except BrokenPipeError:
                pass
            self.assertEqual(self.contents(), before)


class Oci(Load):
    def test_archive_and_directory_with_layers_of_every_compression(self):
        image = Image(BASE, MIDDLE, TOP)
        for compression in ("", "gzip", "zstd"):
            for docker in (False, True):
                with self.subTest(compression=compression, docker=docker):
                    name = f"oci/{compression or 'plain'}{'d' if docker else ''}"
                    layout = Layout()
                    layout.add(layout.manifest(image, compression, docker), name + ":1")
                    self.loads(layout.members(), [f"Loaded image: {name}:1"])
                    self.has(name + ":1", image)
                    self.veneer("rmi", name + ":1")
                    self.veneer("prune")
                    directory = write_directory(self.path(name), layout.members())
                    self.assertEqual(self.veneer("load", "-i", directory), f"Loaded image: {name}:1\n")
                    self.has(name + ":1", image)
                    # The manifest is kept, and belongs to the image: prune leaves it there.
                    self.veneer("prune")
                    for digest, data in layout.blobs.items():
                        if data.startswith(b'{"schemaVersion"'):
                            self.assertTrue(os.path.exists(os.path.join(self.store, "blobs/sha256", digest)))

    def test_names(self):
        image = Image(BASE)
        layout = Layout()
        manifest = layout.manifest(image)
        layout.add(manifest, "docker.io/library/debian:12").add(manifest, "edge", full="docker.io/team/app:edge")
        layout.add(manifest, "busybox").add(manifest, "Not a name!").add(manifest)
        self.loads(layout.members(), ["Loaded image: debian:12", "Loaded image: team/app:edge",
                                      "Loaded image: busybox:latest"])
        nameless = Layout()
        nameless.add(nameless.manifest(Image(TOP)))
        self.loads(nameless.members(), [f"Loaded image ID: {Image(TOP).id}"])

    def test_the_hosts_platform_is_chosen_or_the_one_that_is_asked_for(self):
        mine, other = Image(BASE, architecture=HOST), Image(TOP, architecture=OTHER)
        for docker in (False, True):
            layout = Layout()
            attestation = layout.manifest(Image(layer(a="attestation"), architecture="unknown", os="unknown"),
                                          platform={"os": "unknown", "architecture": "unknown"},
                                          annotations={"vnd.docker.reference.type": "attestation-manifest"})
            inner = [layout.manifest(one, "gzip", docker, platform=one.platform) for one in (other, mine)]
            nested = layout.index([*inner, attestation], **({"kind": DOCKER_LIST} if docker else {}))
            layout.add(layout.index([nested]), "multi:1")
            path = self.loads(layout.members(), ["Loaded image: multi:1"])
            self.has("multi:1", mine)
            self.loads(layout.members(), ["Loaded image: multi:1"], "--platform", f"linux/{OTHER}")
            self.has("multi:1", other)
            self.refused("load", "-i", path, "--platform=linux/mips", code=3,
                         say=rf"no image for linux/mips, only for .*linux/{OTHER}")

    def test_platforms_at_the_top_and_in_the_configs_only(self):
        mine, other = Image(BASE, architecture=HOST), Image(TOP, architecture=OTHER)
        for told in (True, False):
            layout = Layout()
            for image in (other, mine):
                layout.add(layout.manifest(image, **({"platform": image.platform} if told else {})), "top:1")
            self.loads(layout.members(), ["Loaded image: top:1"])
            self.has("top:1", mine)
        nameless = Layout()
        for image in (other, mine):
            nameless.add(nameless.manifest(image, platform=image.platform))
        self.loads(nameless.members(), [f"Loaded image ID: {mine.id}"])

    def test_blobs_of_platforms_that_are_not_wanted_may_be_missing(self):
        mine, other = Image(BASE, architecture=HOST), Image(TOP, architecture=OTHER)
        layout = Layout()
        gone = Layout().manifest(other, platform=other.platform)
        layout.add(layout.index([gone, layout.manifest(mine, platform=mine.platform)]), "part:1")
        self.loads(layout.members(), ["Loaded image: part:1"])
        self.has("part:1", mine)

    def test_variants(self):
        seven, six = Image(BASE, architecture="arm", variant="v7"), Image(TOP, architecture="arm", variant="v6")
        layout = Layout()
        layout.add(layout.index([layout.manifest(one, platform=one.platform) for one in (six, seven)]), "arm:1")
        for wanted, image in (("linux/arm", seven), ("linux/arm/v7", seven), ("linux/arm/v6", six)):
            self.loads(layout.members(), ["Loaded image: arm:1"], "--platform", wanted)
            self.has("arm:1", image)

    def test_an_archive_of_both_kinds_is_read_as_dockers(self):
        """Docker since 25 writes both; its names are in manifest.json."""
        image = Image(BASE, TOP)
        layout = Layout()
        layout.add(layout.manifest(image), "x", full="docker.io/library/wrong:1")
        members = docker_archive((image, ["right:1"]), style="blobs")
        both = {**dict(layout.members()), **dict(members)}
        self.loads(list(both.items()), ["Loaded image: right:1"])
        self.has("right:1", image)


class Legacy(Load):
    """The archive of a Docker of 2014 (1.3.2, image spec v1.0): folders named by random ids, a json for each layer with
    its parent, empty layers of metadata steps, VERSION files, `repositories`; no manifest, no digest."""

    IDS = [sha(f"layer {i}".encode()) for i in range(4)]

    def setUp(self):
        super().setUp()
        self.tars = {self.IDS[0]: BASE, self.IDS[1]: layer(), self.IDS[2]: TOP, self.IDS[3]: MIDDLE}
        commands = [["/bin/sh", "-c", "#(nop) ADD file:x in /"], ["/bin/sh", "-c", "#(nop) CMD [sh]"],
                    ["/bin/sh", "-c", "rm /etc/hostname && echo b > /srv/a"], ["sh"]]
        parents = [None, self.IDS[0], self.IDS[1], self.IDS[1]]
        self.documents = {}
        for number, layer_id in enumerate(self.IDS):
            run = {"Hostname": "4f2", "Domainname": "", "User": "", "Memory": 0, "MemorySwap": 0, "CpuShares": 0,
                   "Cpuset": "", "AttachStdin": False, "PortSpecs": None, "ExposedPorts": None, "Tty": False,
                   "Env": ["PATH=/usr/bin:/bin"], "Cmd": commands[number], "Image": parents[number] or "",
                   "Volumes": None, "WorkingDir": "", "Entrypoint": None, "NetworkDisabled": False, "OnBuild": []}
            document = {"id": layer_id}
            if parents[number]:
                document["parent"] = parents[number]
            document |= {"created": f"2014-12-0{number + 1}T10:20:30.123456789Z", "container": sha(b"c"),
                         "container_config": run, "docker_version": "1.3.2", "author": "Jérôme <j@example.org>",
                         "config": {**run, "Cmd": ["/bin/sh"]}, "architecture": "amd64", "os": "linux",
                         "checksum": "tarsum.dev+sha256:" + sha(b"t"), "Size": 1234}
            self.documents[layer_id] = json.dumps(document, ensure_ascii=False).encode()

    def archive(self, repositories):
        return legacy_archive(repositories, self.tars, self.documents)

    def expected(self, *numbers):
        """The config that Docker's migration makes: by hand, from what is known of it."""
        documents = [json.loads(self.documents[self.IDS[number]]) for number in numbers]
        top = {key: value for key, value in documents[-1].items() if key not in ("id", "parent", "Size")}
        top["rootfs"] = {"type": "layers", "diff_ids": ["sha256:" + sha(self.tars[self.IDS[n]]) for n in numbers]}
        top["history"] = [{"created": one["created"], "author": one["author"],
                           "created_by": " ".join(one["container_config"]["Cmd"])} for one in documents]
        text = "{" + ",".join(json.dumps(key) + ":" + json.dumps(top[key], ensure_ascii=False, separators=(",", ":"))
                              for key in sorted(top)) + "}"
        for raw, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
            text = text.replace(raw, escaped)
        return digest(text.encode())

    def test_names_and_layers(self):
        self.loads(self.archive({"busybox": {"latest": self.IDS[2], "old": self.IDS[0]}, "host:5000/x": {"1": self.IDS[3]}}),
                   ["Loaded image: busybox:latest", "Loaded image: busybox:old", "Loaded image: host:5000/x:1"])
        self.assertEqual(self.images(), {"busybox:latest": self.expected(0, 1, 2), "busybox:old": self.expected(0),
                                         "host:5000/x:1": self.expected(0, 1, 3)})
        for number, tar in enumerate((BASE, layer(), TOP), 1):
            self.assertEqual(self.layer_tar("busybox", number), tar)
        history = self.veneer("history", "busybox", "--no-trunc")
        self.assertIn("rm /etc/hostname && echo b > /srv/a", history)
        config = self.config(self.expected(0, 1, 2))
        self.assertEqual(config["created"], "2014-12-03T10:20:30.123456789Z")
        self.assertEqual(config["config"]["Cmd"], ["/bin/sh"])
        self.assertNotIn("parent", config)

    def test_saved_by_id(self):
        """Then there is no `repositories`; what is nobody's parent is an image."""
        self.loads(self.archive(None), [f"Loaded image ID: {self.expected(*chain)}"
                                        for chain in sorted(((0, 1, 2), (0, 1, 3)), key=lambda c: self.IDS[c[-1]])])

    def test_loops_and_missing_parents(self):
        self.loads(docker_archive((Image(BASE), ["there:1"])), ["Loaded image: there:1"])

        def with_parent(number, parent):
            document = {**json.loads(self.documents[self.IDS[number]]), "parent": parent}
            return {**self.documents, self.IDS[number]: dump(document)}
        for documents, say in ((with_parent(0, self.IDS[2]), r"\"parent\" leads back"),
                               (with_parent(0, sha(b"none")), r"\"parent\" is [0-9a-f]{64}, which is missing"),
                               (with_parent(0, "../../x"), r"\"parent\" is not 64"),
                               ({**self.documents, self.IDS[0]: dump({"id": self.IDS[1]})}, r"\"id\" is another")):
            path = self.write("bad.tar", tar_of(legacy_archive({"a": {"b": self.IDS[2]}}, self.tars, documents)))
            self.refused("load", "-i", path, say=say)
        for repositories, say in (({"a": {"b": "../x"}}, r"repositories: \"a:b\" is not 64"),
                                  ({"a": {"b": sha(b"none")}}, r"repositories: \"a:b\" is layer .* missing"),
                                  ({"A": {"b": self.IDS[0]}}, r"repositories: 'A:b' is not an image name"),
                                  ({"a": ["b"]}, r"repositories: \"a\" is not an object")):
            path = self.write("bad.tar", tar_of(self.archive(repositories)))
            self.refused("load", "-i", path, say=say)
