# SPDX-License-Identifier: Apache-2.0
"""What builds keep between them: the images of steps and the directories of RUN --mount=type=cache; what lists it, what it
takes on disk, and what removes it."""

import json
import os
import re
import subprocess
import time

from support import proc
from support.files import write
from support.small_builds import base_tree
from support.stores import StoreCase, for_users

APP = """\
FROM base
COPY one /one
LABEL kind=app
COPY two /two
"""
STAGES = """\
FROM base AS made
COPY one /made
FROM base
COPY --from=made /made /copied
"""
FAIL = "COPY missing /missing\n"  # unlike RUN, it leaves no container
CACHE = "RUN --mount=type=cache,target=/cache"


@for_users
class BuildCache(StoreCase):
    def setUp(self):
        super().setUp()
        self.base = self.import_tree({**base_tree(), "cache": {}}, "base")
        self.context = self.path("context")
        os.mkdir(self.context)
        self.own(self.context)
        for name in ("one", "two", "three"):
            write(os.path.join(self.context, name), name * 10_000)
            self.own(os.path.join(self.context, name))

    def build(self, dockerfile, *options, code=0):
        """Builds; what `build` wrote on standard error."""
        path = self.write("Dockerfile.test", dockerfile.encode())
        self.own(path)
        done = self.run_veneer("build", "-f", path, *options, self.context)
        self.assertEqual(done.code, code, done)
        return done.err

    def all_images(self):
        return set(self.veneer("images", "-a", "-q", "--no-trunc").split())

    def image(self, name):
        return self.veneer("inspect", "-f", "{{.Id}}", name).strip()

    def steps(self):
        """The steps from which an image was made, the newest first, with the base."""
        return {step for step in self.veneer("history", "-q", "--no-trunc", "app").split() if step != "<missing>"}

    def entries(self, *options):
        """`builder du` by what made each."""
        lines = self.veneer("builder", "du", "--bytes", "--format", "json", *options).splitlines()
        return {row["Description"].split(" #")[0]: row for row in map(json.loads, lines)}

    def prune(self, *options, **more):
        """`builder prune`; how many lines its table has, and what it says of the sum."""
        lines = self.veneer("builder", "prune", "-f", "--bytes", *options, **more).splitlines()
        self.assertRegex(lines[-1], r"^Total:\t\d+$")
        if len(lines) > 1:
            self.assertRegex(lines[0], r"^ID +RECLAIMABLE +SIZE +LAST ACCESSED$")
        return max(len(lines) - 2, 0), int(lines[-1].split()[1])

    def directories(self):
        path = os.path.join(self.store, "caches")
        return sorted(os.listdir(path)) if os.path.exists(path) else []

    def age(self, days):
        """Makes it seem that the cache directories were used some days ago."""
        then = time.time() - days * 86400
        for name in self.directories():
            os.utime(os.path.join(self.store, "caches", name, "lock"), (then, then))

    def assert_sound(self):
        self.assertRegex(self.veneer("fsck", "--progress", "none"), r"(?m): 0 damaged$")

    def test_without_cache_a_directory_is_emptied_once_and_not_by_every_step(self):
        steps = f"FROM base\n{CACHE} cat /cache/* > /all || true; echo x > /cache/made\n{CACHE} cat /cache/made\n"
        self.build(steps)
        self.build(steps, "--no-cache")
        self.build(f"FROM base\n{CACHE} cat /cache/made\n", "--no-cache", code=1)

    def test_the_steps_go_with_the_last_name(self):
        self.build(APP, "-t", "app", "-t", "again")
        self.assertEqual(len(self.all_images()), 4, "the base, two steps and the result")
        self.assertEqual(self.veneer("images", "-q", "--no-trunc").split().count(self.base), 1)
        self.veneer("rmi", "again")
        self.assertEqual(len(self.all_images()), 4)
        self.assertEqual(self.veneer("rmi", "app").count("Deleted: "), 5, "three images and two layers")
        self.assertEqual(self.all_images(), {self.base})
        self.veneer("prune")
        self.assert_sound()

    def test_images_that_share_steps_keep_them_from_each_other(self):
        self.build(APP, "-t", "app")
        self.build(APP + "COPY three /three\n", "-t", "more")
        self.build(APP.replace("two", "three"), "-t", "other")
        before = self.all_images()
        self.assertEqual(len(before), 6, "base, two common steps, and three results")
        app = self.image("app")
        self.veneer("rmi", "app")
        self.assertEqual(self.all_images(), before, "more was made of it")
        self.assertEqual(self.prune()[0], 0, "all steps are needed")
        self.veneer("rmi", "more")
        self.assertNotIn(app, self.all_images())
        self.assertEqual(len(self.all_images()), 4)
        self.assertEqual(self.chroot("other", "cat /one"), "one" * 10_000)
        self.veneer("rmi", "other")
        self.assertEqual(self.all_images(), {self.base})

    def test_a_base_goes_by_its_id_when_no_build_keeps_steps_of_it(self):
        self.build(STAGES, "-t", "app")
        app = self.image("app")
        self.refused("rmi", self.base, code=4, say=f"image {app[7:19]} was made from it; remove that first")
        self.veneer("rmi", "app")
        self.refused("rmi", self.base, code=4, say="builds keep steps that were made from it; `veneer builder prune` removes them")
        self.prune()
        self.veneer("rmi", self.base)
        self.assertEqual(self.all_images(), set())

    def chroot(self, image, script):
        return self.veneer("chroot", image, "--", "sh", "-c", script)

    def test_a_stage_that_was_copied_from_stays_until_prune(self):
        self.build(STAGES, "-t", "app")
        self.assertEqual(len(self.all_images()), 3)
        self.assertEqual([row["Reclaimable"] for row in self.entries().values()], ["true"])
        self.veneer("rmi", "app")
        self.assertEqual(len(self.all_images()), 2)
        for command in (("image", "prune", "-f"), ("prune",), ("prune", "-i")):
            self.veneer(*command)
            self.assertEqual(len(self.all_images()), 2, command)
        self.assertRegex(self.build(STAGES, "-t", "app"), r"COPY one[^\n]*\n#\d+ CACHED")
        removed, freed = self.prune()
        self.assertEqual(removed, 1)
        self.assertGreater(freed, 4096)
        self.assertEqual(self.all_images(), {self.base, self.image("app")})
        self.assertEqual(self.chroot("app", "cat /copied"), "one" * 10_000)
        self.assert_sound()

    def test_prune_leaves_what_images_and_containers_need(self):
        self.build(APP, "-t", "app")
        self.build(APP.replace("two", "three"))  # without a name
        dangling = set(self.veneer("images", "-q", "--no-trunc", "-f", "dangling=true").split())
        self.assertEqual(len(dangling), 1)
        self.build(APP + FAIL, code=1)
        self.build(APP.replace("kind", "sort") + FAIL, code=1)
        step = next(row["ID"] for row in self.entries().values() if "sort" in row["Description"])
        self.veneer("create", "-n", "web", step)
        kept = self.steps() | dangling | {self.base, self.image("app"), "sha256:" + step}
        self.assertEqual(self.all_images() - kept, {"sha256:" + row["ID"] for row in self.entries().values()
                                                    if row["Reclaimable"] == "true"})
        self.assertEqual(self.prune()[0], 1)
        self.assertEqual(self.all_images(), kept)
        self.assertEqual(self.prune("-a")[0], 0)
        self.veneer("rm", "web")
        self.assertEqual(self.prune()[0], 1)
        for image in (*dangling, "app"):
            self.assertEqual(self.chroot(image, "cat /one"), "one" * 10_000)
        self.assert_sound()

    def test_prune_of_images_leaves_the_cache(self):
        self.build(APP, "-t", "app")
        self.build(APP.replace("two", "three"))
        self.build(STAGES, "-t", "staged")
        self.veneer("create", "-n", "web", "app")
        self.assertEqual(self.veneer("image", "prune", "-f").count("deleted: "), 2, "the one without a name, and its layer")
        self.assertEqual(len(self.all_images()), 6)
        self.veneer("image", "prune", "-af")
        self.assertEqual(self.veneer("images", "-q", "--no-trunc").split(), [self.image("app")])
        self.assertEqual(len(self.all_images()), 4, "the steps of app, which a container uses, and the stage")
        self.assertLessEqual(self.steps(), self.all_images())
        self.veneer("rm", "web")
        self.veneer("image", "prune", "-af")
        self.assertEqual(len(self.all_images()), 1)
        self.assertEqual(self.prune()[0], 1)
        self.assertEqual(self.all_images(), set())

    def test_what_the_list_says(self):
        self.build(STAGES + "LABEL a=b\n", "-t", "app")
        self.build(f"FROM base\n{CACHE} sh -c 'echo kept > /cache/file'\n", "-t", "cached")
        rows = self.entries()
        self.assertEqual({(what.split()[0], row["Type"], row["Reclaimable"], row["Shared"], row["Mutable"])
                          for what, row in rows.items()},
                         {("COPY", "regular", "true", "false", "false"), ("COPY", "regular", "false", "true", "false"),
                          ("cached", "exec.cachemount", "true", "false", "true")})
        self.assertEqual(rows["COPY one /made"]["Size"], "30000")
        self.assertEqual(list(self.entries("--filter", "type=exec.cachemount")), ["cached mount with id /cache"])
        self.assertEqual(self.entries("--filter", "until=2000-01-01"), {})
        table = self.veneer("builder", "du").splitlines()
        self.assertRegex(table[0], r"^ID +RECLAIMABLE +SIZE +LAST ACCESSED$")
        ids = [line.split()[0] for line in table[1:4]]
        self.assertEqual([len(word) for word in ids], [12, 12, 13])
        self.assertTrue(ids[2].endswith("*"))
        self.assertRegex("\n".join(table[4:]), r"\AShared:\t\t30kB\nPrivate:\t\S+kB\nReclaimable:\t\S+kB\nTotal:\t\t\S+kB\Z")
        verbose = self.veneer("builder", "du", "-v", "--filter", "id=" + ids[2])
        self.assertRegex(verbose, rf"(?s)\AID:\t\t{ids[2][:12]}.*\nType:\t\texec.cachemount\n\nReclaimable:")
        self.assertEqual(self.veneer("builder", "du", "--filter", "id=0000"), "Reclaimable:\t0B\nTotal:\t\t0B\n")

    def test_cache_directories_go_by_age_and_by_name(self):
        dockerfile = f"FROM base\n{CACHE} sh -c 'echo one >> /cache/file; cat /cache/file'\n"
        self.build(dockerfile, "-t", "app")
        self.build(dockerfile.replace("target", "id=second,target"), "-t", "app")
        self.assertEqual(len(self.directories()), 2)
        for command in (("prune",), ("prune", "-i"), ("image", "prune", "-af"), ("fsck", "--progress", "none")):
            self.veneer(*command)
        self.assertEqual(len(self.directories()), 2, "they are the matter of builder prune alone")
        self.import_tree(base_tree(), "base", "again.dir")
        self.prune()
        self.assertEqual(len(self.directories()), 2, "they were used just now")
        self.prune("--filter", "until=1h")
        self.assertEqual(self.prune("--filter", "id=second")[0], 1)
        self.assertEqual(list(self.entries("--filter", "type=exec.cachemount")), ["cached mount with id /cache"])
        self.age(days=1)
        self.prune()
        self.assertEqual(len(self.directories()), 1)
        self.age(days=3)
        removed, freed = self.prune()
        self.assertEqual((removed, self.directories()), (1, []))
        self.assertGreaterEqual(freed, 4096)
        self.build(dockerfile, "--no-cache", "-t", "app")
        self.assertEqual(len(self.directories()), 1, "made anew")
        self.assertGreaterEqual(self.prune("-a")[0], 1)
        self.assertEqual(self.directories(), [])
        self.assertEqual(os.listdir(os.path.join(self.store, "staging")), [])

    def test_what_a_build_uses_stays(self):
        self.build("FROM base\nCOPY two /two\n" + FAIL, code=1)
        dockerfile = f"FROM base\nCOPY one /one\n{CACHE} sh -c 'touch /cache/up; while ! cat /cache/end; do sleep 0.1; done'\n"
        path = self.write("Dockerfile.test", dockerfile.encode())
        self.own(path)
        child = self.start("build", "-f", path, "-t", "app", self.context, stderr=subprocess.DEVNULL)
        try:
            for _ in range(600):
                if self.directories() and os.path.exists(self.data("up")):
                    break
                time.sleep(0.1)
            self.assertEqual(list(self.entries("--filter", "type=exec.cachemount").values())[0]["InUse"], "true")
            out = self.veneer("builder", "prune", "-af", code=4, err="veneer: a build, import or commit is running[^\n]*\n")
            self.assertEqual(out, "Total:\t0B\n")
            self.assertEqual((len(self.directories()), len(self.all_images())), (1, 3))
        finally:
            self.act(lambda: write(self.data("end"), ""))
            self.assertEqual(child.wait(60), 0)
        self.assertEqual(self.prune("-a")[0], 2)

    def data(self, name):
        return os.path.join(self.store, "caches", self.directories()[0], "data", name)

    def test_all_means_that_the_next_build_makes_every_step(self):
        self.build(APP, "-t", "app")
        self.assertEqual(self.build(APP, "-t", "app").count(" CACHED"), 2)
        self.prune()
        self.assertEqual(self.build(APP, "-t", "app").count(" CACHED"), 2)
        self.prune("-a", "--filter", "until=1h")
        self.assertEqual(self.build(APP, "-t", "app").count(" CACHED"), 2)
        self.prune("-a")
        self.assertEqual(self.build(APP, "-t", "app").count(" CACHED"), 0)

    def test_a_step_that_failed_keeps_those_before_it(self):
        """Its container can be looked at."""
        err = self.build("FROM base\nCOPY one /one\nRUN false\n", code=1)
        container = re.search(r"veneer rm (\w+)`", err)[1]
        self.assertEqual(self.prune("-a")[0], 0)
        self.assertEqual(self.chroot(container, "cat /one"), "one" * 10_000)
        self.veneer("container", "prune", "-f")
        self.assertEqual(self.prune()[0], 1)

    def test_the_newest_stay_up_to_a_size(self):
        for name in ("one", "two", "three"):
            self.build(f"FROM base\nCOPY {name} /{name}\n{FAIL}", code=1)
            time.sleep(0.05)
        self.build(f"FROM base\nCOPY one /one\n{FAIL}", code=1)  # used again, and so the newest
        self.assertEqual(self.prune("--keep-storage", "1m")[0], 0)
        self.assertEqual(self.prune("--keep-storage", "80k")[0], 1, "of 30, 30 and 50 kB")
        self.assertEqual({what.split()[1] for what in self.entries()}, {"one", "three"})
        self.assertEqual(self.prune("--max-used-space", "40000b")[0], 1)
        self.assertEqual({what.split()[1] for what in self.entries()}, {"one"})
        self.assertEqual(self.prune("--filter", "until=1h")[0], 0)

    def test_prune_asks(self):
        self.build(STAGES, "-t", "app")
        for options, what in (((), "all dangling"), (("-a",), "all")):
            out = self.veneer("builder", "prune", *options, input="n\n")
            self.assertEqual(out, f"WARNING! This will remove {what} build cache.\n"
                                  "Are you sure you want to continue? [y/N] Total:\t0B\n")
        self.assertEqual(len(self.all_images()), 3)
        self.assertRegex(self.veneer("builder", "prune", input="y\n"), r"\[y/N\] ID +RECLAIMABLE[^\n]*\n[^\n]*\nTotal:\t\S+B\n\Z")

    def test_the_space_of_the_store_counts_it(self):
        self.build(STAGES, "-t", "app")
        self.build(f"FROM base\n{CACHE} sh -c 'cat /bin/busybox > /cache/file'\n", "-t", "cached")
        df = self.veneer("system", "df", "--bytes")
        on_disk = int(proc.run(["du", "-s", "--block-size=1", self.store], check=True).out.split()[0])
        self.assertEqual(int(re.search(r"(?m)^Store: (\d+)", df)[1]), on_disk)
        total, active, size, reclaimable = map(int, re.search(r"(?m)^Build Cache +(\d+) +(\d+) +(\d+) +(\d+)", df).groups())
        self.assertEqual((total, active), (2, 0))
        self.assertGreater(reclaimable, os.path.getsize("/bin/busybox"))
        self.assertGreaterEqual(size, reclaimable)
        self.assertRegex(df, r"(?m)^Images +3 ")
        verbose = self.veneer("system", "df", "-v")
        self.assertRegex(verbose, r"\nBuild cache usage: \S+kB\n\nCACHE ID +CACHE TYPE +SIZE +CREATED +LAST USED +SHARED\n")
        self.assertEqual(self.veneer("system", "df", "-v", "--format", "{{len .BuildCache}}"), "2\n")
        self.prune("-a")
        df = self.veneer("system", "df", "--bytes")
        self.assertRegex(df, r"(?m)^Build Cache +0 +0 +\d+ +0$")
        on_disk = int(proc.run(["du", "-s", "--block-size=1", self.store], check=True).out.split()[0])
        self.assertEqual(int(re.search(r"(?m)^Store: (\d+)", df)[1]), on_disk)
