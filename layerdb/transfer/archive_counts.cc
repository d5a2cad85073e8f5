// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/archive_counts.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "layerdb/tar/mapping.h"
#include "layerdb/tar/parser.h"
#include "layerdb/tar/tar_split.h"

namespace veneer {

namespace {

void CountEntry(const TarEntry& entry, ArchiveCounts* counts) {
  ++counts->entries;
  const Result<LayerName> name = ParseLayerName(entry.path);
  const LayerName::Kind kind = name ? name->kind : LayerName::Kind::kIgnored;
  switch (kind) {
    case LayerName::Kind::kWhiteout: ++counts->whiteouts; return;
    case LayerName::Kind::kOpaque: ++counts->opaques; return;
    case LayerName::Kind::kIgnored: return;
    case LayerName::Kind::kObject: break;
  }
  if (entry.hard_link) return;
  counts->files += entry.attr.type == FileType::kRegular ? 1 : 0;
  counts->directories += entry.attr.type == FileType::kDirectory ? 1 : 0;
}

}  // namespace

Result<ArchiveCounts> CountArchive(const Store& store, const Digest& diff_id) {
  if (!store.HasLayer(diff_id)) {
    return MakeError("no layer " + diff_id.ToString() + " in the store", ExitCode::kNotFound);
  }
  VENEER_TRY(const std::unique_ptr<TarSplitReader> tar_split,
             TarSplitReader::Open(store.layout().layer_tar_split(diff_id)));
  ArchiveCounts counts;
  TarParser parser;
  const auto parse = [&](std::string_view bytes) -> Result<void> {
    for (;;) {
      VENEER_TRY(const TarParser::Event event, parser.Next(&bytes));
      if (event == TarParser::Event::kNeedInput) return {};
      if (event == TarParser::Event::kEntry) CountEntry(parser.entry(), &counts);
    }
  };
  // Contents have no part in it: zeros stand for them.
  const std::string zeros(size_t{256} << 10, '\0');
  const Result<void> read =
      tar_split->Run(parse, [&](size_t, uint64_t, uint64_t size) -> Result<void> {
        for (uint64_t done = 0; done < size;) {
          const auto piece = static_cast<size_t>(std::min<uint64_t>(zeros.size(), size - done));
          VENEER_TRY_VOID(parse(std::string_view(zeros).substr(0, piece)));
          done += piece;
        }
        return {};
      });
  if (!read) return tl::unexpected(Error(read.error()).Context("layer " + diff_id.ToString()));
  return counts;
}

}  // namespace veneer
