# SPDX-License-Identifier: Apache-2.0
"""The rows about images: moving them in and out beside podman and umoci, and a store that holds a thousand."""

import io
import os
import shutil
import subprocess
import tarfile

from . import systems
from .report import Figure

IMAGES = 1000
CONTAINERS = 100


def _podman(folder, *line):
    """podman with a storage of its own, of the kind it chooses itself."""
    systems.run("podman", "--root", folder / "root", "--runroot", folder / "run", *line)


def load(context):
    """Load of a docker-archive of 20 layers into an empty store, and once more into the same; each followed by sync."""
    archive = context.inputs.layered_archive()
    archive.read_bytes()  # in the page cache for all
    contestants = {"veneer": lambda folder: systems.run("veneer", "load", "-i", archive, env=systems.store(folder))}
    if shutil.which("podman"):
        contestants["podman load"] = lambda folder: _podman(folder, "load", "-i", archive)
    if shutil.which("umoci") and shutil.which("skopeo"):
        layout = context.inputs.layered_layout()
        contestants["umoci unpack"] = lambda folder: systems.run(
            "umoci", "unpack", "--image", f"{layout}:layered", folder / "bundle")

    def prepare(name):
        folder = context.scratch.fresh(f"load-{name}")
        os.sync()
        return folder

    def synced(work):
        def run(folder):
            work(folder)
            os.sync()
        return run

    first = context.interleaved({name: synced(work) for name, work in contestants.items()}, prepare)
    again = context.interleaved({name: synced(contestants[name]) for name in contestants if name != "umoci unpack"},
                                lambda name: context.scratch.path(f"load-{name}"))
    for name in contestants:
        context.scratch.remove(f"load-{name}")
    once = {"veneer": again["veneer"], "first": first["veneer"],
            **{name: samples for name, samples in again.items() if name != "veneer"}}
    return [Figure("load of a docker-archive, 500 MB in 20 layers", "s", first, limit=0.4, against="podman load"),
            Figure("the same again, every layer known", "s", once, limit=0.05, against="first")]


def save(context):
    """Save of the same image as a docker-archive that is not compressed; each followed by sync."""
    archive = context.inputs.layered_archive()
    store = context.scratch.fresh("save-veneer")
    systems.run("veneer", "load", "-i", archive, env=systems.store(store))
    target = context.scratch.path("saved.tar")
    contestants = {"veneer": lambda _: systems.run("veneer", "save", "-q", "-o", target, "layered:1",
                                                   env=systems.store(store))}
    if shutil.which("podman"):
        other = context.scratch.fresh("save-podman")
        _podman(other, "load", "-i", archive)
        contestants["podman save"] = lambda _: _podman(other, "save", "-q", "-o", target, "layered:1")

    def prepare(_):
        target.unlink(missing_ok=True)
        os.sync()

    def synced(work):
        def run(prepared):
            work(prepared)
            os.sync()
        return run

    samples = context.interleaved({name: synced(work) for name, work in contestants.items()}, prepare)
    target.unlink()
    for name in ("veneer", "podman"):
        context.scratch.remove(f"save-{name}")
    return [Figure("save as a docker-archive, 500 MB in 20 layers", "s", samples, limit=0.5, against="podman save")]


def _fill(store):
    """A thousand images of one small layer each, and a hundred containers."""
    for number in range(IMAGES):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            for name, size in (("own", 3000), ("more", 30_000)):
                info = tarfile.TarInfo(name)
                info.size = size
                tar.addfile(info, io.BytesIO((f"{number} {name} " * size)[:size].encode()))
        subprocess.run(["veneer", "import", "--progress", "none", "-", f"image{number:04}:1"], input=data.getvalue(),
                       stdout=subprocess.DEVNULL, env=systems.store(store), check=True)
    for number in range(CONTAINERS):
        systems.run("veneer", "create", "--name", f"c{number}", f"image{number:04}:1", env=systems.store(store))


def listing(context):
    """images, history, ps, rmi and prune in a store of 1,000 images."""
    store = context.scratch.fresh("thousand")
    _fill(store)
    env = systems.store(store)
    free = iter(range(CONTAINERS, IMAGES))
    samples = context.interleaved({
        "images": lambda: systems.run("veneer", "images", env=env),
        "history": lambda: systems.run("veneer", "history", "image0500:1", env=env),
        "ps -a": lambda: systems.run("veneer", "ps", "-a", env=env),
    })
    removed = context.interleaved(
        {"rmi": lambda number: systems.run("veneer", "rmi", f"image{number:04}:1", env=env)}, lambda _: next(free))

    def take_away(name):
        for _ in range(int(name.split()[0])):
            systems.run("veneer", "rmi", "--no-prune", f"image{next(free):04}:1", env=env)

    pruned = context.interleaved({f"{count} images": lambda _: systems.run("veneer", "prune", env=env)
                                  for count in (10, 40)}, take_away)
    context.scratch.remove("thousand")
    return [Figure(f"{name} with 1,000 images and 100 containers", "s", {"veneer": values}, limit=0.030)
            for name, values in samples.items()] + [
                Figure("rmi of one of 1,000 images", "s", {"veneer": removed["rmi"]}, limit=0.100),
                Figure("prune after rmi --no-prune of 10 and of 40", "s", pruned)]
