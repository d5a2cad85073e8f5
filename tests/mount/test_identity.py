# SPDX-License-Identifier: Apache-2.0
"""Who is who: inode numbers, link counts, sizes and handles, before and after copy-up and across remounts; and the programs
that rely on them (find, tar, rsync, du, git)."""

import errno
import os
import stat

from support import proc, sysio, tree
from support.case import MountCase
from support.files import names, read, write
from support.placed import PlacedCase, placed
from support.tree import Dir, File, Hard, Link, Node

TREE = {
    "file": File(0o644, data=b"0123456789"),
    "big": File(0o644, data=b"x" * 300_000),
    "pair1": File(0o644, data=b"pair"),
    "pair2": Hard("pair1"),
    "dir": Dir(entries={"a": "a", "sub": {"b": "b"}, "pair3": Hard("pair1")}),
    "dir2": Dir(entries={"c": "c"}),
    "link": Link(target="file"),
    "fifo": Node(kind=stat.S_IFIFO),
    "char": Node(kind=stat.S_IFCHR, device=(1, 3)),
}
EVERY = ("file", "big", "pair1", "dir", "dir/a", "dir/sub", "dir/sub/b", "link", "fifo", "char")


def inodes(root, paths=EVERY):
    return {path: os.lstat(os.path.join(root, path)).st_ino for path in paths}


