// SPDX-License-Identifier: Apache-2.0
//
// Contents of the store that somebody is about to vouch for: are they what their names say? An
// object of its own is hashed by whoever reads it anyway (objects/content_hash.h). Of a slice of a
// pack nothing is known but the hash of the whole pack, which is therefore read once before the
// first slice is used. Not thread-safe.
#ifndef VENEER_LAYERDB_TRANSFER_CONTENT_CHECK_H_
#define VENEER_LAYERDB_TRANSFER_CONTENT_CHECK_H_

#include <set>
#include <string_view>

#include "layerdb/base/result.h"
#include "layerdb/index/records.h"
#include "layerdb/objects/object_store.h"

namespace veneer {

// "object ab/cdef… WHAT; run `veneer fsck`".
tl::unexpected<Error> DamagedObject(const ObjectRef& object, std::string_view what);

class PackCheck {
 public:
  explicit PackCheck(const ObjectStore& objects) : objects_(objects) {}
  // Errors: the pack is missing or damaged. Cheap for one that was found sound before.
  Result<void> Check(const ObjectRef& pack);

 private:
  const ObjectStore& objects_;
  std::set<ObjectRef> sound_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_CONTENT_CHECK_H_
