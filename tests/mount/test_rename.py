# SPDX-License-Identifier: Apache-2.0
"""rename(2) and renameat2(2): of every type, from every place, onto anything, and what is there after a remount."""

import errno
import os
import stat

from support import proc, sysio, tree
from support.case import MountCase
from support.files import names, read, write
from support.placed import PlacedCase, placed
from support.tree import Dir, File, Link, Node

TREE = {
    "file": File(0o640, 11, 12, data=b"the file"),
    "other": File(0o600, data=b"the other file"),
    "full": Dir(0o750, 13, 14, xattrs={"user.kept": b"yes"}, entries={
        "a": "a", "sub": {"deep": "deep", "more": {"bottom": "bottom"}}, "l": Link(target="a")}),
    "full2": Dir(0o755, entries={"z": "z"}),
    "empty": Dir(0o755),
    "empty2": Dir(0o700, entries={}),
    "link": Link(target="file"),
    "fifo": Node(0o644, kind=stat.S_IFIFO),
    "char": Node(0o644, kind=stat.S_IFCHR, device=(1, 3)),
    "place": Dir(0o755, entries={"inside": "inside"}),
}
PLAIN = ("file", "link", "fifo", "char")


def without_times(snapshot):
    return {path: {name: value for name, value in what.items() if name != "mtime"}
            for path, what in snapshot.items()}


