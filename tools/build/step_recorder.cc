// SPDX-License-Identifier: Apache-2.0
#include "tools/build/step_recorder.h"

#include <sys/stat.h>

#include <utility>

#include "layerdb/base/sys.h"

namespace veneer {

Result<bool> StepRecorder::Add(const StageImage& image) {
  VENEER_TRY(const bool there, store_.images().Has(image.id));
  if (!there) {
    waiting_.push_back({image.Record(true), image.text});
    return false;
  }
  const timespec now[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
  IgnoreError(sys::SetTimes(sys::Path(store_.layout().blob(image.id)), now),
              "it tells `builder prune` of the last use only");
  return true;
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
