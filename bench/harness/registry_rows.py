# SPDX-License-Identifier: Apache-2.0
"""The rows about registries: pull and push beside podman, and skopeo with umoci; the registry is Debian's, on loopback."""

import contextlib
import json
import os
import pathlib
import shutil
import sys

from . import systems
from .report import Figure

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))
from support import proc  # noqa: E402
from support.faulty_proxy import FaultyProxy  # noqa: E402
from support.files import digest  # noqa: E402
from support.registry import Registry  # noqa: E402

REPOSITORY = "bench/layered"
ALL_BUT_ONE, ONE_LAYER = "bench/most", "bench/one"
DELAY = 0.020  # seconds before each answer, on the slow link
RATE = "100mbit"
SPACE = "veneer-bench"
HERE, THERE = "198.51.100.1", "198.51.100.2"  # addresses for documents: the host's end of the link, the client's end


def _skopeo(*line):
    systems.run("skopeo", "--insecure-policy", "copy", "--quiet", *line)


def _part(registry, repository, wanted):
    """An image of some layers of the whole one."""
    manifest = json.loads(registry.manifest(REPOSITORY, "1"))
    config = json.loads(registry.blob(REPOSITORY, manifest["config"]["digest"]))
    for document, key in ((manifest, "layers"), (config["rootfs"], "diff_ids"), (config, "history")):
        document[key] = document[key][wanted]
    data = json.dumps(config).encode()
    registry.put_blob(repository, data)
    for layer in manifest["layers"]:
        registry.put_blob(repository, registry.blob(REPOSITORY, layer["digest"]))
    manifest["config"].update(digest=digest(data), size=len(data))
    registry.ask("PUT", f"/v2/{repository}/manifests/1", 201, body=json.dumps(manifest).encode(),
                 headers={"Content-Type": manifest["mediaType"]})


@contextlib.contextmanager
def _registry(context, **more):
    with Registry(str(context.scratch.fresh("registry")), **more) as registry:
        _skopeo("--dest-tls-verify=false", "--dest-compress-format", "gzip",
                f"oci:{context.inputs.layered_layout()}:layered", f"docker://{registry.host}/{REPOSITORY}:1")
        yield registry
    context.scratch.remove("registry")


def _podman(folder, *line):
    systems.run("podman", "--root", folder / "root", "--runroot", folder / "run", *line)


def _veneer(folder, *line):
    systems.run("veneer", *line, env=systems.store(folder))


def _synced(work):
    def run(folder):
        work(folder)
        os.sync()
    return run


def _fresh(context):
    def prepare(name):
        folder = context.scratch.fresh(f"of-{name.split()[0]}")
        os.sync()
        return folder
    return prepare


def _processor_time():
    used = os.times()
    return used.children_user + used.children_system


def _stages(context, registry):
    """What each stage of a pull takes alone, one after another on one processor: name -> samples."""
    manifest = json.loads(registry.manifest(REPOSITORY, "1"))
    folder = context.scratch.fresh("stages")
    blobs = []
    for number, layer in enumerate(manifest["layers"]):
        path = folder / f"{number}.gz"
        path.write_bytes(registry.blob(REPOSITORY, layer["digest"]))
        blobs.append(path)
    urls = [f"{registry.url}/v2/{REPOSITORY}/blobs/{layer['digest']}" for layer in manifest["layers"]]
    plain = folder / "plain"

    def write():
        shutil.copyfile(plain, folder / "copy")
        os.sync()

    systems.run("sh", "-c", f"igzip -dc {folder}/*.gz > {plain}")
    (folder / "copy").touch()
    samples = context.interleaved({
        "download": lambda: systems.run("curl", "-sf", *[word for url in urls for word in ("-o", "/dev/null", url)]),
        "decompression": lambda: systems.run("sh", "-c", f"igzip -dc {folder}/*.gz > /dev/null"),
        "SHA-256 of both": lambda: systems.run("sh", "-c", f"cat {folder}/*.gz {plain} | openssl dgst -sha256"),
        "writing": write,
    })
    context.scratch.remove("stages")
    return samples


