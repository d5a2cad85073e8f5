#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: tar 1.34+dfsg-1.2+deb12u1, libarchive-tools 3.6.2-1+deb12u5 (bsdtar), umoci
#   0.4.7+ds-3+b7
# Guess: the name of an attribute in a PAX record is as the file has it. A name with "=" cannot be
#   said that way, and is left out or coded by a rule that all readers know.
# Behaviour: GNU tar and bsdtar both write "user.a%3Db" for "user.a=b". GNU tar alone decodes it in
#   SCHILY.xattr records: bsdtar reads GNU tar's archive, and umoci reads either one, as an
#   attribute of that other name.
# Seen: user.a%3Db="c" after `bsdtar -x` and `umoci unpack`; user.a=b="c" after `tar -x`.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages tar=1.34+dfsg-1.2+deb12u1 libarchive-tools=3.6.2-1+deb12u5 libarchive13=3.6.2-1+deb12u5 \
  libxml2=2.9.14+dfsg-1.3~deb12u6 libicu72=72.1-3+deb12u1 libnettle8=3.8.1-2 umoci=0.4.7+ds-3+b7 attr=1:2.5.1-4

# The names of the attributes as the kernel has them: getfattr writes "=" in octal.
names() { getfattr "$1" 2>/dev/null | sed -n 's/\\075/=/; /^user/p'; }
echo x >f
setfattr -n user.a=b -v c f
tar --xattrs --format=posix -cf gnu.tar f
bsdtar --xattrs --format=pax -cf bsd.tar f
mkdir 1 2
tar --xattrs -xf bsd.tar -C 1 2>/dev/null
seen "GNU tar reads bsdtar's" user.a=b "$(names 1/f)"
bsdtar --xattrs -xf gnu.tar -C 2
seen "bsdtar reads GNU tar's" user.a%3Db "$(names 2/f)"
umoci init --layout image
umoci new --image image:x
umoci raw add-layer --image image:x bsd.tar
umoci unpack --image image:x bundle
seen "umoci reads bsdtar's" user.a%3Db "$(names bundle/rootfs/f)"
