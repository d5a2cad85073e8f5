# SPDX-License-Identifier: Apache-2.0
"""What Docker or podman takes, Veneer takes, with the same id and the same tree: random archives (archives.py) that Veneer, the
Docker engine, podman with vfs and with overlay, skopeo and umoci read."""

import concurrent.futures
import os
import shutil
import stat
import time

import archives
import generator
import go_program
from generator import Difference, Intended
from images import write_directory
from support import engines, proc, tree
from support.case import write
from support.stores import StoreCase

SMALL = 24
GROUP = 12  # cases that the judges read before their stores are emptied


def _without_empty(xattrs):
    return {name: value for name, value in (xattrs or {}).items() if value}


INTENDED = (
    Intended("time of unpacking", "the judge shows when it unpacked: of a directory without an entry, or one in which a later "
             "entry changed something; Veneer shows what the archive says, or the time of what is in it",
             lambda d, case: d.what == "mtime" and isinstance(d.theirs, int) and d.theirs >= START_NS),
    Intended("root directory", "overlay drivers show that of the topmost layer, which they make themselves; the others set "
             "mode and time of an undescribed one as they like. Veneer shows what the layers say",
             lambda d, case: d.where == "." and (d.judge == "podman-vfs" and d.what == "xattrs" or d.what in ("mode", "mtime") or d.judge in ("docker", "podman-overlay"))),
    Intended("a directory of marks", "a whiteout or an opaque mark in a directory that is nowhere adds nothing, as with umoci; "
             "some drivers make its parents",
             lambda d, case: d.what == "path" and d.ours is None and d.theirs == stat.S_IFDIR
             and os.fsencode(d.where) in case.notes.mark_parents),
    Intended("the entry of a hard link", "it is a name and nothing else for GNU tar, bsdtar, umoci and Veneer; Docker and podman "
             "give the file what the entry says of owner, mode and time. Writers say the same in all entries of a file",
             lambda d, case: (d.what in ("uid", "gid", "mode", "mtime") or d.what == "xattrs" and d.theirs == {
                 name: value for name, value in d.ours.items() if value and name != "security.capability"})
             and d.judge != "umoci" and os.fsencode(d.where) in case.notes.linked),
    Intended("links that a layer above replaces", "overlay counts the names of the file in its own layer; Veneer, vfs and umoci "
             "those that are there", lambda d, case: d.what == "nlink" and d.judge in ("docker", "podman-overlay")
             and d.ours < d.theirs and os.fsencode(d.where) in case.notes.linked),
    Intended("a directory without an entry", "overlay drivers show the directory of the topmost layer that has something in it, "
             "which they make themselves where it is not described; podman's vfs, umoci and Veneer show that of the layer below",
             lambda d, case: d.what in ("uid", "gid", "mode", "xattrs", "mtime") and d.judge in ("docker", "podman-overlay")
             and os.fsencode(d.where) in case.notes.undescribed),
    Intended("a time before 1970", "Docker and podman set it to 1970; Veneer, umoci and GNU tar show it",
             lambda d, case: d.what == "mtime" and isinstance(d.ours, int) and d.ours < 0 and d.theirs == 0),
    Intended("a layer that erases its own", "a whiteout is for what layers below have (OCI); vfs of podman goes by the order "
             "of the entries",
             lambda d, case: d.what == "path" and d.theirs is None and d.judge == "podman-vfs"
             and any(os.fsencode(d.where + "/").startswith(name + b"/") for name in case.notes.erased)),
    Intended("attributes of a layer below", "podman's vfs copies it with its user.* attributes and capabilities alone",
             lambda d, case: d.what == "xattrs" and d.judge == "podman-vfs" and d.theirs == {
                 name: value for name, value in d.ours.items() if value and name.startswith(("user.", "security."))}),
    Intended("an attribute without a value", "GNU tar and bsdtar write and keep it; Go reads an empty PAX record as none",
             lambda d, case: d.what == "xattrs" and _without_empty(d.ours) == d.theirs),
    Intended("records of aufs", "names that begin with .wh..wh. are no files in a layer; umoci knows none but the opaque mark, "
             "and some drivers take those in directories",
             lambda d, case: d.what == "path" and d.ours is None
             and (".wh..wh." in d.where or os.fsencode(d.where) in case.notes.mark_parents)),
    Intended("a hard link to another layer", "what it is depends on the layers below, and a layer of the store stands for "
             "itself; Docker and podman's overlay refuse it too",
             lambda d, case: d.what == "accept" and d.judge == "podman-vfs" and "is no file of this archive" in d.ours),
)

START_NS = time.time_ns() - 10**9


