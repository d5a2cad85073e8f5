// SPDX-License-Identifier: Apache-2.0
//
// ArchiveSink: entries become a tar archive. Sockets are left out: no archive can hold one.
#ifndef VENEER_LAYERDB_TRANSFER_ARCHIVE_SINK_H_
#define VENEER_LAYERDB_TRANSFER_ARCHIVE_SINK_H_

#include <cstdint>
#include <string_view>

#include "layerdb/base/result.h"
#include "layerdb/tar/block.h"
#include "layerdb/threads/cancellation.h"
#include "layerdb/transfer/entry_source.h"
#include "layerdb/transfer/tar_stream.h"

namespace veneer {

class ArchiveSink final : public EntrySink {
 public:
  // `out` gets pieces of up to 1 MiB. Both outlive it; `cancel` may be null.
  ArchiveSink(TarSink out, const Cancellation* cancel) : stream_(out), cancel_(cancel) {}

  Result<void> Add(const SourceEntry& entry, OpenContent open_content) override;
  Result<void> Whiteout(std::string_view path) override;
  Result<void> Opaque(std::string_view path) override;
  // Ends the archive; gives its size. Call once.
  Result<uint64_t> Finish();

 private:
  Result<void> AddFile(const SourceEntry& entry, const SourceContent& content);

  TarStream stream_;
  const Cancellation* const cancel_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_ARCHIVE_SINK_H_
