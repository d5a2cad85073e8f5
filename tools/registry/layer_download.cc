// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/layer_download.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "layerdb/base/sys.h"

namespace veneer {

namespace {

constexpr size_t kPiece = size_t{256} << 10;
// What a pipe may hold without a privilege (pipe(7)).
constexpr int kPipeSize = 1 << 20;

}  // namespace

LayerDownload::LayerDownload(RegistryClient& client, const Descriptor& blob, PartialBlob& partial,
                             Progress progress, Fd out, Fd in)
    : client_(client),
      blob_(blob),
      partial_(partial),
      progress_(std::move(progress)),
      out_(std::move(out)),
      in_(std::move(in)),
      hash_(blob.digest.algorithm()),
      thread_(std::make_unique<Worker>([this] { return Run(); })) {}

LayerDownload::~LayerDownload() { IgnoreError(Finish(), "whoever wants to know has asked"); }

Result<std::unique_ptr<LayerDownload>> LayerDownload::Start(RegistryClient& client,
                                                            const Descriptor& blob,
                                                            PartialBlob& partial,
                                                            Progress progress) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return MakeError(Errno{errno}, "make a pipe");
  Fd out(ends[0]);
  Fd in(ends[1]);
  ::fcntl(in.get(), F_SETPIPE_SZ, kPipeSize);  // a smaller one is only slower
  return std::unique_ptr<LayerDownload>(
      new LayerDownload(client, blob, partial, std::move(progress), std::move(out), std::move(in)));
}

Result<void> LayerDownload::Run() {
  // A reader that leaves is an error of write(2) here, and signals are the main thread's.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  Result<void> fetched = Fetch();
  if (fetched) digest_ = hash_.Finish();
  in_.Reset();
  return fetched;
}

Result<void> LayerDownload::Pass(std::string_view bytes) {
  hash_.Update(bytes);
  while (!bytes.empty()) {
    const ssize_t n = ::write(in_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      reader_left_ = errno == EPIPE;
      return MakeError(Errno{errno}, "pass a layer on");
    }
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<void> LayerDownload::Fetch() {
  VENEER_TRY(uint64_t done, partial_.Size());
  if (done > blob_.size) {
    done = 0;
    VENEER_TRY_CTX_VOID(sys::Truncate(partial_.fd(), 0), partial_.path());
  }
  std::string buffer(static_cast<size_t>(std::min<uint64_t>(kPiece, done)), '\0');
  for (uint64_t at = 0; at < done;) {
    const size_t want = std::min<uint64_t>(buffer.size(), done - at);
    VENEER_TRY_CTX(const size_t got, sys::ReadAt(partial_.fd(), buffer.data(), want, at),
                   partial_.path());
    if (got == 0) return MakeError(partial_.path() + ": cut short while it was read");
    VENEER_TRY_VOID(Pass(std::string_view(buffer).substr(0, got)));
    at += got;
    progress_(at);
  }
  // A server that is asked for what lies behind the end may answer anything (R32).
  if (done == blob_.size) return {};
  return client_.GetBlob(
      blob_.digest, blob_.size, done, [&](std::string_view bytes) -> Result<void> {
        VENEER_TRY_CTX_VOID(sys::WriteAt(partial_.fd(), bytes, done), partial_.path());
        VENEER_TRY_VOID(Pass(bytes));
        done += bytes.size();
        progress_(done);
        return {};
      });
}

Result<std::optional<BlobDigest>> LayerDownload::Finish() {
  out_.Reset();
  if (thread_ == nullptr) return digest_;
  Result<void> ran = thread_->Join();
  thread_.reset();
  if (!ran && !reader_left_) return tl::unexpected(std::move(ran).error());
  if (digest_ && *digest_ != blob_.digest) {
    partial_.Remove();
    return MakeError(client_.endpoint().host + "/" + client_.endpoint().repository + "@" +
                     blob_.digest.ToString() + ": the server sends a layer with another digest, " +
                     digest_->ToString());
  }
  return digest_;
}

}  // namespace veneer