@placed()
class Rename(PlacedCase):
    TREE = TREE

    def below(self, name):
        """The snapshot of one object and all below it."""
        path = self.at(name)
        if stat.S_ISDIR(os.lstat(path).st_mode):
            return tree.snapshot(path)
        return {b".": tree.entry(path)}

    def check_moved(self, source, target, flags=0):
        """Renames; the target is then what the source was, with its inode number, also after a remount."""
        before, ino = self.below(source), os.lstat(self.at(source)).st_ino
        replaced = self.below(target) if flags & sysio.RENAME_EXCHANGE else None
        sysio.renameat2(self.at(source), self.at(target), flags)
        for when in ("at once", "after a remount"):
            self.assert_tree(before, self.below(target), why=f"{source} -> {target}, {when}")
            self.assertEqual(os.lstat(self.at(target)).st_ino, ino, f"{source} -> {target}, {when}")
            if replaced:
                self.assert_tree(replaced, self.below(source), why=f"exchanged {source}, {when}")
            else:
                self.assertFalse(os.path.lexists(self.at(source)), f"{source} is still there {when}")
                self.assertNotIn(os.path.basename(source), os.listdir(os.path.dirname(self.at(source))))
            self.assertIn(os.path.basename(target), os.listdir(os.path.dirname(self.at(target))))
            if when == "at once":
                self.remount()

    def test_to_a_new_name_beside(self):
        for name in PLAIN + ("full", "empty"):
            with self.subTest(name):
                self.check_moved(name, name + "-new")

    def test_into_another_directory(self):
        for name in PLAIN + ("full", "empty"):
            with self.subTest(name):
                self.check_moved(name, f"place/{name}")
        self.check_moved("place", "full2/place")
        self.assertEqual(read(self.at("full2/place/full/sub/more/bottom")), b"bottom")

    def test_out_of_a_directory_and_the_directory_after_it(self):
        self.check_moved("full/sub", "sub")
        self.check_moved("full", "place/full")
        self.assertEqual(names(self.at("place/full")), ["a", "l"])
        self.check_moved("sub", "place/full/sub")

    def test_a_plain_object_replaces_a_plain_object(self):
        for source in PLAIN:
            with self.subTest(source):
                write(self.at("target-" + source), "to be replaced")
                self.check_moved(source, "target-" + source)
        self.check_moved("target-file", "other")

    def test_a_directory_replaces_an_empty_directory(self):
        self.check_moved("full", "empty")
        self.check_moved("place", "empty2")
        self.assertEqual(names(self.at("empty")), ["a", "l", "sub"])

    def test_a_directory_replaces_one_that_was_emptied(self):
        """Nothing of what was below the target's name may come back."""
        proc.run(["rm", "-r", self.at("full/a"), self.at("full/sub"), self.at("full/l")], check=True)
        self.check_moved("full2", "full")
        self.assertEqual(names(self.at("full")), ["z"])

    def test_refusals(self):
        for source, target, number in (
                ("file", "full", errno.EISDIR), ("file", "empty", errno.EISDIR),
                ("full", "file", errno.ENOTDIR), ("full", "full2", errno.ENOTEMPTY),
                ("full", "full/sub/x", errno.EINVAL), ("full", "full/sub", errno.EINVAL),
                ("none", "x", errno.ENOENT), ("file", "none/x", errno.ENOENT),
                ("file", "other/x", errno.ENOTDIR), ("full/sub", "full", errno.ENOTEMPTY)):
            with self.subTest(f"{source} -> {target}"), self.errno(number):
                os.rename(self.at(source), self.at(target))
        self.assertEqual(read(self.at("full/sub/deep")), b"deep")
        with self.errno(errno.EXDEV):
            os.rename(self.at("file"), self.path("outside"))

    def test_to_itself_and_to_a_hard_link_of_itself(self):
        os.rename(self.at("file"), self.at("file"))
        os.rename(self.at("full"), self.at("full"))
        os.link(self.at("file"), self.at("file2"))
        os.rename(self.at("file"), self.at("file2"))
        self.assertTrue(os.path.exists(self.at("file")), "rename(2): names of one file, nothing is done")
        self.assertEqual(os.stat(self.at("file")).st_nlink, 2)

    def test_noreplace(self):
        for source, target in (("file", "other"), ("full", "empty"), ("full", "file"), ("file", "link")):
            with self.errno(errno.EEXIST):
                sysio.renameat2(self.at(source), self.at(target), sysio.RENAME_NOREPLACE)
        self.check_moved("file", "free", sysio.RENAME_NOREPLACE)
        self.check_moved("full", "place/free", sysio.RENAME_NOREPLACE)
        os.unlink(self.at("other"))
        self.check_moved("free", "other", sysio.RENAME_NOREPLACE)

    def test_exchange(self):
        for source, target in (("file", "other"), ("file", "full"), ("full2", "place"), ("link", "fifo"),
                               ("full/a", "place/inside"), ("empty", "char"), ("full/sub", "full2"),
                               ("empty", "full")):
            with self.subTest(f"{source} <-> {target}"):
                self.setUp_again()
                self.check_moved(source, target, sysio.RENAME_EXCHANGE)

    def test_exchange_refused(self):
        with self.errno(errno.ENOENT):
            sysio.renameat2(self.at("file"), self.at("none"), sysio.RENAME_EXCHANGE)
        with self.errno(errno.EINVAL):
            sysio.renameat2(self.at("full"), self.at("full/l"), sysio.RENAME_EXCHANGE)
        with self.errno(errno.EINVAL):
            sysio.renameat2(self.at("file"), self.at("other"),
                            sysio.RENAME_EXCHANGE | sysio.RENAME_NOREPLACE)

    def setUp_again(self):
        """An untouched tree for the next part of a case."""
        self.doCleanups()
        self.setUp()

    def test_rename_whiteout(self):
        """Refused, as by the kernel's overlayfs: the whiteout could not be seen."""
        before = tree.snapshot(self.mnt.path)
        for name in ("file", "full", "link"):
            for flags in (sysio.RENAME_WHITEOUT, sysio.RENAME_WHITEOUT | sysio.RENAME_NOREPLACE):
                with self.errno(errno.EINVAL):
                    sysio.renameat2(self.at(name), self.at("place", name), flags)
        self.assertEqual(tree.snapshot(self.mnt.path), before)

    def test_there_and_back(self):
        before = without_times(tree.snapshot(self.mnt.path))
        for name in PLAIN + ("full", "empty"):
            os.rename(self.at(name), self.at("place", "moved"))
            os.rename(self.at("place", "moved"), self.at(name))
        self.assert_tree(before, without_times(tree.snapshot(self.mnt.path)))
        self.remount()
        self.assert_tree(before, without_times(tree.snapshot(self.mnt.path)), why="after a remount")

    def test_names_swapped_through_a_third(self):
        os.rename(self.at("full"), self.at("tmp"))
        os.rename(self.at("full2"), self.at("full"))
        os.rename(self.at("tmp"), self.at("full2"))
        for _ in range(2):
            self.assertEqual(names(self.at("full")), ["z"])
            self.assertEqual(names(self.at("full2")), ["a", "l", "sub"])
            self.assertEqual(read(self.at("full2/sub/more/bottom")), b"bottom")
            self.remount()

    def test_chains_of_renamed_directories(self):
        """A directory moved inside one that was moved inside one that was moved."""
        os.rename(self.at("full/sub/more"), self.at("full/sub/more2"))
        os.rename(self.at("full/sub"), self.at("full/sub2"))
        os.rename(self.at("full"), self.at("place/full3"))
        os.rename(self.at("place"), self.at("place2"))
        for _ in range(2):
            self.assertEqual(read(self.at("place2/full3/sub2/more2/bottom")), b"bottom")
            self.assertEqual(names(self.at("place2/full3")), ["a", "l", "sub2"])
            self.assertFalse(os.path.exists(self.at("full")))
            self.remount()
        write(self.at("place2/full3/sub2/more2/bottom"), "changed")
        os.mkdir(self.at("full"))
        self.assertEqual(names(self.at("full")), [])
        self.remount()
        self.assertEqual(names(self.at("full")), [])
        self.assertEqual(read(self.at("place2/full3/sub2/more2/bottom")), b"changed")
        proc.run(["rm", "-r", self.at("place2")], check=True)
        self.remount()
        self.assertFalse(os.path.exists(self.at("place2")))
        self.assertFalse(os.path.exists(self.at("place")))

    def test_a_new_name_at_the_old_place_is_not_the_old_object(self):
        os.rename(self.at("full"), self.at("moved"))
        os.mkdir(self.at("full"))
        write(self.at("full/a"), "new a")
        os.rename(self.at("file"), self.at("moved-file"))
        write(self.at("file"), "new file")
        for _ in range(2):
            self.assertEqual(names(self.at("full")), ["a"])
            self.assertEqual(read(self.at("full/a")), b"new a")
            self.assertEqual(read(self.at("moved/a")), b"a")
            self.assertEqual(read(self.at("moved/sub/deep")), b"deep")
            self.assertEqual((read(self.at("file")), read(self.at("moved-file"))),
                             (b"new file", b"the file"))
            self.remount()

    def test_changes_inside_a_moved_directory(self):
        os.rename(self.at("full"), self.at("moved"))
        os.unlink(self.at("moved/a"))
        write(self.at("moved/sub/deep"), "changed")
        os.chmod(self.at("moved/sub/more/bottom"), 0o600)
        os.mkdir(self.at("moved/sub/new"))
        for _ in range(2):
            self.assertEqual(names(self.at("moved")), ["l", "sub"])
            self.assertEqual(names(self.at("moved/sub")), ["deep", "more", "new"])
            self.assertEqual(read(self.at("moved/sub/deep")), b"changed")
            self.assertEqual(read(self.at("moved/sub/more/bottom")), b"bottom")
            self.remount()

    def test_open_files_and_working_directories_move_along(self):
        fd = self.fd(self.at("full/sub/deep"), os.O_RDWR)
        os.chdir(self.at("full/sub"))
        self.addCleanup(os.chdir, self.dir)
        os.rename(self.at("full"), self.at("moved"))
        os.rename(self.at("moved/sub"), self.at("place/sub"))
        self.assertEqual(os.getcwd(), self.at("place/sub"))
        self.assertEqual(read("deep"), b"deep")
        os.pwrite(fd, b"D", 0)
        os.ftruncate(fd, 3)
        self.assertEqual(read(self.at("place/sub/deep")), b"Dee")
        os.unlink("deep")
        self.assertEqual(os.fstat(fd).st_nlink, 0)
        self.assertEqual(os.pread(fd, 10, 0), b"Dee")
        os.close(fd)
        os.chdir(self.dir)

    def test_over_a_file_that_is_open(self):
        """The replaced file goes on working through the descriptor; its fstat does not fail."""
        fd = self.fd(self.at("other"), os.O_RDWR)
        ino = os.fstat(fd).st_ino
        os.rename(self.at("file"), self.at("other"))
        status = os.fstat(fd)
        self.assertEqual((status.st_ino, status.st_nlink), (ino, 0))
        self.assertEqual(os.pread(fd, 100, 0), b"the other file")
        os.pwrite(fd, b"THE", 0)
        os.fchmod(fd, 0o611)
        os.ftruncate(fd, 9)
        self.assertEqual(os.pread(fd, 100, 0), b"THE other")
        self.assertEqual(stat.S_IMODE(os.fstat(fd).st_mode), 0o611)
        self.assertEqual(read(self.at("other")), b"the file")

    def test_the_parent_of_a_moved_directory_is_right(self):
        os.rename(self.at("full/sub"), self.at("place/sub"))
        self.assertEqual(os.stat(self.at("place/sub/..")).st_ino, os.stat(self.at("place")).st_ino)

    def test_rename_keeps_times_and_moves_those_of_both_directories(self):
        before = os.lstat(self.at("full/a"))
        for path in ("full", "place"):
            os.utime(self.at(path), ns=(5, 5))
        os.rename(self.at("full/a"), self.at("place/a"))
        self.assertEqual(os.lstat(self.at("place/a")).st_mtime_ns, before.st_mtime_ns)
        self.assertGreater(os.stat(self.at("full")).st_mtime_ns, 10**18)
        self.assertGreater(os.stat(self.at("place")).st_mtime_ns, 10**18)


