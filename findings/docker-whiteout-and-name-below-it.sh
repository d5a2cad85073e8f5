#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: docker.io 20.10.24+dfsg1-1+deb12u1+b6 with overlay2
# Guess: a layer that deletes a directory, and a name in it, is the same as one that deletes the
#   directory.
# Behaviour: the engine makes whiteouts as devices while it reads. To delete the name it wants the
#   directory, which is a device by then; or it makes the directory first, and the device finds its
#   place taken. It refuses the layer in either order. podman and umoci take it.
# Seen: "not a directory" with the directory's whiteout first; "file exists" with the name's first.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages docker.io=20.10.24+dfsg1-1+deb12u1+b6 containerd=1.6.20~ds1-1+deb12u3 runc=1.1.5+ds1-1+deb12u1 \
  libdevmapper1.02.1=2:1.02.185-2

# load NAME MEMBER...: loads an image of a layer with d/f and a layer of the empty files MEMBER...
load() {
  local name=$1 number
  shift
  rm -rf image
  mkdir -p image/first/d image/second/d
  echo x >image/first/d/f
  touch "${@/#/image/second/}"
  tar -cf image/1.tar -C image/first d
  tar -cf image/2.tar -C image/second "$@"
  rm -r image/first image/second
  for number in 1 2; do ids[number]=$(sha256sum <image/$number.tar | cut -d' ' -f1); done
  printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s","sha256:%s"]}}' \
    "${ids[1]}" "${ids[2]}" >image/config.json
  printf '[{"Config":"config.json","RepoTags":["%s:1"],"Layers":["1.tar","2.tar"]}]' "$name" >image/manifest.json
  tar -c -C image manifest.json config.json 1.tar 2.tar | docker load
}

export DOCKER_HOST=unix://$PWD/socket DOCKER_CONFIG=$PWD
echo '{}' >daemon.json
dockerd --config-file daemon.json --data-root "$PWD/data" --exec-root "$PWD/exec" -p "$PWD/pid" -H "$DOCKER_HOST" --iptables=false \
  --ip6tables=false --bridge=none --userland-proxy=false --storage-driver=overlay2 >log 2>&1 &
daemon=$!
trap 'kill $daemon 2>/dev/null || true; wait $daemon || true; clean_up' EXIT
for _ in {1..600}; do
  if grep -q "API listen on" log || ! kill -0 $daemon 2>/dev/null; then break; fi
  sleep 0.1
done
seen "the directory alone" "Loaded image: a:1" "$(load a .wh.d 2>&1 | tail -n 1)"
seen "the directory first" "not a directory" "$(load b .wh.d d/.wh.f 2>&1 | grep -o "not a directory" | tail -n 1)"
seen "the name first" "file exists" "$(load c d/.wh.f .wh.d 2>&1 | grep -o "file exists" | tail -n 1)"
