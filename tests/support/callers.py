# SPDX-License-Identifier: Apache-2.0
"""Cases that start veneerfs by its command line, as other programs and users do."""

import errno
import os

from support import mounts, proc
from support.case import MountCase
from support.files import names, read, write


class CallerCase(MountCase):
    """Layers a, b, c (c on top), upper and work directories; and the program started as a caller starts it."""

    def setUp(self):
        super().setUp()
        for name in "abc":
            self.layer(name, {f"from-{name}": name, "same": name, "d": {name: name}})
        for name in ("upper", "work", "mnt"):
            os.mkdir(self.path(name))
        os.chdir(self.dir)
        self.addCleanup(self.clean)

    def call(self, *arguments, code=0, err="", **more):
        """Runs the program until it has gone to the background and its pipes are closed."""
        done = proc.run([mounts.VENEERFS, *arguments], timeout=30, **more)
        self.assertEqual(done.code, code, done)
        self.assertRegex(done.err, rf"\A(?:{err})\Z", done)
        return done

    def check(self, point="mnt", writable=True, layers="cba"):
        """The mount shows the layers, and takes changes."""
        self.assertEqual(read(os.path.join(point, "same")).decode(), layers[0])
        self.assertEqual(names(os.path.join(point, "d")), sorted(layers))
        if writable:
            write(os.path.join(point, "new"), "new")
            self.assertEqual(read(os.path.join(point, "new")), b"new")
        else:
            with self.errno(errno.EROFS):
                write(os.path.join(point, "new"), "new")
