# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the findings share. A finding sources this file, which makes a temporary directory and enters
# it. At the end, also at that of a failure, what is mounted there is unmounted and the directory is
# removed.
set -euo pipefail

work=$(mktemp -d "${TMPDIR:-/tmp}/findingXXXXXX")
export LC_ALL=C.UTF-8 TZ=UTC0 HOME=$work

clean_up() {
  local point
  cd /
  while read -r point; do
    umount -l "$point" || true
  done < <(awk -v d="$work/" 'index($5, d) == 1 {print $5}' /proc/self/mountinfo | tac)
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM
cd "$work"

# packages NAME=VERSION...: their files are below $work/root, and their programs come first in PATH.
packages() {
  local file root=$work/root
  mkdir "$work/packages" "$root"
  (cd "$work/packages" && apt-get -qq -o APT::Sandbox::User=root download "$@") ||
    { echo "these versions are not to be had: $*" >&2; exit 1; }
  for file in "$work"/packages/*.deb; do dpkg-deb -x "$file" "$root"; done
  PATH=$root/usr/sbin:$root/usr/bin:$root/sbin:$root/bin:$PATH:/usr/sbin:/sbin
  export LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu
}

# seen WHAT EXPECTED ACTUAL: fails when the software does otherwise than it did.
seen() {
  if [ "$2" != "$3" ]; then
    printf 'changed: %s\n  then: %q\n  now:  %q\n' "$1" "$2" "$3" >&2
    exit 1
  fi
  printf 'as seen: %s: %q\n' "$1" "$3"
}
