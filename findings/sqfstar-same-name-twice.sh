#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: squashfs-tools 1:4.5.1-1 (sqfstar)
# Guess: a name that stands twice in an archive is what the last entry says, as with every program
#   that unpacks tar.
# Behaviour: sqfstar takes the first entry. It says that it ignores the second one and ends with
#   status 0.
# Seen: "one" in the image, where GNU tar unpacks "two".
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages squashfs-tools=1:4.5.1-1 liblzo2-2=2.10-2

echo one >f
tar -cf twice.tar f
echo two >f
tar -rf twice.tar f
sqfstar image <twice.tar >/dev/null 2>said
seen "GNU tar" two "$(mkdir x && tar -xf twice.tar -C x && cat x/f)"
seen "the image of sqfstar" one "$(unsquashfs -cat image f)"
seen "what it says" "f already exists in the tar file, ignoring" "$(grep f <said)"
