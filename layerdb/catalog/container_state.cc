// SPDX-License-Identifier: Apache-2.0
//
// The half of Containers that tells what uses a container: the lease of its veneerfs, the record of
// its mount, the lease of its owner.
#include <fcntl.h>
#include <unistd.h>

#include "layerdb/base/files.h"
#include "layerdb/base/sys.h"
#include "layerdb/catalog/containers.h"
#include "layerdb/catalog/layout.h"
#include "layerdb/catalog/lease.h"
#include "layerdb/catalog/records.h"

namespace veneer {
namespace {

std::string StatePath(const StoreLayout& layout, std::string_view name) {
  return layout.container(name) + "/state";
}

// What SetMount() has recorded; a file that is missing or malformed says nothing.
std::optional<ContainerMount> RecordedMount(const StoreLayout& layout, std::string_view name) {
  const Sys<Fd> fd = sys::Open(sys::Path(StatePath(layout, name)), O_RDONLY | O_NONBLOCK);
  if (!fd) return std::nullopt;
  std::string bytes(size_t{64} * 1024, '\0');
  const Sys<size_t> n = sys::ReadAt(fd->get(), bytes.data(), bytes.size(), 0);
  if (!n) return std::nullopt;
  bytes.resize(*n);
  return DecodeMount(bytes);
}

std::optional<ContainerMount> LiveMount(const StoreLayout& layout, std::string_view name) {
  if (!IsLeased(layout.work(name))) return std::nullopt;
  std::optional<ContainerMount> mount = RecordedMount(layout, name);
  if (!mount || !mount->daemon) return ContainerMount{};
  if (mount->daemon->IsAlive()) return mount;
  // Of an earlier mount, when the process would be seen if it lived.
  if (mount->daemon->IsOfHere()) return ContainerMount{};
  mount->daemon.reset();
  return mount;
}

}  // namespace

void ReadLeases(const StoreLayout& layout, ContainerRecord* record) {
  record->mount = LiveMount(layout, record->name);
  record->owned = record->remove_on_exit && IsLeased(layout.owner(record->name));
}

bool Containers::IsServed(std::string_view name) const { return IsLeased(layout_.work(name)); }

Result<void> Containers::SetMount(std::string_view name,
                                  const std::optional<ContainerMount>& mount) {
  const std::string path = StatePath(layout_, name);
  if (!mount) {
    VENEER_TRY_CTX_VOID(RemoveFile(path), path);
    return {};
  }
  const std::string staged = path + ".new";
  VENEER_TRY_CTX(const Fd fd, sys::Open(sys::Path(staged), O_WRONLY | O_CREAT | O_TRUNC, 0600),
                 staged);
  VENEER_TRY_CTX_VOID(sys::WriteAt(fd.get(), EncodeMount(*mount), 0), staged);
  VENEER_TRY_CTX_VOID(sys::Rename(sys::Path(staged), sys::Path(path), 0), path);
  return {};
}

}  // namespace veneer
