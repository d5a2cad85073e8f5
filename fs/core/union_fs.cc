// SPDX-License-Identifier: Apache-2.0
#include "fs/core/union_fs.h"

#include <sys/resource.h>

#include "fs/core/state.h"

namespace veneer {

namespace {
size_t DescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 4096;
  return limit.rlim_cur;
}
}  // namespace

UnionFs::State::State(std::shared_ptr<const Layer> l, std::unique_ptr<Upper> u,
                      const UnionOptions& o)
    : lower(std::move(l)),
      upper(std::move(u)),
      options(o),
      fd_limit(DescriptorLimit()),
      fd_budget(o.fd_cache != 0 ? o.fd_cache : std::min<size_t>(fd_limit / 4, 16384)),
      fds(fd_budget),
      nodes([this](const Node& node) { DropFds(node); }) {
  root = nodes.Create(FileType::kDirectory);
  SetLower(*root, lower->Root());
  if (upper) {
    // Borrowed from the upper, which lives as long.
    upper_root = SharedFd(&upper->root(), [](const Fd*) {});
    root->upper = true;
    root->data_upper = true;
  }
}

UnionFs::UnionFs(std::shared_ptr<const Layer> lower, std::unique_ptr<Upper> upper,
                 UnionOptions options)
    : state_(std::make_unique<State>(std::move(lower), std::move(upper), options)) {}

UnionFs::~UnionFs() = default;

bool UnionFs::Forget(NodeId node, uint64_t references) {
  if (!state_->nodes.Release(node, references)) return false;
  state_->BalanceFds();
  return true;
}

const Counters& UnionFs::counters() const { return state_->counters; }
uint64_t UnionFs::NodeCount() const { return state_->nodes.size(); }

Sys<FsStats> UnionFs::StatFs() {
  VENEER_TRY(const struct statvfs st,
             state_->upper ? sys::StatVfs(state_->upper_root->get()) : state_->lower->StatFs());
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
  if (!state_->upper) return {};
  return state_->upper->SyncAll();
}

}  // namespace veneer
