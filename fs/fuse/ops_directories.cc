// SPDX-License-Identifier: Apache-2.0
//
// Listings. OPENDIR is answered ENOSYS like OPEN, so a listing has no handle: the cookie of an
// entry is all there is, and UnionFs keeps it stable.
#include <algorithm>
#include <cstring>
#include <vector>

#include "fs/fuse/handlers.h"
#include "fs/fuse/request.h"

namespace veneer {

void serve::OpenDir(Request& r, fuse_ino_t /*node*/, fuse_file_info* file) {
  if (r.mount().optimizations.stateless) return r.ReplyError(ENOSYS);
  r.ReplyOpen(file);
}

namespace {

// A name with the NUL that libfuse wants.
class NameBuffer {
 public:
  explicit NameBuffer(std::string_view name) {
    const size_t size = std::min(name.size(), kMaxName);
    std::memcpy(text_, name.data(), size);
    text_[size] = '\0';
  }
  const char* get() const { return text_; }

 private:
  char text_[kMaxName + 1];
};

}  // namespace

void serve::ReadDir(Request& r, fuse_ino_t node, size_t size, off_t offset,
                    fuse_file_info* /*unused*/) {
  char* buffer = ScratchBuffer(size);
  size_t used = 0;
  const Sys<void> done =
      r.fs().ReadDir(node, static_cast<uint64_t>(offset), [&](const DirEntry& entry) {
        struct stat st = {};
        st.st_ino = entry.ino;
        st.st_mode = TypeBits(entry.type);
        const size_t need =
            fuse_add_direntry(r.raw(), buffer + used, size - used, NameBuffer(entry.name).get(),
                              &st, static_cast<off_t>(entry.cookie));
        if (need > size - used) return false;
        used += need;
        return true;
      });
  if (!done) return r.ReplyError(done.error().code);
  r.ReplyBytes({buffer, used});
}

void serve::ReadDirPlus(Request& r, fuse_ino_t node, size_t size, off_t offset,
                        fuse_file_info* /*unused*/) {
  char* buffer = ScratchBuffer(size);
  size_t used = 0;
  // The nodes in the buffer, in case the kernel does not take it.
  thread_local std::vector<NodeId> given;
  given.clear();
  const Sys<void> done = r.fs().ReadDirPlus(
      node, static_cast<uint64_t>(offset), [&](const DirEntry& entry, const Entry& found) {
        const NameBuffer name(entry.name);
        // Asked without a buffer, libfuse only tells the size: no reference is taken for what does
        // not fit.
        const size_t need = fuse_add_direntry_plus(r.raw(), nullptr, 0, name.get(), nullptr, 0);
        if (need > size - used) return false;
        fuse_entry_param param = ToEntryParam(r.mount(), found);
        if (found.node == kNoNode) {  // "." and "..": the name only
          param.attr.st_ino = entry.ino;
          param.attr.st_mode = TypeBits(entry.type);
        } else {
          given.push_back(found.node);
        }
        fuse_add_direntry_plus(r.raw(), buffer + used, size - used, name.get(), &param,
                               static_cast<off_t>(entry.cookie));
        used += need;
        return true;
      });
  const bool sent = done && r.ReplyBytes({buffer, used}) == 0;
  if (!sent) {
    for (const NodeId taken : given) ForgetNode(r.mount(), taken, 1);
  }
  if (!done) r.ReplyError(done.error().code);
}

}  // namespace veneer
