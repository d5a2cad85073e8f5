# SPDX-License-Identifier: Apache-2.0
"""`veneer export`: GNU tar and tarfile make of it the tree that the mounted container shows."""

import io
import os
import pty
import stat
import subprocess
import tarfile

from support import proc, tree
from support.files import read, write
from support.stores import StoreCase, for_users
from support.tree import Dir, File, Hard, Link, Node

TREE = {
    "bin": {"tool": File(0o4755, data=b"#!/bin/sh\n" * 900), "same": Hard("bin/tool"), "third": Hard("bin/tool"),
            "sh": Link(target="tool")},
    "data": Dir(0o1777, entries={
        "large": File(0o640, data=bytes(range(256)) * 9000), "empty": b"", "text": "text",
        "sparse": File(data=[(3 << 20, b"data")], size=5 << 20), "sub": {"deep": "deep"},
        "ö" * 60: {"n" * 200: "long names"}}),
    "gone": {"a": "a"}, "again": {"old": "old"}, "meta": File(data=b"m" * 50000), "odd\nname \x01": "odd",
}


def change(point):
    """What a program does in a container: everything that a layer has a notation for."""
    join = lambda name: os.path.join(point, name)  # noqa: E731
    os.rename(join("data"), join("moved"))
    os.unlink(join("moved/empty"))
    with open(join("moved/text"), "ab") as file:
        file.write(b" and more")
    proc.run(["rm", "-r", join("gone"), join("again")], check=True)
    os.mkdir(join("again"))
    write(join("again/new"), b"new")
    with open(join("bin/same"), "ab") as file:
        file.write(b"changed through one of its names")
    os.chmod(join("meta"), 0o600)
    os.utime(join("meta"), ns=(1, 1_234_567_890_123_456_789))
    os.mkfifo(join("fifo"))
    os.link(join("again/new"), join("again/linked"))
    write(join(".wh.file"), b"no whiteout")
    os.symlink("nowhere", join("dangling"))


@for_users
class Export(StoreCase):
    def container(self):
        path = self.layer("image.dir", TREE)
        self.own(path)
        proc.run(self.as_user(["tar", "-C", path, "--format=posix", "--owner=0", "--group=0", "-cf", self.path("image.tar"), "."]),
                 check=True)
        self.veneer("import", "image.tar", "image")
        point = self.veneer("mount", "image", "-n", "web").strip()
        self.act(lambda: change(point))
        return point

    def test_is_what_the_container_shows(self):
        point = self.container()
        shown = self.act(lambda: tree.snapshot(point))
        self.assertEqual(self.veneer("export", "-o", "mounted.tar", "web"), "")
        self.veneer("umount", "web")
        with open("plain.tar", "wb") as file:
            child = self.start("export", "web", stdout=file, stderr=subprocess.PIPE)
            self.assertEqual((child.communicate()[1], child.returncode), (b"", 0))
        self.assertEqual(read("plain.tar"), read("mounted.tar"), "mounted or not, and to a pipe or a file")
        os.mkdir("out")
        self.own(self.path("out"))
        proc.run(self.as_user(["tar", "-C", self.path("out"), "--xattrs", "--xattrs-include=*", "-xpf",
                               self.path("plain.tar")]), check=True)
        ignore = () if not self.uid else ("uid", "gid")
        self.assert_tree(shown, tree.snapshot(self.path("out")), ignore)
        with tarfile.open("plain.tar") as archive:
            members = archive.getmembers()
        names = [member.name for member in members]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual({(m.uid, m.gid, m.uname, m.gname) for m in members}, {(0, 0, "", "")})
        self.assertEqual({m.name for m in members if m.islnk()}, {"again/new", "bin/third", "bin/tool"})
        self.assertEqual([name for name in names if ".wh." in name], [".wh.file"])

    def test_imported_again_it_is_the_same_tree(self):
        self.container()
        self.act(lambda: os.unlink(os.path.join(self.mounted()[0], ".wh.file")))
        self.veneer("export", "-o", "one.tar", "web")
        self.veneer("import", "one.tar", "flat")
        self.veneer("mount", "flat", "-n", "flat")
        self.veneer("export", "-o", "two.tar", "flat")
        self.assertEqual(read("one.tar"), read("two.tar"))
        self.veneer("umount", "web", "flat")


