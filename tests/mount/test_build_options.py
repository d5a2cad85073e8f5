# SPDX-License-Identifier: Apache-2.0
"""Builds that begin, or end, in another way: caches with files of other stages, layers that become one, builds that
are compared with one another."""

import os
import random
import re
import subprocess

from support.files import write
from support.small_builds import BuildCase, base_tree
from support.stores import for_users

FILLED = """\
FROM base AS made
RUN mkdir -p /made/sub && echo first > /made/sub/file && chmod 750 /made && ln /made/sub/file /made/again
FROM base
"""


class OptionCase(BuildCase):
    def setUp(self):
        super().setUp()
        self.import_tree(base_tree(), "base")

    def output(self, dockerfile, *options, **more):
        """The lines that the commands of a build write."""
        done = self.build(dockerfile, *options, **more)
        return re.findall(r"(?m)^#\d+ \d+\.\d+ (.*)$", done.err)


@for_users
class FilledCaches(OptionCase):
    MOUNT = "RUN --mount=type=cache,id=c,target=/cache,from=made,source=/made"

    def test_a_new_cache_begins_with_the_files_of_a_stage(self):
        look = "cat /cache/sub/file && stat -c %a-%h /cache /cache/again && ls -A /cache"
        self.assertEqual(self.output(FILLED + f"{self.MOUNT} {look}\n"),
                         ["first", "750-3", "644-2", "again", "sub"])
        self.assertEqual(self.output(FILLED + f"{self.MOUNT} echo second > /cache/sub/file && echo a > /cache/own\n"), [])
        self.assertEqual(self.output(FILLED + f"{self.MOUNT} cat /cache/again /cache/own && echo third\n"),
                         ["second", "a", "third"], "it is no new cache any more")
        self.assertEqual(self.output(FILLED + f"{self.MOUNT} {look} && :\n", "--no-cache"),
                         ["first", "750-3", "644-2", "again", "sub"])

    def test_its_owner_and_mode_may_be_others(self):
        for sharing in ("shared", "private", "locked"):
            mount = f"RUN --mount=type=cache,target=/{sharing},from=made,source=made/sub,mode=711,sharing={sharing}"
            self.assertEqual(self.output(FILLED + f"{mount} stat -c %a /{sharing} && cat /{sharing}/file\n"), ["711", "first"])

    def test_a_tree_of_the_host_fills_it_too(self):
        os.mkdir(self.path("files"))
        write(self.path("files", "f"), "of the host\n")
        self.own(self.path("files"))
        line = "FROM base\nRUN --mount=type=cache,target=/cache,from=host cat /cache/f\n"
        self.assertEqual(self.output(line, "--build-context", "host=files"), ["of the host"])

    def test_what_it_begins_with_belongs_to_the_step(self):
        run = f"{self.MOUNT} cat /cache/sub/file\n"
        self.build(FILLED + run)
        self.assertIn("CACHED", self.build(FILLED + run).err.split("RUN --mount")[1])
        other = FILLED.replace("first", "other")
        self.assertNotIn("CACHED", self.build(other + run).err.split("RUN --mount")[1])

    def test_what_is_no_directory_is_refused(self):
        done = self.build(FILLED + "RUN --mount=type=cache,target=/c,from=made,source=/made/again ls /c\n", code=1)
        self.assertRegex(done.err, "the mount on [^ ]*/c[^ ]*: [^ ]*/made/again[^ ]* is no directory")
        done = self.build(FILLED + "RUN --mount=type=cache,target=/c,from=made,source=/none ls /c\n", code=1)
        self.assertRegex(done.err, "/none[^ ]* is not there")

    def test_two_steps_share_one_that_is_made_once(self):
        stages = "".join(f"FROM base AS s{i}\n{self.MOUNT} cat /cache/sub/file && echo {i} > /cache/{i} && echo {i} > /out\n"
                         for i in range(4))
        last = "FROM base\n" + "".join(f"COPY --from=s{i} /out /out{i}\n" for i in range(4)) + f"{self.MOUNT} ls /cache\n"
        lines = self.output(FILLED.rsplit("FROM base\n", 1)[0] + stages + last)
        self.assertEqual(lines[-6:], ["0", "1", "2", "3", "again", "sub"])