class RenameRegressions(MountCase):
    """What other union file systems got wrong."""

    def test_remove_a_lower_directory_and_move_a_new_one_to_its_name(self):
        lower = self.layer("lower", {"d": {"old": "old", "sub": {"older": "older"}}})
        mount = self.mount([lower])
        proc.run(["rm", "-r", mount / "d"], check=True)
        os.mkdir(mount / "new")
        write(mount / "new/file", "new")
        os.mkdir(mount / "new/sub")
        proc.run(["mv", mount / "new", mount / "d"], check=True)
        for _ in range(2):
            self.assertEqual(names(mount / "d"), ["file", "sub"], "the removed files are back")
            self.assertEqual(names(mount / "d/sub"), [])
            mount.remount()
        proc.run(["rm", "-r", mount / "d"], check=True)
        self.assertEqual(names(mount.path), [])

    def test_a_whiteout_is_not_an_obstacle(self):
        lower = self.layer("lower", {"a": "a", "d": {"x": "x"}, "e": {"y": "y"}})
        mount = self.mount([lower])
        os.unlink(mount / "a")
        proc.run(["rm", "-r", mount / "d"], check=True)
        with self.errno(errno.ENOENT):
            os.rename(mount / "a", mount / "b")
        os.rename(mount / "e", mount / "d")
        self.assertEqual(names(mount / "d"), ["y"])
        os.mkdir(mount / "e")
        os.rename(mount / "d/y", mount / "a")
        for _ in range(2):
            self.assertEqual(names(mount.path), ["a", "d", "e"])
            self.assertEqual(read(mount / "a"), b"y")
            self.assertEqual(names(mount / "e"), [])
            self.assertEqual(names(mount / "d"), [])
            mount.remount()

    def test_the_source_stays_hidden_when_the_target_was_a_whiteout(self):
        lower = self.layer("lower", {"a": "a", "b": "b"})
        mount = self.mount([lower])
        os.unlink(mount / "b")
        os.rename(mount / "a", mount / "b")
        for _ in range(2):
            self.assertEqual(names(mount.path), ["b"])
            self.assertEqual(read(mount / "b"), b"a")
            mount.remount()

    def test_directories_that_land_on_lower_names_are_not_merged_with_them(self):
        """Over files, over emptied directories, in a layer of its own each."""
        bottom = self.layer("bottom", {"p": {"d": {"hidden": "h"}}, "q": {"src": {"s": "s"}}})
        top = self.layer("top", {"p": {"d": {"hidden2": "h"}}, "q": {"src": {"t": "t"}}})
        mount = self.mount([top, bottom])
        os.unlink(mount / "p/d/hidden")
        os.unlink(mount / "p/d/hidden2")
        os.rename(mount / "q/src", mount / "p/d")
        for _ in range(2):
            self.assertEqual(names(mount / "p/d"), ["s", "t"])
            self.assertEqual(names(mount / "q"), [])
            mount.remount()
        os.rename(mount / "p/d", mount / "q/src")
        for _ in range(2):
            self.assertEqual(names(mount / "q/src"), ["s", "t"])
            self.assertEqual(names(mount / "p"), [])
            mount.remount()

    def test_rename_without_redirect_dir_is_exdev(self):
        lower = self.layer("lower", {"d": {"x": "x"}, "f": "f"})
        mount = self.mount([lower], options=["redirect_dir=off"])
        with self.errno(errno.EXDEV):
            os.rename(mount / "d", mount / "e")
        os.mkdir(mount / "own")
        os.rename(mount / "own", mount / "own2")
        os.rename(mount / "f", mount / "g")
        proc.run(["mv", mount / "d", mount / "e"], check=True)  # copies, as mv does on EXDEV
        mount.remount()
        self.assertEqual(names(mount.path), ["e", "g", "own2"])
        self.assertEqual(names(mount / "e"), ["x"])

    def test_redirects_into_names_that_need_care(self):
        """Redirects are paths: names with every odd byte must survive them."""
        odd = ["a:b", "a,b", "a\\b", " lead", "trail ", "new\nline", "-dash", "ä" * 100, "%41", "'\""]
        lower = self.layer("lower", {"from": {name: {"x": name} for name in odd}, "to": {}})
        mount = self.mount([lower])
        for index, name in enumerate(odd):
            os.rename(mount / f"from/{name}", mount / f"to/{index}")
        mount.remount()
        for index, name in enumerate(odd):
            self.assertEqual(read(mount / f"to/{index}/x"), name.encode())
            os.rename(mount / f"to/{index}", mount / f"from/{name}")
        mount.remount()
        self.assertEqual(names(mount / "from"), sorted(odd))
        self.assertEqual(names(mount / "to"), [])
