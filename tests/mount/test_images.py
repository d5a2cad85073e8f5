# SPDX-License-Identifier: Apache-2.0
"""Images and containers change: names, removal, pruning, the config that a commit or import changes, what two images
differ in, and what all of it takes on disk."""

import errno
import gzip
import http.server
import json
import os
import signal
import subprocess
import threading
import time

from support import proc
from support.files import read, write
from support.stores import StoreCase, for_users

PLAIN = {"etc": {"hosts": "127.0.0.1\n"}, "large": "l" * 50_000, "small": "s" * 3000}


class ImageCase(StoreCase):
    def make(self, name, what, *options):
        """An image of one layer with a file of its own and one that all of them have."""
        path = self.layer(f"{what}.dir", {"own": what * 20_000, "all": "a" * 30_000})
        proc.run(["tar", "-C", path, "--sort=name", "--mtime=@1000", "--numeric-owner", "-cf", path + ".tar", "."],
                 check=True)
        return self.veneer("import", *options, path + ".tar", *([name] if name else [])).strip()

    def config(self, image):
        """The config of an image, as it is kept."""
        with open(self.config_of(image), encoding="utf-8") as file:
            return json.load(file)

    def ids(self):
        return self.veneer("images", "-q", "--no-trunc").split()

    def sizes(self):
        """`system df --bytes` by type, and the sum."""
        lines = self.veneer("system", "df", "--bytes").splitlines()
        rows = {line.split("  ")[0]: line.split("  ", 1)[1].split() for line in lines[1:6]}
        store = next(int(line.split()[1]) for line in lines if line.startswith("Store:"))
        return rows, store

    def du(self):
        return int(proc.run(["du", "-s", "--block-size=1", self.store], check=True).out.split()[0])


