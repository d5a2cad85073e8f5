# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the findings share. A finding sources this file, which makes a temporary directory and enters
# it. At the end, also at that of a failure, what is mounted there is unmounted and the directory is
# removed.
set -euo pipefail

work=$(mktemp -d "${TMPDIR:-/tmp}/findingXXXXXX")
registry_pid=
export LC_ALL=C.UTF-8 TZ=UTC0 HOME=$work

clean_up() {
  local point
  cd /
  [ -z "$registry_pid" ] || { kill "$registry_pid" && wait "$registry_pid" || true; }
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

# registry DELETE: docker-registry, which `packages` has installed, serves at $host until the
# end. DELETE is its setting of that name.
registry() {
  host=127.0.0.1:$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  printf '%s\n' "version: 0.1" "storage: {filesystem: {rootdirectory: $work/registry}, delete: $1}" \
    "http: {addr: '$host'}" >registry.yml
  docker-registry serve registry.yml >registry.log 2>&1 &
  registry_pid=$!
  until curl -sf "http://$host/v2/" >answer; do
    kill -0 "$registry_pid"
    sleep 0.1
  done
}
