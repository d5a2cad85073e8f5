// SPDX-License-Identifier: Apache-2.0
//
// The record of mount stubs: the empty files and directories that a running session has made in a container's tree to
// mount something on. They belong to the session and are no change of the container.
#ifndef VENEER_LAYERDB_MODEL_MOUNT_STUB_H_
#define VENEER_LAYERDB_MODEL_MOUNT_STUB_H_

#include <string>
#include <string_view>
#include <vector>

#include "layerdb/model/entry.h"

namespace veneer {

struct Stub {
  std::string path;  // from the root of the tree, without symlinks
  bool directory = false;
  Timestamp parent_mtime;
  friend bool operator==(const Stub&, const Stub&) = default;
};

// The text of the record: one NUL-terminated "d|f SEC.NSEC PATH" per stub. Pure; damaged parts are
// left out.
std::string FormatStub(const Stub& stub);
std::vector<Stub> ParseStubs(std::string_view text);

}  // namespace veneer

#endif  // VENEER_LAYERDB_MODEL_MOUNT_STUB_H_
