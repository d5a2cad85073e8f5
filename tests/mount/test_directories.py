# SPDX-License-Identifier: Apache-2.0
"""Listing directories: complete, without repetition, with positions that stay right while entries come and go."""

import ctypes
import errno
import os
import random
import stat
import threading

from support import proc, sysio
from support.case import MountCase
from support.files import names, write
from support.placed import PlacedCase, placed
from support.tree import Dir, Link, Node

MANY = {f"entry-{i:04}": "" for i in range(800)}
TREE = {
    "many": Dir(entries=MANY),
    "few": Dir(entries={f"entry-{i:02}": "" for i in range(40)}),
    "types": Dir(entries={"file": "f", "dir": {}, "link": Link(target="x"),
                          "fifo": Node(kind=stat.S_IFIFO), "sock": Node(kind=stat.S_IFSOCK),
                          "chr": Node(kind=stat.S_IFCHR, device=(1, 3)),
                          "blk": Node(kind=stat.S_IFBLK, device=(7, 1))}),
    "empty": {},
}
DT = {"file": 8, "dir": 4, "link": 10, "fifo": 1, "sock": 12, "chr": 2, "blk": 6}


def listing(fd, size=4096):
    """All entries from the present position on."""
    result = []
    while part := sysio.getdents(fd, size):
        result += part
    return result


