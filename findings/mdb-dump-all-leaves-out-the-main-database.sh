#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: lmdb-utils 0.9.24-1 (mdb_dump), python3-lmdb 1.4.0-1+b1 to make the environment
# Guess: `mdb_dump -a` dumps everything in an environment.
# Behaviour: it dumps the named databases. Records of the main database itself, beside their names,
#   are left out, with status 0. Without -a these are dumped, together with the raw descriptors of
#   the named ones.
# Seen: the key "inside" in the dump of -a, the key "plain" not.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages lmdb-utils=0.9.24-1 liblmdb0=0.9.24-1 python3-lmdb=1.4.0-1+b1

PYTHONPATH=root/usr/lib/python3/dist-packages /usr/bin/python3 -c '
import lmdb
environment = lmdb.open("db", max_dbs=1)
with environment.begin(write=True) as transaction:
    transaction.put(b"plain", b"1")
    transaction.put(b"inside", b"2", db=environment.open_db(b"named", txn=transaction))'
seen "records of the main database" 2 "$(mdb_stat db | sed -n 's/.*Entries: //p')"
mdb_dump -a -p db >dump
seen "inside" 1 "$(grep -c '^ inside$' dump)"
seen "plain" 0 "$(grep -c '^ plain$' dump || true)"
