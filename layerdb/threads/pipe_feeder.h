// SPDX-License-Identifier: Apache-2.0
//
// PipeFeeder: a thread that gives bytes to whoever reads a pipe. Not thread-safe.
#ifndef VENEER_LAYERDB_THREADS_PIPE_FEEDER_H_
#define VENEER_LAYERDB_THREADS_PIPE_FEEDER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "layerdb/threads/worker.h"

namespace veneer {

class PipeFeeder {
 public:
  using Give = std::function<Result<void>(std::string_view bytes)>;
  // Gives everything to `give`, whose failure it returns: the reader has left, for one.
  using Body = std::function<Result<void>(const Give& give)>;

  // Begins; `body` runs in the new thread. Failure: no pipe can be made. Throws std::system_error
  // when there is no thread to be had.
  static Result<std::unique_ptr<PipeFeeder>> Start(Body body);
  ~PipeFeeder();  // ends it
  PipeFeeder(const PipeFeeder&) = delete;
  PipeFeeder& operator=(const PipeFeeder&) = delete;

  // What is given. Its end says nothing of whether that is all: Finish() does.
  int fd() const { return out_.get(); }
  // Waits for the end; nothing can be read any more. Failure: that of the body. False: the reader
  // left before the end. Call once.
  Result<bool> Finish();

 private:
  PipeFeeder(Body body, Fd out, Fd in);
  Result<void> Run(const Body& body);
  Result<void> Write(std::string_view bytes);

  Fd out_;
  Fd in_;
  std::atomic<bool> reader_left_ = false;
  std::unique_ptr<Worker> thread_;  // last: it uses the others
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_THREADS_PIPE_FEEDER_H_
