# SPDX-License-Identifier: Apache-2.0
"""The veneer command on small images: import, mount, diff, commit, lists, removal, and every refusal with its exit code."""

import errno
import gzip
import json
import os
import re
import signal
import stat
import subprocess
import time

from support import mounts, proc, runner, tree
from support.files import file_digest, names, read, write
from support.stores import StoreCase, for_users
from support.tree import Dir, File, Hard, Link, Node

IMAGE = {
    "bin": {"tool": File(0o4755, 0, 0, data=b"#!/bin/sh\necho tool\n"), "same": Hard("bin/tool")},
    "etc": {"passwd": "root:x:0:0:root:/root:/bin/sh\n", "hosts": "127.0.0.1 localhost\n",
            "shadow": File(0o640, data=b"secret")},
    "home": Dir(0o755, entries={"user": Dir(0o700, entries={"mine": File(0o600, data=b"mine")})}),
    "lib": {"a": "a" * 10_000, "b": "b", "sub": {"deep": "deep"}},
    "link": Link(target="etc/passwd"),
    "tmp": Dir(0o1777),
}


@for_users
class Session(StoreCase):
    def test_the_session_of_the_readme(self):
        self.import_tree(IMAGE, "debian:12")
        os.mkdir("srv")
        self.own("srv")
        self.assertEqual(self.veneer("mount", "debian:12", "--name", "web", "srv").strip(),
                         self.path("srv"))
        self.act(self.change)
        expected = {"C /bin", "D /bin/same", "C /etc", "C /etc/hosts", "A /etc/new", "C /lib", "D /lib/sub",
                    "A /moved", "A /moved/deep", "A /dir", "A /dir/file", "C /link"}
        self.assertEqual(self.diff("web"), expected)
        self.veneer("commit", "-a", "me", "-m", "changed", "web", "debian:changed")
        listed = self.veneer("images")
        self.assertRegex(listed, r"(?m)^debian +changed ")
        self.assertRegex(listed, r"(?m)^debian +12 ")
        history = self.veneer("history", "debian:changed")
        self.assertIn("changed", history.splitlines()[1])
        self.assertEqual(len(history.splitlines()), 3)
        self.assertRegex(self.veneer("ps", "-a"), r"(?m)^web +debian:12 .*srv")
        self.veneer("umount", "web")
        self.assertEqual(self.mounted(), [])
        self.assertEqual(os.listdir("srv"), [])
        self.veneer("mount", "web", "srv")
        self.assertEqual(self.act(lambda: read("srv/etc/new")), b"new", "the writable layer is still there")
        self.veneer("umount", "web")
        self.veneer("rm", "web")
        self.check_committed()
        self.veneer("rmi", "debian:changed")
        self.assertNotIn("changed", self.veneer("images"))
        self.assertRegex(self.veneer("fsck"), r"0 damaged")

    @staticmethod
    def change():
        os.unlink("srv/bin/same")
        write("srv/etc/new", "new")
        write("srv/etc/hosts", "changed\n")
        os.rename("srv/lib/sub", "srv/moved")
        os.mkdir("srv/dir")
        write("srv/dir/file", "file")
        os.unlink("srv/link")
        os.symlink("elsewhere", "srv/link")

    def check_committed(self):
        self.veneer("mount", "debian:changed", "--name", "again", "srv")
        self.assertEqual(self.act(lambda: sorted(os.listdir("srv"))),
                         ["bin", "dir", "etc", "home", "lib", "link", "moved", "tmp"])
        self.assertEqual(self.act(lambda: read("srv/etc/hosts")), b"changed\n")
        self.assertEqual(self.act(lambda: names("srv/bin")), ["tool"])
        self.assertEqual(self.act(lambda: read("srv/moved/deep")), b"deep")
        self.assertEqual(self.act(lambda: os.readlink("srv/link")), "elsewhere")
        self.assertEqual(self.diff("again"), set())
        self.veneer("umount", "again")
        self.veneer("rm", "again")

    def test_a_mount_point_and_a_name_are_made_up(self):
        self.import_tree(IMAGE, "base")
        point = self.veneer("mount", "base", err=r"[^\n]+\n").strip()
        self.assertTrue(mounts.is_mounted(point))
        self.assertEqual(self.act(lambda: read(os.path.join(point, "lib/b"))), b"b")
        name = self.veneer("ps", "-q").strip()
        self.assertRegex(name, r"^[a-z0-9][a-z0-9_.-]+$")
        self.veneer("umount", point)
        self.assertEqual(self.veneer("ps", "-q"), "")
        self.assertEqual(self.veneer("ps", "-aq").strip(), name)
        self.veneer("rm", name)

    def test_owners_modes_devices_and_xattrs_are_kept(self):
        """They live in the index: an ordinary user's import keeps them too, and nothing is chowned."""
        lower = self.layer("full", {
            "root": File(0o4755, 0, 0, data=b"r"), "other": File(0o640, 12345, 54321, data=b"o"),
            "device": Node(0o660, 0, 6, kind=stat.S_IFBLK, device=(8, 1)),
            "null": Node(0o666, kind=stat.S_IFCHR, device=(1, 3)),
            "fifo": Node(0o622, kind=stat.S_IFIFO), "socket": Node(kind=stat.S_IFSOCK),
            "xattrs": File(xattrs={"user.a": b"1", "security.capability":
                                   bytes.fromhex("0100000200200000000000000000000000000000")}),
            "old": File(mtime_ns=-1_000_000_001), "future": File(mtime_ns=(2**33) * 10**9 + 1),
            "names": {"n" * 255: "long", b"\xff\xfe": "bytes", "new\nline": "n"},
            "sparse": File(data=[(1 << 20, b"x")], size=3 << 20),
        })
        proc.run(["tar", "-C", lower, "-H", "posix", "--xattrs", "--xattrs-include=*", "--numeric-owner",
                  "-S", "-cf", self.path("full.tar"), "."], check=True)
        self.veneer("import", "full.tar", "full", err=r".* a sparse file .*\n")
        point = self.veneer("mount", "full", "-n", "f", "-o", "suid,dev").strip()

        def look():
            return {os.fsdecode(path): (what["type"], what["mode"], what["uid"], what["gid"], what["mtime"],
                                        what.get("rdev"), what.get("data"), what.get("size"),
                                        {k: v for k, v in what["xattrs"].items()})
                    for path, what in tree.snapshot(point).items()}

        expected = {}
        for path, what in tree.snapshot(lower).items():
            if what["type"] == stat.S_IFSOCK:
                continue  # tar holds no sockets
            expected[os.fsdecode(path)] = (what["type"], what["mode"], what["uid"], what["gid"], what["mtime"],
                                           what.get("rdev"), what.get("data"), what.get("size"),
                                           what["xattrs"])
        if self.uid:
            self.check_ids(point, lower)
        else:
            self.assertEqual(look(), expected)
            self.assertLess(os.stat(os.path.join(point, "sparse")).st_blocks, 1000)
        self.veneer("umount", "f")
        for directory, directories, files in os.walk(self.store):
            for name in directories + files:
                self.assertEqual(os.lstat(os.path.join(directory, name)).st_uid, self.uid)

    def check_ids(self, point, lower):
        """An ordinary user sees the ids of the image as those that /etc/subuid gives him, his own as root; 65534 for others."""
        def attributes(where, name, show):
            status = os.lstat(os.path.join(where, name))
            return (name, status.st_mode, show(status.st_uid), show(status.st_gid), status.st_rdev,
                    status.st_mtime_ns)

        def shown(number):
            if number == 0:
                return self.uid
            if self.uid == runner.USER_WITH_IDS and number <= runner.SUBORDINATE_COUNT:
                return runner.SUBORDINATE_START + number - 1
            return 65534

        seen = self.act(lambda: sorted(attributes(point, name, int) for name in os.listdir(point)))
        wanted = sorted(attributes(lower, name, shown) for name in os.listdir(lower) if name != "socket")
        self.assertEqual(seen, wanted)

    def test_every_form_of_import(self):
        lower = self.layer("tree", IMAGE)
        self.own(lower)
        sort = ["--sort=name", "--format=pax", "--pax-option=delete=atime,delete=ctime"]
        proc.run(["tar", "-C", lower, *sort, "-cf", self.path("t.tar"), "."], check=True)
        plain = file_digest("t.tar")
        for suffix, compress in (("gz", "gzip -kn"), ("xz", "xz -k"), ("bz2", "bzip2 -k"), ("zst", "zstd -qk")):
            if proc.run(["sh", "-c", f"{compress} t.tar"], cwd=self.dir).code == 0:
                self.veneer("import", f"t.tar.{suffix}", f"c:{suffix}")
                self.assertEqual(self.layers(f"c:{suffix}"), [plain], "the diff id is that of the plain tar")
        self.veneer("import", "t.tar", "c:tar")
        with open("t.tar", encoding="latin-1", newline="") as file:
            data = file.read()
        done = proc.run(["sh", "-c", " ".join(self.command("import", "-", "c:stdin")) + " < t.tar"],
                        env=self.environment, cwd=self.dir)
        self.assertEqual(done.code, 0, done)
        self.assertEqual(self.layers("c:stdin"), [plain])
        self.assertGreater(len(data), 0)
        self.veneer("import", lower, "c:dir")
        for tag in ("tar", "stdin", "dir"):
            self.veneer("mount", f"c:{tag}", "-n", tag)
            point = os.path.join(self.store, "containers", tag, "merged")
            self.assertEqual(self.act(lambda p=point: names(p)), sorted(IMAGE))
            self.assertEqual(self.act(lambda p=point: read(os.path.join(p, "lib/a"))), b"a" * 10_000)
            self.assertEqual(self.act(lambda p=point: os.stat(os.path.join(p, "bin/same")).st_nlink), 2)
            self.veneer("umount", tag)

    def layers(self, image):
        with open(self.config_of(image), encoding="utf-8") as file:
            return json.load(file)["rootfs"]["diff_ids"]

    def test_the_archive_of_a_layer_byte_for_byte(self):
        lower = self.layer("tree", IMAGE)
        self.own(lower)
        for number, form in enumerate(("gnu", "posix", "ustar", "oldgnu")):
            archive = self.path(f"{form}.tar")
            proc.run(["tar", "-C", lower, f"--format={form}", "-b", str(1 + 7 * number), "-cf", archive, "."],
                     check=True)
            self.veneer("import", archive, f"t:{form}")
            out = self.path(f"{form}.out")
            done = proc.run(["sh", "-c", " ".join(self.command("layer", "tar", f"t:{form}")) + f" > {out}"],
                            env=self.environment, cwd=self.dir)
            self.assertEqual((done.code, done.err), (0, ""), done)
            self.assertEqual(file_digest(out), file_digest(archive), form)
            self.assertEqual(self.layers(f"t:{form}"), [file_digest(archive)])

    def test_the_same_tree_committed_twice_gives_the_same_digest(self):
        self.import_tree(IMAGE, "base")
        ids = []
        for number in range(2):
            point = self.veneer("mount", "base", "-n", f"c{number}").strip()

            def change(where=point):
                for name in ("x", "a", "m"):
                    write(os.path.join(where, name), name)
                os.rename(os.path.join(where, "lib"), os.path.join(where, "library"))
                os.chmod(os.path.join(where, "etc/hosts"), 0o600)

            self.act(change)
            self.veneer("umount", f"c{number}")
            ids.append(self.veneer("commit", f"c{number}", f"r:{number}",
                                   environment={"SOURCE_DATE_EPOCH": "1000000000"}).strip())
            time.sleep(1.1)
        self.assertEqual(self.layers("r:0"), self.layers("r:1"))
        self.assertEqual(ids[0], ids[1])

    def test_commit_of_a_mounted_container_and_with_rm(self):
        self.import_tree(IMAGE, "base")
        point = self.veneer("mount", "base", "-n", "web").strip()
        self.act(lambda: write(os.path.join(point, "big"), b"x" * 3_000_000))
        self.veneer("commit", "web", "new:mounted")
        self.assertTrue(mounts.is_mounted(point))
        self.act(lambda: write(os.path.join(point, "after"), "not in the image"))
        self.refused("commit", "--rm", "web", "new:rm", code=4, say="mounted|in use")
        self.veneer("umount", "web")
        self.veneer("commit", "--rm", "web", "new:rm")
        self.refused("mount", "--pull", "never", "web", code=3, say="web")
        for image, expected in (("new:mounted", False), ("new:rm", True)):
            where = self.veneer("mount", image, "-n", "look").strip()
            self.assertEqual(self.act(lambda w=where: os.path.exists(os.path.join(w, "after"))), expected)
            self.assertEqual(self.act(lambda w=where: os.stat(os.path.join(w, "big")).st_size), 3_000_000)
            self.veneer("rm", "-f", "look")

    def test_images_on_images(self):
        """Several commits on top of each other: redirects, opaque directories and hard links expanded each time."""
        self.import_tree(IMAGE, "i:0")
        for number in range(1, 5):
            point = self.veneer("mount", f"i:{number - 1}", "-n", "c").strip()

            def change(where=point, n=number):
                os.rename(os.path.join(where, f"lib{n - 1}" if n > 1 else "lib"), os.path.join(where, f"lib{n}"))
                write(os.path.join(where, f"lib{n}", f"added{n}"), str(n))
                if n == 2:
                    os.unlink(os.path.join(where, "lib2/sub/deep"))
                    os.rmdir(os.path.join(where, "lib2/sub"))
                    os.mkdir(os.path.join(where, "lib2/sub"))
                if n == 4:
                    os.link(os.path.join(where, "bin/tool"), os.path.join(where, "lib4/sub/tool"))
                os.chmod(os.path.join(where, f"lib{n}/a"), 0o600 + n)

            self.act(change)
            self.veneer("commit", "c", f"i:{number}")
            self.veneer("rm", "-f", "c")
        point = self.veneer("mount", "i:4", "-n", "c").strip()

        def check():
            where = os.path.join(point, "lib4")
            return (names(point), names(where), names(os.path.join(where, "sub")),
                    os.stat(os.path.join(where, "a")).st_mode & 0o777,
                    os.stat(os.path.join(where, "a")).st_size,
                    os.stat(os.path.join(where, "sub/tool")).st_nlink,
                    os.stat(os.path.join(where, "sub/tool")).st_ino
                    == os.stat(os.path.join(point, "bin/tool")).st_ino)

        self.assertEqual(self.act(check), (
            ["bin", "etc", "home", "lib4", "link", "tmp"],
            ["a", "added1", "added2", "added3", "added4", "b", "sub"], ["tool"], 0o604, 10_000, 3, True))