@placed("lower", "merged", "upper", "image")
class Listing(PlacedCase):
    TREE = TREE

    def open(self, name):
        return self.fd(self.at(name), os.O_RDONLY | os.O_DIRECTORY)

    def test_every_entry_once_whatever_the_buffer(self):
        for size in (280, 1000, 4096, 32768, 1 << 20):
            found = [name for _, _, _, name in listing(self.open("many"), size)]
            self.assertEqual(len(found), len(set(found)), "an entry was given twice")
            self.assertEqual(sorted(found), sorted([b".", b".."] + [n.encode() for n in MANY]))
        self.assertEqual(sorted(name for *_, name in listing(self.open("empty"))), [b".", b".."])

    def test_inode_numbers_and_types_are_those_of_stat(self):
        entries = {name.decode(): (ino, kind) for ino, _, kind, name in listing(self.open("types"))}
        for name, expected in DT.items():
            ino, kind = entries[name]
            self.assertEqual(kind, expected, name)
            self.assertEqual(ino, os.lstat(self.at("types", name)).st_ino, name)
        self.assertEqual(entries["."][0], os.stat(self.at("types")).st_ino)
        self.assertEqual(entries[".."][0], os.stat(self.mnt.path).st_ino)

    def test_positions_are_increasing_and_can_be_returned_to(self):
        fd = self.open("many")
        entries = listing(fd)
        for index in (0, 1, 2, 400, len(entries) - 2):
            os.lseek(fd, entries[index][1], os.SEEK_SET)
            rest = [name for *_, name in listing(fd)]
            self.assertEqual(rest, [name for *_, name in entries[index + 1:]])
        os.lseek(fd, entries[-1][1], os.SEEK_SET)
        self.assertEqual(listing(fd), [])
        self.assertEqual(len({offset for _, offset, _, _ in entries}), len(entries))
        os.lseek(fd, 0, os.SEEK_SET)
        self.assertEqual([n for *_, n in listing(fd)], [n for *_, n in entries])

    def test_a_position_stays_right_while_entries_come_and_go(self):
        fd = self.open("many")
        first = sysio.getdents(fd, 4096)
        position, seen = first[-1][1], {name for *_, name in first}
        rest = [os.fsencode(name) for name in MANY if name.encode() not in seen]
        removed = rest[::3] + [n for n in seen if n.startswith(b"entry")][::2]
        for name in removed:
            os.unlink(os.path.join(os.fsencode(self.at("many")), name))
        for index in range(150):
            write(self.at("many", f"new-{index}"), "")
        os.lseek(fd, position, os.SEEK_SET)
        after = [name for *_, name in listing(fd)]
        self.assertEqual(len(after), len(set(after)), "an entry was given twice")
        self.assertFalse(seen & set(after), "an entry that was given before was given again")
        expected = set(rest) - set(removed)
        self.assertEqual(expected - set(after), set(),
                         "readdir(3p): what was there all the time must be given")
        self.assertFalse(set(after) & set(removed), "a removed entry was given, after a seek")

    def test_rewinding_shows_the_present(self):
        fd = self.open("empty")
        self.assertEqual(len(listing(fd)), 2)
        write(self.at("empty", "one"), "")
        os.lseek(fd, 0, os.SEEK_SET)
        self.assertIn(b"one", [name for *_, name in listing(fd)])
        os.unlink(self.at("empty", "one"))
        os.lseek(fd, 0, os.SEEK_SET)
        self.assertNotIn(b"one", [name for *_, name in listing(fd)])

    def test_removing_while_listing_as_rm_does(self):
        with os.scandir(self.at("many")) as entries:
            for found in entries:
                os.unlink(found.path)
        self.assertEqual(names(self.at("many")), [])
        os.rmdir(self.at("many"))

    def test_renaming_while_listing_gives_nothing_twice_over(self):
        """A rename moves an entry; each object may be met under its old or new name, none may be missed."""
        found = []
        with os.scandir(self.at("many")) as entries:
            for entry in entries:
                found.append(entry.name)
                if entry.name.startswith("entry-"):
                    os.rename(entry.path, self.at("many", "moved-" + entry.name[6:]))
        self.assertEqual({name[-4:] for name in found}, {name[-4:] for name in MANY})
        self.assertEqual(names(self.at("many")), sorted("moved-" + name[6:] for name in MANY))

    def test_a_listing_ends_though_each_entry_makes_a_new_one(self):
        """Whatever is made for the entries that are given, and however few of them are asked for at a time."""
        makers = (lambda name, turn: os.rename(self.at("few", name), self.at("few", f"{name[-150:]}.{turn}")),
                  lambda name, turn: write(self.at("few", f"made-{turn}"), ""),
                  self.replace)
        for number, make in enumerate(makers):
            for size in (280, 1024):
                before = names(self.at("few"))
                fd, found = self.open("few"), []
                while part := sysio.getdents(fd, size):
                    for *_, name in part:
                        if name not in (b".", b".."):
                            found.append(name.decode())
                            make(name.decode(), f"{number}-{size}-{len(found)}")
                        self.assertLessEqual(len(found), len(before) + 2, "the listing does not end")
                self.assertEqual(len(found), len(set(found)), "an entry was given twice")
                self.assertEqual(set(before) - set(found), set())

    def replace(self, name, turn):
        """Puts a new file in the place of one, as editors do: the name stays."""
        write(self.at("types", turn), turn)
        os.rename(self.at("types", turn), self.at("few", name))

    def test_two_readers_at_once_of_whom_one_makes_and_removes(self):
        first, second = self.open("many"), self.open("many")
        seen = {first: [], second: []}
        removed, more = set(), True
        while more:
            more = False
            for fd in (first, second):
                part = [name.decode() for *_, name in sysio.getdents(fd, 3000)]
                more = more or bool(part)
                seen[fd] += part
                for name in part if fd == first else []:
                    if name.startswith("entry") and int(name[-1]) % 2:
                        os.unlink(self.at("many", name))
                        removed.add(name)
                        write(self.at("many", f"new-{name}"), "")
                listing(self.open("many"))  # a third one fills the kernel's cache anew
        for fd in (first, second):
            self.assertEqual(len(seen[fd]), len(set(seen[fd])), "an entry was given twice")
            self.assertEqual(set(MANY) - removed - set(seen[fd]), set(), "one that stayed is missing")
        self.assertEqual(set(MANY) - set(seen[first]), set())
        self.assertEqual({name for name in seen[first] if name.startswith("new-")}, set())

    def test_telldir_and_seekdir_of_the_c_library(self):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.opendir.restype = libc.readdir.restype = ctypes.c_void_p
        libc.readdir.argtypes = libc.telldir.argtypes = libc.closedir.argtypes = [ctypes.c_void_p]
        libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
        libc.telldir.restype = ctypes.c_long
        stream = libc.opendir(os.fsencode(self.at("many")))

        def next_name():
            entry = libc.readdir(stream)
            return ctypes.string_at(entry + 19) if entry else None

        read, positions = [], []
        while name := next_name():
            read.append(name)
            positions.append(libc.telldir(stream))
        for index in random.Random(7).sample(range(len(read) - 1), 50):
            libc.seekdir(stream, positions[index])
            self.assertEqual(next_name(), read[index + 1])
        libc.closedir(stream)

    def test_a_removed_directory_lists_nothing(self):
        fd = self.open("empty")
        os.rmdir(self.at("empty"))
        with self.errno(errno.ENOENT, "getdents(2): no such directory any more"):
            listing(fd)

    def test_several_readers_and_writers_at_once(self):
        """Entries that stay are in every listing."""
        stop = threading.Event()
        wrong = []

        def churn(index):
            number = 0
            while not stop.is_set():
                path = self.at("many", f"churn-{index}-{number % 50}")
                write(path, "")
                os.rename(path, path + "x")
                os.unlink(path + "x")
                number += 1

        def check():
            while not stop.is_set():
                found = os.listdir(self.at("many"))
                stable = [name for name in found if name.startswith("entry-")]
                if len(stable) != len(MANY) or len(set(found)) != len(found):
                    wrong.append(f"{len(stable)} of {len(MANY)} entries, {len(found) - len(set(found))} twice")
                    return

        threads = [threading.Thread(target=churn, args=(i,)) for i in range(2)]
        threads += [threading.Thread(target=check) for _ in range(2)]
        for thread in threads:
            thread.start()
        threads[-1].join(2)
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_find_and_ls_agree_with_the_tree(self):
        self.assertEqual(proc.run(["find", self.at("many"), "-type", "f"], check=True).out.count("\n"),
                         len(MANY))
        self.assertEqual(proc.run(["ls", "-f", self.at("many")], check=True).out.count("\n"), len(MANY) + 2)
        self.assertEqual(proc.run(["ls", "-lR", self.mnt.path], check=True).err, "")


