#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Software: docker-registry 2.8.2+ds1-1
# Guess: a chunk that is sent again, because its answer was lost, is refused with 416: its header
#   Content-Range says where it belongs, and the distribution specification requires the order.
# Behaviour: the registry appends whatever comes and does not look at Content-Range. So a chunk
#   that was sent twice is there twice, and one from far behind the end is taken, too. The header
#   Range of the answer is the only sign before the digest is wrong at the end.
# Seen: "hello" at 0-4, twice, then "world" at 900-904: 202 each time, with 0-4, 0-9 and 0-14.
# shellcheck source=findings/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
packages docker-registry=2.8.2+ds1-1
registry "{enabled: true}"

header() { tr -d '\r' <answered | awk -F ': ' -v name="$1" 'tolower($1) == name {print $2}'; }
curl -sS -D answered -X POST "http://$host/v2/app/blobs/uploads/"
chunk() { # its place, its bytes
  curl -sS -D answered -X PATCH -H 'Content-Type: application/octet-stream' -H "Content-Range: $1" --data-binary "$2" \
    "$(header location)"
  seen "status and Range after $2 at $1" "$3" "$(awk 'NR == 1 {print $2}' answered) $(header range)"
}
chunk 0-4 hello "202 0-4"
chunk 0-4 hello "202 0-9"
chunk 900-904 world "202 0-14"