class Archives(StoreCase):
    timeout = 10**6  # the runner keeps the time

    def setUp(self):
        super().setUp()
        self.docker = engines.Docker(self.path("docker"))
        self.vfs = engines.Podman(self.path("vfs"), "vfs")
        self.overlay = engines.Podman(self.path("overlay"), "overlay")
        self.stores = {"docker": self.docker, "podman-vfs": self.vfs, "podman-overlay": self.overlay}
        self.skopeo = engines.Skopeo(self.path("skopeo"))
        self.umoci = engines.Umoci(self.path("umoci"))
        self.go_writer = go_program.TarWriter(self.dir)
        self.addCleanup(self.go_writer.close)
        for judge in (*self.stores.values(), self.skopeo, self.umoci):
            judge.start()
            self.addCleanup(judge.stop)

    # What each reader makes of a case: (its id, its tree), or a str that says why it does not take it.

    def ours(self, case, file, tag):
        command = ["import", "-q", file, tag] if case.kind == "import" else ["load", "-q", "-i", file]
        done = proc.run(self.command(*command), env=self.environment, cwd=self.dir)
        if done.code:
            return done.err.strip()
        try:
            point = self.veneer("mount", "-r", "-n", "look", tag).strip()
            try:
                snapshot = tree.snapshot(point)
            finally:
                self.veneer("umount", "look", err="(?s:.*)")
                self.veneer("rm", "look", err="(?s:.*)")
            [image_id] = self.veneer("images", "-q", "--no-trunc", tag).split()
        finally:
            proc.run(self.command("rmi", tag), env=self.environment)
        return image_id, snapshot

    def of_store(self, judge, case, file, tag):
        if case.kind == "oci" and judge is self.docker:
            return "Docker 20.10 reads no layouts"
        done = judge.import_tar(file, tag) if case.kind == "import" else judge.load(file)
        if done.code:
            return done.err.strip()[-300:]
        for name, image_id in judge.ids().items():
            if name.removeprefix("localhost/") == tag or case.id == image_id:
                return image_id, judge.snapshot(name)
        raise AssertionError(f"{judge.program} has loaded {tag} and does not show it: {judge.ids()}")

    def of_umoci(self, case, file):
        """umoci, by way of skopeo where the case is no layout; the id is what skopeo keeps."""
        if case.kind == "import":
            return "umoci imports no tree"
        layout = self.path("layout")
        shutil.rmtree(layout, ignore_errors=True)
        if case.kind == "oci":
            write_directory(layout, case.members)
            source = f"oci:{layout}"
        else:
            source = f"docker-archive:{file}"
        target = self.path("converted")
        shutil.rmtree(target, ignore_errors=True)
        done = self.skopeo.copy(source, f"oci:{target}:x")
        if done.code:
            return done.err.strip()[-300:]
        done = self.umoci.unpack(target, "x")
        if done.code:
            return done.err.strip()[-300:]
        # skopeo keeps no SHA-512 in a directory.
        image_id = None if "sha512" in case.notes else self.skopeo.image_id(source)
        return image_id, tree.snapshot(self.umoci.rootfs())

    def read_all(self, case, file, tag):
        """The differences that this case shows."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            waiting = {name: pool.submit(self.of_store, judge, case, file, tag) for name, judge in self.stores.items()}
            waiting["umoci"] = pool.submit(self.of_umoci, case, file)
            mine = self.ours(case, file, tag)
            judges = {name: one.result() for name, one in waiting.items()}
        return self.differences(case, mine, judges)

    def differences(self, case, mine, judges):
        """Of what each reader made of a case."""
        out = []
        for name, theirs in judges.items():
            if isinstance(theirs, str):
                continue
            if isinstance(mine, str):
                if name != "umoci":
                    out.append(Difference(name, "accept", "", mine, "takes it"))
                continue
            if case.kind != "import" and theirs[0] and mine[0] != theirs[0]:
                out.append(Difference(name, "id", "", mine[0], theirs[0]))
            out += self.tree_differences(name, mine[1], theirs[1])
        return out

    @staticmethod
    def tree_differences(judge, mine, theirs):
        for path in sorted(mine.keys() | theirs.keys()):
            shown = os.fsdecode(path)
            one, two = mine.get(path), theirs.get(path)
            if one is None or two is None:
                yield Difference(judge, "path", shown, one and one["type"], two and two["type"])
                continue
            for field in sorted(one.keys() | two.keys()):
                if one.get(field) != two.get(field):
                    yield Difference(judge, field, shown, one.get(field), two.get(field))

    def test_archives(self):
        verdict = generator.Verdict("archives", INTENDED)
        file = self.path("case.tar")
        for number, seed in enumerate(generator.seeds(SMALL)):
            tag = f"case{seed}:1"
            case = archives.make(generator.rng(seed), tag, self.go_writer)
            write(file, case.data)
            keep = os.environ.get("KEEP")
            if keep:
                shutil.copy(file, os.path.join(keep, f"{seed}.{case.kind}.tar"))
            try:
                found = self.read_all(case, file, tag)
            except AssertionError as error:  # a judge or a mount that fails is a finding too
                found = [Difference("all", "failed", "", str(error), "")]
            verdict.case(seed, found, case)
            if number % GROUP == GROUP - 1:
                for judge in self.stores.values():
                    judge.remove_all()
                self.veneer("prune", err="(?s:.*)")
        verdict.check(self)