def pull(context):
    """Pull of 500 MB in 20 gzip layers into an empty store, beside the others; and its stages."""
    with _registry(context) as registry:
        name = f"{registry.host}/{REPOSITORY}:1"
        spent = []

        def veneer(folder):
            before, server = _processor_time(), systems.cpu_seconds(registry.pid)
            _veneer(folder, "pull", "-q", name)
            os.sync()
            spent.append((_processor_time() - before + systems.cpu_seconds(registry.pid) - server) / os.cpu_count())

        def skopeo(folder):
            _skopeo("--src-tls-verify=false", f"docker://{name}", f"oci:{folder}/layout:1")
            systems.run("umoci", "unpack", "--image", f"{folder}/layout:1", folder / "bundle")

        samples = context.interleaved({
            "veneer": veneer,
            "podman pull": _synced(lambda folder: _podman(folder, "pull", "-q", "--tls-verify=false", name)),
            "skopeo copy, umoci unpack": _synced(skopeo)}, _fresh(context))
        stages = _stages(context, registry)
        stages["processor time / cores"] = spent
        floor = max(stages, key=lambda stage: sorted(stages[stage])[len(stages[stage]) // 2])
        one = _pull_one(context, registry)
    return [Figure("pull, 500 MB in 20 gzip layers", "s", samples, limit=0.33, against=other)
            for other in ("podman pull", "skopeo copy, umoci unpack")] + [
                Figure("the same", "s", {"veneer": samples["veneer"], **stages}, limit=1.15, against=floor),
                Figure("pull when 19 of 20 layers are here", "s", one, limit=1.1, against="that layer alone")]


def _pull_one(context, registry):
    """A pull that lacks one layer, and a pull of that layer alone into an empty store."""
    _part(registry, ALL_BUT_ONE, slice(None, -1))
    _part(registry, ONE_LAYER, slice(-1, None))

    def prepare(name):
        folder = context.scratch.fresh("of-one")
        if name == "veneer":
            _veneer(folder, "pull", "-q", f"{registry.host}/{ALL_BUT_ONE}:1")
        os.sync()
        return folder

    samples = context.interleaved({
        "veneer": _synced(lambda folder: _veneer(folder, "pull", "-q", f"{registry.host}/{REPOSITORY}:1")),
        "that layer alone": _synced(lambda folder: _veneer(folder, "pull", "-q", f"{registry.host}/{ONE_LAYER}:1"))},
        prepare)
    context.scratch.remove("of-one")
    return samples


def push(context):
    """Push of 500 MB in 20 layers, which were loaded and never compressed, to an empty registry."""
    archive = context.inputs.layered_archive()
    stores = {name: context.scratch.fresh(f"from-{name}") for name in ("veneer", "podman")}
    _veneer(stores["veneer"], "load", "-q", "-i", archive)
    _podman(stores["podman"], "load", "-q", "-i", archive)

    def prepare(name):
        folder = stores["veneer"]
        if name == "veneer":  # what it has learnt of the layers is forgotten
            folder = context.scratch.fresh("from-veneer")
            _veneer(folder, "load", "-q", "-i", archive)
        registry = Registry(str(context.scratch.fresh("registry")))
        registry.start()
        os.sync()
        return registry, f"{registry.host}/{REPOSITORY}:1"

    def ended(work):
        def run(prepared):
            registry, name = prepared
            work(name)
            os.sync()
            registry.stop()
        return run

    def veneer(name):
        _veneer(stores["veneer"], "tag", "layered:1", name)
        _veneer(stores["veneer"], "push", "-q", name)

    samples = context.interleaved({
        "veneer": ended(veneer),
        "podman push": ended(lambda name: _podman(stores["podman"], "push", "-q", "--tls-verify=false", "layered:1",
                                                  f"docker://{name}"))}, prepare)
    for name in ("from-veneer", "from-podman", "registry"):
        context.scratch.remove(name)
    return [Figure("push to an empty registry, 500 MB in 20 layers", "s", samples, limit=0.5, against="podman push")]


@contextlib.contextmanager
def _link():
    """A network of its own whose way here has a rate; what runs in it is started by the words given."""
    ip = ("ip", "netns", "exec", SPACE)
    systems.run("ip", "netns", "add", SPACE)
    try:
        systems.run("ip", "link", "add", "veneer0", "type", "veth", "peer", "name", "veneer1", "netns", SPACE)
        systems.run("ip", "address", "add", f"{HERE}/24", "dev", "veneer0")
        systems.run("ip", "link", "set", "veneer0", "up")
        systems.run(*ip, "ip", "address", "add", f"{THERE}/24", "dev", "veneer1")
        systems.run(*ip, "ip", "link", "set", "veneer1", "up")
        systems.run("tc", "qdisc", "add", "dev", "veneer0", "root", "tbf", "rate", RATE, "burst", "64kb", "latency", "50ms")
        yield ip
    finally:
        systems.run("ip", "netns", "delete", SPACE)


def link(context):
    """Pull over a link of 20 ms and 100 Mbit/s, beside the bytes alone over that link."""
    with _registry(context) as registry, _link() as inside, \
            FaultyProxy(registry.url, delay=DELAY, address=HERE, name=HERE) as proxy:
        manifest = json.loads(registry.manifest(REPOSITORY, "1"))
        urls = [f"http://{proxy.host}/v2/{REPOSITORY}/blobs/{layer['digest']}" for layer in manifest["layers"]]
        samples = context.interleaved({
            "veneer": lambda folder: systems.run(*inside, "veneer", "pull", "-q", "--tls-verify=false",
                                                 f"{proxy.host}/{REPOSITORY}:1", env=systems.store(folder)),
            "the bytes alone": lambda folder: systems.run(
                *inside, "curl", "-sf", "--parallel", "--parallel-max", "20",
                *[word for url in urls for word in ("-o", "/dev/null", url)])}, _fresh(context))
    return [Figure("pull over 20 ms and 100 Mbit/s", "s", samples, limit=1.05, against="the bytes alone")]


def registry_memory(context):
    """Peak resident memory of pull and push."""
    def peak(folder, *line):
        return proc.peak_memory(["veneer", *map(str, line)], env=systems.store(folder)) / 1e6

    with _registry(context) as registry:
        pulls, pushes = [], []
        for number in range(context.rounds):
            folder = context.scratch.fresh("of-memory")
            pulls.append(peak(folder, "pull", "-q", f"{registry.host}/{REPOSITORY}:1"))
            folder = context.scratch.fresh("of-memory")
            _veneer(folder, "load", "-q", "-i", context.inputs.layered_archive())
            _veneer(folder, "tag", "layered:1", f"{registry.host}/pushed{number}:1")
            pushes.append(peak(folder, "push", "-q", f"{registry.host}/pushed{number}:1"))
        context.scratch.remove("of-memory")
    return [Figure("peak memory of pull", "MB", {"veneer": pulls}, limit=100),
            Figure("peak memory of push", "MB", {"veneer": pushes}, limit=100)]


def gzip(context):
    """load, import and pull of gzip with ISA-L and with zlib, which takes its place where it cannot be loaded."""
    nothing = context.scratch.fresh("no-isal")
    (nothing / "libisal.so.2").touch()
    archive, root = context.inputs.layered_archive_gzip(), context.inputs.root_tar_gzip()
    for path in (archive, root):
        path.read_bytes()  # in the page cache
    figures = []
    with _registry(context) as registry:
        for what, line in (("load", ("load", "-q", "-i", archive)), ("import", ("import", "--progress", "none", root, "root:1")),
                           ("pull", ("pull", "-q", f"{registry.host}/{REPOSITORY}:1"))):
            def veneer(folder, line=line, **more):
                systems.run("veneer", *line, env=dict(systems.store(folder), **more))
                os.sync()

            samples = context.interleaved({
                "veneer": veneer, "zlib": lambda folder, run=veneer: run(folder, LD_LIBRARY_PATH=str(nothing))},
                _fresh(context))
            figures.append(Figure(f"{what} of gzip layers with ISA-L", "s", samples, limit=0.6, against="zlib"))
    return figures
