#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: squashfuse 0.1.105-1, squashfs-tools 1:4.5.1-1
# Guess: the mount lists the attributes by the names that they have in the image.
# Behaviour: trusted.* are listed as security.*, and are answered under both names. So overlayfs,
#   which asks for trusted.overlay.opaque by name, shows an opaque directory; who copies the listed
#   attributes copies none that is opaque.
# Seen: security.overlay.opaque in the list, the value "y" under either name.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages squashfuse=0.1.105-1 libsquashfuse0=0.1.105-1 libfuse3-3=3.14.0-4 squashfs-tools=1:4.5.1-1 liblzo2-2=2.10-2 \
  attr=1:2.5.1-4

mkdir -p tree/d mnt
setfattr -n trusted.overlay.opaque -v y tree/d
mksquashfs tree image -quiet -noappend >/dev/null
squashfuse image mnt
seen "the list" security.overlay.opaque "$(getfattr -m - mnt/d | grep overlay)"
for name in trusted security; do
  seen "the value of $name" y "$(getfattr --only-values -n "$name.overlay.opaque" mnt/d)"
done
