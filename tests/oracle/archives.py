# SPDX-License-Identifier: Apache-2.0
"""Random images as archives: valid, but as unusual as the formats allow.

make(rng) gives a Case: what it is called, how it is read ("docker", "oci" or "import") and its bytes. Most of a case is
ordinary; each oddity comes now and then, so that it meets the others in few archives and is read by the judges in most."""

import bz2
import gzip
import hashlib
import json
import lzma
import subprocess
from dataclasses import dataclass, field

import tar_bytes as tb
from support.images import DOCKER_CONFIG, DOCKER_LAYER, DOCKER_LIST, DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from support.images import dump, sha, tar_of
from tar_bytes import Member

NAMES = (b"a", b"b", b"c", b"d")
ODD_NAMES = (b"sp ace", "ümlaut".encode(), b"new\nline", b"\xff\xfe", b"-dash", b"back\\slash", b"n" * 120, b"m" * 250, b"q\"'",
             b".hidden", b"...", b"%41", b"a=b")
ACL = b"user::rw-,user:%d:r-x,group::r--,mask::rwx,other::r--"


@dataclass
class Case:
    """One archive."""
    kind: str  # "docker", "oci", "import"
    data: bytes  # the archive
    members: list = None  # of a layout: (name, bytes)
    id: str = None  # of the image, where a document says it
    notes: "Notes" = None  # the oddities that are in it

    def __str__(self):
        return f"{self.kind}: {', '.join(dict.fromkeys(self.notes)) or 'ordinary'}"


def acl_value(uid):
    """system.posix_acl_access of the text above."""
    out = (2).to_bytes(4, "little")
    for tag, perm, number in ((1, 6, -1), (2, 5, uid), (4, 4, -1), (0x10, 7, -1), (0x20, 4, -1)):
        out += tag.to_bytes(2, "little") + perm.to_bytes(2, "little") + (number & 0xFFFFFFFF).to_bytes(4, "little")
    return out


class Notes(list):
    """What is odd about a case, and the paths that readers are known to understand in several ways."""

    def __init__(self, go_writer):
        super().__init__()
        self.go_writer = go_writer
        self.mark_parents = set()  # the directories that whiteouts and opaque marks are in
        self.undescribed = set()  # directories that have no entry in a layer that has something in them
        self.wiped = set()  # names that a layer whites out; "NAME/" for what is in a directory with an opaque mark
        self.erased = set()  # those of which the layer has something itself
        self.redirected = set()  # paths that lead through a symbolic link, and where they lead to, with the directories above
        self.targets = {}  # of symbolic links
        self.entries = {}  # by path: the members that describe it, hard links apart
        self.links = []  # the members that are hard links
        self.names = {}  # by path: all paths that are linked with it

    def link(self, member, target):
        """Takes a hard link from member.name to target."""
        names = self.names.setdefault(member.name, {member.name}) | self.names.setdefault(target, {target})
        self.names |= dict.fromkeys(names, names)
        self.links.append(member)

    def said(self, path, field):
        """What the archive says of a path or of the file that it is a name of: values of a field of support/tree.py. Of the
        time of a directory without an entry, what it says of what is in there."""
        paths = self.names.get(path, {path})
        if field == "mtime" and path in self.undescribed:
            inside = {name for name in self.entries.keys() | self.names.keys() if name.startswith(path + b"/")}
            paths = paths.union(*(self.names.get(name, {name}) for name in inside))
        return {value for name in paths for member in self.entries.get(name, ()) for value in values_of(member, field)}

    def is_wiped(self, path):
        """Does a layer white the path out, or a directory above it?"""
        return any(under(path, name) for name in self.wiped)

    def resolved(self, path):
        """Where a path leads to, if the directories above it are symbolic links of this archive."""
        at, rest = [], path.split(b"/")
        for _ in range(40):
            if not rest:
                break
            part = rest.pop(0)
            if part in (b"", b".", b".."):
                at = at[:-1] if part == b".." else at
                continue
            here = b"/".join([*at, part])
            target = next((self.targets[name] for name in self.names.get(here, {here}) if name in self.targets), None)
            if target is None or not rest:
                at.append(part)
            else:
                at = [] if target.startswith(b"/") else at
                rest = target.split(b"/") + rest
        return b"/".join(at + rest)

    def said_by_links(self, path, field):
        """What the entries of the hard links to a file say, to one who knows no time before 1970."""
        names = self.names.get(path, ())
        return {max(value, 0) for member in self.links if member.name in names for value in values_of(member, field)}