@placed("lower", "upper", "copied", "image")
class Identity(PlacedCase):
    TREE = TREE

    def test_inode_numbers_are_unique(self):
        seen = {}
        device = os.stat(self.mnt.path).st_dev
        for directory, directories, files in os.walk(self.mnt.path):
            for name in directories + files:
                path = os.path.join(directory, name)
                status = os.lstat(path)
                self.assertEqual(status.st_dev, device)
                other = seen.setdefault(status.st_ino, path)
                if other != path:
                    self.assertIn("pair", other)
                    self.assertIn("pair", path)
        self.assertNotIn(os.stat(self.mnt.path).st_ino, seen)
        self.assertNotIn(0, seen)

    def test_they_survive_changes_and_remounts(self):
        before = inodes(self.mnt.path)
        changes = (
            lambda path: os.lchown(path, 7, 7),
            lambda path: os.utime(path, ns=(1, 1), follow_symlinks=False),
            lambda path: stat.S_ISREG(os.lstat(path).st_mode) and write(path, "new contents"),
            lambda path: os.setxattr(path, "trusted.a", b"1", follow_symlinks=False),
        )
        for change in changes:
            for path in EVERY:
                change(self.at(path))
            self.assertEqual(inodes(self.mnt.path), before)
            write("/proc/sys/vm/drop_caches", "2")
            self.assertEqual(inodes(self.mnt.path), before, "after the kernel forgot them")
            self.remount()
            self.assertEqual(inodes(self.mnt.path), before, "after a remount")

    def test_they_survive_renames(self):
        before = inodes(self.mnt.path)
        for name in ("file", "link", "fifo", "char", "dir"):
            os.rename(self.at(name), self.at("dir2", name))
        moved = {path: ("dir2/" + path if path.split("/")[0] in ("file", "link", "fifo", "char", "dir")
                        else path) for path in EVERY}
        for _ in range(2):
            self.assertEqual({path: os.lstat(self.at(moved[path])).st_ino for path in EVERY}, before)
            self.remount()

    def test_new_objects_keep_theirs(self):
        write(self.at("new"), "new")
        os.mkdir(self.at("newdir"))
        os.symlink("x", self.at("newdir/link"))
        paths = ("new", "newdir", "newdir/link")
        before = inodes(self.mnt.path, paths)
        self.assertFalse(set(before.values()) & set(inodes(self.mnt.path).values()))
        write("/proc/sys/vm/drop_caches", "2")
        self.assertEqual(inodes(self.mnt.path, paths), before)
        self.remount()
        self.assertEqual(inodes(self.mnt.path, paths), before)

    def test_a_number_is_not_given_to_another_while_it_is_in_use(self):
        fd = self.fd(self.at("file"))
        ino = os.fstat(fd).st_ino
        os.unlink(self.at("file"))
        for index in range(50):
            write(self.at(f"n{index}"), "")
            self.assertNotEqual(os.stat(self.at(f"n{index}")).st_ino, ino)
        self.assertEqual(os.fstat(fd).st_ino, ino)

    def test_sizes_and_blocks(self):
        before = os.stat(self.at("big"))
        self.assertEqual(before.st_size, 300_000)
        self.assertGreaterEqual(before.st_blocks * 512, 300_000)
        os.chmod(self.at("big"), 0o600)
        for _ in range(2):
            status = os.stat(self.at("big"))
            self.assertEqual(status.st_size, 300_000)
            self.assertGreaterEqual(status.st_blocks * 512, 300_000,
                                    "a file whose contents are still below occupies what they occupy")
            self.remount()
        with open(self.at("big"), "r+b") as file:
            file.write(b"y")
        self.assertEqual(os.stat(self.at("big")).st_size, 300_000)
        self.assertEqual(read(self.at("big")), b"y" + b"x" * 299_999)

    def test_link_counts_of_directories_do_not_mislead_find(self):
        for path in ("", "dir", "dir/sub"):
            links = os.stat(self.at(path)).st_nlink
            subdirectories = sum(e.is_dir(follow_symlinks=False) for e in os.scandir(self.at(path)))
            self.assertIn(links, (1, 2 + subdirectories), path)
        os.mkdir(self.at("dir", "more"))
        self.assertIn(os.stat(self.at("dir")).st_nlink, (1, 4))

    def test_numbers_fit_into_32_bits(self):
        """Programs of 32 bits can stat nothing else."""
        write(self.at("new"), "new")
        os.mkdir(self.at("newdir"))
        os.chmod(self.at("file"), 0o600)
        write(self.at("dir/a"), "changed")
        for directory, directories, files in os.walk(self.mnt.path):
            for name in directories + files:
                self.assertLess(os.lstat(os.path.join(directory, name)).st_ino, 1 << 32, name)

    def test_subdirectories_that_come_and_go_are_counted_or_not(self):
        """pjdfstest, rename/24: a directory that moves takes its link along."""
        os.mkdir(self.at("new"))
        os.mkdir(self.at("new", "sub"))
        os.mkdir(self.at("other"))
        plain = os.path.join(self.dir, "plain")
        os.makedirs(os.path.join(plain, "sub"))
        empty, one = os.stat(os.path.join(plain, "sub")).st_nlink, os.stat(plain).st_nlink
        self.assertEqual([os.stat(self.at(name)).st_nlink for name in ("new", "other")], [one, empty])
        os.rename(self.at("new", "sub"), self.at("other", "sub"))
        for _ in range(2):
            self.assertEqual([os.stat(self.at(name)).st_nlink for name in ("new", "other")], [empty, one])
            self.remount()
        os.rmdir(self.at("other", "sub"))
        self.assertEqual(os.stat(self.at("other")).st_nlink, empty)

    def links(self, *paths):
        """The link counts and whether all are one file."""
        statuses = [os.lstat(self.at(path)) for path in paths]
        self.assertEqual(len({status.st_ino for status in statuses}), 1, f"{paths} are one file")
        return [status.st_nlink for status in statuses]

    def test_hard_links_stay_together(self):
        self.assertEqual(self.links("pair1", "pair2", "dir/pair3"), [3, 3, 3])
        os.chmod(self.at("pair2"), 0o600)
        for _ in range(2):
            self.assertEqual(self.links("pair1", "pair2", "dir/pair3"), [3, 3, 3])
            self.assertEqual(stat.S_IMODE(os.stat(self.at("dir/pair3")).st_mode), 0o600)
            self.remount()
        with open(self.at("dir/pair3"), "r+b") as file:
            file.write(b"PA")
        for _ in range(2):
            for path in ("pair1", "pair2", "dir/pair3"):
                self.assertEqual(read(self.at(path)), b"PAir", path)
            self.remount()

    def test_hard_links_come_and_go(self):
        os.unlink(self.at("pair2"))
        self.assertEqual(self.links("pair1", "dir/pair3"), [2, 2])
        self.remount()
        self.assertEqual(self.links("pair1", "dir/pair3"), [2, 2])
        os.link(self.at("pair1"), self.at("dir2/pair4"))
        self.assertEqual(self.links("pair1", "dir/pair3", "dir2/pair4"), [3, 3, 3])
        self.remount()
        self.assertEqual(self.links("pair1", "dir/pair3", "dir2/pair4"), [3, 3, 3])
        os.rename(self.at("dir/pair3"), self.at("moved"))
        write(self.at("moved"), "new")
        for _ in range(2):
            self.assertEqual(self.links("pair1", "moved", "dir2/pair4"), [3, 3, 3])
            self.assertEqual(read(self.at("pair1")), b"new")
            self.remount()
        os.unlink(self.at("pair1"))
        os.unlink(self.at("dir2/pair4"))
        for _ in range(2):
            self.assertEqual(self.links("moved"), [1])
            self.assertEqual(read(self.at("moved")), b"new")
            self.remount()

    def test_a_name_that_is_replaced_leaves_the_others(self):
        write(self.at("x"), "x")
        os.rename(self.at("x"), self.at("pair1"))
        for _ in range(2):
            self.assertEqual(read(self.at("pair1")), b"x")
            self.assertEqual(os.stat(self.at("pair1")).st_nlink, 1)
            self.assertEqual(self.links("pair2", "dir/pair3"), [2, 2])
            self.remount()
        with open(self.at("pair2"), "ab") as file:
            file.write(b"!")
        for _ in range(2):
            self.assertEqual(read(self.at("dir/pair3")), b"pair!")
            self.assertEqual(read(self.at("pair1")), b"x")
            self.remount()

    def test_the_link_count_an_open_file_sees(self):
        fd = self.fd(self.at("pair1"))
        os.unlink(self.at("pair2"))
        self.assertEqual(os.fstat(fd).st_nlink, 2)
        os.unlink(self.at("dir/pair3"))
        self.assertEqual(os.fstat(fd).st_nlink, 1)
        os.link(self.at("pair1"), self.at("again"))
        self.assertEqual(os.fstat(fd).st_nlink, 2)
        os.unlink(self.at("again"))
        os.unlink(self.at("pair1"))
        self.assertEqual(os.fstat(fd).st_nlink, 0)

    def test_a_directory_of_hard_links_is_removed(self):
        proc.run(["rm", "-r", self.at("dir")], check=True)
        for _ in range(2):
            self.assertEqual(self.links("pair1", "pair2"), [2, 2])
            self.remount()

    def test_there_are_no_handles_that_become_stale(self):
        for path in (".", "file", "dir", "dir/sub/b"):
            with self.errno(errno.EOPNOTSUPP, "as on overlayfs"):
                sysio.name_to_handle_at(self.at(path))


