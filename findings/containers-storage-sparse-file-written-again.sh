#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: containers-storage 1.43.0+ds1-8+b2 (the library of podman and buildah), tar
#   1.34+dfsg-1.2+deb12u1
# Guess: a layer that was applied can be written again, byte for byte, whatever GNU tar had put in
#   it.
# Behaviour: a layer with a sparse file in GNU tar's POSIX form is applied, and the file is right.
#   When the layer is written again, the whole file stands where the archive had its parts. Nothing
#   is reported, and GNU tar cannot read the result.
# Seen: the file is the same; 1,060,352 bytes with status 0 in place of 20,480; "numeric overflow in
#   sparse archive member". Without the holes the layer comes back byte for byte.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages containers-storage=1.43.0+ds1-8+b2 libdevmapper1.02.1=2:1.02.185-2 tar=1.34+dfsg-1.2+deb12u1

storage() { containers-storage --graph "$PWD/graph" --run "$PWD/run" --storage-driver vfs "$@"; }
mkdir tree
truncate -s 1M tree/file
printf start | dd of=tree/file conv=notrunc status=none
printf middle | dd of=tree/file conv=notrunc status=none bs=1 seek=500000
for form in sparse plain; do
  options=(--format=posix "--pax-option=delete=atime,delete=ctime")
  [ $form = plain ] || options+=(--sparse)
  tar "${options[@]}" -C tree -cf $form.tar file
  storage create-layer -i $form >/dev/null
  storage apply-diff -f $form.tar $form
  cmp tree/file "$(storage mount $form)/file" && applied+=("$form")
  storage unmount $form >/dev/null
done
seen "the file that was applied is right" "sparse plain" "${applied[*]}"

status=0
storage diff -u -f plain.again plain || status=$?
cmp plain.tar plain.again
seen "the layer without holes, written again" "0, the same bytes" "$status, the same bytes"
status=0
storage diff -u -f sparse.again sparse >said 2>&1 || status=$?
status=0
storage diff -u -f sparse.again sparse || status=$?
seen "the layer with holes, written again" "0, 20480 then 1060352" \
  "$status, $(stat -c %s sparse.tar) then $(stat -c %s sparse.again)"
seen "GNU tar of the first" "file" "$(tar -tf sparse.tar)"
status=0
tar -tf sparse.again >/dev/null 2>said || status=$?
seen "GNU tar of the second" "2 numeric overflow in sparse archive member" \
  "$status $(grep -o "numeric overflow in sparse archive member" said | head -1)"
