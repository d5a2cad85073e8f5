# SPDX-License-Identifier: Apache-2.0
"""Judges: other programs that read and run images, each with a data folder of its own and on this machine alone.

Every judge is made with a directory that it may fill, and is a context manager: with its end its processes, its mounts and
its data are gone. A judge that is not installed is a failure that says so, never a skipped test. What a judge makes of an
image is seen as a tree (support/tree.py): `with judge.mounted(image) as root: tree.snapshot(root)`, or judge.snapshot(image).

Used in the runner's private namespaces, nothing outlives the test, whatever happens to it.
"""

import contextlib
import json
import os
import shutil
import subprocess

from support import mounts, proc, sysio, tree

# dockerd and umoci are where an ordinary PATH does not look.
SEARCH = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin"
DOCKER_CLIENT = "/usr/bin/docker"  # Debian's; a newer one in the path without buildx refuses BuildKit


def need(program):
    """The path of a program that the tests need; it is in `scripts/install-dependencies test`."""
    path = shutil.which(program, path=SEARCH)
    if not path:
        raise AssertionError(f"{program} is not installed: scripts/install-dependencies test")
    return path


class Judge:
    """What all judges share: a directory, an environment, and running their command."""

    program = None  # its command

    def __init__(self, directory):
        self.dir = os.path.abspath(directory)
        os.makedirs(self.dir, exist_ok=True)
        home = self.path("home")
        os.makedirs(home, exist_ok=True)
        self.environment = {**os.environ, "PATH": SEARCH, "LC_ALL": "C.UTF-8", "HOME": home, "TMPDIR": home,
                            "XDG_RUNTIME_DIR": home, "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home}
        self._program = need(self.program)

    def path(self, *names):
        """A path in the directory of this judge."""
        return os.path.join(self.dir, *names)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Makes it ready; most have nothing to start."""

    def stop(self):
        """Ends its processes, takes its mounts away and removes its data."""
        for point, _, _ in reversed(mounts.mount_info()):
            if point.startswith(self.dir + "/"):
                with contextlib.suppress(OSError):
                    sysio.umount2(point, sysio.MNT_DETACH)
        shutil.rmtree(self.dir, ignore_errors=True)

    def command(self, *arguments):
        """The whole command line."""
        return [self._program, *map(os.fspath, arguments)]

    def run(self, *arguments, check=True, **more):
        """Runs its command: what it did (proc.Finished). check: it must succeed."""
        environment = {**self.environment, **more.pop("environment", {})}
        return proc.run(self.command(*arguments), check=check, env=environment, cwd=self.dir, **more)

    def mounted(self, image):
        """A context manager: the directory in which an image of this judge can be read meanwhile."""
        raise NotImplementedError

    def snapshot(self, image):
        """The tree of an image (support/tree.py)."""
        with self.mounted(image) as root:
            return tree.snapshot(root, ghosts=True)


class Store(Judge):
    """A judge that keeps images: `load`, `import`, `images` as Docker has them."""

    def load(self, archive, **more):
        """Loads an archive: what it did; its exit code says whether it takes it."""
        return self.run("load", "-i", archive, check=False, **more)

    def import_tar(self, archive, name, **more):
        """Makes an image of an archive of a root file system: what it did."""
        return self.run("import", archive, name, check=False, **more)

    def pull(self, name, *options, **more):
        """Pulls an image from a registry: what it did."""
        return self.run("pull", *options, name, check=False, **more)

    def push(self, name, *options, **more):
        """Pushes an image to the registry that its name holds: what it did."""
        return self.run("push", *options, name, check=False, **more)

    def ids(self):
        """All images by name ("NAME:TAG"; one without a name by its id): "sha256:...". """
        done = self.run("images", "--all", "--no-trunc", "--format", "{{.Repository}} {{.Tag}} {{.ID}}")
        found = {}
        for line in done.out.splitlines():
            name, tag, image_id = line.split()
            image_id = "sha256:" + image_id.removeprefix("sha256:")
            found[f"{name}:{tag}" if name != "<none>" and tag != "<none>" else image_id] = image_id
        return found

    def inspect(self, image):
        """The document of `image inspect`."""
        return json.loads(self.run("image", "inspect", image).out)[0]

    def remove_all(self):
        """Removes every image and container, so that the next archive meets an empty store."""
        raise NotImplementedError


class Docker(Store):
    """The Docker engine: dockerd with overlay2, without a network, and Debian's client."""

    program = "dockerd"

    def __init__(self, directory):
        super().__init__(directory)
        if not os.path.exists(DOCKER_CLIENT):
            raise AssertionError(f"{DOCKER_CLIENT} is not installed: scripts/install-dependencies test")
        self.socket = self.path("sock")
        self.environment.update(DOCKER_HOST=f"unix://{self.socket}", DOCKER_CONFIG=self.path("home"))
        self._daemon = None

    def command(self, *arguments):
        return [DOCKER_CLIENT, *map(os.fspath, arguments)]

    def start(self):
        with open(self.path("daemon.json"), "w", encoding="utf-8") as file:
            file.write("{}")  # in place of the machine's own
        line = [self._program, "--config-file", self.path("daemon.json"), "--data-root", self.path("data"),
                "--exec-root", self.path("exec"), "-p", self.path("pid"), "-H", f"unix://{self.socket}",
                "--iptables=false", "--ip6tables=false", "--bridge=none", "--userland-proxy=false",
                "--storage-driver=overlay2"]
        with open(self.path("log"), "wb") as log:
            self._daemon = subprocess.Popen(line, env=self.environment, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)
        if not proc.wait_until(lambda: self._daemon.poll() is not None or "API listen on" in self.said(), 60, 0.05) or \
                self._daemon.poll() is not None:
            said = self.said()
            self.stop()
            raise AssertionError(f"dockerd does not start: {said[-2000:]}")

    def said(self):
        """The log of the engine."""
        with open(self.path("log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self):
        daemon, self._daemon = self._daemon, None
        if daemon and daemon.poll() is None:
            daemon.terminate()  # it ends its containerd too
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        super().stop()

    @contextlib.contextmanager
    def mounted(self, image):
        """The layers of the image as overlay2 mounts them for a container, read-only and without one."""
        data = self.inspect(image)["GraphDriver"]["Data"] or {}
        layers = [data[name] for name in ("UpperDir", "LowerDir") if data.get(name)]
        home = self.path("data", "overlay2")
        shorts = []
        for layer in ":".join(layers).split(":") if layers else ():
            with open(os.path.join(os.path.dirname(layer), "link"), encoding="utf-8") as file:
                shorts.append("l/" + file.read().strip())
        root, empty = self.path("root"), self.path("empty")
        os.makedirs(root, exist_ok=True)
        os.makedirs(empty, exist_ok=True)
        if not shorts:
            yield empty  # an image without layers
            return
        before = os.getcwd()
        os.chdir(home)  # so that the names of more than a hundred layers fit into one page
        try:
            sysio.mount("overlay", root, "overlay", sysio.MS_RDONLY, f"index=off,lowerdir={':'.join(shorts)}:{empty}")
        finally:
            os.chdir(before)
        try:
            yield root
        finally:
            sysio.umount2(root, sysio.MNT_DETACH)

    def remove_all(self):
        containers = self.run("ps", "-aq").out.split()
        if containers:
            self.run("rm", "-f", *containers)
        images = sorted(set(self.ids().values()))
        if images:
            self.run("rmi", "-f", *images, check=False)
        if self.ids():
            self.run("image", "prune", "-af")


def _keep_images_here(judge):
    """podman and buildah keep images in the directory of this judge, with its driver."""
    configuration = judge.path("storage.conf")
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(f'[storage]\ndriver = "{judge.driver}"\ngraphroot = "{judge.path("storage")}"\n'
                   f'runroot = "{judge.path("run")}"\n')
    judge.environment["CONTAINERS_STORAGE_CONF"] = configuration


class Podman(Store):
    """podman with a storage driver: "vfs" or "overlay", which read layers by different code."""

    program = "podman"

    def __init__(self, directory, driver):
        super().__init__(directory)
        self.driver = driver
        _keep_images_here(self)

    def command(self, *arguments):
        return super().command("--cgroup-manager=cgroupfs", "--events-backend=file", "--runtime=runc", *arguments)

    @contextlib.contextmanager
    def mounted(self, image):
        done = self.run("image", "mount", image, check=False)
        if "layer not known" in done.err and not self.inspect(image)["RootFS"]["Layers"]:
            os.makedirs(self.path("empty"), exist_ok=True)
            yield self.path("empty")  # an image without layers, which podman does not mount
            return
        if done.code:
            raise AssertionError(f"podman does not mount: {done}")
        root = done.out.strip()
        try:
            yield root
        finally:
            self.run("image", "umount", image)

    def pull(self, name, *options, **more):
        return super().pull(name, "--tls-verify=false", *options, **more)

    def push(self, name, *options, **more):
        return super().push(name, "--tls-verify=false", *options, **more)

    def remove_all(self):
        self.run("rm", "--all", "--force")
        self.run("rmi", "--all", "--force")


class Buildah(Judge):
    """buildah with a storage driver, as Podman has it: makes images from trees, pulls and pushes."""

    program = "buildah"

    def __init__(self, directory, driver):
        super().__init__(directory)
        self.driver = driver
        _keep_images_here(self)

    def pull(self, name, *options):
        """Pulls an image from a registry: what it did."""
        return self.run("pull", "--tls-verify=false", *options, name, check=False)

    def push(self, name, *options):
        """Pushes an image to the registry that its name holds: what it did."""
        return self.run("push", "--tls-verify=false", *options, name, check=False)

    def commit_file(self, name, path, target):
        """Makes an image of one layer with a file in it."""
        container = self.run("from", "scratch").out.strip()
        self.run("copy", container, path, target)
        self.run("commit", "--rm", container, name)

    def image_id(self, name):
        """The id of an image."""
        return self.run("images", "--no-trunc", "--quiet", name).out.split()[0]

    @contextlib.contextmanager
    def mounted(self, image):
        container = self.run("from", "--pull-never", image).out.strip()
        try:
            yield self.run("mount", container).out.strip()
        finally:
            self.run("rm", container)


class Skopeo(Judge):
    """skopeo: copies between the forms of images, and so reads every document and every digest, but no layer."""

    program = "skopeo"

    def copy(self, source, target, *options):
        """`skopeo copy`: what it did."""
        return self.run("--insecure-policy", "copy", "--quiet", *options, source, target, check=False)

    def image_id(self, source):
        """The id of an image: the digest of its config, which only a copy into "dir:" leaves as it is."""
        target = self.path("dir")
        done = self.copy(source, f"dir:{target}")
        if done.code:
            raise AssertionError(f"skopeo does not copy: {done}")
        with open(os.path.join(target, "manifest.json"), encoding="utf-8") as file:
            digest = json.load(file)["config"]["digest"]
        shutil.rmtree(target)
        return digest


class Umoci(Judge):
    """umoci: unpacks an image of a layout as root."""

    program = "umoci"

    def unpack(self, layout, tag, name="bundle"):
        """Unpacks LAYOUT:TAG into a directory of this judge: what it did; the tree is in rootfs(name)."""
        shutil.rmtree(self.path(name), ignore_errors=True)
        return self.run("unpack", "--image", f"{layout}:{tag}", self.path(name), check=False)

    def rootfs(self, name="bundle"):
        """Where the tree of unpack() is."""
        return self.path(name, "rootfs")

    @contextlib.contextmanager
    def mounted(self, image):
        """image: "LAYOUT:TAG"."""
        layout, _, tag = image.rpartition(":")
        done = self.unpack(layout, tag)
        if done.code:
            raise AssertionError(f"umoci does not unpack: {done}")
        yield self.rootfs()
