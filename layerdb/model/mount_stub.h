// SPDX-License-Identifier: Apache-2.0
//
// The record of mount stubs: the empty files and directories that a running session has made in a
// container's tree to mount something on. They belong to the session and are no change of the
// container.
#ifndef VENEER_LAYERDB_MODEL_MOUNT_STUB_H_
#define VENEER_LAYERDB_MODEL_MOUNT_STUB_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/model/entry.h"

namespace veneer {

// What a stub is told by from something that took its place: a directory that a user made anew, or
// gave to somebody.
struct StubState {
  uint32_t mode = 0;  // 07777
  Timestamp mtime;
  uint64_t xattrs = 0;  // XattrsHash()
  // Whether its owner and group are those of the record, as they are when one process made both in
  // one file system. The numbers themselves are others in another user namespace.
  bool own_uid = false;
  bool own_gid = false;
  friend bool operator==(const StubState&, const StubState&) = default;
};

struct Stub {
  std::string path;  // from the root of the tree, without symlinks
  bool directory = false;
  // The time of modification of the directory that it is in, before it was made and right after.
  // nullopt: it was to be made, and nobody knows whether it was.
  Timestamp before;
  std::optional<Timestamp> after = std::nullopt;
  // As it was right after it was made. nullopt: nobody knows.
  std::optional<StubState> made = std::nullopt;
  friend bool operator==(const Stub&, const Stub&) = default;
};

// One value for all xattrs that users can see and change, in any order; those of the machine, and
// those by which an upper directory says something of the tree, do not count. Pure.
uint64_t XattrsHash(XattrList xattrs);

// True when the stub is still as it was made. Of one whose state is not recorded nothing is known,
// so true. Pure.
bool IsAsMade(const Stub& stub, const StubState& now);

// The text of the record has "d|f BEFORE [AFTER [MODE:UG:XATTRS MTIME]] PATH" for each stub, with
// times as SEC.NSEC: once before it is made, and again with what comes after. UG are two digits, 1
// where owner and group are the record's. Records of before have no more than AFTER. A NUL stands
// before and behind, so that an entry which a full disk cut short takes no other with it. Pure.
std::string FormatStub(const Stub& stub);
// In the order in which they were made. Pure; damaged parts are left out.
std::vector<Stub> ParseStubs(std::string_view text);

// The directory that a stub is in, without a slash in front; "" is the root.
std::string ParentPath(const Stub& stub);

// The time of modification that a directory has without the stub, with which it has `now`. What
// else was changed there since the stub was made counts: then it stays. Several stubs are taken
// away from the last to the first. Pure.
Timestamp MtimeWithout(const Stub& stub, Timestamp now);

}  // namespace veneer

#endif  // VENEER_LAYERDB_MODEL_MOUNT_STUB_H_
