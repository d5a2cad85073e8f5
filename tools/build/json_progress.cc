// SPDX-License-Identifier: Apache-2.0
//
// A line of JSON for each event, as `rawjson` of Docker's buildx writes them: a SolveStatus of
// BuildKit, with the vertexes, statuses, logs and warnings that are new. Bytes are in base64.
#include <deque>
#include <utility>

#include "layerdb/base/base64.h"
#include "tools/build/progress_display.h"
#include "tools/build/progress_text.h"
#include "tools/format/json.h"

namespace veneer {

namespace {

class JsonProgress : public BuildProgress {
 public:
  JsonProgress(ProgressSink sink, std::function<std::string()> time)
      : sink_(std::move(sink)), time_(std::move(time)) {}

  size_t Begin(const StepTitle& title) override {
    const MutexLock lock(mutex_);
    const size_t id = steps_.size() + 1;
    const std::string name = StepName(title);
    // In BuildKit it is of the work that is to be done. Here it tells steps from each other.
    const Digest digest = Digest::OfBytes(std::to_string(id) + " " + name);
    steps_.push_back({{"digest", digest.ToString()}, {"name", name}, {"started", time_()}});
    Write("vertexes", steps_.back());
    return id;
  }

  void Output(size_t id, std::string_view bytes, bool error_stream) override {
    const MutexLock lock(mutex_);
    Write("logs", {{"vertex", steps_[id - 1]["digest"]},
                   {"stream", error_stream ? 2 : 1},
                   {"data", Base64Encode(bytes)},
                   {"timestamp", time_()}});
  }

  void Status(size_t id, const std::string& text) override {
    const MutexLock lock(mutex_);
    const std::string now = time_();
    Write("statuses", {{"id", text},
                       {"vertex", steps_[id - 1]["digest"]},
                       {"current", 0},
                       {"timestamp", now},
                       {"started", now},
                       {"completed", now}});
  }

  void RunningIn(size_t /*id*/, const std::string& /*container*/) override {}

  void End(size_t id, bool cached, const std::optional<Digest>& /*image*/) override {
    const MutexLock lock(mutex_);
    Json& vertex = steps_[id - 1];
    vertex["completed"] = time_();
    if (cached) vertex["cached"] = true;
    Write("vertexes", vertex);
  }

  void Fail(size_t id, const Error& error) override {
    const MutexLock lock(mutex_);
    Json& vertex = steps_[id - 1];
    vertex["completed"] = time_();
    vertex["error"] = FailureText(error);
    Write("vertexes", vertex);
  }

  void Warn(const std::string& line) override {
    const MutexLock lock(mutex_);
    Json warning = {{"level", 1}, {"short", Base64Encode(line)}};
    // Readers leave one out that is of no vertex.
    if (!steps_.empty()) warning["vertex"] = steps_.front()["digest"];
    Write("warnings", warning);
  }

  void Finish(const BuildEnd& /*end*/) override {}

 private:
  void Write(const char* member, const Json& event) REQUIRES(mutex_) {
    Json list = Json::array();
    list.push_back(event);
    sink_.write(DumpJson(Json{{member, std::move(list)}}) + "\n");
  }

  const ProgressSink sink_;
  const std::function<std::string()> time_;
  Mutex mutex_;
  std::deque<Json> steps_ GUARDED_BY(mutex_);  // the vertex of each; the first has the id 1
};

}  // namespace

std::unique_ptr<BuildProgress> MakeJsonProgress(ProgressSink sink,
                                                std::function<std::string()> time) {
  return std::make_unique<JsonProgress>(std::move(sink), std::move(time));
}

}  // namespace veneer
