// SPDX-License-Identifier: Apache-2.0
#include "tools/build/step_recorder.h"

#include <utility>

namespace veneer {

Result<void> StepRecorder::Add(const StageImage& image) {
  VENEER_TRY(const bool there, store_.images().Has(image.id));
  if (!there) waiting_.push_back({image.Record(true), image.text});
  return {};
}

void StepRecorder::Know(const Digest& key, const StepResult& result) {
  steps_.push_back({key, result});
}

Result<void> StepRecorder::Flush(StoreWriter& writer, const std::optional<std::string>& spent) {
  std::vector<NewImage> images;
  for (const Waiting& one : waiting_) {
    VENEER_TRY_VOID(writer.PutBlob(one.text));
    images.push_back({one.record, {}});
  }
  const auto put = [&] { return store_.images().PutAll(images, steps_, spent); };
  VENEER_TRY_VOID(spent ? writer.PublishLinked(put) : put());
  waiting_.clear();
  steps_.clear();
  return {};
}

Result<void> StepRecorder::FlushIfWaiting(StoreWriter& writer) {
  if (waiting_.empty() && steps_.empty()) return {};
  return Flush(writer);
}

Result<void> StepRecorder::Flush() {
  if (waiting_.empty() && steps_.empty()) return {};
  VENEER_TRY(const std::unique_ptr<StoreWriter> writer, store_.Begin());
  return Flush(*writer);
}

}  // namespace veneer