class TwoFileSystems(MountCase):
    def test_equal_numbers_of_two_file_systems_are_two_files(self):
        """Two fresh tmpfs give the same inode numbers to different files."""
        lowers = []
        for name in ("one", "two"):
            path = self.path(name)
            os.mkdir(path)
            sysio.mount("none", path, "tmpfs")
            self.addCleanup(sysio.umount2, path, sysio.MNT_DETACH)
            tree.build(path, {name: name * 1000, "dir-" + name: {"in": name}, "d": {name: ""}})
            lowers.append(path)
        mount = self.mount(lowers)
        paths = ("one", "two", "dir-one", "dir-two", "dir-one/in", "dir-two/in", "d", "d/one", "d/two")
        numbers = inodes(mount.path, paths)
        self.assertEqual(len(set(numbers.values())), len(paths), numbers)
        self.assertEqual(read(mount / "one"), b"one" * 1000)
        self.assertEqual(read(mount / "two"), b"two" * 1000)
        write(mount / "one", "changed")
        self.assertEqual(read(mount / "two"), b"two" * 1000)
        self.assertEqual(inodes(mount.path, paths), numbers)

    def test_a_mount_below_a_lower_directory_is_seen(self):
        lower = self.layer("lower", {"sub": {}, "f": "f"})
        sysio.mount("none", os.path.join(lower, "sub"), "tmpfs")
        self.addCleanup(sysio.umount2, os.path.join(lower, "sub"), sysio.MNT_DETACH)
        tree.build(os.path.join(lower, "sub"), {"inside": "inside", "d": {"deep": "deep"}})
        mount = self.mount([lower])
        self.assertEqual(names(mount / "sub"), ["d", "inside"])
        write(mount / "sub/inside", "changed")
        os.rename(mount / "sub/d", mount / "d")
        self.assertEqual(read(mount / "d/deep"), b"deep")
        self.assertEqual(read(mount / "sub/inside"), b"changed")


    def test_numbers_of_two_file_systems_fit_into_32_bits(self):
        other = self.path("other")
        os.mkdir(other)
        sysio.mount("none", other, "tmpfs")
        self.addCleanup(sysio.umount2, other, sysio.MNT_DETACH)
        tree.build(other, {"one": "one", "d": {"in": "in"}})
        lower = self.layer("lower", {"two": "two"})
        for option, small in (("xino=auto", True), ("xino=on", True), ("xino=off", False)):
            mount = self.mount([other, lower], options=[option], name="mnt-" + option)
            write(mount / "new", "new")
            numbers = inodes(mount.path, ("one", "two", "new", "d", "d/in"))
            self.assertEqual(len(set(numbers.values())), 5)
            self.assertEqual(all(number < 1 << 32 for number in numbers.values()), small, option)
            for name in ("one", "d/in"):
                write(mount / name, "changed")
            mount.remount()
            self.assertEqual(inodes(mount.path, ("one", "two", "new", "d", "d/in")), numbers)

    def test_a_file_with_names_in_two_layers(self):
        """As the snapshots of rsync --link-dest. It is two files, and tar keeps the contents of both."""
        old = self.layer("old", {"f": "text"})
        new = self.layer("new", {"g": "g"})
        os.link(os.path.join(old, "f"), os.path.join(new, "h"))
        mount = self.mount([new, old])
        write(mount / "f", "TEXT")
        for _ in range(2):
            self.assertEqual((read(mount / "f"), read(mount / "h")), (b"TEXT", b"text"))
            self.assertNotEqual(os.stat(mount / "f").st_ino, os.stat(mount / "h").st_ino)
            mount.remount()


