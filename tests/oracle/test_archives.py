# SPDX-License-Identifier: Apache-2.0
"""What Docker or podman takes, Veneer takes, with the same id and the same tree: random archives (archives.py) that Veneer, the
Docker engine, podman with vfs and with overlay, skopeo and umoci read."""

import concurrent.futures
import os
import shutil
import stat
import struct
import time

import archives
import generator
import go_program
import tar_bytes as tb
from generator import Difference, Intended
from support import engines, proc, tree
from support.files import write
from support.images import write_directory
from support.stores import StoreCase

SMALL = 24
GROUP = 12  # cases that the judges read before their stores are emptied


START_NS = time.time_ns() - 10**9
ENGINES = ("docker", "podman-vfs", "podman-overlay")
OVERLAY = ("docker", "podman-overlay")
ALL = (*ENGINES, "umoci")
OWNER = ("uid", "gid", "mode")


def path_of(d):
    return os.fsencode(d.where)


def said(d, case):
    """What Veneer shows stands in the archive."""
    return d.ours in case.notes.said(path_of(d), d.what)


def lost(d, *names):
    """The judge lost these attributes, and nothing else."""
    return d.theirs == {name: value for name, value in d.ours.items() if name not in names} != d.ours


def without_empty(d):
    return {name: value for name, value in d.ours.items() if value}


def shown_by_nobody(d):
    """No other judge shows all of these: Go reads an attribute without a value as none, and podman's vfs copies no ACLs of the
    layer below."""
    return without_empty(d) != d.ours or "system.posix_acl_access" in d.ours


def without_mode(acl):
    """The entries of an ACL (acl(5)) without the permissions that chmod(2) sets: of the owner, the mask and others."""
    entries = struct.iter_unpack("<HHI", acl[4:])
    return [(tag, 0 if tag in (1, 0x10, 0x20) else permissions, number) for tag, permissions, number in entries]


def other_mode(d):
    """The same attributes, but for the part of an ACL that is the mode."""
    acl = "system.posix_acl_access"
    return (d.ours.keys() == d.theirs.keys() and acl in d.ours and without_mode(d.ours[acl]) == without_mode(d.theirs[acl])
            and all(d.ours[name] == d.theirs[name] for name in d.ours if name != acl))


