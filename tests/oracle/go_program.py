# SPDX-License-Identifier: Apache-2.0
"""Programs in Go beside the generators: what only Go can say of Go."""

import base64
import json
import os
import shutil
import subprocess

from support import engines

HERE = os.path.dirname(os.path.abspath(__file__))


def build(name, directory):
    """Compiles NAME/main.go into `directory`; gives the path of the program."""
    program, source = os.path.join(directory, name), os.path.join(directory, f"{name}.go")
    shutil.copy(os.path.join(HERE, name, "main.go"), source)
    environment = {**os.environ, "GO111MODULE": "off", "GOCACHE": os.path.join(directory, "cache"), "GOFLAGS": "",
                   "HOME": directory}
    subprocess.run([engines.need("go"), "build", "-o", program, source], env=environment, check=True, cwd=directory)
    return program


class TarWriter:
    """Go's archive/tar (go_writer/main.go) as a process: a call gives the blocks of a tar_bytes.Member, or None where Go
    refuses it."""

    FORMATS = (0, 2, 4, 8)  # as it comes, USTAR, PAX, GNU

    def __init__(self, directory):
        self._process = subprocess.Popen([build("go_writer", directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self):
        """Ends the process."""
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def __call__(self, member, form):
        def text(data):
            return base64.b64encode(data).decode()
        entry = {"Name": text(member.name), "Link": text(member.link), "User": text(member.user), "Group": text(member.group),
                 "Data": text(member.data), "Kind": ord(member.kind), "Mode": member.mode, "Uid": member.uid, "Gid": member.gid,
                 "Major": member.device[0], "Minor": member.device[1], "Seconds": member.mtime,
                 "Nanoseconds": int(member.fraction.ljust(9, "0")) if member.fraction else 0,
                 "Xattrs": {name.decode(): text(value) for name, value in member.xattrs.items()}, "Format": form}
        self._process.stdin.write(json.dumps(entry).encode() + b"\n")
        self._process.stdin.flush()
        return base64.b64decode(self._process.stdout.readline()) or None
