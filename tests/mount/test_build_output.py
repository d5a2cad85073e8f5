# SPDX-License-Identifier: Apache-2.0
"""Where the result of a build goes: the store, archives, a directory."""

import io
import json
import os
import stat
import tarfile

from support import proc
from support.files import names, read, write
from support.small_builds import BuildCase
from support.stores import for_users
from support.tree import Dir, File, Hard, Link, Node

class OutputCase(BuildCase):
    def refused_output(self, say, *options):
        """A wrong command line, before anything is built."""
        self.refused("build", *options, "context", code=2, say=say)


@for_users
class Outputs(OutputCase):
    def rich_base(self):
        """An image with all kinds of objects."""
        path = self.layer("rich", {
            "a": {"file": File(0o640, data=b"text", xattrs={"user.note": b"value"}), "same": Hard("a/file")},
            "closed": Dir(0o555, entries={"in": File(0o400, data=b"in")}),
            "big": File(data=os.urandom(300_000)), "empty": "", "fifo": Node(0o600, kind=stat.S_IFIFO),
            "link": Link(target="/etc/passwd"), "dirlink": Link(target="a"),
            "null": Node(0o666, kind=stat.S_IFCHR, device=(1, 3)),
            "setuid": File(0o4755, data=b"program"), "owned": File(0o644, uid=7, gid=8, data=b"7")})
        proc.run(["tar", "-C", path, "--format=posix", "--xattrs", "--numeric-owner", "-cf", path + ".tar", "."], check=True)
        self.veneer("import", path + ".tar", "rich")

    def test_a_directory_gets_the_files(self):
        self.rich_base()
        self.put("new", "new")
        done = self.build("FROM rich\nCOPY new /a/new\n", "-t", "app", "-o", "out")
        self.assertIn("exporting to client directory", done.err)
        self.assertNotIn("app:latest", self.images())
        out = self.path("out")
        self.assertEqual(read(os.path.join(out, "a", "new")), b"new")
        file = os.stat(os.path.join(out, "a", "file"))
        self.assertEqual((file.st_mode & 0o7777, file.st_nlink, file.st_uid), (0o640, 2, self.uid))
        self.assertEqual(os.getxattr(os.path.join(out, "a", "file"), "user.note"), b"value")
        self.assertEqual(os.readlink(os.path.join(out, "link")), "/etc/passwd")
        self.assertTrue(stat.S_ISFIFO(os.lstat(os.path.join(out, "fifo")).st_mode))
        self.assertEqual(os.stat(os.path.join(out, "closed")).st_mode & 0o7777, 0o555)
        self.assertEqual(os.stat(os.path.join(out, "a", "file")).st_mtime_ns, 1_000_000_000_123_456_789)
        setuid, owned = os.stat(os.path.join(out, "setuid")), os.stat(os.path.join(out, "owned"))
        if self.uid:
            self.assertEqual((setuid.st_mode & 0o7777, owned.st_uid), (0o755, self.uid))
            self.assertNotIn("null", names(out))
            self.assertRegex(done.err, "WARNING: 1 device is left out, [^\n]*/null")
        else:
            self.assertEqual((setuid.st_mode & 0o7777, owned.st_uid, owned.st_gid), (0o4755, 7, 8))
            self.assertEqual(os.stat(os.path.join(out, "null")).st_rdev, os.makedev(1, 3))
            self.assertNotIn("WARNING", done.err)
        # The steps are there for the next one, which overwrites.
        again = self.build("FROM rich\nCOPY new /a/new\n", "--output", "type=local,dest=out")
        self.assertIn("CACHED", again.err)
        self.assertEqual(read(os.path.join(out, "closed", "in")), b"in")

    def test_symlinks_of_the_directory_lead_nowhere(self):
        self.put("dir/file", "new")
        self.put("plain", "new")
        os.mkdir(self.path("outside"))
        write(self.path("outside", "file"), "safe")
        write(self.path("secret"), "safe")
        os.mkdir(self.path("out"))
        os.symlink("../outside", self.path("out", "dir"))
        os.symlink("../secret", self.path("out", "plain"))
        write(self.path("out", "mine"), "mine")
        self.own(self.dir)
        self.build("FROM scratch\nCOPY . /\n", "-o", "out")
        self.assertEqual((read(self.path("outside", "file")), read(self.path("secret"))), (b"safe", b"safe"))
        self.assertEqual((read(self.path("out", "dir", "file")), read(self.path("out", "plain"))), (b"new", b"new"))
        self.assertEqual(read(self.path("out", "mine")), b"mine")

    def test_a_tar_archive(self):
        self.put("file", "text")
        dockerfile = "FROM scratch\nCOPY file /dir/file\n"
        self.build(dockerfile, "-t", "app", "-o", "type=tar,dest=out.tar")
        with tarfile.open(self.path("out.tar")) as archive:
            self.assertEqual(archive.extractfile("dir/file").read(), b"text")
        self.assertEqual(self.images(), {})
        for output in ("-", "type=tar"):
            for progress in ("plain", "classic", "rawjson"):
                done = self.run_on_bytes("build", "--progress", progress, "-o", output, "context")
                self.assertTrue(done.returncode == 0 and done.stdout == read(self.path("out.tar")), done.stderr)
        done = self.run_on_bytes("build", "-q", "-o", "-", "context")
        self.assertTrue(done.returncode == 0 and done.stdout == read(self.path("out.tar")), done.stderr)

    def test_archives_of_the_image(self):
        self.put("file", "text")
        dockerfile = "FROM scratch\nCOPY file /\nCMD [\"/file\"]\n"
        self.build(dockerfile, "-t", "app:2", "--iidfile", "id", "--label", "a=b", "-o", "type=docker,dest=docker.tar",
                   "-o", "type=oci,dest=oci.tar,name=app:3,compression=zstd")
        image = read(self.path("id")).decode()
        self.assertEqual(self.images(), {})
        with tarfile.open(self.path("docker.tar")) as archive:
            self.assertEqual(json.load(archive.extractfile("manifest.json"))[0]["RepoTags"], ["app:2"])
        with tarfile.open(self.path("oci.tar")) as archive:
            index = json.load(archive.extractfile("index.json"))
            self.assertEqual({each["annotations"]["org.opencontainers.image.ref.name"] for each in index["manifests"]},
                             {"2", "3"})
            manifest = archive.extractfile("blobs/sha256/" + index["manifests"][0]["digest"][7:]).read()
            self.assertIn("tar+zstd", manifest.decode())
        self.build(dockerfile, "-o", "type=oci,tar=false,dest=layout")
        self.assertIn("index.json", names(self.path("layout")))
        for archive in ("docker.tar", "oci.tar"):
            self.assertIn("app:2", self.veneer("load", "-q", "-i", archive))
            self.assertEqual(self.images()["app:2"], image)
            self.veneer("rmi", "app:2")

    def test_the_store_is_an_output_too(self):
        self.put("file", "text")
        self.build("FROM scratch\nCOPY file /\n", "-t", "app", "--load", "-o", "out")
        self.assertIn("app:latest", self.images())
        self.veneer("rmi", "app")
        self.build("FROM scratch\nCOPY file /\n", "-t", "app", "-o", "type=docker", "-o", "type=tar,dest=out.tar")
        self.assertIn("app:latest", self.images())
        self.assertTrue(os.path.exists(self.path("out.tar")))

    def test_wrong_outputs(self):
        self.put("Dockerfile", "FROM scratch\n")
        self.veneer("images")
        for output, say in (("type=registry", "veneer push"), ("type=image,name=a", "veneer push"),
                            ("type=local", "dest= must be a directory"), ("type=local,dest=-", "dest= must be a directory"),
                            ("type=cloud", "there are docker, oci, tar and local"), ("dest=a,name=b", "type= is missing"),
                            ("type=tar,dest=a,level=9", "no such field: level"), ("type=oci,type=tar", "type twice"),
                            ("type=oci,dest=a,compression=best", "compression"), ("type=oci,tar=false", "a new directory"),
                            ("type=oci,dest=a,compression-level=99", "takes 0 to 9"), ("type=docker,name=A", "A")):
            self.refused_output(say, "-o", output)
        self.refused_output("twice", "-o", "-", "-o", "type=oci")
        self.refused_output("veneer push", "--push")

    def test_a_failure_leaves_nothing(self):
        self.put("file", "text")
        dockerfile = "FROM scratch\nCOPY file /\n"
        self.build(dockerfile, "-o", "type=tar,dest=missing/out.tar", code=1)
        write(self.path("taken"), "mine")
        self.own(self.path("taken"))
        done = self.build(dockerfile, "-t", "app", "-o", "taken", "--load", code=1)
        self.assertRegex(done.err, r"veneer: [^\n]*taken[^\n]*Not a directory")
        self.assertEqual(self.images(), {}, "it has its names only when all else is written")
        self.build("FROM scratch\nCOPY none /\n", "-o", "type=tar,dest=out.tar", code=1)
        self.assertEqual([name for name in names(self.dir) if "out" in name or name.startswith(".")], [])


class Hostile(OutputCase):
    """What only an archive can say."""

    def test_an_image_with_hostile_names_stays_inside(self):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as archive:
            def add(name, kind=tarfile.REGTYPE, target="", content=b"hostile"):
                member = tarfile.TarInfo(name)
                member.type, member.linkname, member.mode = kind, target, 0o755
                member.size = len(content) if kind == tarfile.REGTYPE else 0
                archive.addfile(member, io.BytesIO(content))
            add("up", tarfile.SYMTYPE, "..")
            add("abs", tarfile.SYMTYPE, self.dir)
            add("/root", content=b"absolute")
        self.write("image.tar", data.getvalue())
        self.veneer("import", "image.tar", "base")
        self.put("file", "text")
        self.build("FROM base\nCOPY file /abs/file\nCOPY file /up/other\n", "-o", "out")
        self.assertFalse(os.path.exists(self.path("file")))
        self.assertFalse(os.path.exists(self.path("other")))
        self.assertEqual(os.readlink(self.path("out", "up")), "..")
