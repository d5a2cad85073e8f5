# SPDX-License-Identifier: Apache-2.0
"""Cases of veneer build: tables of builds (support/builds.py), as root and as ordinary users."""

import os
import re
import sys

from support import builders, builds, built, runner
from support.stores import StoreCase

USERS = (("root", 0), ("user", runner.USER_WITH_IDS), ("single", runner.USER_WITHOUT_IDS))


def bases_archive():
    """The archive of the base images, made once for all cases of a file; its path."""
    path = os.path.join(os.environ["TMPDIR"], "system", "bases.tar")
    if not os.path.exists(path):
        built.write_bases(path)
        os.chmod(path, 0o644)
    return path


class BuildCase(StoreCase):
    """A store with the base images, and what builds in it."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.assert_nothing_left)
        self.veneer("load", "-q", "-i", bases_archive())
        self.builder = builders.VeneerBuilder(self)

    def assert_nothing_left(self):
        """No mount and no daemon of a build outlives it."""
        self.assertEqual(self.mounted(), [], "a mount is left")
        self.assert_daemons_end()

    def check(self, case):
        """Builds a case, which must do as it says."""
        outcome = self.builder.build(case)
        lines = [f"{what}: expected {want!r}, got {got!r}" for what, want, got in builds.expected_differences(case, outcome)]
        if lines:
            self.fail(f"{case.name}\n{case.text()}\n  " + "\n  ".join(lines) + f"\n{outcome.text[-1500:]}")
        if case.error is not None:
            self.assertRegex(outcome.text, case.error)
            self.assertEqual(outcome.code, case.code, outcome.text)
            self.assertNotIn(builders.CASE, self.images(), "a failed build gave its name away")
        elif case.prints is not None:
            self.assertRegex(outcome.text, case.prints)


def _test_of(case):
    """A method that tests a case."""
    def test(self):
        if case.many_ids and self.uid == runner.USER_WITHOUT_IDS:
            return  # its ids are not there
        if case.as_root and self.uid:
            return
        if case.waits is None:
            self.check(case)
            return
        try:
            self.check(case)
        except AssertionError:
            return
        self.fail(f"{case.name} succeeds: it waits no longer for {case.waits!r}")
    return test


def cases(table):
    """Class decorator: a test per case of the table, as root, as a user with subordinate ids and as one without. Methods of the
    class itself are tests, too."""
    def decorate(cls):
        module = sys.modules[cls.__module__]
        for case in table:
            name = "test_" + re.sub(r"\W+", "_", case.name).strip("_")
            if hasattr(cls, name):
                raise AssertionError(f"two cases are {case.name!r}")
            setattr(cls, name, _test_of(case))
        for user, uid in USERS:
            full = f"{cls.__name__}_{user}"
            setattr(module, full, type(full, (cls,), {"uid": uid, "__module__": cls.__module__}))
        return None  # the class itself is no set of cases
    return decorate
