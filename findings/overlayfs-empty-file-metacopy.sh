#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: overlayfs of the kernel (Linux 6.18) with metacopy=on; attr 1:2.5.1-4
# Guess: there are no contents to be left below of an empty file: chown copies it up whole, without
#   a mark.
# Behaviour: it is marked as copied up without its contents. A program that writes to the upper
#   directory itself must take the mark away, else the kernel shows the empty file of the layer
#   below.
# Seen: trusted.overlay.metacopy on the empty file.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages attr=1:2.5.1-4

mkdir lower upper work mnt
: >lower/empty
mount -t overlay overlay -o metacopy=on,lowerdir=lower,upperdir=upper,workdir=work mnt
chown 5 mnt/empty
umount mnt
seen "the mark" trusted.overlay.metacopy "$(getfattr -m 'overlay.metacopy' upper/empty | grep metacopy)"