class Birth(MountCase):
    """statx(2) with STATX_BTIME."""

    def born(self, path):
        fields = sysio.statx(path, sysio.STATX_TYPE_TO_BLOCKS | sysio.STATX_BTIME)
        return fields["btime"] if fields["mask"] & sysio.STATX_BTIME else None

    def test_it_is_that_of_what_is_on_disk(self):
        lower = self.layer("lower", {"f": "text", "g": "text", "h": "text", "d": {"x": "x"}, "link": Link(target="f")})
        if self.born(os.path.join(lower, "f")) is None:
            self.skipTest("the file system of the test directory keeps no time of birth")
        mount = self.mount([lower])
        paths = ("f", "g", "h", "d", "d/x", "link")
        for _ in range(2):
            for path in paths:
                self.assertEqual(self.born(mount / path), self.born(os.path.join(lower, path)), path)
        write(mount / "new", "new")
        self.assertEqual(self.born(mount / "new"), self.born(os.path.join(mount.upper, "new")))
        # As overlayfs has it: what was copied up was made then, however that came about.
        os.chmod(mount / "f", 0o600)
        write(mount / "g", "changed")
        os.setxattr(mount / "h", "user.x", b"x")
        for path in ("f", "g", "h"):
            self.assertEqual(self.born(mount / path), self.born(os.path.join(mount.upper, path)), path)
            self.assertGreater(self.born(mount / path), self.born(os.path.join(lower, path)), path)
        self.assertEqual(proc.run(["stat", "-c", "%W", mount / "new"], check=True).out,
                         proc.run(["stat", "-c", "%W", os.path.join(mount.upper, "new")], check=True).out)
        mount.remount()
        self.assertEqual(self.born(mount / "f"), self.born(os.path.join(mount.upper, "f")))

    def test_attributes_come_with_it(self):
        lower = self.layer("lower", {"f": File(0o640, 1, 2, data=b"text"), "char": Node(kind=stat.S_IFCHR, device=(1, 3))})
        mount = self.mount([lower])
        for path in ("f", "char"):
            fields = sysio.statx(mount / path, sysio.STATX_TYPE_TO_BLOCKS | sysio.STATX_BTIME)
            status = os.stat(os.path.join(lower, path))
            self.assertEqual((fields["mode"], fields["uid"], fields["gid"], fields["size"], fields["mtime"]),
                             (status.st_mode, status.st_uid, status.st_gid, status.st_size, status.st_mtime_ns))
            self.assertEqual(fields["rdev"], (os.major(status.st_rdev), os.minor(status.st_rdev)))