class Merging(MountCase):
    """Which entries of several layers are shown."""

    def test_many_layers(self):
        lowers = [self.layer(f"l{i}", {"common": {f"f{i}": str(i), "same": str(i)}, f"own{i}": ""})
                  for i in range(60)]
        mount = self.mount(lowers)
        self.assertEqual(len(names(mount / "common")), 61)
        with open(mount / "common/same", encoding="ascii") as file:
            self.assertEqual(file.read(), "0", "the first layer named is the top")
        self.assertEqual(len(names(mount.path)), 61)

    def test_a_file_between_two_directories_hides_the_lower_one(self):
        mount = self.mount([self.layer("c", {"x": {"top": ""}}), self.layer("b", {"x": "file"}),
                            self.layer("a", {"x": {"bottom": ""}})])
        self.assertEqual(names(mount / "x"), ["top"])
        with self.errno(errno.ENOENT):
            os.stat(mount / "x/bottom")

    def test_the_attributes_of_a_merged_directory_are_those_of_its_top(self):
        mount = self.mount([self.layer("b", {"d": Dir(0o711, 5, 6, xattrs={"user.top": b"1"})}),
                            self.layer("a", {"d": Dir(0o777, 7, 8, xattrs={"user.bottom": b"1"})})])
        status = os.stat(mount / "d")
        self.assertEqual((stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid), (0o711, 5, 6))
        self.assertEqual(os.listxattr(mount / "d"), ["user.top"])

    def test_the_root_has_the_attributes_of_the_top_layer(self):
        bottom, top = self.layer("a", {"x": ""}), self.layer("b", {"y": ""})
        os.chmod(top, 0o710)
        os.chown(top, 21, 22)
        status = os.stat(self.mount([top, bottom], upper=False).path)
        self.assertEqual((stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid), (0o710, 21, 22))
