# SPDX-License-Identifier: Apache-2.0
"""The Dockerfiles of tests/build, built by other builders: the Docker engine with BuildKit, with its classic builder, and
Debian's buildah.

What they make is compared with what the cases expect, in which Veneer is tested, and with what Veneer makes. A difference
stands in the case with its reason, or below where it is in every case. CASES in the environment is a pattern of the
names of cases.

scripts/test takes some of the cases, scripts/soak all of them."""

import importlib
import os
import re
import signal
import sys

import generator
from support import builders, builds, built, engines, proc
from support.build_case import BuildCase, bases_archive

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "build"))
SMALL = 60  # cases in scripts/test
TABLES = ("copy", "add", "ignore", "variables", "syntax", "config", "stages", "run", "cache", "command")


def table():
    """All cases of tests/build that are wanted."""
    pattern = re.compile(os.environ.get("CASES", ""))
    cases = [case for name in TABLES for case in importlib.import_module(f"test_{name}").CASES
             if pattern.search(f"{name}: {case.name}")]
    return cases[::max(1, len(cases) // generator.count(SMALL))]


def always_meant(judge, what, ours, theirs):
    """Is a difference of every case, which is meant?"""
    if what.startswith("/") and ours is None:
        # E12: the first RUN leaves what was mounted for it where the base has none.
        places = {builds.BUILDKIT: ("/dev", "/proc", "/sys", "/etc", "/run", "/run/secrets"),
                  builds.BUILDAH: ("/dev", "/proc", "/sys", "/etc", "/run", "/run/.containerenv", "/run/secrets", "/etc/hosts",
                                   "/etc/hostname", "/etc/resolv.conf")}
        return what in places.get(judge, ()) and re.match(r"folder|file \d+ \S+ (b''|$)", theirs or "")
    # E91: they word it in their own way.
    return judge != builds.BUILDKIT and what == "history"


class Builders(BuildCase):
    """A case per builder."""

    timeout = 1500

    def check_all(self, builder):
        failures = []
        number = 0
        for case in table():
            number += 1
            outcome = builder.build(case)
            differences = [(what, ours, theirs) for what, ours, theirs in builds.expected_differences(case, outcome)
                           if not always_meant(builder.name, what, ours, theirs)]
            failures += self.judge(case, builder.name, differences)
            if builder.name == builds.BUILDKIT and outcome.image and not case.error and not case.waits and not \
                    isinstance(case, builds.Twice):
                failures += self.compare(case, outcome)
        print(f"{number} cases", end=" ", flush=True)
        if failures:
            self.fail(f"{len(failures)} differences:\n    " + "\n    ".join(failures))

    def compare(self, case, theirs):
        """Lines for what is not as in the image that Veneer makes: with times, comments, and what the case does not say."""
        ours = self.builder.build(case)
        if ours.image is None:
            return [f"{case.name}: Veneer fails: {ours.text[-500:]}"]
        listed = [key for one in case.differs if one.of(builds.BUILDKIT) for key in one.keys()]
        if case.history_differs:
            listed.append("history")
        return [f"{case.name}: {what}: veneer {mine!r}, {builds.BUILDKIT} {other!r}"
                for what, mine, other in builds.image_differences(ours.image, theirs.image)
                if not always_meant(builds.BUILDKIT, what, mine, other) and not any(
                    builds.Differs.covers(key, what) for key in listed)]

    @staticmethod
    def judge(case, judge, differences):
        """Lines for differences that nothing explains, and for what is listed and is not there."""
        listed = [one for one in case.differs if one.of(judge)]
        lines = [f"{case.name}: {what}: ours {ours!r}, {judge} {theirs!r}" for what, ours, theirs in differences
                 if not any(one.covers(key, what) for one in listed for key in one.keys())]
        if "outcome" not in (what for what, _, _ in differences):
            lines += [f"{case.name}: {judge} does not differ in {key}: {one.reason}" for one in listed for key in one.keys()
                      if not any(one.covers(key, what) for what, _, _ in differences)]
        return lines

    def test_docker(self):
        with engines.Docker(self.path("docker")) as docker:
            docker.load(bases_archive())
            for name in builds.DOCKER:
                with self.subTest(name):
                    self.check_all(builders.DockerBuilder(docker, name))

    def test_buildah(self):
        with engines.Buildah(self.path("buildah"), "overlay") as buildah:
            builder = builders.BuildahBuilder(buildah)
            builder.load(bases_archive(), built.base_images())
            try:
                self.check_all(builder)
            finally:
                for pid, words in proc.processes().items():
                    if words[0] == "sleep":  # what a RUN leaves in the background goes on without a pid namespace
                        os.kill(pid, signal.SIGKILL)
