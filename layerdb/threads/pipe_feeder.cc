// SPDX-License-Identifier: Apache-2.0
#include "layerdb/threads/pipe_feeder.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace veneer {

namespace {

// What a pipe may hold without a privilege (pipe(7)).
constexpr int kPipeSize = 1 << 20;

}  // namespace

PipeFeeder::PipeFeeder(Body body, Fd out, Fd in)
    : out_(std::move(out)),
      in_(std::move(in)),
      thread_(std::make_unique<Worker>([this, body = std::move(body)] { return Run(body); })) {}

PipeFeeder::~PipeFeeder() {
  if (thread_ != nullptr) IgnoreError(Finish(), "whoever wants to know has asked");
}

Result<std::unique_ptr<PipeFeeder>> PipeFeeder::Start(Body body) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return MakeError(Errno{errno}, "make a pipe");
  Fd out(ends[0]);
  Fd in(ends[1]);
  ::fcntl(in.get(), F_SETPIPE_SZ, kPipeSize);  // a smaller one is only slower
  return std::unique_ptr<PipeFeeder>(
      new PipeFeeder(std::move(body), std::move(out), std::move(in)));
}

Result<void> PipeFeeder::Run(const Body& body) {
  // A reader that leaves is an error of write(2) here, and signals are the main thread's.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  Result<void> ran = body([this](std::string_view bytes) { return Write(bytes); });
  in_.Reset();
  return ran;
}

Result<void> PipeFeeder::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(in_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      reader_left_ = errno == EPIPE;
      return MakeError(Errno{errno}, "write to a pipe");
    }
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<bool> PipeFeeder::Finish() {
  out_.Reset();
  Result<void> ran = thread_->Join();
  thread_.reset();
  if (reader_left_) return false;
  if (!ran) return tl::unexpected(std::move(ran).error());
  return true;
}

}  // namespace veneer
