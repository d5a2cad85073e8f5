// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/archive_hasher.h"

#include <memory>
#include <utility>

namespace veneer {

namespace {
constexpr size_t kTextLimit = size_t{256} << 10;
}  // namespace

ArchiveHasher::ArchiveHasher(size_t pieces) : queue_(pieces), worker_([this] { return Run(); }) {}

ArchiveHasher::~ArchiveHasher() { queue_.Abandon(); }

Result<void> ArchiveHasher::Run() {
  // Whatever ends this early, nobody must wait for room in the queue.
  struct AbandonOnExit {
    BoundedQueue<Job>& queue;
    ~AbandonOnExit() { queue.Abandon(); }
  } const guard{queue_};
  while (const std::optional<Job> job = queue_.Pop()) {
    switch (job->step) {
      case Step::kUpdate: sha_.Update(job->piece.bytes); break;
      case Step::kSave: saved_ = sha_.Copy(); break;
      case Step::kRestore: sha_ = *std::exchange(saved_, std::nullopt); break;
    }
  }
  return {};
}

bool ArchiveHasher::FlushText() {
  if (text_.empty()) return true;
  const auto text = std::make_shared<const std::string>(std::exchange(text_, {}));
  return queue_.Push({Step::kUpdate, {text, *text}});
}

bool ArchiveHasher::Update(SharedBytes piece) {
  return FlushText() && queue_.Push({Step::kUpdate, std::move(piece)});
}

bool ArchiveHasher::Update(std::string_view text) {
  text_ += text;
  return text_.size() < kTextLimit || FlushText();
}

bool ArchiveHasher::Save() { return FlushText() && queue_.Push({Step::kSave, {}}); }
bool ArchiveHasher::Restore() { return FlushText() && queue_.Push({Step::kRestore, {}}); }

Result<Digest> ArchiveHasher::Finish() {
  FlushText();
  queue_.Close();
  VENEER_TRY_VOID(worker_.Join());
  return *Digest::FromHex(sha_.FinishHex());
}

}  // namespace veneer
