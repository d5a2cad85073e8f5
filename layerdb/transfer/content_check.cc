// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/content_check.h"

#include <string>

#include "layerdb/objects/content_hash.h"

namespace veneer {

tl::unexpected<Error> DamagedObject(const ObjectRef& object, std::string_view what) {
  return DamageError("object " + ObjectPath(object) + " " + std::string(what));
}

Result<void> PackCheck::Check(const ObjectRef& pack) {
  if (sound_.contains(pack)) return {};
  const Sys<Fd> fd = objects_.OpenObject(pack);
  if (!fd) return DamagedObject(pack, "cannot be opened: " + ErrnoText(fd.error().code));
  const Sys<Hash128> hash = HashContentOf(fd->get());
  if (!hash) return DamagedObject(pack, "cannot be read: " + ErrnoText(hash.error().code));
  if (*hash != pack.hash) return DamagedObject(pack, "has other contents than its name says");
  sound_.insert(pack);
  return {};
}

}  // namespace veneer
