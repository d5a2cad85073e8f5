#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: containers-storage 1.43.0+ds1-8+b2 (the library of podman and buildah)
# Guess: an attribute without a value is an attribute: the layer shows it.
# Behaviour: to PAX a record without a value takes back an earlier one, and Go's reader drops it.
#   GNU tar and bsdtar write such attributes so and read them back; from a layer they are lost
#   without a word.
# Seen: user.full alone in the layer; user.empty and user.full after `tar -x`.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages containers-storage=1.43.0+ds1-8+b2 libdevmapper1.02.1=2:1.02.185-2 attr=1:2.5.1-4 tar=1.34+dfsg-1.2+deb12u1

storage() { containers-storage --graph "$PWD/graph" --run "$PWD/run" --storage-driver vfs "$@"; }
echo x >f
setfattr -n user.empty f
setfattr -n user.full -v 1 f
tar --xattrs --format=posix -cf layer.tar f
mkdir x
tar --xattrs -xf layer.tar -C x
seen "GNU tar" "user.empty user.full" "$(getfattr x/f | grep ^user | sort | xargs)"
storage create-layer -i a >/dev/null
storage apply-diff -f layer.tar a
seen "the layer" "user.full" "$(getfattr "graph/vfs/dir/a/f" | grep ^user | sort | xargs)"
