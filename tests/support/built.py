# SPDX-License-Identifier: Apache-2.0
"""What a build made: an image as an archive becomes a tree, a config and a history that can be compared.

Every builder saves its images as docker-archive, so that all are read by the same code, whoever built them and with which
ids."""

import functools
import io
import json
import os
import subprocess
import tarfile
from dataclasses import dataclass, field

from support.images import CREATED, Image, docker_archive, member, tar, tar_of

# All keys of a config that builders write.
CONFIG_KEYS = ("Cmd", "Entrypoint", "Env", "ExposedPorts", "Healthcheck", "Labels", "OnBuild", "Shell", "StopSignal", "User",
               "Volumes", "WorkingDir", "author")
_KINDS = {tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "link",
          tarfile.FIFOTYPE: "fifo", tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block"}
_XATTR = "SCHILY.xattr."


@dataclass
class What:
    """One object of a tree; in an expectation, None means that any value is right."""
    kind: str
    mode: int | None = None
    owner: str | None = None  # "UID:GID"
    data: bytes | None = None
    target: str | None = None  # of a link
    same: str | None = ""  # of a hard link: the first of all its names; "": it has one name
    mtime: int | None = None  # in seconds
    xattrs: dict | None = None

    def __str__(self):
        words = [self.kind, "?" if self.mode is None else f"{self.mode:o}", self.owner or "?"]
        words += [f"{self.data[:80]!r}"] if self.data is not None else []
        words += [f"{name}={value!r}" for name, value in (("target", self.target), ("same", self.same),
                                                          ("mtime", self.mtime), ("xattrs", self.xattrs)) if value]
        return " ".join(words)

    def matches(self, other):
        """Is the other one as this expectation says?"""
        return all(expected is None or expected == getattr(other, name) for name, expected in vars(self).items())


def file(data=b"", mode=0o644, owner="0:0", **more):
    """A regular file."""
    return What("file", mode, owner, data.encode() if isinstance(data, str) else data, **more)


def folder(mode=0o755, owner="0:0", **more):
    """A directory."""
    return What("folder", mode, owner, **more)


def link(target, owner="0:0"):
    """A symbolic link."""
    return What("link", None, owner, target=target)


@dataclass
class Built:
    """An image: its tree by path ("/" is the root), what its config says, its history, the trees of its layers."""
    tree: dict
    config: dict
    history: list  # (created_by, is it an empty layer?, comment), the base's first
    layers: list = field(default_factory=list)  # the names in each layer's tar
    created: str = ""
    id: str = ""

    def changed(self, base):
        """The objects that are not as in the tree of a base; None: gone."""
        found = {path: what for path, what in self.tree.items() if not same_as(base.get(path), what)}
        return found | dict.fromkeys(base.keys() - self.tree.keys())


def same_as(before, after):
    """Is an object as it was? The times of directories change with their contents."""
    if before is None or after is None:
        return before is after
    fields = [name for name in vars(before) if name != "mtime" or before.kind != "folder"]
    return all(getattr(before, name) == getattr(after, name) for name in fields)


def read_archive(source):
    """The image of a docker-archive of one image: a path, or a file that is read once."""
    opened = {"name": source} if isinstance(source, str) else {"fileobj": source}
    with tarfile.open(mode="r", **opened) as archive:
        members = {info.name: info for info in archive}

        def content(name):
            info = members[name]
            while info.issym():
                info = members[os.path.normpath(os.path.join(os.path.dirname(info.name), info.linkname))]
            return archive.extractfile(info).read()
        [manifest] = json.loads(content("manifest.json"))
        config = json.loads(content(manifest["Config"]))
        nodes, layers = {"/": What("folder", 0o755, "0:0", xattrs={})}, []
        for name in manifest["Layers"]:
            layers.append(_apply(nodes, content(name)))
    document = {**(config.get("config") or {}), "author": config.get("author")}
    history = [(item.get("created_by", ""), item.get("empty_layer", False), item.get("comment", ""))
               for item in config.get("history") or ()]
    identifier = os.path.basename(manifest["Config"]).removesuffix(".json")
    return Built(_tree_of(nodes), {key: document.get(key) or None if document.get(key) != [] else [] for key in CONFIG_KEYS},
                 history, layers, config.get("created", ""), identifier)


def _apply(nodes, data):
    """Puts a layer over the tree `nodes`; the names in it."""
    names, made = [], {}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r", errorlevel=2) as archive:
        for info in archive:
            path = "/" + os.path.normpath("/" + info.name).lstrip("/")
            names.append(path)
            parent, base = os.path.split(path)
            if base == ".wh..wh..opq":
                _drop(nodes, parent, made, itself=False)
            elif base.startswith(".wh."):
                _drop(nodes, os.path.join(parent, base[4:]), made)
            elif info.islnk():
                _drop(nodes, path, made)
                nodes[path] = made[path] = nodes["/" + os.path.normpath("/" + info.linkname).lstrip("/")]
            else:
                what = What(_KINDS[info.type], info.mode & 0o7777, f"{info.uid}:{info.gid}", mtime=int(info.mtime),
                            xattrs={key.removeprefix(_XATTR): value for key, value in info.pax_headers.items()
                                    if key.startswith(_XATTR)})
                if info.isreg():
                    what.data = archive.extractfile(info).read()
                elif info.issym():
                    what.target, what.mode = info.linkname, None
                if not (info.isdir() and path in nodes and nodes[path].kind == "folder"):
                    _drop(nodes, path, made)
                nodes[path] = made[path] = what
    return names


def _drop(nodes, path, made, itself=True):
    """Removes what lower layers have at and below a path."""
    prefix = path.rstrip("/") + "/"
    for name in [name for name in nodes if name not in made and (name.startswith(prefix) and name != "/" or
                                                                 itself and name == path)]:
        del nodes[name]


def _tree_of(nodes):
    """Names of one file say so in `same`."""
    names = {}
    for path in sorted(nodes):
        names.setdefault(id(nodes[path]), []).append(path)
    return {path: What(**{**vars(what), "same": names[id(what)][0] if len(names[id(what)]) > 1 else ""})
            for path, what in nodes.items()}


# --- the images that the Dockerfiles of the tests start from

APPLETS = ("basename cat chmod chown cp cut date dd df dirname echo env expr false find grep head hostname id kill ln ls mkdir mkfifo mknod "
           "mv nc printf pwd readlink rm rmdir sed seq setsid sh sleep sort stat sync tar tail test touch tr true uname wc wget "
           "xargs").split()
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PASSWD = b"root:x:0:0::/root:/bin/sh\nann:x:5:50::/home/ann:/bin/sh\n"
GROUP = b"root:x:0:\nann:x:55:\nmany:x:77:ann\nstaff:x:50:\n"


@functools.cache
def base_images():
    """By name. bb: busybox with /bin and /tmp, and no /etc, /dev, /proc, /sys. ann: with /etc/passwd and /etc/group, too.
    rich: a config with everything in it."""
    config = {"Env": [PATH], "Cmd": ["/bin/sh"]}
    one = _busybox()
    users = tar(member("etc/", kind=tarfile.DIRTYPE, mode=0o755), member("etc/passwd", PASSWD), member("etc/group", GROUP))
    rich = {"Env": [PATH, "BASE=of-base"], "Cmd": ["of", "cmd"], "Entrypoint": ["of-entrypoint"], "User": "5:6",
            "WorkingDir": "/from/base", "Labels": {"from": "base"}, "ExposedPorts": {"1/tcp": {}}, "Volumes": {"/v": {}},
            "StopSignal": "SIGINT", "Healthcheck": {"Test": ["CMD", "of-base"]}, "Shell": ["/bin/busybox", "sh", "-c"]}
    plain = {"history": [{"created": CREATED, "created_by": "busybox"}]}
    return {"bb": Image(one, config=config, **plain),
            "ann": Image(one, users, config=config, history=plain["history"] + [{"created": CREATED, "created_by": "users"}]),
            "cmd": Image(one, config={**config, "Cmd": ["of", "base"]}, **plain),
            "rich": Image(one, config=rich, **plain)}


@functools.cache
def base(name):
    """What a base image is, as Built; "": nothing at all."""
    if not name:
        return Built({"/": What("folder", 0o755, "0:0", xattrs={})}, dict.fromkeys(CONFIG_KEYS), [])
    return read_archive(io.BytesIO(tar_of(docker_archive((base_images()[name], [f"{name}:latest"])))))


def write_bases(path):
    """An archive of all base images at `path`; itself."""
    with open(path, "wb") as out:
        out.write(tar_of(docker_archive(*((image, [f"{name}:latest"]) for name, image in base_images().items()))))
    return path


def _busybox():
    """The layer: this machine's busybox with the libraries that it needs, and its applets as links."""
    program = "/bin/busybox"
    needed = subprocess.run(["ldd", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    files = {program: program} | {word: os.path.realpath(word) for line in needed.splitlines() for word in line.split()
                                  if word.startswith("/")}
    folders = sorted({parent for path in files for parent in _parents(path)} - {"/"})
    members = [member(path[1:] + "/", kind=tarfile.DIRTYPE, mode=0o755) for path in folders]
    members.append(member("tmp/", kind=tarfile.DIRTYPE, mode=0o1777))
    for path, source in sorted(files.items()):
        with open(source, "rb") as content:
            members.append(member(path[1:], content.read(), mode=0o755))
    members += [member(f"bin/{name}", kind=tarfile.SYMTYPE, linkname="busybox", mode=0o777) for name in APPLETS]
    return tar(*members)


def _parents(path):
    while path != "/":
        path = os.path.dirname(path)
        yield path
