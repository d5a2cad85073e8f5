# SPDX-License-Identifier: Apache-2.0
"""Builds that begin, or end, in another way: caches with files of other stages."""

import os
import re

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
