# SPDX-License-Identifier: Apache-2.0
"""Images made by hand, and the archives of all kinds that tools of all ages make of them."""

import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile

from support.files import write

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
CREATED = "2020-01-02T03:04:05.678Z"


def sha(data):
    """64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def dump(value):
    """A document as bytes."""
    return json.dumps(value, separators=(",", ":")).encode()


def member(name, data=b"", kind=tarfile.REGTYPE, **attributes):
    """A member for tar(): a regular file with these contents unless `kind` says otherwise. `attributes`: those of TarInfo."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mtime = kind, len(data), 1577934245
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info, data


def tar(*members, **more):
    """An archive of what member() gave, as bytes. `more`: for tarfile.open()."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", **more) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def tar_of(members):
    """An archive of (name, bytes or link target)."""
    return tar(*(member(name, kind=tarfile.SYMTYPE, linkname=what, mode=0o777) if isinstance(what, str) else member(name, what)
                 for name, what in members))


def layer(**files):
    """The tar of a layer: names and contents; none: what Docker writes for an empty layer."""
    return tar(*(member(name, content.encode()) for name, content in files.items())) if files else bytes(1024)


def compress(data, kind):
    """Bytes in a compression: "", "gzip", "bzip2", "xz" or "zstd"."""
    if not kind:
        return data
    if kind == "gzip":
        return gzip.compress(data, mtime=0)
    return subprocess.run([kind, "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


class Image:
    """Layers (tars, bottom first) with a config; what any tool must show as its id."""

    def __init__(self, *layers, architecture="amd64", variant=None, **config):
        self.layers = list(layers)
        document = {"architecture": architecture, "os": "linux", "created": CREATED,
                    "config": {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]},
                    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha(one) for one in layers]},
                    "history": [{"created": CREATED, "created_by": f"step {i}"} for i in range(len(layers))]}
        if variant:
            document["variant"] = variant
        document.update(config)
        self.document = document
        # Not the bytes that any tool would write: they count as they are.
        self.config = json.dumps(document, indent=1).encode()
        self.id = "sha256:" + sha(self.config)

    @property
    def platform(self):
        """As in an index."""
        keys = ("architecture", "os", "variant")
        return {key: self.document[key] for key in keys if key in self.document}


def docker_archive(*tagged, style="hex"):
    """What `docker save` writes, of (image, names): a list of (member, bytes or link target as str). `style`:
      hex      CONFIG.json and DIGEST.tar (skopeo, podman)
      folders  CONFIG.json and ID/layer.tar, a layer that is there already as a link (Docker 1.10 to 24)
      blobs    blobs/sha256/DIGEST (Docker 25)
    """
    members, manifest, folders = [], [], {}
    for number, (image, names) in enumerate(tagged):
        paths = []
        for index, tar in enumerate(image.layers):
            digest = sha(tar)
            if style == "folders":
                folder = sha(f"{number}/{index}/{digest}".encode())
                path = f"{folder}/layer.tar"
                members.append((f"{folder}/VERSION", b"1.0"))
                members.append((path, f"../{folders[digest]}/layer.tar" if digest in folders else tar))
                folders.setdefault(digest, folder)
            else:
                path = f"blobs/sha256/{digest}" if style == "blobs" else f"{digest}.tar"
                if path not in dict(members):
                    members.append((path, tar))
            paths.append(path)
        digest = image.id.removeprefix("sha256:")
        config = f"blobs/sha256/{digest}" if style == "blobs" else f"{digest}.json"
        members.append((config, image.config))
        manifest.append({"Config": config, "RepoTags": names, "Layers": paths})
    members.append(("manifest.json", dump(manifest)))
    return members


def legacy_archive(repositories, layers, documents):
    """What `docker save` wrote in 2014: `layers` maps ids to tars, `documents` to the layers' json."""
    members = []
    for layer_id, tar in layers.items():
        members.append((f"{layer_id}/VERSION", b"1.0"))
        members.append((f"{layer_id}/json", documents[layer_id]))
        members.append((f"{layer_id}/layer.tar", tar))
    if repositories:
        members.append(("repositories", dump(repositories) + b"\n"))
    return members


class Layout:
    """An OCI image layout in the making: blobs by digest, and what index.json lists."""

    def __init__(self):
        self.blobs = {}
        self.entries = []

    def blob(self, data, media_type, **more):
        """Keeps a blob; its descriptor."""
        self.blobs[sha(data)] = data
        return {"mediaType": media_type, "digest": "sha256:" + sha(data), "size": len(data), **more}

    def manifest(self, image, compression="", docker=False, **more):
        """Keeps an image; the descriptor of its manifest."""
        suffix = {"": "", "gzip": ".gzip" if docker else "+gzip", "zstd": "+zstd"}[compression]
        layers = [self.blob(compress(tar, compression), (DOCKER_LAYER if docker else OCI_LAYER) + suffix)
                  for tar in image.layers]
        config = self.blob(image.config, DOCKER_CONFIG if docker else OCI_CONFIG)
        kind = DOCKER_MANIFEST if docker else OCI_MANIFEST
        return self.blob(dump({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers}), kind, **more)

    def index(self, descriptors, kind=OCI_INDEX, **more):
        """Keeps an index of these; its descriptor."""
        return self.blob(dump({"schemaVersion": 2, "mediaType": kind, "manifests": descriptors}), kind, **more)

    def add(self, descriptor, name=None, full=None):
        """Lists it in index.json, under the names of the two annotations; itself."""
        notes = {}
        if name is not None:
            notes["org.opencontainers.image.ref.name"] = name
        if full is not None:
            notes["io.containerd.image.name"] = full
        self.entries.append({**descriptor, **({"annotations": notes} if notes else {})})
        return self

    def members(self):
        """As members of an archive."""
        return [("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
                ("index.json", dump({"schemaVersion": 2, "manifests": self.entries})),
                *((f"blobs/sha256/{digest}", data) for digest, data in self.blobs.items())]


def write_directory(path, members):
    """The members as files below a new directory."""
    for name, data in members:
        full = os.path.join(path, name)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        write(full, data)
    return path