INTENDED = (
    Intended("time of unpacking", "of a directory without an entry; Veneer shows what another layer says, or the time of what is "
             "in it",
             ALL, ("mtime",), lambda d, case: d.theirs >= START_NS and path_of(d) in case.notes.undescribed and said(d, case)),
    Intended("time of unpacking in umoci", "of a directory in which it makes one without an entry, in the same way",
             ("umoci",), ("mtime",), lambda d, case: d.theirs >= START_NS and said(d, case) and any(
                 (name.rpartition(b"/")[0] or b".") == path_of(d) for name in case.notes.undescribed)),
    Intended("a directory made anew without an entry", "where a layer deletes a directory and has something in it again, umoci "
             "keeps the attributes of the one below; Docker and Veneer show a new one",
             ("umoci",), (*OWNER, "mtime", "xattrs"), lambda d, case: path_of(d) in case.notes.undescribed
             and case.notes.is_wiped(path_of(d)), OVERLAY),
    Intended("root directory", "the code that Docker and podman share passes over its entry, so that it is as their drivers make "
             "it; Veneer shows what the topmost layer says that describes it",
             ENGINES, (*OWNER, "mtime"), lambda d, case: d.where == "." and said(d, case)),
    Intended("root directory's attributes", "in the same way",
             ENGINES, ("xattrs",), lambda d, case: d.where == "." and not d.theirs, ("umoci",)),
    Intended("root directory's attributes that nobody else shows", "in the same way",
             ENGINES, ("xattrs",), lambda d, case: d.where == "." and not d.theirs and shown_by_nobody(d)),
    Intended("root directory that nobody describes", "the others make it as they like",
             ALL, ("mode", "mtime"), lambda d, case: d.where == "." and b"." not in case.notes.entries
             and d.ours == {"mode": 0o755, "mtime": 0}[d.what]),
    Intended("a directory of marks", "a whiteout or an opaque mark in a directory that is nowhere adds nothing, as with umoci; "
             "some drivers make its parents",
             ENGINES, ("path",), lambda d, case: d.ours is None and d.theirs == stat.S_IFDIR
             and path_of(d) in case.notes.mark_parents
             and (path_of(d) not in case.notes.entries or case.notes.is_wiped(path_of(d))), ("umoci",)),
    Intended("an opaque mark of the root directory", "overlay passes over it; podman's vfs, umoci and Veneer know it",
             OVERLAY, ("path",), lambda d, case: d.ours is None and b"" in case.notes.wiped, ("podman-vfs", "umoci")),
    Intended("a mark in what is no directory", "it adds nothing either where a layer below has a file of that name",
             OVERLAY, ("type",), lambda d, case: d.theirs == stat.S_IFDIR and path_of(d) in case.notes.mark_parents,
             ("podman-vfs", "umoci")),
    Intended("the entry of a hard link", "it is a name and nothing else for GNU tar, bsdtar, umoci and Veneer; Docker and podman "
             "give the file what the entry says of owner, mode and time. Writers say the same in all entries of a file",
             ENGINES, (*OWNER, "mtime"), lambda d, case: said(d, case)
             and d.theirs in case.notes.said_by_links(path_of(d), d.what)),
    Intended("the ACL of a hard link", "the mode that they give it is a part of its ACL",
             ENGINES, ("xattrs",), lambda d, case: path_of(d) in case.notes.names and other_mode(d)),
    Intended("capabilities of a hard link", "with the owner of the link's entry the kernel takes them away",
             ENGINES, ("xattrs",), lambda d, case: lost(d, "security.capability") and path_of(d) in case.notes.names),
    Intended("links that a layer above replaces", "overlay counts the names of the file in its own layer; Veneer, vfs and umoci "
             "those that are there",
             OVERLAY, ("nlink",), lambda d, case: d.ours < d.theirs and path_of(d) in case.notes.names, ("podman-vfs", "umoci")),
    Intended("links of what is no file", "podman's vfs makes objects of their own of them, when it copies the layer below",
             ("podman-vfs",), ("nlink",), lambda d, case: d.theirs == 1 and any(
                 member.kind != tb.FILE for name in case.notes.names.get(path_of(d), ())
                 for member in case.notes.entries.get(name, ())), ("docker", "podman-overlay", "umoci")),
    Intended("a directory without an entry", "overlay drivers show the directory of the topmost layer that has something in it, "
             "which they make themselves where it is not described; podman's vfs, umoci and Veneer show that of the layer below",
             OVERLAY, OWNER, lambda d, case: path_of(d) in case.notes.undescribed, ("podman-vfs", "umoci")),
    Intended("attributes of a directory without an entry", "in the same way",
             OVERLAY, ("xattrs",), lambda d, case: path_of(d) in case.notes.undescribed and not d.theirs, ("podman-vfs", "umoci")),
    Intended("attributes of a directory without an entry that nobody else shows", "in the same way",
             OVERLAY, ("xattrs",), lambda d, case: path_of(d) in case.notes.undescribed and not d.theirs and shown_by_nobody(d)),
    Intended("a time before 1970", "Docker and podman set it to 1970; Veneer, umoci and GNU tar show it",
             ENGINES, ("mtime",), lambda d, case: d.ours < 0 and d.theirs == 0 and said(d, case)),
    Intended("a layer that erases its own", "a whiteout is for what layers below have (OCI); vfs of podman goes by the order "
             "of the entries",
             ("podman-vfs",), ("path", *OWNER, "mtime", "xattrs"), lambda d, case: any(
                 archives.under(path_of(d), name) for name in case.notes.erased) and (d.what != "path" or d.theirs is None),
             ("docker", "podman-overlay", "umoci")),
    Intended("links of a layer that erases its own", "in the same way, where it erased another name of the file",
             ("podman-vfs",), ("nlink",), lambda d, case: d.theirs < d.ours and any(
                 archives.under(other, name) for name in case.notes.erased for other in case.notes.names.get(path_of(d), ())),
             ("docker", "podman-overlay", "umoci")),
    Intended("through a symbolic link of a layer below", "vfs of podman and umoci follow it, since they unpack all layers in one "
             "place; Docker and Veneer put a directory there",
             ("podman-vfs", "umoci"), ("path", "type"), lambda d, case: any(
                 archives.under(path_of(d), name) for name in case.notes.redirected), OVERLAY),
    Intended("a character device 0:0", "overlay takes it for its own whiteout; Veneer, umoci and podman's vfs show what it is",
             OVERLAY, ("path",), lambda d, case: d.ours == stat.S_IFCHR and d.theirs is None
             and any(member.device == (0, 0) for member in case.notes.entries.get(path_of(d), ())),
             ("podman-vfs", "umoci")),
    Intended("attributes of a layer below", "podman's vfs copies it with its user.* attributes and capabilities alone",
             ("podman-vfs",), ("xattrs",), lambda d, case: d.theirs == {
                 name: value for name, value in d.ours.items() if value and name.startswith(("user.", "security."))}),
    Intended("an attribute without a value", "GNU tar and bsdtar write and keep it; Go reads an empty PAX record as none",
             ALL, ("xattrs",), lambda d, case: d.ours != without_empty(d) == d.theirs),
    Intended("a sparse file of a layer that the image has twice", "podman writes the second copy from its own records, in bytes "
             "that are not those of the archive",
             ("podman-vfs", "podman-overlay"), ("data",), lambda d, case: "sparse" in case.notes and "a layer twice" in case.notes
             and any(member.pieces for member in case.notes.entries.get(path_of(d), ())), ("umoci",)),
    Intended("records of aufs", "names that begin with .wh..wh. are no files in a layer (OCI); the others know some of them",
             ALL, ("path",), lambda d, case: d.ours is None and d.where.startswith(".wh..wh.")),
    Intended("a directory without an entry where set-group-ID is inherited", "Docker and Veneer give it root's group, and "
             "know the directories of its own layer alone",
             ("podman-vfs", "podman-overlay", "umoci"), ("gid", "mode"), lambda d, case: path_of(d) in case.notes.undescribed
             and (d.what == "gid" or d.theirs == d.ours | stat.S_ISGID), ("docker",)),
    Intended("a hard link to another layer", "what it is depends on the layers below, and a layer of the store stands for "
             "itself; Docker and podman's overlay refuse it too",
             ("podman-vfs",), ("accept",), lambda d, case: "is no file of this archive" in d.ours
             and "link across layers" in case.notes),
)


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

    # What each reader makes of a case: (its id, its tree), or a str that says why it does not take
    # it.

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
        done = judge.import_tar(file, tag, timeout=30) if case.kind == "import" else judge.load(file, timeout=30)
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
        """The judges that take this case, and the differences that it shows."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            waiting = {name: pool.submit(self.of_store, judge, case, file, tag) for name, judge in self.stores.items()}
            waiting["umoci"] = pool.submit(self.of_umoci, case, file)
            mine = self.ours(case, file, tag)
            judges = {name: self.answer(one) for name, one in waiting.items()}
        readers = {name for name, theirs in judges.items() if not isinstance(theirs, str)}
        return readers, self.differences(case, mine, judges)

    @staticmethod
    def answer(reading):
        """What a judge made of a case. One that does not end does not take it."""
        try:
            return reading.result()
        except TimeoutError as error:
            return str(error)

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
            if one["type"] != two["type"]:
                yield Difference(judge, "type", shown, one["type"], two["type"])
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
                readers, found = self.read_all(case, file, tag)
            except AssertionError as error:  # a judge or a mount that fails is a finding too
                readers, found = set(), [Difference("all", "failed", "", str(error), "")]
            verdict.case(seed, found, case, readers)
            if number % GROUP == GROUP - 1:
                for judge in self.stores.values():
                    judge.remove_all()
                self.veneer("prune", err="(?s:.*)")
        verdict.check(self)