def under(path, name):
    """Is the path `name` or in it? "NAME/": what is in it alone; "": everything."""
    return path == name or path.startswith(name if name.endswith(b"/") or not name else name + b"/")


def parents(path):
    """The directories above a path, but for the root."""
    parts = path.split(b"/")
    return {b"/".join(parts[:end]) for end in range(1, len(parts))}


def values_of(member, field):
    """What an entry says of a field of support/tree.py."""
    if field == "mtime":
        time = member.mtime * 10**9 + int(member.fraction.ljust(9, "0") if member.fraction else 0)
        return {time, (time + 5 * 10**8) // 10**9 * 10**9, time // 10**9 * 10**9}  # Go rounds where its format has no more
    if field == "mode":
        return {0o777 if member.kind == tb.LINK else member.mode}
    return {getattr(member, field)}


class LayerMaker:
    """The tar of one layer, on top of others: `below` holds the names that they have."""

    def __init__(self, rng, notes, below):
        self.rng, self.notes, self.below = rng, notes, below
        self.go_form = None  # written by Go, in this of its formats
        self.here = {}  # path: kind
        self.members = []
        self.dialect = rng.choice(tb.DIALECTS) if rng.random() < 0.6 else tb.PAX
        notes.append(self.dialect)
        if notes.go_writer and rng.random() < 0.2:
            self.dialect, self.go_form = tb.PAX, rng.choice(notes.go_writer.FORMATS)
            notes.append("go")

    def chance(self, probability, note=None):
        hit = self.rng.random() < probability
        if hit and note:
            self.notes.append(note)
        return hit

    def name(self):
        """A path of one to three components; often one that is there."""
        known = [path for path in list(self.here) + list(self.below) if path.count(b"/") < 4 and b".wh." not in path]
        if known and self.chance(0.4):
            path = self.rng.choice(known)
            if self.chance(0.5):
                return path
            return path + b"/" + self.rng.choice(NAMES)
        parts = [self.rng.choice(NAMES) for _ in range(self.rng.randint(1, 3))]
        if self.chance(0.08, "odd names"):
            parts[-1] = self.rng.choice(ODD_NAMES)
        return b"/".join(parts)

    def spell(self, path, directory):
        """The path as a writer may have it."""
        forms = [path] * 6 + [b"./" + path] * 3 + [b"/" + path]
        spelled = self.rng.choice(forms)
        if self.chance(0.03, "spelling"):
            spelled = self.rng.choice((b".//" + path, path.replace(b"/", b"/./"), path.replace(b"/", b"//"), b"x/../" + path))
        return spelled + (b"/" if directory and self.chance(0.8) else b"")

    def attributes(self, member):
        rng = self.rng
        member.mode = rng.choice((0o644, 0o755, 0o600, 0o777, 0o000, 0o4755, 0o2755, 0o1777, 0o7777))
        if member.kind == tb.LINK and not self.chance(0.2, "mode of a link"):
            member.mode = 0o777
        member.uid = rng.choice((0, 0, 0, 1, 33, 1000, 65534, 2097151))
        member.gid = rng.choice((0, 0, 0, 8, 1000, 65534))
        if self.chance(0.03, "large ids"):
            member.uid, member.gid = 2097152 + rng.randrange(1000), 3000000000
        member.mtime = rng.choice((0, 1, 1_000_000_000, 1_577_934_245, 1_700_000_000))
        if self.chance(0.03, "times"):
            member.mtime = rng.choice((-1, -86400, 2**31, 2**33 - 1, 2**33 + 5))
        if self.chance(0.2):
            member.user, member.group = rng.choice(((b"root", b"root"), (b"games", b"mail"), ("jörg".encode(), b"wheel")))
        if self.dialect == tb.PAX:
            self.pax(member)

    def pax(self, member):
        rng = self.rng
        if self.chance(0.4):
            member.fraction = rng.choice(("5", "123456789", "000000001", "25"))
        if self.chance(0.25):
            member.records[b"atime"] = rng.choice((b"1", b"1700000000.5", b"-3.25"))
            member.records[b"ctime"] = b"1700000001.123456789"
        if self.chance(0.05, "records of bsdtar and star"):
            member.records.update({b"LIBARCHIVE.creationtime": b"1600000000.1", b"SCHILY.fflags": b"nodump",
                                   b"SCHILY.dev": b"2049", b"SCHILY.ino": b"12", b"SCHILY.nlink": b"1",
                                   b"comment": b"a comment", b"hdrcharset": b"ISO-IR 10646 2000 UTF-8"})
        if self.chance(0.05, "records of python"):
            member.records.update({b"uname": "jörg".encode(), b"gname": b"x" * 40, b"uid": str(member.uid).encode()})
        if self.chance(0.02, "unknown records"):
            member.records.update({b"VENDOR.key": bytes(range(1, 200)), b"GOTAR.x": b"=", b"RHT.security.selinux": b"u:r:t"})
        if member.kind in (tb.FILE, tb.DIRECTORY) and self.chance(0.12, "xattrs"):
            member.xattrs[b"user.x"] = rng.choice((b"", b"value", bytes(range(256))))
            if self.chance(0.3):
                member.xattrs[b"user.%"] = b"%41"
            member.libarchive_xattrs = self.chance(0.3, "xattrs of bsdtar")
        if member.kind == tb.FILE and self.chance(0.04, "capabilities"):
            member.xattrs[b"security.capability"] = bytes.fromhex("0100000200040000000000000000000000000000")
        if member.kind in (tb.FILE, tb.DIRECTORY) and self.chance(0.05, "acl"):
            uid = rng.choice((5, 1234))
            member.mode = (member.mode & 0o7000) | 0o674
            member.xattrs[b"system.posix_acl_access"] = acl_value(uid)
            if self.chance(0.5, "acl in both forms"):
                member.acls["access"] = ACL % uid

    def add(self, member, path):
        encoded = None
        directory = member.kind == tb.DIRECTORY
        name, spelled = member.name, self.spell(member.name, directory)
        member.name = spelled
        if self.go_form is not None and member.pieces is None:
            encoded = self.notes.go_writer(member, self.go_form)
        for dialect in (self.dialect, tb.GNU, tb.PAX):
            encoded = encoded or tb.encode(dialect, member)
        member.name = name
        if encoded:
            self.members.append(encoded)
            if path is not None:
                self.here[path] = member.kind
            if member.kind == tb.LINK:
                self.notes.targets[member.name] = member.link
            if member.kind != tb.HARD:
                self.notes.entries.setdefault(member.name, []).append(member)

    def entry(self):
        rng = self.rng
        roll = rng.random()
        path = self.name()
        if self.below and self.chance(0.1):
            self.mark(path)
            return
        if path in self.here:
            if not self.chance(0.03, "a name twice"):
                return
        elif self.in_the_way(path) and not self.chance(0.02, "something in the way"):
            return  # most judges refuse the archive
        elif not 0.38 <= roll < 0.62 and any(name.startswith(path + b"/") for name in self.here):
            roll = 0.5  # a directory
        if roll < 0.38:
            member = Member(path, data=bytes(rng.choice((b"", b"x", b"content\n", b"z" * 513, b"big" * 30000))))
            if self.dialect in (tb.GNU, tb.PAX) and self.chance(0.08, "sparse"):
                self.sparse(member)
        elif roll < 0.62:
            member = Member(path, tb.DIRECTORY)
        elif roll < 0.74:
            target = rng.choice((b"a", b"b/c", b"../a", b"/a/b", b"nowhere", b".", b"..", b"/", b"../../../../etc/passwd",
                                 b"t" * 150, "ö".encode()))
            member = Member(path, tb.LINK, link=target)
        elif roll < 0.84:
            self.hard_link(path)
            return
        elif roll < 0.88:
            member = Member(path, rng.choice((tb.FIFO, tb.CHAR, tb.BLOCK_DEVICE)), device=(rng.choice((1, 5, 300)), rng.choice((3, 300))))
        else:
            self.mark(path)
            return
        self.attributes(member)
        self.add(member, path)

    def in_the_way(self, path):
        """Is something above the path no directory?"""
        return any({**self.below, **self.here}.get(parent, tb.DIRECTORY) != tb.DIRECTORY for parent in parents(path))

    def sparse(self, member):
        """Pieces with holes around them."""
        rng = self.rng
        at = rng.choice((0, 512, 4096))
        member.pieces = []
        for _ in range(rng.choice((0, 1, 3, 4, 5, 30))):
            member.pieces.append((at, rng.choice((b"p" * 512, b"q" * 1024, b"r" * 4096))))
            at += len(member.pieces[-1][1]) + rng.choice((512, 4096, 70000))
        member.size = at
        member.sparse_form = rng.choice(("0.0", "0.1", "1.0"))

    def hard_link(self, path):
        files = [name for name, kind in self.here.items() if kind != tb.DIRECTORY and name != path and b".wh." not in name]
        if self.chance(0.06, "link across layers"):
            files = [name for name, kind in self.below.items() if kind == tb.FILE]
        elif self.chance(0.02, "link to nothing"):
            files = [b"none"]
        if files:
            target = self.rng.choice(files)
            spelled = target
            if self.chance(0.3):
                spelled = self.rng.choice((b"./", b"/")) + target
            member = Member(path, tb.HARD, link=spelled)
            self.attributes(member)
            member.xattrs, member.acls = {}, {}
            self.notes.link(member, target)
            self.add(member, path)

    def mark(self, path):
        parent, _, last = path.rpartition(b"/")
        known = list(self.below)
        if known and self.chance(0.7):
            parent, _, last = self.rng.choice(known).rpartition(b"/")
        prefix = parent + b"/" if parent else b""
        roll = self.rng.random()
        if roll < 0.70:
            self.notes.append("whiteout")
            name = prefix + b".wh." + last
        elif roll < 0.92:
            self.notes.append("opaque")
            name = prefix + b".wh..wh..opq"
        elif roll < 0.95:
            self.notes.append("whiteout as a device")
            member = Member(prefix + last, tb.CHAR, device=(0, 0))
            if prefix + last not in self.here:
                self.add(member, prefix + last)
            return
        else:
            self.notes.append("aufs")
            name = self.rng.choice((b".wh..wh.plnk/1.2", b".wh..wh.aufs", b".wh..wh.orph/x"))
        if name not in self.here:
            self.add(Member(name), name)
            self.notes.mark_parents |= parents(name)

    def make(self):
        rng = self.rng
        if self.chance(0.04, "empty layer"):
            return rng.choice((tb.END, b"", bytes(10240)))
        if self.chance(0.05, "global header"):
            self.members.append(tb.special(tb.PAX, b"g", b"pax_global_header", tb.pax_record(b"comment", b"0123456789abcdef")))
        if self.chance(0.3):
            root = Member(b".", tb.DIRECTORY)
            self.attributes(root)
            root.name = rng.choice((b"./", b"."))
            if not root.acls and not root.xattrs:  # the mode is part of an ACL
                root.mode = rng.choice((0o755, 0o700, 0o1777))
            self.notes.entries.setdefault(b".", []).append(root)
            encoded = tb.encode(self.dialect, root) or tb.encode(tb.PAX, root)
            self.members.append(encoded)
        for _ in range(rng.choice((1, 3, 6, 10, 20))):
            self.entry()
        self.tell()
        if self.chance(0.05 if tb.HARD in self.here.values() else 0.2):
            rng.shuffle(self.members)
            self.notes.append("shuffled")
        tar = b"".join(self.members)
        if self.chance(0.03, "no end mark") and tar:
            return tar
        return tar + tb.END + bytes(rng.choice((0, 0, 0, 512, 9216)))


    def tell(self):
        """Notes what readers understand in several ways."""
        notes, described, wiped = self.notes, set(), set()
        for path in self.here:
            real = notes.resolved(path)
            if real != path:
                notes.redirected |= {path, real} | parents(path) | parents(real)
                notes.entries.setdefault(real, []).extend(notes.entries.get(path, ()))
                if path in notes.names:
                    notes.names[path].add(real)
                    notes.names[real] = notes.names[path]
            notes.undescribed |= {parent for parent in parents(path) | parents(real) if self.here.get(parent) != tb.DIRECTORY}
            for one in (path, real):
                directory, slash, last = one.rpartition(b"/")
                if not last.startswith(b".wh."):
                    described.add(one)
                elif last == b".wh..wh..opq":
                    wiped.add(directory + slash)
                else:
                    wiped.add(directory + slash + last[4:])
        notes.wiped |= wiped
        notes.erased |= {name for name in wiped if any(under(path, name) for path in described)}


def make_layers(rng, notes):
    """The tars of an image, bottom first."""
    below, layers = {}, []
    for _ in range(rng.choice((1, 2, 2, 3, 3, 4))):
        maker = LayerMaker(rng, notes, below)
        layers.append(maker.make())
        for path, kind in maker.here.items():
            if b".wh." not in path:
                below[path] = kind
    if len(layers) > 1 and rng.random() < 0.05:
        layers.append(layers[0])
        notes.append("a layer twice")
    if rng.random() < 0.02:
        notes.append("no layers")
        notes.entries.clear()
        return []
    return layers


def make_config(rng, notes, layers):
    """The bytes of a config."""
    config = {"architecture": "amd64", "os": "linux", "config": rng.choice(({}, {"Cmd": ["sh"]}, None, {"Env": None, "Labels": {"a": "b"}})),
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha(tar) for tar in layers]}}
    roll = rng.random()
    items = [{"created_by": f"step {number}"} for number in range(len(layers))]
    if roll < 0.6:
        config["history"] = items
    elif roll < 0.7:
        config["history"] = items[:-1]
        notes.append("short history")
    elif roll < 0.8:
        config["history"] = items + [{"created_by": "more"}]
        notes.append("long history")
    elif roll < 0.85:
        config["history"] = None
        notes.append("null history")
    else:
        config["history"] = [entry for item in items for entry in (item, {"created_by": "ENV", "empty_layer": True})]
    if rng.random() < 0.5:
        config["created"] = rng.choice(("2020-01-02T03:04:05.678Z", "0001-01-01T00:00:00Z", "2020-01-02T03:04:05+02:00",
                                        "1970-01-01T00:00:00.000000001Z"))
    if rng.random() < 0.2:
        config.update({"author": "me", "container": "c", "docker_version": "20.10", "x-unknown": {"a": [1, None]},
                       "os.features": ["x"], "container_config": {"Cmd": ["x"]}})
    if rng.random() < 0.03:
        config["variant"] = "v8"
    return json.dumps(config, indent=rng.choice((None, 1))).encode()