class Refusals(StoreCase):
    def test_not_found_names_the_nearest(self):
        self.import_tree(IMAGE, "debian:12")
        self.veneer("mount", "debian:12", "-n", "website")
        self.refused("mount", "--pull=never", "debain:12", code=3, say="debain.*debian:12")
        self.refused("chroot", "--pull=never", "debian:21", "--", "true", code=125, say="debian:12")
        self.refused("umount", "websit", code=3, say="website")
        self.refused("diff", "webste", code=3, say="website")
        self.refused("commit", "webste", "x", code=3, say="website")
        self.refused("rm", "webste", code=3, say="website")
        self.refused("rmi", "debian:1", code=3, say="debian:12")
        self.refused("history", "dbian:12", code=3, say="debian:12")
        self.refused("layer", "tar", "dbian:12", code=3, say="debian:12")
        self.refused("import", "missing.tar", "x", code=(1, 3), say="missing.tar.*[Nn]o such file")
        self.veneer("create", "-n", "web", "debian:12")
        self.refused("chroot", "--pull=never", "deb", "--", "true", code=125, say=r"did you mean debian:12\?")
        self.refused("mount", "--pull=never", "debia", code=3, say=r"did you mean debian:12\?")

    def test_umount_does_not_wait_for_another_mount_namespace(self):
        self.import_tree(IMAGE, "base")
        self.veneer("mount", "base", "-n", "web")
        holder = subprocess.Popen(["unshare", "-m", "--propagation", "private", "sleep", "60"])
        try:
            self.assertTrue(proc.wait_until(lambda: read(f"/proc/{holder.pid}/comm") == b"sleep\n"))
            begin = time.monotonic()
            self.refused("umount", "web", code=4, say=rf"in use by sleep \(pid {holder.pid}\) in another mount namespace")
            self.assertLess(time.monotonic() - begin, 10)
        finally:
            holder.kill()
            holder.wait()

    def test_in_use_says_by_what(self):
        self.import_tree(IMAGE, "base")
        point = self.veneer("mount", "base", "-n", "web").strip()
        self.refused("rmi", "base", code=4, say="base.*web")
        self.refused("rm", "web", code=4, say="web.*(mounted|in use)")
        self.refused("mount", "web", code=4, say=re.escape(point))
        fd = self.fd(os.path.join(point, "etc/passwd"))
        self.refused("umount", "web", code=4, say=f"web.*(use|busy)")
        os.close(fd)
        os.chdir(self.dir)
        self.veneer("umount", "web")
        self.refused("rmi", "base", code=4, say="base.*web")
        self.veneer("rm", "web")
        self.veneer("rmi", "base")
        self.assertEqual(self.veneer("images", "-q"), "")

    def test_usage(self):
        self.import_tree(IMAGE, "base")
        for arguments in ((), ("nosuchcommand",), ("mount",), ("import",), ("images", "--nosuch"), ("-x", "mount"),
                          ("chroot", "--net", "nowhere", "base", "--", "true"), ("chroot", "-name", "x"), ("commit",)):
            done = proc.run(self.command(*arguments), env=self.environment, cwd=self.dir)
            self.assertEqual(done.code, 125 if "chroot" in arguments else 2, done)
            self.assertNotEqual(done.err, "", done)
        for bad in ("UPPER:tag", "name:", "a b", "-x", "../x", "name:" + "t" * 200):
            self.import_refused(bad)
        self.assertEqual(len(self.veneer("images", "-q").splitlines()), 1)

    def import_refused(self, name):
        write("t", "")
        done = proc.run(self.command("import", "t", name), env=self.environment, cwd=self.dir)
        self.assertIn(done.code, (1, 2), done)
        self.assertEqual(len(done.err.splitlines()), 1 if done.code == 1 else len(done.err.splitlines()))

    def test_damaged_archives(self):
        lower = self.layer("tree", {"f": os.urandom(100_000), "g": "g"})
        proc.run(["tar", "-C", lower, "-cf", self.path("t.tar"), "."], check=True)
        whole = read("t.tar")
        with gzip.open("t.tar.gz", "wb") as file:
            file.write(whole)
        packed = read("t.tar.gz")
        for name, data in (("cut.tar", whole[:60_000]), ("cut.tar.gz", packed[:len(packed) // 2]),
                           ("text", b"this is no archive\n" * 100), ("empty", b""),
                           ("flipped.tar", whole[:700] + b"\xff" * 20 + whole[720:])):
            write(name, data)
            self.refused("import", name, f"bad:{name.lower().replace('.', '-')}", code=1, say=f"{name}.*")
            self.assertEqual(self.veneer("images", "-q"), "", name)
        self.veneer("prune")
        objects = sum(len(files) for _, _, files in os.walk(os.path.join(self.store, "objects")))
        self.assertEqual(objects, 0, "nothing of a failed import stays after prune")

    def test_a_damaged_index_names_the_file_and_fsck(self):
        self.import_tree(IMAGE, "base")
        point = self.veneer("mount", "base", "-n", "first").strip()
        write(os.path.join(point, "new"), "new")
        self.veneer("commit", "first", "base")
        self.veneer("rm", "-f", "first")
        self.veneer("mount", "base", "-n", "second")
        self.veneer("rm", "-f", "second")
        merged = self.chain_of("base:latest")
        layers = os.path.join(self.store, "layers")
        layer = os.path.join(layers, max(os.listdir(layers)), "index")
        self.damage(merged)
        point = self.veneer("mount", "base", "-n", "third").strip()
        self.assertEqual(read(os.path.join(point, "lib/a")), b"a" * 10_000, "a merged tree is made again")
        self.assertEqual(read(os.path.join(point, "new")), b"new")
        self.veneer("rm", "-f", "third")
        os.unlink(merged)
        self.damage(layer)
        done = proc.run(self.command("mount", "base", "-n", "x"), env=self.environment, cwd=self.dir)
        self.assertEqual(done.code, 1, done)
        self.assertEqual(len(done.err.splitlines()), 1, done)
        self.assertRegex(done.err, rf"{re.escape(layer)}.*fsck")
        self.refused_fsck(layer)
        self.assertEqual(self.mounted(), [])

    @staticmethod
    def damage(path):
        os.chmod(path, 0o600)
        with open(path, "r+b") as file:
            for offset in range(0, os.fstat(file.fileno()).st_size, 4096):
                file.seek(offset + 100)
                file.write(b"\xff" * 200)

    def refused_fsck(self, name):
        done = proc.run(self.command("fsck"), env=self.environment, cwd=self.dir)
        self.assertEqual(done.code, 1, done)
        self.assertIn(name, done.out + done.err)

    def test_without_its_catalog_nothing_is_deleted(self):
        self.import_tree(IMAGE, "base")
        point = self.veneer("mount", "base", "-n", "web").strip()
        write(os.path.join(point, "precious"), "x")
        self.veneer("umount", "web")
        catalog = os.path.join(self.store, "catalog", "data.mdb")
        whole = read(catalog)
        before = sorted(os.path.join(d, f) for d, _, files in os.walk(self.store) for f in files)
        for size in (8192, 10_000, 0, None):
            os.unlink(catalog)
            if size is not None:
                write(catalog, whole[:size])
            for command in (("images",), ("ps", "-a"), ("prune",), ("prune", "-i"), ("rm", "web"),
                            ("mount", "base"), ("diff", "web"), ("rmi", "base")):
                self.refused(*command, code=1, say="catalog/data.mdb is .*veneer fsck")
            done = proc.run(self.command("fsck"), env=self.environment, cwd=self.dir)
            self.assertEqual((done.code, done.err), (1, ""), done)
            self.assertRegex(done.out, r"\Acatalog/data\.mdb: is .*; containers: web\n.*: 1 damaged\n\Z")
            if size is None:
                write(catalog, whole)
            after = sorted(os.path.join(d, f) for d, _, files in os.walk(self.store) for f in files)
            self.assertEqual(before, after)
        self.veneer("prune")
        point = self.veneer("mount", "web").strip()
        self.assertEqual(read(os.path.join(point, "precious")), b"x")

    def test_a_damaged_object_is_found(self):
        self.import_tree({"big": b"x" * 100_000, "other": b"y" * 50_000}, "base")
        damaged = None
        for directory, _, files in os.walk(os.path.join(self.store, "objects")):
            for name in files:
                if os.stat(os.path.join(directory, name)).st_size == 100_000:
                    damaged = os.path.join(directory, name)
        self.assertIsNotNone(damaged)
        os.chmod(damaged, 0o600)
        with open(damaged, "r+b") as file:
            file.seek(70_000)
            file.write(b"!")
        done = proc.run(self.command("fsck"), env=self.environment, cwd=self.dir)
        self.assertEqual(done.code, 1, done)
        self.assertIn("base", done.out + done.err)
        self.assertIn("1 damaged", done.out + done.err)

    def test_a_store_that_cannot_be_used(self):
        write("file", "x")
        self.refused("--root", "file", "images", code=1, say="file")
        os.mkdir("foreign")
        write("foreign/precious", "x")
        self.refused("--root", "foreign", "import", "file", "x", code=1, say="foreign")
        self.assertEqual(names("foreign"), ["precious"])

    def test_root_option_and_variable(self):
        self.import_tree(IMAGE, "base")
        self.assertIn("base", self.veneer("images"))
        self.assertNotIn("base", self.veneer("--root", self.path("other"), "images"))
        self.assertIn("base", self.veneer("--root", self.store, "images",
                                          environment={"VENEER_ROOT": self.path("other")}))

    def test_debug_logs_what_is_published_and_started(self):
        tree = self.layer("tree", IMAGE)
        line = r"veneer: debug: [^\n]*\n"
        self.veneer("--debug", "import", tree, "base", err=rf"({line})*veneer: debug: published layer sha256:\w+\n({line})*")
        mounted = rf"([^\n]*\n)*veneer: debug: run: \S*veneerfs -o [^\n]+\n([^\n]*\n)*"
        point = self.veneer("mount", "base", err=mounted, environment={"VENEER_LOG": "debug"}).strip()
        self.veneer("umount", point)

    def test_mount_points_that_cannot_be(self):
        self.import_tree(IMAGE, "base")
        write("file", "x")
        # The merged tree stays, which is made first; and a container comes and goes in the catalog.
        self.refused("mount", "base", "-n", "a", "file", code=1, say="file", keeps_store=False)
        self.refused("mount", "base", "-n", "b", "no/such/dir", code=1, say="no/such/dir|no/such", keeps_store=False)
        self.refused("mount", "base", "-n", "c", os.path.join(self.store, "objects"), code=1,
                     say="inside|hang|store", keeps_store=False)
        self.assertEqual(self.mounted(), [])
        self.assertEqual(self.veneer("ps", "-aq"), "", "a container that could not be mounted is not kept")


@for_users
class Life(StoreCase):
    def test_a_dead_daemon_is_noticed(self):
        self.import_tree(IMAGE, "base")
        point = self.veneer("mount", "base", "-n", "web").strip()
        self.act(lambda: write(os.path.join(point, "kept"), "kept"))
        os.kill(self.daemons()[0], signal.SIGKILL)
        self.assert_daemons_end()
        self.assertNotIn("Mounted", self.veneer("ps", "-a"))
        self.assertEqual(self.diff("web"), {"A /kept"})
        self.assertEqual(self.veneer("mount", "web").strip(), point)
        self.assertEqual(self.act(lambda: read(os.path.join(point, "kept"))), b"kept")
        self.assertEqual(len(self.mounted()), 1, "the dead mount was taken away")
        os.kill(self.daemons()[0], signal.SIGKILL)
        self.assert_daemons_end()
        self.veneer("umount", "web")
        self.assertEqual(self.mounted(), [])
        self.veneer("mount", "web")
        os.kill(self.daemons()[0], signal.SIGKILL)
        self.assert_daemons_end()
        self.veneer("rm", "web", err=".*\n?")
        self.assertEqual(self.mounted(), [])

    def test_unmounted_by_hand(self):
        """As after a reboot: the catalog says mounted, and nothing is."""
        self.import_tree(IMAGE, "base")
        point = self.veneer("mount", "base", "-n", "web").strip()
        proc.run(self.as_user(["fusermount3", "-u", point]), check=True)
        self.assert_daemons_end()
        self.assertEqual(self.veneer("ps"), self.veneer("ps").splitlines()[0] + "\n")
        self.assertEqual(self.veneer("mount", "web").strip(), point)
        proc.run(self.as_user(["fusermount3", "-u", point]), check=True)
        self.veneer("rm", "web")

    def test_the_daemon_of_a_mount_does_not_hold_the_caller(self):
        """The pipes of `veneer mount` are closed when it ends; a script that reads them goes on."""
        self.import_tree(IMAGE, "base")
        line = " ".join(self.command("mount", "base", "-n", "web"))
        done = proc.run(["sh", "-c", f"dir=$({line} 2>errors) && echo got $dir"], env=self.environment,
                        cwd=self.dir, timeout=30)
        self.assertRegex(done.out, r"\Agot /.*/merged\n\Z", done)

    def test_read_only_mounts(self):
        self.import_tree(IMAGE, "base")
        point = self.veneer("mount", "-r", "base", "-n", "ro").strip()
        with self.errno(errno.EROFS):
            self.act(lambda: write(os.path.join(point, "new"), "x"))
        self.veneer("umount", "ro")

    def test_many_containers_of_one_image(self):
        self.import_tree(IMAGE, "base")
        points = [self.veneer("mount", "base", "-n", f"c{i}").strip() for i in range(4)]
        for index, point in enumerate(points):
            self.act(lambda p=point, i=index: write(os.path.join(p, "lib/b"), f"mine {i}"))
        for index, point in enumerate(points):
            self.assertEqual(self.act(lambda p=point: read(os.path.join(p, "lib/b"))), b"mine %d" % index)
        self.veneer("umount", *[f"c{i}" for i in range(4)])
        self.veneer("rm", *[f"c{i}" for i in range(4)])
        self.assertEqual(self.mounted(), [])

    def test_equal_files_are_stored_once(self):
        data = os.urandom(200_000)
        self.import_tree({"a": data, "b": data}, "one")
        self.import_tree({"c": {"d": data, "e": "new"}}, "two")
        sizes = [os.stat(os.path.join(directory, name)).st_size
                 for directory, _, files in os.walk(os.path.join(self.store, "objects")) for name in files]
        self.assertEqual(sizes.count(200_000), 1)

    def test_prune_keeps_what_is_needed(self):
        self.import_tree({"keep": b"k" * 50_000}, "keep")
        self.import_tree({"drop": b"d" * 60_000}, "drop")
        point = self.veneer("mount", "keep", "-n", "c").strip()
        self.act(lambda: write(os.path.join(point, "mine"), "mine"))
        self.veneer("rmi", "drop")
        self.veneer("prune")
        sizes = [os.stat(os.path.join(directory, name)).st_size
                 for directory, _, files in os.walk(os.path.join(self.store, "objects")) for name in files]
        self.assertNotIn(60_000, sizes)
        self.assertEqual(self.act(lambda: read(os.path.join(point, "keep"))), b"k" * 50_000)
        self.assertEqual(self.act(lambda: read(os.path.join(point, "mine"))), b"mine")
        self.veneer("umount", "c")