class Programs(MountCase):
    """Programs see nothing odd."""

    def source(self):
        entries = {f"d{i}": {f"f{j}": f"{i}.{j}" * j for j in range(20)} for i in range(10)}
        entries["d0"]["hard"] = Hard("d0/f1")
        entries["d1"]["hard2"] = Hard("d0/f1")
        entries["link"] = Link(target="d0/f0")
        entries["sparse"] = File(data=[(1 << 20, b"x")], size=2 << 20)
        return self.layer("source", entries)

    def changed_mount(self):
        """A mount in which every kind of change was made."""
        mount = self.mount([self.layer("top", {"d2": {"top": "top"}, "own": {"x": "x"}}), self.source()])
        os.chmod(mount / "d0/f1", 0o600)
        write(mount / "d0/f2", "changed")
        os.unlink(mount / "d0/f3")
        os.rename(mount / "d1", mount / "d2/moved")
        proc.run(["rm", "-r", mount / "d3"], check=True)
        os.mkdir(mount / "d3")
        write(mount / "d3/new", "new")
        os.link(mount / "d0/f5", mount / "d3/linked")
        return mount

    def test_tar_does_not_see_files_change(self):
        for mount in (self.changed_mount(),):
            for _ in range(2):
                done = proc.run(["tar", "-C", mount.path, "-cf", self.path("t.tar"), "."])
                self.assertEqual((done.code, done.err), (0, ""))
                again = proc.run(["tar", "-C", mount.path, "--compare", "-f", self.path("t.tar")])
                self.assertEqual((again.code, again.out, again.err), (0, "", ""))
                mount.remount()

    def test_tar_into_the_mount(self):
        mount = self.mount([self.layer("empty", {"a": "a"})])
        os.mkdir(mount / "into")
        source = self.source()
        proc.run(["sh", "-c", f"tar -C {source} -H posix -cf - . | tar -C {mount / 'into'} -xf -"], check=True)
        self.assert_tree(tree.snapshot(source), tree.snapshot(mount / "into"), why="tar | tar")

    def test_an_incremental_tar_after_a_remount_is_empty(self):
        mount = self.changed_mount()
        arguments = ["tar", "-C", mount.path, "--listed-incremental", self.path("snar"),
                     "--no-check-device", "-cvf", self.path("t.tar"), "."]
        first = proc.run(arguments, check=True).out.splitlines()
        self.assertGreater(len([line for line in first if not line.endswith("/")]), 100)
        mount.remount()
        second = proc.run(arguments, check=True).out.splitlines()
        self.assertEqual([line for line in second if not line.endswith("/")], [])

    def test_a_second_rsync_transfers_nothing(self):
        mount = self.changed_mount()
        os.mkdir(self.path("copy"))
        for source, target in ((mount.path, self.path("copy")), (self.path("copy"), mount / "copied")):
            arguments = ["rsync", "-aHAX", "--itemize-changes", source + "/", target]
            self.assertNotEqual(proc.run(arguments, check=True).out, "")
            self.assertEqual(proc.run(arguments, check=True).out, "")
            mount.remount()
            self.assertEqual(proc.run(arguments, check=True).out, "", "after a remount")
            sums = proc.run([*arguments, "--checksum"], check=True).out
            self.assertEqual(sums, "", "by checksum")

    def test_du_counts_hard_links_once(self):
        mount = self.mount([self.layer("lower", {
            "a": File(data=b"x" * 1_000_000), "b": Hard("a"), "d": {"c": Hard("a"), "e": "e"}})])

        def total():
            output = proc.run(["du", "--apparent-size", "-sB1", mount.path], check=True).out
            return int(output.split()[0])

        for change in (lambda: None, lambda: os.chmod(mount / "a", 0o600),
                       lambda: os.link(mount / "a", mount / "d/f"),
                       lambda: write(mount / "b", "y" * 1_000_000), mount.remount):
            change()
            self.assertLess(total(), 1_100_000)
            self.assertGreater(total(), 1_000_000)
        found = proc.run(["find", mount.path, "-samefile", mount / "a", "-printf", "%n %P\n"], check=True)
        self.assertEqual(sorted(found.out.splitlines()), ["4 a", "4 b", "4 d/c", "4 d/f"])

    def test_cp_keeps_hard_links(self):
        mount = self.changed_mount()
        proc.run(["cp", "-a", mount.path, self.path("copy")], check=True)
        self.assert_tree(tree.snapshot(mount.path), tree.snapshot(self.path("copy")), why="cp -a")

    def test_git_finds_its_files_unchanged(self):
        environment = {**os.environ, "HOME": self.dir, "GIT_CONFIG_NOSYSTEM": "1"}
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "safe.directory=*",
               "-c", "protocol.file.allow=always"]

        def run(*arguments, cwd):
            return proc.run([*git, *arguments], check=True, cwd=cwd, env=environment).out

        repository = self.source()
        run("init", "-q", cwd=repository)
        run("add", ".", cwd=repository)
        run("commit", "-qm", "one", cwd=repository)
        write(os.path.join(repository, "d5/f5"), "on a branch")
        run("commit", "-qam", "two", cwd=repository)
        mount = self.mount([self.layer("base", {"x": "x"}), repository])
        self.assertEqual(run("status", "--porcelain", cwd=mount.path).replace("?? x\n", ""), "")
        run("clone", "-q", mount.path, mount / "clone", cwd=mount.path)
        clone = mount / "clone"
        self.assertEqual(run("status", "--porcelain", cwd=clone), "")
        run("checkout", "-q", "HEAD~1", cwd=clone)
        run("checkout", "-q", "-", cwd=clone)
        self.assertEqual(run("diff-files", cwd=clone), "")
        mount.remount()
        self.assertEqual(run("diff-files", cwd=clone), "", "stat data changed by the remount")
        self.assertEqual(run("status", "--porcelain", cwd=clone), "")
        run("gc", "-q", cwd=clone)
        run("fsck", cwd=clone)
        run("checkout", "-q", "HEAD~1", cwd=mount.path)
        self.assertEqual(run("status", "--porcelain", "-uno", cwd=mount.path), "")
        run("merge", "-q", "--ff-only", "origin/HEAD", cwd=clone)

    def test_find_meets_everything_once(self):
        mount = self.changed_mount()
        plain = proc.run(["find", mount.path, "-printf", "%y %P\n"], check=True).out.splitlines()
        self.assertEqual(len(plain), len(set(plain)))
        self.assertEqual(len(plain), len(tree.snapshot(mount.path)))
        noleaf = proc.run(["find", mount.path, "-noleaf", "-type", "d"], check=True).out
        self.assertEqual(noleaf, proc.run(["find", mount.path, "-type", "d"], check=True).out)
