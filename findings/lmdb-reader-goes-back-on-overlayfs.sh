#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: liblmdb0 0.9.24-1 and python3-lmdb 1.4.0-1+b1, on overlayfs of the kernel (Linux 6.18)
# Guess: a reader that has opened an environment of a lower layer before somebody else writes to it
#   goes on to see what it saw: its mapping stays with the lower file when the writer's copy-up
#   makes another one.
# Behaviour: the reader goes back in time. The lock file is shared, so it learns the number of the
#   new transaction; the number says which of the two meta pages counts; in the old file that is the
#   page of the transaction before the last. With each further commit it changes between the two.
# Seen: 3 before the writing; then 2, 3, 2, while transactions 4, 5 and 6 write 4, 5 and 6.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages liblmdb0=0.9.24-1 python3-lmdb=1.4.0-1+b1

mkdir lower upper work mnt
cat >run.py <<'PYTHON'
import subprocess
import sys

import lmdb


def write(path, value):
    code = f"import lmdb\nwith lmdb.open('{path}').begin(write=True) as t:\n t.put(b'k', b'{value}')"
    subprocess.run([sys.executable, "-c", code], check=True)


for value in (1, 2, 3):
    write("lower/db", value)
options = "lowerdir=lower,upperdir=upper,workdir=work"
subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, "mnt"], check=True)
reader = lmdb.open("mnt/db", readonly=True)
for value in (None, 4, 5, 6):
    if value:
        write("mnt/db", value)
    with reader.begin() as transaction:
        print(transaction.id(), transaction.get(b"k").decode(), sep=":", end=" ")
PYTHON
export PYTHONPATH=root/usr/lib/python3/dist-packages
seen "transaction:value" "3:3 4:2 5:3 6:2 " "$(/usr/bin/python3 run.py)"