@for_users
class Squashed(OptionCase):
    STEPS = """\
FROM base AS first
RUN echo one > /one && mkdir /dir && echo x > /dir/x && rm -r /tmp
RUN cat /bin/busybox /bin/busybox > /large
FROM first
RUN rm /large && ln /one /two && mv /dir /other && echo made > /made
LABEL kind=small
CMD ["/made"]
"""

    def layers(self, image):
        """Its diff ids."""
        return self.config(image)["rootfs"]["diff_ids"]

    def test_the_layers_of_the_build_become_one(self):
        self.build(self.STEPS, "-t", "plain")
        done = self.build(self.STEPS, "-t", "squashed", "--squash")
        self.assertIn("squashing layers", done.err)
        self.assertEqual(self.tree_of("squashed"), self.tree_of("plain"))
        plain, squashed, base = (self.config(f"{name}:latest") for name in ("plain", "squashed", "base"))
        self.assertEqual(squashed["config"], plain["config"])
        self.assertEqual(squashed["rootfs"]["diff_ids"][:-1], base["rootfs"]["diff_ids"])
        files = self.layer_tar("squashed", 2)
        self.assertLess(len(files), 20_000, "a file that was made and removed takes no space")
        *steps, merge = squashed["history"][len(base["history"]):]
        self.assertEqual([step.get("created_by") for step in steps],
                         [step.get("created_by") for step in plain["history"][len(base["history"]):]])
        self.assertTrue(all(step["empty_layer"] for step in steps))
        images = self.images()
        self.assertEqual(merge["comment"], f"merge {images['plain:latest']} to {images['base:latest']}")
        self.assertNotIn("empty_layer", merge)
        self.assertRegex(self.veneer("history", "squashed"), "merge sha256:")

    def test_from_nothing(self):
        self.put("a", "a")
        self.build("FROM scratch\nCOPY a /a\nCOPY a /b\n", "-t", "app", "--squash")
        self.assertEqual(len(self.layers("app:latest")), 1)
        self.assertRegex(self.config("app:latest")["history"][-1]["comment"], "^create new from sha256:[0-9a-f]{64}$")

    def test_without_a_layer_nothing_is_merged(self):
        done = self.build("FROM base\nLABEL a=b\n", "-t", "app", "--squash", "--iidfile", "id")
        self.assertEqual(self.layers("app:latest"), self.layers("base:latest"))
        self.assertNotIn("merge", self.veneer("history", "app"), done)

    def test_the_same_build_gives_the_same_image(self):
        ids = set()
        for options in ((), ("--no-cache",)):
            self.build(self.STEPS, "--squash", "--timestamp", "1000", "--iidfile", "id", *options)
            with open(self.path("id"), encoding="ascii") as file:
                ids.add(file.read())
        self.assertEqual(len(ids), 1)

    def test_random_changes(self):
        seed = os.environ.get("SEED") or random.randrange(1 << 32)
        print(f"SEED={seed}", end=" ", flush=True)
        rng = random.Random(int(seed))
        dockerfile = "FROM base\n"
        for _ in range(4):
            lines = []
            for _ in range(12):
                one, other = ("/t/" + "/".join(rng.choices("abc", k=rng.randint(1, 3))) for _ in range(2))
                lines.append(rng.choice((f"mkdir -p {one}", f"rm -rf {one}", f"mv {one} {other}", f"ln {one} {other}",
                                         f"echo {rng.randrange(9)} > {one}", f"chmod 7{rng.randrange(8)}5 {one}",
                                         f"cp -a {one} {other}", f"ln -s {one} {other}", f"touch -h {one}")))
            dockerfile += "RUN mkdir -p /t; (" + "; ".join(lines) + ") 2> /dev/null; true\n"
        self.build(dockerfile, "-t", "plain")
        self.build(dockerfile, "-t", "squashed", "--squash")
        self.assertEqual(self.tree_of("squashed"), self.tree_of("plain"), dockerfile)
        self.assertEqual(self.veneer("diff", "plain", "squashed"), "")


