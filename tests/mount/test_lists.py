# SPDX-License-Identifier: Apache-2.0
"""Lists and what is shown of single things, with containers that are mounted: ps, inspect, info; formats and filters."""

import json
import os

from support import proc
from support.files import write
from support.stores import StoreCase, for_users

IMAGE = {"etc": {"hosts": "127.0.0.1 localhost\n"}, "lib": {"a": "a" * 10_000}}


@for_users
class Containers(StoreCase):
    def setUp(self):
        super().setUp()
        self.image = self.import_tree(IMAGE, "debian:12")
        self.veneer("mount", "debian:12", "--name", "first", self.directory("one"))
        self.act(lambda: write("one/new", "x" * 1234))
        self.veneer("commit", "-m", "changed", "first", "debian:changed")
        self.veneer("umount", "first")
        self.veneer("mount", "debian:changed", "--name", "second", self.directory("two"))
        self.addCleanup(proc.run, self.command("rm", "-f", "first", "second"), env=self.environment)

    def directory(self, name):
        os.mkdir(name)
        self.own(name)
        return name

    def names(self, *options):
        """The names that `ps` gives with these options."""
        return self.veneer("ps", "--format", "{{.Names}}", *options).split()

    def test_ps_filters_and_limits(self):
        self.assertEqual(self.names(), ["second"])
        self.assertEqual(self.names("-a"), ["second", "first"])
        self.assertEqual(self.names("-n", "1"), ["second"])
        self.assertEqual(self.names("-n", "5"), ["second", "first"])
        self.assertEqual(self.names("-l"), ["second"])
        self.assertEqual(self.names("-f", "status=unmounted"), ["first"])
        self.assertEqual(self.names("-f", "status=mounted", "-f", "status=created"), ["second", "first"])
        self.assertEqual(self.names("-a", "-f", "name=^fir"), ["first"])
        self.assertEqual(self.names("-a", "-f", "name=ir", "-f", "name=econ"), ["second", "first"])
        self.assertEqual(self.names("-a", "-f", "ancestor=debian:12"), ["second", "first"], "and what was made of it")
        self.assertEqual(self.names("-a", "-f", "ancestor=debian:changed"), ["second"])
        self.assertEqual(self.names("-a", "-f", "ancestor=nothing"), [])
        self.refused("ps", "-f", "status=odd", code=2, say="status=odd")
        self.refused("ps", "-f", "name=(", code=2, say="regular expression")
        self.refused("ps", "-n", "x", code=2, say="ps: ")

    def test_ps_shows_sizes(self):
        sizes = dict(line.split(" ", 1) for line in
                     self.veneer("ps", "-a", "-s", "--bytes", "--format", "{{.Names}} {{.Size}}").splitlines())
        self.assertRegex(sizes["first"], r"^1234 \(virtual \d+\)$")
        self.assertRegex(sizes["second"], r"^0 \(virtual \d+\)$")
        self.assertIn("SIZE", self.veneer("ps", "-s").splitlines()[0])

    def test_inspect_says_where_a_container_is(self):
        mounted, unmounted = json.loads(self.veneer("inspect", "second", "first"))
        self.assertEqual(mounted["State"]["Status"], "mounted")
        self.assertGreater(mounted["State"]["Pid"], 0)
        self.assertEqual(mounted["GraphDriver"]["Data"]["MergedDir"], self.path("two"))
        self.assertEqual(mounted["Mounts"][0]["Destination"], self.path("two"))
        self.assertEqual(unmounted["State"], {"Status": "unmounted", "Running": False, "Dead": False, "Pid": 0,
                                              "ExitCode": 0})
        self.assertEqual(unmounted["Image"], self.image)
        self.assertTrue(os.path.exists(os.path.join(unmounted["GraphDriver"]["Data"]["UpperDir"], "new")))
        for place in ("LowerDir", "UpperDir", "WorkDir", "Objects"):
            self.assertTrue(os.path.exists(mounted["GraphDriver"]["Data"][place]), place)
        tree = self.veneer("inspect", "-f", "{{.GraphDriver.Data.Tree}}", "debian:changed").strip()
        self.assertEqual(tree, self.chain_of("debian:changed"))
        self.assertEqual(self.veneer("container", "inspect", "-f", "{{.Name}}", "first"), "first\n")
        parent = self.veneer("inspect", "--type=image", "-f", "{{.Parent}}", "debian:changed").strip()
        self.assertEqual(parent, self.image)

    def test_images_say_who_uses_them_and_share_layers(self):
        self.assertEqual(self.veneer("images", "--format", "{{.Tag}} {{.Containers}}"), "changed 1\n12 1\n")
        lines = self.veneer("images", "--tree").splitlines()
        self.assertTrue(lines[1].startswith("debian:12 "), lines)
        self.assertTrue(lines[2].startswith("└─ debian:changed "), lines)

    def test_rmi_takes_what_images_prints(self):
        self.veneer("rm", "-f", "second")
        ids = self.veneer("images", "-q", "-f", "since=debian:12").split()
        self.assertEqual(len(ids), 1)
        self.assertIn("Untagged: debian:changed", self.veneer("rmi", *ids))

    def test_info_asks_the_daemon_for_its_libfuse(self):
        self.assertRegex(self.veneer("info"), r"(?m)^libfuse: 3\.\d+")
        self.assertEqual(self.veneer("info", "-f", "{{.Containers}} {{.Mounted}}"), "2 1\n")


class Hostile(StoreCase):
    def test_a_damaged_config_is_one_line_and_the_others_are_listed(self):
        image = self.import_tree(IMAGE, "debian:12")
        config = os.path.join(self.store, "blobs", "sha256", image.removeprefix("sha256:"))
        os.chmod(config, 0o600)
        write(config, "[" * 100_000)
        self.assertIn("debian", self.veneer("images"), "the list does not open configs")
        self.refused("images", "-f", "label=a", code=1, say=r"config of image sha256:.* is damaged; run `veneer fsck`")
        done = proc.run(self.command("inspect", "debian:12"), env=self.environment, cwd=self.dir)
        self.assertEqual((done.code, done.out), (1, "[]\n"))
        self.assertRegex(done.err, r"\Aveneer: config of image sha256:[^\n]*\n\Z")

    def test_a_writable_layer_with_links_out_of_it_is_measured_without_them(self):
        self.import_tree(IMAGE, "debian:12")
        self.veneer("mount", "debian:12", "--name", "web")
        self.veneer("umount", "web")
        upper = os.path.join(self.store, "containers", "web", "upper")
        os.symlink("/usr", os.path.join(upper, "usr"))
        write(os.path.join(upper, "a"), "x" * 100)
        os.link(os.path.join(upper, "a"), os.path.join(upper, "b"))
        deep = upper
        for _ in range(200):
            deep = os.path.join(deep, "d")
            os.mkdir(deep)
        self.assertEqual(self.veneer("ps", "-a", "--bytes", "--format", "{{.Size}}").split()[0], "100")