def compressed(rng, notes, data, kinds):
    """In one of these compressions; (bytes, kind)."""
    kind = rng.choice(kinds)
    if kind:
        notes.append(kind)
    if kind == "gzip":
        return gzip.compress(data, mtime=0), kind
    if kind == "gzip members":
        half = len(data) // 2
        return gzip.compress(data[:half], mtime=0) + gzip.compress(data[half:], mtime=1), "gzip"
    if kind == "bzip2":
        return bz2.compress(data), kind
    if kind == "xz":
        return lzma.compress(data), kind
    if kind == "zstd":
        return subprocess.run(["zstd", "-q", "-c", rng.choice(("-1", "-3", "--long=27"))], input=data, stdout=subprocess.PIPE,
                              check=True).stdout, kind
    return data, ""


def docker_archive(rng, tag, go_writer):
    """A case that `docker load` reads."""
    notes = Notes(go_writer)
    layers = make_layers(rng, notes)
    config = make_config(rng, notes, layers)
    config_name = sha(config) + ".json"
    style = rng.choice(("hex", "hex", "folders", "blobs", "plain"))
    members, paths = [], []
    if style == "blobs":
        config_name = "blobs/sha256/" + sha(config)
    elif style == "plain":
        config_name = "config.json"
    squeeze = rng.random() < 0.1 and style != "blobs"
    for number, tar in enumerate(layers):
        name = {"hex": f"{sha(tar)}.tar", "folders": f"{sha(tar + bytes([number]))}/layer.tar",
                "blobs": f"blobs/sha256/{sha(tar)}", "plain": f"layer{number}.tar"}[style]
        data = compressed(rng, notes, tar, ("gzip", "bzip2", "xz", "zstd", "gzip members"))[0] if squeeze and tar else tar
        if style == "folders" and tar in layers[:number] and rng.random() < 0.7:
            members.append((name, f"../{paths[layers.index(tar)]}"))
            notes.append("linked layer")
        elif name not in dict(members):
            members.append((name, data))
        paths.append(name)
    members.append((config_name, config))
    manifest = [{"Config": config_name, "RepoTags": [tag], "Layers": paths if paths or rng.random() < 0.5 else None}]
    if rng.random() < 0.1:
        manifest[0]["Parent"] = "sha256:" + "0" * 64
        manifest[0]["LayerSources"] = {}
    members.append(("manifest.json", dump(manifest)))
    if rng.random() < 0.3:
        members.append(("repositories", dump({tag.rpartition(":")[0]: {"1": "0" * 64}})))
    if rng.random() < 0.1:
        rng.shuffle(members)
    if rng.random() < 0.03:
        members = [("./" + name, what) for name, what in members]
        notes.append("./ in front of members")
    if rng.random() < 0.03:
        members.insert(0, (members[-1][0], members[-1][1]))
        notes.append("a member twice")
    data = tar_of(members)
    data, _ = compressed(rng, notes, data, ("",) * 12 + ("gzip", "bzip2", "xz"))
    return Case("docker", data, id="sha256:" + sha(config), notes=notes)