@for_users
class Reproducible(OptionCase):
    RANDOM = "cat /proc/sys/kernel/random/uuid"

    def check(self, dockerfile, *options, code=0):
        """What a comparison prints."""
        return self.build(dockerfile, "--check-reproducible", *options, code=code).out

    def test_two_builds_that_are_the_same(self):
        self.put("file", "text")
        dockerfile = "FROM base AS one\nRUN echo x > /x\nFROM base\nCOPY file /dir/file\nCOPY --from=one /x /y\n"
        out = self.check(dockerfile, "-t", "app", "--timestamp", "1000")
        self.assertEqual(out, f"reproducible: both builds made {self.images()['app:latest']}\n")
        out = self.check("FROM base\nLABEL a=b\n", "-q")
        self.assertRegex(out, r"\A(sha256:[0-9a-f]{64})\nreproducible: both builds made \1\n\Z")

    def test_what_differs_is_told_by_path(self):
        dockerfile = f"""\
FROM base
RUN echo same > /same
RUN mkdir /conf && {self.RANDOM} > /conf/x && echo same > /conf/same
RUN touch /tmp/$({self.RANDOM})
"""
        out = self.check(dockerfile, "--timestamp", "1000", code=1)
        self.assertRegex(out, r"\Alayer 3: RUN /bin/sh -c mkdir /conf [^\n]*\n  M /conf/x \(contents\)\n"
                              r"layer 4: RUN /bin/sh -c touch [^\n]*\n  [AD] /tmp/[-0-9a-f]+\n  [AD] /tmp/[-0-9a-f]+\n"
                              r"not reproducible: 3 paths of 2 layers differ\n\Z")

    def test_times_alone(self):
        out = self.check("FROM base\nRUN echo x > /x\n", code=1)
        self.assertRegex(out, r"(?m)^  M /x \(time\)$")
        self.assertIn("differ, by time alone, which SOURCE_DATE_EPOCH sets\n", out)

    def test_nothing_stays_of_the_second(self):
        dockerfile = f"FROM base AS one\nRUN {self.RANDOM} > /x\nRUN echo y > /y\nFROM base\nCOPY --from=one /x /x\n"
        self.check(dockerfile, "-t", "app", "--timestamp", "1000", code=1)
        self.assertEqual(len(self.veneer("images", "-a", "-q").split()), 4, "the base and three steps")
        self.assertEqual(len(os.listdir(os.path.join(self.store, "layers"))), 4)
        self.assertEqual(self.veneer("ps", "-a", "-q"), "")
        done = self.build(dockerfile, "-t", "again", "--timestamp", "1000")
        self.assertEqual(done.err.count("CACHED"), 3, "the cache is of the first")
        self.assertEqual(self.images()["again:latest"], self.images()["app:latest"])
        self.assertRegex(self.veneer("fsck"), "0 damaged")

    def test_a_failure_of_either_build(self):
        self.build("FROM base\nRUN false\n", "--check-reproducible", "-t", "app", code=1)
        self.assertNotIn("app:latest", self.images())
        # A server is what the second build may find otherwise; here it is a directory of the host.
        os.mkdir(self.path("host"), 0o777)
        os.chmod(self.path("host"), 0o777)
        write(self.path("host", "f"), "x")
        started = self.start("build", "--check-reproducible", "-t", "app", "--progress", "plain", "--build-context",
                             "host=host", "-f", self.write("Twice", b"FROM base\nCOPY --from=host f /f\nRUN sleep 2\n"),
                             "context", stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        with started:
            for line in started.stderr:
                if b"RUN sleep" in line:
                    os.unlink(self.path("host", "f"))
                    break
            out, err = started.communicate(timeout=60)
        self.assertEqual((started.returncode, out), (1, b""), err)
        self.assertRegex(err.decode(), r"COPY --from=host f /f[\s\S]*veneer: ")
        self.assertIn("app:latest", self.images(), "the first is the image")
