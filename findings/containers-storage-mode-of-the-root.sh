#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: containers-storage 1.43.0+ds1-8+b2 (the library of podman and buildah), drivers overlay
#   and vfs
# Guess: the entry "./" of a layer sets the mode of the root directory.
# Behaviour: with vfs it does. With overlay the root directory stays as the driver has made it.
# Seen: mode 710 with vfs, 555 with overlay, from one layer.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages containers-storage=1.43.0+ds1-8+b2 libdevmapper1.02.1=2:1.02.185-2

mkdir tree
chmod 0710 tree
echo x >tree/f
tar -cf layer.tar -C tree .
for driver in vfs overlay; do
  storage() { containers-storage --graph "$PWD/$driver" --run "$PWD/run-$driver" --storage-driver "$driver" "$@"; }
  storage create-layer -i a >/dev/null
  storage apply-diff -f layer.tar a
  modes+=("$driver $(stat -c %a "$(storage mount a)")")
  storage unmount a >/dev/null
done
seen "the modes" "vfs 710, overlay 555" "${modes[0]}, ${modes[1]}"