def artifact(rng):
    """(config blob, its type, layer blob, its type, more) of what is no image."""
    return rng.choice((
        (b"{}", "application/vnd.oci.empty.v1+json", b"{}", "application/vnd.oci.empty.v1+json", {"artifactType": "application/x"}),
        (b"{ }", "application/vnd.cncf.helm.config.v1+json", b"chart", "application/vnd.cncf.helm.chart.content.v1.tar+gzip", {}),
        (b'{"architecture":"","os":"","config":{},"rootfs":{"type":"layers","diff_ids":[]}}', OCI_CONFIG, b"sig",
         "application/vnd.dev.cosign.simplesigning.v1+json", {})))


def oci_layout(rng, tag, go_writer):
    """A case that `podman load`, skopeo and umoci read."""
    notes = Notes(go_writer)
    layers = make_layers(rng, notes)
    config = make_config(rng, notes, layers)
    docker = rng.random() < 0.15
    blobs = {}

    sha512 = rng.random() < 0.08

    def blob(data, media_type, **more):
        # podman takes no config by SHA-512.
        algorithm = "sha256"
        if sha512 and media_type not in (OCI_CONFIG, DOCKER_CONFIG) and rng.random() < 0.5:
            algorithm = "sha512"
            notes.append("sha512")
        digest = hashlib.new(algorithm, data).hexdigest()
        blobs[f"blobs/{algorithm}/{digest}"] = data
        return {"mediaType": media_type, "digest": f"{algorithm}:{digest}", "size": len(data), **more}

    described = []
    for tar in layers:
        data, kind = compressed(rng, notes, tar, ("", "gzip", "gzip", "zstd") if not docker else ("gzip",)) if tar else (tar, "")
        kind = {"": "", "gzip": ".gzip" if docker else "+gzip", "zstd": "+zstd"}[kind]
        base = DOCKER_LAYER if docker else OCI_LAYER
        if not docker and rng.random() < 0.03:
            base = "application/vnd.oci.image.layer.nondistributable.v1.tar"
            notes.append("nondistributable")
        described.append(blob(data, base + kind, **({"annotations": {"k": "v"}} if rng.random() < 0.1 else {})))
    config_blob = blob(config, DOCKER_CONFIG if docker else OCI_CONFIG)
    manifest_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
    manifest = {"schemaVersion": 2, "config": config_blob, "layers": described}
    if docker or rng.random() < 0.7:
        manifest["mediaType"] = manifest_type
    if rng.random() < 0.2:
        manifest["annotations"] = {"org.opencontainers.image.created": "2020-01-01T00:00:00Z"}
    top = blob(json.dumps(manifest, indent=rng.choice((None, 3))).encode(), manifest_type)
    if rng.random() < 0.15:
        notes.append("nested index")
        inner = [{**top, "platform": {"architecture": "amd64", "os": "linux"}}]
        if rng.random() < 0.5:
            inner.append({"mediaType": OCI_MANIFEST, "digest": "sha256:" + "1" * 64, "size": 7,
                          "platform": {"architecture": "s390x", "os": "linux"}})
            notes.append("a platform that is not there")
        kind = DOCKER_LIST if docker else OCI_INDEX
        top = blob(dump({"schemaVersion": 2, "mediaType": kind, "manifests": inner}), kind)
    # podman and skopeo read the name in full; umoci the tag.
    entries = [{**top, "annotations": {"org.opencontainers.image.ref.name": tag}}]
    if rng.random() < 0.1:
        notes.append("artifact")
        config_data, config_type, data, kind, more = artifact(rng)
        entries.append(blob(dump({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": blob(config_data, config_type),
                                  "layers": [blob(data, kind)], **more}), OCI_MANIFEST))
    index = {"schemaVersion": 2, "manifests": entries}
    if rng.random() < 0.3:
        index["mediaType"] = OCI_INDEX
    members = [("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", dump(index)), *blobs.items()]
    if rng.random() < 0.1:
        rng.shuffle(members)
    return Case("oci", tar_of(members), members=members, id="sha256:" + sha(config), notes=notes)


def root_tar(rng, _, go_writer):
    """A case that `docker import` reads."""
    notes = Notes(go_writer)
    while True:
        maker = LayerMaker(rng, notes, {})
        data = maker.make()
        if data.strip(b"\0"):
            break
    data, _ = compressed(rng, notes, data, ("",) * 5 + ("gzip", "bzip2", "xz", "zstd", "gzip members"))
    return Case("import", data, notes=notes)


def make(rng, tag, go_writer=None):
    """A random case; its image is called `tag`, where the form has names. Some layers are written by `go_writer`
    (go_program.TarWriter), if there is one."""
    return rng.choice((docker_archive, docker_archive, oci_layout, oci_layout, root_tar))(rng, tag, go_writer)
