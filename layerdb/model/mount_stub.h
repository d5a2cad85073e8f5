// SPDX-License-Identifier: Apache-2.0
//
// The record of mount stubs: the empty files and directories that a running session has made in a container's tree to
// mount something on. They belong to the session and are no change of the container.
#ifndef VENEER_LAYERDB_MODEL_MOUNT_STUB_H_
#define VENEER_LAYERDB_MODEL_MOUNT_STUB_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/model/entry.h"

namespace veneer {

struct Stub {
  std::string path;  // from the root of the tree, without symlinks
  bool directory = false;
  // The time of modification of the directory that it is in, before it was made and right after. nullopt: it was to be
  // made, and nobody knows whether it was.
  Timestamp before;
  std::optional<Timestamp> after = std::nullopt;
  friend bool operator==(const Stub&, const Stub&) = default;
};

// The text of the record has "d|f BEFORE [AFTER] PATH" for each stub, with times as SEC.NSEC: once before it is made, and
// again with AFTER. A NUL stands before and behind, so that an entry which a full disk cut short takes no other with it.
// Pure.
std::string FormatStub(const Stub& stub);
// In the order in which they were made. Pure; damaged parts are left out.
std::vector<Stub> ParseStubs(std::string_view text);

// The directory that a stub is in, without a slash in front; "" is the root.
std::string ParentPath(const Stub& stub);

// The time of modification that a directory has without the stub, with which it has `now`. What else was changed there
// since the stub was made counts: then it stays. Several stubs are taken away from the last to the first. Pure.
Timestamp MtimeWithout(const Stub& stub, Timestamp now);

}  // namespace veneer

#endif  // VENEER_LAYERDB_MODEL_MOUNT_STUB_H_
