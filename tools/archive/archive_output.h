// SPDX-License-Identifier: Apache-2.0
//
// Where an archive goes: a file that appears under its name only when it is whole, or a descriptor
// (a pipe). Not thread-safe.
#ifndef VENEER_TOOLS_ARCHIVE_ARCHIVE_OUTPUT_H_
#define VENEER_TOOLS_ARCHIVE_ARCHIVE_OUTPUT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"

namespace veneer {

class ArchiveOutput {
 public:
  // A file without a name until it is whole, so that nothing is left of it whatever ends this
  // process; with another name in the same folder where the file system knows no such files. It is
  // for its owner alone, as Docker makes it, since an image may hold secrets. What is no regular
  // file but can be written to (a fifo, /dev/null) is written to directly; a symlink stays, and
  // what it names is replaced. Usage error for a directory and for a terminal.
  static Result<std::unique_ptr<ArchiveOutput>> ToFile(const std::string& path,
                                                       const Cancellation* cancel);
  // `fd` is borrowed; `name` is for errors. Usage error for a terminal.
  static Result<std::unique_ptr<ArchiveOutput>> ToDescriptor(int fd, const std::string& name,
                                                             const Cancellation* cancel);
  // The file `path`, or standard output when there is none or it is "-".
  static Result<std::unique_ptr<ArchiveOutput>> Open(const std::optional<std::string>& path,
                                                     const Cancellation* cancel);
  ~ArchiveOutput();  // without Commit(): nothing is left of a file
  ArchiveOutput(const ArchiveOutput&) = delete;
  ArchiveOutput& operator=(const ArchiveOutput&) = delete;

  // ECANCELED, also while a reader keeps this waiting.
  Result<void> Write(std::string_view bytes);
  // `size` bytes of the file `fd` from its start.
  Result<void> WriteFrom(int fd, uint64_t size);
  // Makes what was written durable and gives it its name.
  Result<void> Commit();

 private:
  ArchiveOutput(std::string name, const Cancellation* cancel)
      : name_(std::move(name)), cancel_(cancel) {}
  tl::unexpected<Error> Failed(Errno e) const;
  void StartWriting();
  bool is_file() const { return folder_.get() >= 0; }
  Sys<void> GiveTemporaryName();

  const std::string name_;  // for errors
  const Cancellation* const cancel_;
  Fd owned_;
  int fd_ = -1;
  Fd folder_;              // of a file that gets its name at the end
  std::string temporary_;  // in folder_; empty while it has none, and once it has its own
  std::string base_name_;
  uint64_t size_ = 0;
  uint64_t started_ = 0;  // up to here the kernel was told to write
};

}  // namespace veneer

#endif  // VENEER_TOOLS_ARCHIVE_ARCHIVE_OUTPUT_H_
