# SPDX-License-Identifier: Apache-2.0
"""The main job on a Debian root file system: apt-get installs and removes packages, and what diff and commit make of it is
compared with what dpkg says."""

from support import runner
from support.sessions import DebianCase

MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
# Where the scripts of packages, apt and dpkg write files that no package owns.
STATE = ("/etc/", "/run/", "/tmp/", "/var/cache/", "/var/lib/", "/var/log/", "/usr/share/info/dir",
         "/var/www")


def real(path):
    """A path of dpkg without the links of the merged /usr."""
    first = path.split("/")[1]
    return "/usr" + path if first in MERGED else path


class DebianJob:
    package = "nginx-light"

    def dpkg(self, container, *arguments):
        return self.chroot(container, "--", *arguments).splitlines()

    def packages(self, container):
        return set(self.dpkg(container, "dpkg-query", "-W", "-f", "${Package}\\n"))

    def files(self, container, packages):
        """Every path that the packages own, directories included."""
        return {real(path) for path in self.dpkg(container, "dpkg", "-L", *sorted(packages))
                if path.startswith("/") and path != "/."}

    def paths(self, container):
        return set(self.dpkg(container, "find", "/", "-xdev", "-path", "/proc", "-prune", "-o", "-print"))

    def apt(self, container, *arguments):
        self.chroot("-e", "DEBIAN_FRONTEND=noninteractive", container, "--", "apt-get", "-q", *arguments, timeout=200)

    def test_install_commit_and_purge(self):
        self.drop("web")
        self.chroot("--name", "web", "debian:12", "--", "true")
        old, there = self.packages("web"), self.paths("web")
        self.assertEqual(self.diff("web"), set(), "looking changes nothing")
        self.apt("web", "update")
        self.apt("web", "install", "-y", "--no-install-recommends", self.package)
        new = self.packages("web") - old
        self.assertIn(self.package, new)
        owned = self.files("web", new)
        diff = self.diff("web")
        added = {line[2:] for line in diff if line[0] == "A"}
        self.assertEqual(owned - added - there, set(), "dpkg has put it there, diff does not say so")
        strange = {path for path in added - owned if not path.startswith(STATE)}
        self.assertEqual(strange, set(), "diff says it was added, dpkg knows nothing of it")
        self.assertEqual(added & there, set(), "it was there before")
        self.assertIn("C /var/lib/dpkg/status", diff)
        self.assertEqual(self.dpkg("web", "dpkg", "--verify"), [])

        self.veneer("commit", "-m", "installed", "web", "debian:web")
        self.drop("next")
        self.chroot("--name", "next", "debian:web", "--", "true")
        self.assertEqual(self.dpkg("next", "dpkg", "--verify"), [], "after the commit")
        self.assertEqual(self.packages("next"), old | new)
        self.assertEqual(self.paths("next"), self.paths("web"))
        self.assertEqual(self.diff("next"), set())

        self.apt("next", "purge", "-y", self.package)
        gone = owned - self.paths("next")
        deleted = {line[2:] for line in self.diff("next") if line[0] == "D"}
        self.assertIn(f"/usr/share/doc/{self.package}", gone)
        # What is in a directory that went is not listed: the topmost deletion says it.
        for path in sorted(gone):
            parts = path.split("/")
            above = {"/".join(parts[:i]) for i in range(2, len(parts) + 1)}
            self.assertTrue(above & deleted, f"dpkg removed {path}, diff does not say so")
        self.assertEqual({path for path in deleted - owned if not path.startswith(STATE)}, set())
        self.assertEqual(self.dpkg("debian:web", "dpkg", "--verify"), [], "the image is as it was")


class Debian_root(DebianJob, DebianCase):
    """As root."""


class Debian_user(DebianJob, DebianCase):
    """As a user with ids of /etc/subuid."""
    uid = runner.USER_WITH_IDS
