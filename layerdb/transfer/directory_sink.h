// SPDX-License-Identifier: Apache-2.0
//
// DirectorySink: entries become the files of a directory. What is there already is overwritten,
// what the entries do not name stays.
//
// Neither the entries nor what lies in the directory are trusted: every object is reached name by
// name from the directory's own descriptor, and no symlink is followed, whoever put it there and
// whenever. A symlink, or any other object, that is in the way of a directory gives way to it, and
// a directory with all that is in it to anything else.
//
// A file is written under a name of its own first, so that what has a name of the tree is whole. A
// directory gets its attributes behind what is in it: until then nobody else can enter a new one.
#ifndef VENEER_LAYERDB_TRANSFER_DIRECTORY_SINK_H_
#define VENEER_LAYERDB_TRANSFER_DIRECTORY_SINK_H_

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "layerdb/base/sys.h"
#include "layerdb/threads/cancellation.h"
#include "layerdb/transfer/entry_source.h"

namespace veneer {

struct DirectorySinkOptions {
  // Gives objects their owners, as far as the system lets us. An object that does not get its owner
  // belongs to the caller; then it has neither set-user-ID and set-group-ID bits nor capabilities
  // and ACLs, which would be rights to what is the caller's.
  bool owners = true;
  // The directory gets the attributes of the root; else it keeps its own.
  bool root = false;
  const Cancellation* cancel = nullptr;
};

// What could not be made as it is in the tree, and the first path of each kind.
struct DirectorySinkLosses {
  uint64_t devices = 0;  // only root may make them
  std::string first_device;
  uint64_t xattrs = 0;  // objects that lack some: the file system has none of the kind, or only
                        // others may set them
  std::string first_xattr;
};

// Not thread-safe.
class DirectorySink final : public EntrySink {
 public:
  // Into the directory that `directory` has open, which is the caller's and outlives this.
  DirectorySink(int directory, const DirectorySinkOptions& options);
  // REQUIRES: a directory comes right before what is in it. The errors of all three name the path.
  // ECANCELED.
  Result<void> Add(const SourceEntry& entry, OpenContent open_content) override;
  // The name goes away, with all that is in it.
  Result<void> Whiteout(std::string_view path) override;
  // All that is in the directory goes away.
  Result<void> Opaque(std::string_view path) override;
  // Gives the last directories their attributes. Call once, after everything was added.
  Result<DirectorySinkLosses> Finish();

 private:
  // An open directory on the way down.
  struct Level {
    Fd fd;  // closed while the way down is long; the last level's is open
    dev_t device = 0;
    ino_t ino = 0;
    size_t path_size = 0;              // of its path in path_
    std::optional<SourceEntry> entry;  // the attributes that it gets at the end
  };
  // The first name of a file with several.
  struct FirstName {
    std::string path;
    dev_t device = 0;
    ino_t ino = 0;
  };

  Result<void> Begin();
  // Makes the directory that `path` is in the last level; gives the name there.
  Result<std::string> GoTo(std::string_view path);
  Result<void> Enter(const std::string& name, std::optional<SourceEntry> entry);
  Result<void> Push(Fd fd, std::optional<SourceEntry> entry);
  Result<void> Leave();
  static Sys<Fd> MakeDirectory(sys::At at);

  // An object under a temporary name in the last level.
  Result<bool> Make(const SourceEntry& entry, OpenContent open_content, const char* temporary);
  Result<bool> MakeNode(const SourceEntry& entry, const char* temporary);
  Result<bool> MakeFile(const SourceEntry& entry, OpenContent open_content, const char* temporary);
  // False: there is no first name any more, or it cannot have another.
  Result<bool> MakeLink(const SourceEntry& entry, const FirstName& first, const char* temporary);
  Sys<Fd> OpenDirectoryOf(const std::string& path, std::string* name) const;
  Result<void> Write(const SourceEntry& entry, const SourceContent& content, int fd) const;
  Result<void> Place(const SourceEntry& entry, const char* temporary, const std::string& name);
  Result<void> SetAttributes(const SourceEntry& entry, sys::At at);
  Result<void> SetXattrs(const SourceEntry& entry, sys::At at, bool owned);
  static tl::unexpected<Error> Failed(std::string_view path, Errno e);

  const int directory_;
  const DirectorySinkOptions options_;
  std::string path_;  // of the last level
  std::vector<Level> levels_;
  std::map<TarLinkKey, FirstName> first_names_;
  std::string temporary_stem_;  // of temporary names
  uint64_t temporaries_ = 0;
  DirectorySinkLosses losses_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_DIRECTORY_SINK_H_
