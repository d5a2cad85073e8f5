#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: containers-storage 1.43.0+ds1-8+b2 (the library of podman and buildah), driver vfs
# Guess: what a layer shows of a file does not depend on how many layers lie on it.
# Behaviour: vfs copies the layer below to make the next one. The copy takes user.* and capabilities
#   along, and no other attribute, so that trusted.* set by one layer are gone in the next. The
#   driver overlay keeps them.
# Seen: trusted.t and user.t in the first layer, user.t alone in the second.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages containers-storage=1.43.0+ds1-8+b2 libdevmapper1.02.1=2:1.02.185-2 attr=1:2.5.1-4 tar=1.34+dfsg-1.2+deb12u1

storage() { containers-storage --graph "$PWD/graph" --run "$PWD/run" --storage-driver vfs "$@"; }
names() { getfattr -m '^(user|trusted)' "$1" | grep -E '^(user|trusted)' | sort | xargs; }
echo x >f
echo x >g
setfattr -n trusted.t -v 1 f
setfattr -n user.t -v 1 f
tar --xattrs --xattrs-include='*' --format=posix -cf 1.tar f
tar --format=posix -cf 2.tar g
storage create-layer -i a >/dev/null
storage apply-diff -f 1.tar a
storage create-layer -i b a >/dev/null
storage apply-diff -f 2.tar b
seen "the first layer" "trusted.t user.t" "$(names graph/vfs/dir/a/f)"
seen "the second layer" "user.t" "$(names graph/vfs/dir/b/f)"
