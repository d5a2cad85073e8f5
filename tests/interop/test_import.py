# SPDX-License-Identifier: Apache-2.0
"""`veneer import` of what real programs write: the layer is one that every reader of images takes."""

import gzip
import io
import lzma
import os
import re
import tarfile

from support import engines, proc, runner, sanitizer, tree
from support.files import read, write
from support.images import layer, member, sha, tar
from support.stores import StoreCase


class Peculiar(StoreCase):
    """Archives of GNU tar that Docker, podman or umoci refuse as a layer."""

    def setUp(self):
        super().setUp()
        source = self.path("src")
        os.makedirs(os.path.join(source, "d"))
        write(os.path.join(source, "f"), b"f" * 3000)
        write(os.path.join(source, "d/g"), b"g")
        os.link(os.path.join(source, "f"), os.path.join(source, "d/linked"))
        os.symlink("f", os.path.join(source, "d/link"))
        os.setxattr(os.path.join(source, "f"), "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
        os.mkdir(os.path.join(source, "acl"))
        write(os.path.join(source, "acl/plain"), b"p")
        proc.run(["setfacl", "-d", "-m", "u:5:rwx", os.path.join(source, "acl")], check=True)
        with open(os.path.join(source, "sparse"), "wb") as file:
            file.seek(3 << 20)
            file.write(b"end")
        write(os.path.join(source, "new"), b"old")
        self.source = source

    def tar(self, name, *options):
        proc.run(["tar", "-C", self.source, *options, "-f", self.path(name), "."], check=True)
        return name

    def archives(self):
        yield self.tar("label.tar", "-V", "label", "-c"), r"a volume label \(tar -V\)"
        yield self.tar("dump.tar", "-g", self.path("snar"), "-c"), r"a directory of an incremental dump \(tar -g\)"
        yield self.tar("sparse.tar", "-S", "-c"), r"a sparse file in GNU's old form \(tar -S\)"
        yield self.tar("pax.tar", "-S", "--format=posix", "-c"), r"a sparse file \(tar -S\)"
        self.tar("twice.tar", "--acls", "--xattrs", "--xattrs-include=*", "-c")
        write(os.path.join(self.source, "new"), b"newer")
        proc.run(["tar", "-C", self.source, "-rf", self.path("twice.tar"), "./new"], check=True)
        yield "twice.tar", r"a name several times \(tar -r\)"

    def test_each_becomes_a_layer_that_all_read(self):
        judges = [engines.Docker(self.path("docker")), engines.Podman(self.path("vfs"), "vfs"),
                  engines.Podman(self.path("overlay"), "overlay")]
        for judge in judges:
            judge.start()
            self.addCleanup(judge.stop)
        umoci = engines.Umoci(self.path("umoci"))
        for name, reason in self.archives():
            with self.subTest(name):
                image = name.replace(".tar", ":1")
                self.veneer("import", "-q", name, image,
                            err=rf"veneer: [^\n]*{name} has {reason}, [^\n]*another diff id \(--exact keeps its bytes\)\n")
                mine = self.tree_of(image)
                self.assertEqual(set(mine) - {b"."},
                                 {b"acl", b"acl/plain", b"f", b"d", b"d/g", b"d/linked", b"d/link", b"sparse", b"new"})
                ignore = ("mtime",) if name == "twice.tar" else ("mtime", "xattrs")
                self.assertEqual(tree.difference(tree.snapshot(self.source), mine, ignore), [])
                self.veneer("save", "-o", "saved.tar", image)
                for judge in judges:
                    self.assertEqual(judge.load(self.path("saved.tar")).code, 0)
                    loaded = next(iter(judge.ids()))
                    theirs = judge.snapshot(loaded)
                    judge.run("save", "-o", self.path("again.tar"), loaded)
                    os.unlink(self.path("again.tar"))
                    theirs[b"."] = mine[b"."]  # the root is as their drivers make it
                    self.assertEqual(tree.difference(mine, theirs), [], judge)
                    judge.remove_all()
                self.veneer("save", "--format", "oci-dir", "-o", "lay-" + name, image)
                self.assertEqual(tree.difference(mine, umoci.snapshot(f"{self.path('lay-' + name)}:1")), [])
                # Again: the same layer.
                before = self.veneer("inspect", "--format", "{{.RootFS.Layers}}", image)
                self.veneer("import", "-q", name, "again:1", err="(?s:.*)")
                self.assertEqual(self.veneer("inspect", "--format", "{{.RootFS.Layers}}", "again:1"), before)
                os.unlink(self.path("saved.tar"))

    def test_exact_keeps_the_bytes(self):
        for name, _ in self.archives():
            with self.subTest(name):
                self.veneer("import", "-q", "--exact", name, "exact:1")
                digest = "sha256:" + sha(read(self.path(name)))
                self.assertEqual(self.veneer("inspect", "--format", "{{index .RootFS.Layers 0}}", "exact:1").strip(), digest)

    def test_a_directory_without_an_entry_stays_what_it_was(self):
        """In front of the entry that gives the directory above it a set-group-ID bit."""
        self.write("order.tar", tar(member("d/d/f"), member("d", kind=tarfile.DIRTYPE, mode=0o2775), member("d/d/f")))
        modes = []
        for options in (["--exact"], []):
            self.veneer("import", "-q", *options, "order.tar", "order:1", err="(?s:.*)")
            modes.append(self.tree_of("order:1")[b"d/d"]["mode"])
        self.assertEqual(modes, [0o755, 0o755])

    def test_whiteouts_and_opaque_marks_stay_marks(self):
        self.write("marks.tar", tar(*map(member, ("d/.wh.x", "e/.wh..wh..opq", "f", "f", "e/new"))))
        self.veneer("import", "-q", "marks.tar", "marks:1", err="(?s:.*several times.*)")
        with tarfile.open(fileobj=io.BytesIO(self.layer_tar("marks:1"))) as archive:
            self.assertEqual(sorted(archive.getnames()), ["d/.wh.x", "e/.wh..wh..opq", "e/new", "f"])

    def test_ordinary_archives_keep_their_bytes(self):
        for number, options in enumerate((["-c"], ["--format=posix", "-c"], ["--format=v7", "-c"],
                                          ["--format=ustar", "-c"], ["--xattrs", "--acls", "-c"])):
            name = self.tar(f"plain{number}.tar", *options)
            self.veneer("import", "-q", name, "plain:1")
            self.assertEqual(self.veneer("inspect", "--format", "{{index .RootFS.Layers 0}}", "plain:1").strip(),
                             "sha256:" + sha(read(self.path(name))))


class Warnings(StoreCase):
    """What is left out is told, once."""

    def test_names_that_no_layer_can_hold(self):
        for name in ("foo", ".wh.foo", "d/.wh.bar", ".wh.dir/inside"):
            os.makedirs(os.path.dirname(self.path("tree/" + name)), exist_ok=True)
            write(self.path("tree/" + name), b"x")
        self.veneer("import", "-q", "tree", "tree:1",
                    err=r'veneer: warning: 3 names are left out, since \.wh\. [^\n]*"/\.wh\.dir", \.\.\.\n')
        with tarfile.open(fileobj=io.BytesIO(self.layer_tar("tree:1"))) as archive:
            self.assertEqual({name.removeprefix("./") for name in archive.getnames()} - {"", "."}, {"d", "foo"})

    def test_acls_of_users_that_nobody_knows(self):
        acl = ",".join(["user::rw-", "group::r--", "mask::rw-", "other::r--", *(f"user:nobody-{user}:rw-" for user in range(3))])
        self.write("acl.tar", tar(*(member(f"f{number}", pax_headers={"SCHILY.acl.access": acl}) for number in range(50))))
        done = self.run_veneer("import", "-q", "acl.tar", "acl:1")
        self.assertEqual(done.code, 0, done)
        told = done.err.splitlines()
        self.assertEqual(len(told), 3, told)


class FewThreads(StoreCase):
    """Where no more threads can be had, an import ends: it works with fewer, or says so."""

    uid = runner.USER_WITH_IDS

    def test_import_and_load_end(self):
        write(self.path("a.tar"), layer(**{f"f{i}": str(i) * 9000 for i in range(50)}))
        self.own(self.path("a.tar"))
        codes = []
        for limit in range(1, 14):
            line = self.as_user(["prlimit", f"--nproc={limit}:{limit}", "--", "veneer", "import", "-q", "a.tar", "a:1"])
            # Who looks for leaks needs a thread of its own.
            done = proc.run(line, env={**self.environment, "ASAN_OPTIONS": sanitizer.options(sanitizer.NO_LEAKS)}, cwd=self.dir,
                            timeout=60)
            codes.append(done.code)
            self.assertIn(done.code, (0, 1), done)
            if done.code:
                self.assertRegex(done.err, r"\Aveneer: .*(thread|Resource temporarily unavailable)[^\n]*\n\Z")
        self.assertIn(0, codes)
        self.assertIn(1, codes)


class WithoutLibraries(StoreCase):
    def test_an_import_says_that_libarchive_is_missing_where_it_needs_it(self):
        data = tar(member("f", data=b"text"))
        write(self.path("libarchive.so.13"), b"not a library")
        write(self.path("a.tar"), data)
        write(self.path("a.tar.xz"), lzma.compress(data))
        environment = {"LD_LIBRARY_PATH": self.dir}
        self.veneer("import", "-q", "a.tar", "plain:1", environment=environment)
        self.veneer("import", "-q", "a.tar.xz", "xz:1", environment=environment, code=1,
                    err=r"veneer: .*libarchive.so.13 is missing.*package libarchive13[^\n]*\n")
        self.veneer("import", "-q", "a.tar.xz", "xz:1")

    def test_zlib_reads_gzip_where_isa_l_cannot_be_loaded(self):
        data = tar(member("f", data=b"text" * 300_000))
        write(self.path("a.tar.gz"), gzip.compress(data))
        write(self.path("libisal.so.2"), b"not a library")
        write(self.path("bad.tar.gz"), gzip.compress(data)[:-9])
        for image, environment in (("isal:1", {}), ("zlib:1", {"LD_LIBRARY_PATH": self.dir})):
            self.veneer("import", "-q", "a.tar.gz", image, environment=environment)
            self.assertIn(sha(data), self.veneer("inspect", image))
            self.veneer("import", "bad.tar.gz", "no:1", code=1, environment=environment,
                        err=r"veneer: bad.tar.gz: damaged compressed data: cut short\n")


OLD_CURL = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* libcurl as before 7.85, which does not know the options with names; all else is the real one. */
static void *real; static long bits; static int refuse;
__attribute__((constructor)) static void begin(void) {
  real = dlopen(getenv("REAL_CURL"), RTLD_NOW | RTLD_LOCAL);
  refuse = getenv("OLD_CURL_REFUSES") ? atoi(getenv("OLD_CURL_REFUSES")) : 0;
}
#define PASS(name) void *name(void *a, void *b, void *c, void *d) { \
  return ((void *(*)(void *, void *, void *, void *))dlsym(real, #name))(a, b, c, d); }
PASS(curl_global_init) PASS(curl_easy_init) PASS(curl_easy_getinfo) PASS(curl_easy_reset) PASS(curl_easy_cleanup)
PASS(curl_easy_strerror) PASS(curl_slist_append) PASS(curl_slist_free_all) PASS(curl_url) PASS(curl_url_set)
PASS(curl_url_get) PASS(curl_url_cleanup) PASS(curl_free)
int curl_easy_setopt(void *handle, int option, ...) {
  va_list list; va_start(list, option);
  void *value = va_arg(list, void *);
  va_end(list);
  if (option == 10318 || option == 10319 || option == refuse) return 48;
  if (option == 181) bits = (long)value;
  return ((int (*)(void *, int, ...))dlsym(real, "curl_easy_setopt"))(handle, option, value);
}
int curl_easy_perform(void *handle) {
  FILE *out = fopen(getenv("OLD_CURL_OUT"), "w");
  fprintf(out, "%ld", bits);
  fclose(out);
  return ((int (*)(void *))dlsym(real, "curl_easy_perform"))(handle);
}
"""


class OldCurl(StoreCase):
    def test_an_older_libcurl_is_kept_to_http_and_https(self):
        write(self.path("old.c"), OLD_CURL.encode())
        proc.run(["cc", "-shared", "-fPIC", "-w", "-o", self.path("libcurl.so.4"), self.path("old.c"), "-ldl"], check=True)
        found = proc.run(["/sbin/ldconfig", "-p"], check=True).out
        real = re.search(r"libcurl\.so\.4 \(.*\) => (\S+)", found)[1]
        out = self.path("out")
        environment = {"LD_LIBRARY_PATH": self.dir, "REAL_CURL": real, "OLD_CURL_OUT": out}
        self.veneer("import", "http://127.0.0.1:1/x.tar", code=1, err=r"veneer: .*connect.*\n", environment=environment)
        self.assertEqual(read(out), b"3")
        os.unlink(out)
        # One that knows neither form reads nothing.
        self.veneer("import", "http://127.0.0.1:1/x.tar", code=1, err=r"veneer: .*\n",
                    environment={**environment, "OLD_CURL_REFUSES": "181"})
        self.assertFalse(os.path.exists(out))
