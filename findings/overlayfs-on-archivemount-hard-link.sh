#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: archivemount 0.8.7-1+b1, and overlayfs of the kernel (Linux 6.18)
# Guess: `ln` works in an overlay, whatever file system is below: the upper directory takes the new
#   name.
# Behaviour: archivemount says of every file that it has no link. overlayfs passes the count on, and
#   the kernel refuses a new name for a file without one, as for a file that was deleted while it
#   was open.
# Seen: 0 links, and ENOENT from ln.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages archivemount=0.8.7-1+b1 libfuse2=2.9.9-6+b1 libarchive13=3.6.2-1+deb12u5 \
  libxml2=2.9.14+dfsg-1.3~deb12u6 libicu72=72.1-3+deb12u1 libnettle8=3.8.1-2

mkdir archive lower upper work mnt
echo x >f
tar -cf a.tar f
archivemount -o readonly a.tar archive
mount -t overlay overlay -o lowerdir=archive:lower,upperdir=upper,workdir=work mnt
seen "the links" 0 "$(stat -c %h mnt/f)"
seen "ln" 1 "$(ln mnt/f mnt/g 2>&1 | grep -c "No such file")"