class Root(StoreCase):
    def test_owners_devices_xattrs_and_acls(self):
        self.import_tree({"f": "f", "d": Dir(0o755, 5, 6, entries={})}, "image")
        point = self.veneer("mount", "image", "-n", "web").strip()
        tree.build(point, {
            "file": File(0o2711, 1234, 3_000_000, xattrs={"user.a": b"\0\xff\n=%", "trusted.t": b"t"}, data=b"x"),
            "null": Node(0o666, 1, 2, kind=stat.S_IFCHR, device=(1, 3)),
            "disk": Node(0o660, 0, 6, kind=stat.S_IFBLK, device=(259, 300_000)),
            "socket": Node(kind=stat.S_IFSOCK)})
        proc.run(["setfacl", "-m", "u:77:rw,g:88:r", os.path.join(point, "f")], check=True)
        proc.run(["setfacl", "-d", "-m", "u:77:rwx", os.path.join(point, "d")], check=True)
        os.setxattr(os.path.join(point, "f"), "security.capability",
                    bytes.fromhex("0100000200200000000000000000000000000000"))
        shown = tree.snapshot(point)
        del shown[b"socket"]
        self.veneer("export", "-o", "web.tar", "web")
        self.veneer("umount", "web")
        os.mkdir("out")
        proc.run(["tar", "-C", "out", "--acls", "--xattrs", "--xattrs-include=*", "--numeric-owner", "-xpf", "web.tar"],
                 check=True)
        self.assert_tree(shown, tree.snapshot("out"))

    def test_refused_in_one_line(self):
        self.import_tree({"f": File(data=b"f" * 50000)}, "image")
        self.veneer("mount", "image", "-n", "web")
        self.refused("export", "wob", code=3, say="web")
        self.refused("export", "image", code=3, say="image is an image, not a container")
        self.refused("export", "-o", "home", "web", code=2, say="home is a directory")
        self.refused("export", "-o", "/dev/full", "web", code=1, say="No space left on device")
        master, terminal = pty.openpty()
        child = self.start("export", "web", stdout=terminal, stderr=subprocess.PIPE)
        self.assertRegex(child.communicate(timeout=60)[1].decode(), r"\Aveneer: standard output is a terminal.*\n\Z")
        self.assertEqual(child.returncode, 2)
        os.close(master)
        os.close(terminal)
        for folder, _, files in os.walk(os.path.join(self.store, "objects")):
            for name in files:
                os.unlink(os.path.join(folder, name))
        write("x.tar", b"before")
        self.refused("export", "-o", "x.tar", "web", code=1, say='container web: "/f": .*run `veneer fsck`')
        self.assertEqual(read("x.tar"), b"before")
        self.assertEqual([name for name in os.listdir(".") if name.startswith(".veneer")], [])
        self.veneer("umount", "web")

    def test_docker_import_reads_it(self):
        """What a pipe gives is an archive without seeking, and busybox's tar takes it too."""
        self.import_tree(TREE, "image")
        self.veneer("mount", "image", "-n", "web")
        self.veneer("umount", "web")
        child = self.start("export", "web", stdout=subprocess.PIPE)
        data = child.communicate()[0]
        with tarfile.open(fileobj=io.BytesIO(data), mode="r|") as archive:
            streamed = [member.name for member in archive]
        done = subprocess.run(["busybox", "tar", "-tf", "-"], input=data, stdout=subprocess.PIPE, check=True)
        listed = [name.rstrip(b"/") for name in done.stdout.splitlines()]
        self.assertIn(b"data/" + ("ö" * 60).encode() + b"/" + b"n" * 200, listed)
        self.assertIn("data/" + "ö" * 60 + "/" + "n" * 200, streamed)
