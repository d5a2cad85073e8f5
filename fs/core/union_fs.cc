// SPDX-License-Identifier: Apache-2.0
#include "fs/core/union_fs.h"

#include "fs/core/union_fs.h"

#include <algorithm>
#include <utility>

#include "fs/core/parts.h"

namespace veneer {

namespace {

NodeRef MakeRoot(NodeTable& nodes, const Layer& lower, bool in_upper) {
  NodeRef root = nodes.Create(FileType::kDirectory, {});
  Children::SetLower(*root, lower.Root());
  root->upper = root->data_upper = in_upper;
  return root;
}

}  // namespace

UnionFs::Parts::Parts(std::shared_ptr<const Layer> lower_tree,
                      std::unique_ptr<Upper> upper_directory, const UnionOptions& union_options)
    : lower(std::move(lower_tree)),
      upper(std::move(upper_directory)),
      options(union_options),
      descriptors(*lower, options.fd_cache),
      nodes([this](const Node& node) { descriptors.Drop(node); }),
      root(MakeRoot(nodes, *lower, upper != nullptr)),
      paths(*lower, upper.get(), descriptors, locks, *root),
      attributes(*lower, upper.get(), paths, locks, options.static_nlink),
      node_names(upper.get(), descriptors, paths, locks),
      children(*lower, upper.get(), options.numbers, nodes, paths, attributes, node_names,
               counters),
      copy_up(*lower, upper.get(), options, names, locks, descriptors, paths, node_names, counters),
      contents(*lower, upper.get(), names, locks, descriptors, paths, copy_up, counters) {}

UnionFs::UnionFs(std::shared_ptr<const Layer> lower, std::unique_ptr<Upper> upper,
                 UnionOptions options)
    : parts_(std::make_unique<Parts>(std::move(lower), std::move(upper), options)) {}

UnionFs::~UnionFs() = default;

bool UnionFs::Forget(NodeId node, uint64_t references) {
  if (!parts_->nodes.Release(node, references)) return false;
  parts_->descriptors.Balance();
  return true;
}

const Counters& UnionFs::counters() const { return parts_->counters; }
uint64_t UnionFs::NodeCount() const { return parts_->nodes.size(); }

Sys<FsStats> UnionFs::StatFs() {
  VENEER_TRY(const struct statvfs st,
             parts_->upper ? sys::StatVfs(parts_->upper->root().get()) : parts_->lower->StatFs());
  FsStats stats;
  stats.block_size = st.f_bsize;
  stats.fragment_size = st.f_frsize;
  stats.blocks = st.f_blocks;
  stats.blocks_free = st.f_bfree;
  stats.blocks_available = st.f_bavail;
  stats.files = st.f_files;
  stats.files_free = st.f_ffree;
  stats.name_max = static_cast<uint32_t>(std::min<unsigned long>(st.f_namemax, kMaxName));
  return stats;
}

Sys<void> UnionFs::SyncAll() {
  if (!parts_->upper) return {};
  return parts_->upper->SyncAll();
}

}  // namespace veneer
