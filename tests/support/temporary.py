# SPDX-License-Identifier: Apache-2.0
"""The temporary directories of all tests in Python; those of the tests in C++ come from temp_dir.h.

Their names are of letters and digits alone, because a path becomes part of references, URLs and options, in which other
characters mean something: buildah takes `oci:PATH` with "-_" in PATH for no valid reference.
"""

import os
import random
import string
import tempfile

_CHARACTERS = string.ascii_lowercase + string.digits
_LENGTH = 10


def directory(purpose, base=None):
    """Makes a directory for this purpose, a word of letters and digits, and gives its path; the caller removes it."""
    if not purpose.isalnum() or not purpose.isascii():
        raise ValueError(f"{purpose!r} is not of letters and digits alone")
    base = base or tempfile.gettempdir()
    chance = random.SystemRandom()
    while True:
        path = os.path.join(base, purpose + "".join(chance.choices(_CHARACTERS, k=_LENGTH)))
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            continue
        return os.path.abspath(path)


def use(folder):
    """From now on, temporary files of this process and of those it starts are in this directory."""
    tempfile.tempdir = folder
    os.environ["TMPDIR"] = folder