@for_users
class Changes(ImageCase):
    def test_a_failed_mount_takes_back_the_directory_it_made(self):
        self.make("app:1", "1")
        old, new = os.path.join(self.dir, "old"), os.path.join(self.dir, "new")
        self.act(lambda: os.mkdir(old))
        for where in (old, new):
            self.refused("mount", "-o", "timeout=soon", "-n", "web", "app:1", where, code=1, say="timeout", keeps_store=False)
        self.assertTrue(os.path.isdir(old))
        self.assertFalse(os.path.exists(new))
        self.assertEqual(self.veneer("ps", "-a", "-q"), "")

    def test_names_move_and_images_go_with_their_layers(self):
        one, two = self.make("app:1", "1"), self.make("app:2", "2")
        self.assertEqual(self.veneer("tag", "app:1", "app:2"), "")
        self.assertRegex(self.veneer("images"), rf"(?m)^<none> +<none> +{two[7:19]} ")
        self.assertEqual(self.veneer("tag", two, "registry.example:5000/team/app"), "")
        self.refused("tag", "app:1", "A:b", code=2, say="not an image name")
        self.refused("tag", "app:9", "x", code=3, say="no such image: app:9; did you mean app:")
        self.refused("rmi", one, code=4, say=r"several names \(app:1, app:2\)")
        self.assertEqual(self.veneer("rmi", "app:2"), "Untagged: app:2\n")
        layer = self.config("app:1")["rootfs"]["diff_ids"][0]
        self.assertEqual(self.veneer("rmi", "app:1"), f"Untagged: app:1\nDeleted: {one}\nDeleted: {layer}\n")
        self.assertFalse(os.path.exists(os.path.join(self.store, "layers", layer[7:])))
        self.assertEqual(self.ids(), [two])
        self.assertRegex(self.veneer("prune"), "1 object")
        self.assertRegex(self.veneer("fsck"), r"0 damaged")

    def test_what_the_list_prints_can_be_removed(self):
        one = self.make("app:1", "1")
        self.veneer("tag", one, "app:again")
        self.make("app:2", "2")
        listed = self.veneer("images", "-q").split()
        self.assertEqual(len(listed), 3)
        out = self.veneer("rmi", *listed)
        self.assertEqual(out.count("Untagged:"), 3)
        self.assertEqual(out.count("Deleted:"), 4)
        self.assertEqual(self.ids(), [])

    def test_a_container_keeps_its_image(self):
        self.make("app:1", "1")
        self.veneer("tag", "app:1", "app:2")
        self.assertEqual(self.veneer("create", "--name", "web", "app:1"), "web\n")
        made_up = self.veneer("create", "app:1").strip()
        self.assertEqual(set(self.veneer("ps", "-aq").split()), {"web", made_up})
        self.veneer("rm", made_up)
        self.assertEqual(self.veneer("rmi", "app:1"), "Untagged: app:1\n")
        for options in ((), ("-f",)):
            self.refused("rmi", *options, "app:2", code=4, say="being used by container web")
        self.refused("create", "--name", "web", "app:2", code=4, say="there is a container web already")
        self.refused("create", "--name", "../x", "app:2", code=2, say="not a container name")
        self.refused("create", "--pull", "never", "none", code=3, say="no such image: none")
        self.veneer("rm", "web")
        self.veneer("rmi", "app:2")

    def test_what_is_not_there_needs_no_removal_by_force(self):
        self.make("app", "1")
        for command in ("rmi", "rm"):
            self.refused(command, "nosuch", code=3, say="nosuch")
            done = proc.run(self.command(command, "-f", "nosuch"), env=self.environment, cwd=self.dir)
            self.assertEqual((done.code, done.out), (0, ""))
            self.assertRegex(done.err, r"\Aveneer: [^\n]*nosuch[^\n]*\n\Z")

    def test_what_a_commit_made_an_image_of_is_its_parent(self):
        base = self.make("base", "1")
        self.veneer("create", "-n", "web", "base")
        child = self.veneer("commit", "web", "child").strip()
        self.assertEqual(self.veneer("inspect", "-f", "{{.Parent}}", "child").strip(), base)
        steps = self.veneer("history", "-q", "--no-trunc", "child").split()
        self.assertEqual(steps, [child, base])
        self.veneer("rm", "web")
        other = self.make("base", "2")  # takes the name away
        self.assertEqual(set(self.ids()), {child, other})
        self.assertEqual(self.veneer("images", "-q", "-f", "dangling=true"), "")
        self.assertIn(base, self.veneer("images", "-a", "-q", "--no-trunc").split())
        self.assertEqual(self.veneer("image", "prune", "-f"), "Total reclaimed space: 0B\n")
        self.veneer("tag", child, "kept")
        self.veneer("rmi", "--no-prune", "child", "kept")
        self.assertEqual(set(self.ids()), {base, other}, "nothing needs it now")
        self.assertIn(f"deleted: {base}\n", self.veneer("image", "prune", "-f"))

    def test_unnamed_parents_go_with_their_last_child(self):
        """Told of in the order and with the chain ids of Docker."""
        base = image = self.make("base", "1")
        told = []
        for name in ("one", "two"):
            self.veneer("create", "-n", name, image)
            point = self.veneer("mount", name).strip()
            self.act(lambda p=point, n=name: write(os.path.join(p, n), n))
            self.veneer("umount", name)
            image = self.veneer("commit", name).strip()
            self.veneer("rm", name)
            told[:0] = [f"Deleted: {image}", f"Deleted: sha256:{os.path.basename(self.chain_of(image))}"]
        self.assertEqual(self.veneer("rmi", image).splitlines(), told)
        self.assertEqual(self.ids(), [base])

    def test_containers_that_are_not_mounted_are_pruned(self):
        self.make("app", "1")
        for name in ("one", "two", "three"):
            self.veneer("create", "-n", name, "app")
        point = self.veneer("mount", "two").strip()
        self.act(lambda: write(os.path.join(point, "new"), "kept"))
        done = proc.run(["sh", "-c", f"echo n | {' '.join(self.command('container', 'prune'))}"],
                        env=self.environment, cwd=self.dir, check=True)
        self.assertIn("[y/N]", done.out)
        self.assertEqual(len(self.veneer("ps", "-aq").split()), 3)
        self.veneer("container", "prune", "-f", "--filter", "until=1h")
        self.assertEqual(len(self.veneer("ps", "-aq").split()), 3)
        out = self.veneer("container", "prune", "-f")
        self.assertEqual(sorted(out.splitlines()[1:3]), ["one", "three"])
        self.assertEqual(self.veneer("ps", "-aq"), "two\n")
        self.veneer("umount", "two")
        self.assertIn("Total reclaimed space: 4\n", self.veneer("container", "prune", "-f", "--bytes"))

    def test_a_container_gets_another_name(self):
        self.make("app", "1")
        point = self.veneer("mount", "app", "-n", "web").strip()
        self.act(lambda: write(os.path.join(point, "new"), "kept"))
        self.refused("rename", "web", "site", code=4, say="in use, mounted at .*veneer umount web")
        self.refused("rm", "web", code=4, say="mounted at")
        self.veneer("umount", "web")
        self.veneer("create", "-n", "db", "app")
        self.refused("rename", "web", "db", code=4, say="there is a container db already")
        self.refused("rename", "web", "a/b", code=2, say="not a container name")
        self.refused("rename", "wbe", "x", code=3, say="did you mean web")
        self.assertEqual(self.veneer("rename", "web", "site"), "")
        self.assertEqual(set(self.veneer("ps", "-aq").split()), {"site", "db"})
        self.assertEqual(self.diff("site"), {"A /new"})
        point = self.veneer("mount", "site").strip()
        self.assertEqual(self.act(lambda: os.path.getsize(os.path.join(point, "new"))), 4)
        self.veneer("umount", "site")
        self.veneer("prune")
        self.veneer("commit", "--rm", "site", "app:site")
        self.veneer("rm", "db")

    def test_prune_asks_and_says_what_came_back(self):
        self.make("keep", "k")
        gone = self.make(None, "g", "-c", "LABEL stage=build")
        old = self.make("old", "o")
        before = self.du()
        for answer in ("", "n\n", "yes\n"):
            out = self.veneer("image", "prune", input=answer)
            self.assertEqual(out, "WARNING! This will remove all dangling images.\n"
                                  "Are you sure you want to continue? [y/N] Total reclaimed space: 0B\n")
        self.assertEqual(self.du(), before)
        for nothing in ("label=stage=run", "label!=stage", "until=2000-01-01"):
            self.assertNotIn(gone, self.veneer("image", "prune", "-f", "--filter", nothing))
        out = self.veneer("image", "prune", "--filter", "label=stage", input="y\n")
        self.assertIn("filtered with:\n  - label=stage\n", out)
        self.assertIn(f"[y/N] Deleted Images:\ndeleted: {gone}\ndeleted: sha256:", out)
        freed = before - self.du()
        self.assertGreater(freed, 20_000)
        self.assertRegex(out, r"\n\nTotal reclaimed space: [1-9][0-9.]*kB\n\Z")
        self.veneer("create", "-n", "web", "keep")
        out = self.veneer("image", "prune", "-af")
        self.assertIn(f"untagged: old:latest\ndeleted: {old}\n", out)
        self.assertNotIn("keep", out)
        self.assertEqual(len(self.ids()), 1)
        self.assertRegex(self.veneer("fsck"), r"0 damaged")
        self.veneer("rm", "web")

    def test_commit_and_import_change_the_config(self):
        self.make("app", "1", "-m", "made", "--platform", "linux/aarch64", "-c", "ENV A=1 PATH=/bin",
                  "-c", 'CMD ["old"]', "-c", "WORKDIR /srv")
        config = self.config("app:latest")
        self.assertEqual((config["architecture"], config["variant"], config["os"]), ("arm64", "v8", "linux"))
        self.assertEqual(config["history"][0]["comment"], "made")
        self.assertEqual(config["config"], {"Env": ["A=1", "PATH=/bin"], "Cmd": ["old"], "WorkingDir": "/srv"})
        self.veneer("create", "-n", "web", "app")
        before = self.ids()
        for bad, say in (("RUN x", "--change: RUN: it does not change a config"), ("EXPOSE x", "'x' is not PORT"),
                         ("MAINTAINER me", "authors=NAME"), ("ENV $X", "has no =")):
            self.refused("commit", "-c", "USER me", "-c", bad, "web", "app:new", code=2, say=say)
        self.assertEqual(self.ids(), before)
        self.veneer("commit", "-p", "-a", "me", "-m", "why", "-c", "env PATH=/opt:$PATH B='b c'",
                    "-c", "Entrypoint run", "-c", "workdir www", "-c", "EXPOSE 80", "-c",
                    "HEALTHCHECK --interval=5s CMD true", "web", "app:new")
        config = self.config("app:new")
        self.assertEqual(config["config"], {
            "Env": ["A=1", "PATH=/opt:/bin", "B=b c"], "WorkingDir": "/srv/www", "ExposedPorts": {"80/tcp": {}},
            "Entrypoint": ["/bin/sh", "-c", "run"],
            "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 5_000_000_000}})
        self.assertEqual((config["author"], config["history"][-1]["comment"]), ("me", "why"))
        self.veneer("rm", "web")

    def test_two_images_differ_as_a_container_does(self):
        self.import_tree(PLAIN, "base")
        point = self.veneer("mount", "base", "-n", "web").strip()

        def change():
            write(os.path.join(point, "etc/hosts"), "127.0.0.1\n::1\n")
            write(os.path.join(point, "added"), "12345")
            os.unlink(os.path.join(point, "large"))
            os.rename(os.path.join(point, "small"), os.path.join(point, "moved"))

        self.act(change)
        plain = self.veneer("diff", "web")
        self.assertEqual(plain, "A /added\nC /etc\nC /etc/hosts\nD /large\nA /moved\nD /small\n")
        as_json = json.loads(self.veneer("diff", "--format", "json", "web"))
        self.assertEqual([f"{each['kind']} {each['path']}" for each in as_json], plain.splitlines())
        sizes = json.loads(self.veneer("diff", "--format=json", "--stat", "web"))
        self.assertEqual({each["path"]: (each["before"], each["after"]) for each in sizes},
                         {"/added": (0, 5), "/etc": (0, 0), "/etc/hosts": (10, 14), "/large": (50_000, 0),
                          "/moved": (0, 3000), "/small": (3000, 0)})
        table = self.veneer("diff", "--stat", "web")
        self.assertRegex(table, r"(?m)^D +50kB +- +/large$")
        self.assertIn("2 added, 2 changed, 2 deleted: 53kB before, 3.02kB after", table)
        self.veneer("umount", "web")
        self.veneer("commit", "web", "base:2")
        self.assertEqual(self.veneer("diff", "base", "base:2"), plain)
        self.assertEqual(json.loads(self.veneer("diff", "--stat", "--format=json", "base", "base:2")), sizes)
        self.assertEqual(self.veneer("diff", "base", "base"), "")
        self.assertEqual(self.veneer("diff", "--format", "json", "base", "base"), "[]\n")
        self.refused("diff", "base", code=3, say="base is an image; name a second one")
        self.refused("diff", "base", "base:3", code=3, say="no such image: base:3")
        self.veneer("rm", "web")

    def test_what_df_says_adds_up_with_du(self):
        self.make("one", "1")
        self.make("two", "2")
        self.veneer("create", "-n", "web", "one")
        rows, store = self.sizes()
        self.assertEqual(store, self.du())
        self.assertEqual(store, sum(int(row[2]) for row in rows.values()))
        self.assertEqual(rows["Images"][:2], ["2", "1"])
        self.assertEqual(rows["Containers"][:2], ["1", "0"])
        self.assertEqual(rows["Objects"][:2], ["3", "2"])
        self.assertEqual(rows["Containers"][3], str(int(rows["Containers"][2]) - os.lstat(
            os.path.join(self.store, "containers")).st_blocks * 512))
        self.veneer("mount", "web")
        rows, _ = self.sizes()
        self.assertEqual(rows["Containers"][1], "1")
        self.assertEqual(rows["Containers"][3], "0")
        detail = self.veneer("system", "df", "-v")
        self.assertRegex(detail, r"(?m)^one +latest .* 50kB +0B +50kB +1$")
        self.assertRegex(detail, r"(?m)^web +one:latest .* yes ")
        self.assertRegex(detail, r"Sharing saves: ")
        self.veneer("umount", "web")
        self.veneer("rm", "web")


class Web(ImageCase):
    """Imports from a web server of the case's own."""

    def serve(self, body, length=None, status=200, location=None, hold=None):
        """Answers every request so, and goes on when the event `hold` is set; the URL of a file there."""
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                self.wfile.write(body)
                if hold:
                    hold.wait(60)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://user:secret@127.0.0.1:{server.server_port}/rootfs.tar.gz"

    def test_an_archive_is_read_from_a_web_server(self):
        self.make("local", "w")
        with open(self.path("w.dir.tar"), "rb") as file:
            archive = gzip.compress(file.read())
        url = self.serve(archive)
        self.veneer("import", url, "web")
        self.assertEqual(self.veneer("diff", "local", "web"), "")
        self.assertRegex(self.veneer("history", "--no-trunc", "web"), r"Imported from http://127\.0\.0\.1:\d+/rootfs")
        self.veneer("import", self.serve(b"", status=302, location=url), "moved")
        before = self.ids()
        cut = archive[:len(archive) // 2]
        for bad, code, say in ((self.serve(cut, length=len(archive)), 1, "rootfs.tar.gz: "),
                               (self.serve(b"no", status=404), 3, "the server answers with status 404"),
                               (self.serve(b"no", status=503), 1, "the server answers with status 503"),
                               (self.serve(b"x" * 3_000_000), 1, "rootfs.tar.gz: "),
                               (self.serve(b"", status=302, location="file:///etc/passwd"), 1, "not a URL of http"),
                               ("http://127.0.0.1:1/x", 1, "(?i)connect"),
                               ("http://", 1, "http://: ")):
            self.refused("import", bad, "bad", code=code, say=say)
        self.assertEqual(self.ids(), before)
        self.assertNotIn("secret", proc.run(["grep", "-ra", "secret", self.store]).out)

    def test_an_interrupt_ends_a_download_at_once(self):
        hold = threading.Event()
        self.addCleanup(hold.set)
        url = self.serve(b"x" * 512, length=1 << 30, hold=hold)
        with self.start("import", url, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            time.sleep(0.5)
            self.assertIsNone(child.poll())
            child.send_signal(signal.SIGINT)
            begin = time.monotonic()
            out, err = child.communicate(timeout=20)
        self.assertEqual((child.returncode, out, err), (-signal.SIGINT, b"", b""))
        self.assertLess(time.monotonic() - begin, 5)
        self.assertEqual(self.ids(), [])


class Crowd(ImageCase):
    def test_removal_among_many_images_is_quick(self):
        """The figure is 100 ms among 1,000; here a bound that a busy machine keeps."""
        self.make("base", "b")
        for i in range(60):
            self.make(f"many:{i}", f"{i:03}")
        begin = time.monotonic()
        self.veneer("rmi", "many:30")
        self.assertLess(time.monotonic() - begin, 1)

    def test_two_at_once(self):
        """Removal beside imports: whatever goes and comes, the store stays sound."""
        for i in range(6):
            self.make(f"app:{i}", str(i))
        working = [self.start("import", self.path(f"{i}.dir.tar"), f"new:{i}", stdout=subprocess.DEVNULL)
                   for i in range(6)]
        for i in range(6):
            done = proc.run(self.command("rmi", f"app:{i}"), env=self.environment, cwd=self.dir)
            self.assertEqual(done.code, 0, done)
        for each in working:
            self.assertEqual(each.wait(), 0)
        self.assertEqual(len(self.ids()), 6)
        for i in range(6):
            self.veneer("diff", "new:0", f"new:{i}")
        self.assertRegex(self.veneer("fsck"), r"0 damaged")


class CutShort(StoreCase):
    """An object of the store that lost its end: no byte of it is made up."""

    def cut(self, size):
        """A container k of an image whose file `big` lost the second half of its object."""
        self.import_tree({"d": {"big": os.urandom(size)}}, "a:1")
        objects = os.path.join(self.store, "objects")
        [path] = [os.path.join(folder, name) for folder, _, names in os.walk(objects) for name in names]
        os.truncate(path, size // 2)
        return self.veneer("mount", "--name", "k", "a:1", self.path("mnt")).strip()

    def check(self, size):
        root = self.cut(size)
        big, other = os.path.join(root, "d", "big"), os.path.join(root, "other")
        for _ in range(2):
            with self.errno(errno.EIO):
                read(big)
        for change in (lambda: os.truncate(big, size - 1), lambda: append(big, b"x"), lambda: os.truncate(big, size + 1)):
            with self.errno(errno.EIO):
                change()
        self.assertEqual(os.stat(big).st_size, size)
        os.truncate(big, 0)  # what needs nothing of it is done
        write(other, b"fine")
        self.assertEqual((read(big), read(other)), (b"", b"fine"))

    def test_a_large_one(self):
        self.check(600_000)

    def test_one_that_is_copied_up_in_one_step(self):
        self.check(100_000)

    def test_a_pack(self):
        self.check(3_000)

    def test_a_commit_does_not_seal_it(self):
        root = self.cut(300_000)
        os.rename(os.path.join(root, "d"), os.path.join(root, "moved"))
        self.refused("commit", "k", "a:2", code=1, say=r"has another size; run `veneer fsck`")


def append(path, data):
    """Writes behind the end."""
    with open(path, "ab") as file:
        file.write(data)
