// SPDX-License-Identifier: Apache-2.0
//
// A walk over a plain tar archive in memory, by TarParser and by libarchive: the headers alone with
// the contents skipped, and with every byte of the contents handed over. The archive is made here;
// VENEER_BENCH_TAR=FILE takes another one.
#include <archive.h>
#include <archive_entry.h>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include "layerdb/tar/parser.h"
#include "layerdb/tar/writer.h"

namespace veneer {
namespace {

constexpr size_t kPiece = size_t{256} << 10;  // what import reads at a time

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "tar_bench: %s\n", what.c_str());
  std::exit(1);
}

std::string MakeTar() {
  std::string out;
  for (int i = 0; i < 20000; ++i) {
    TarOutput entry;
    const std::string path = "usr/lib/directory/" + std::to_string(i);
    entry.path = path;
    entry.attr.mode = 0644;
    entry.attr.mtime = {1700000000 + i, i % 4 == 0 ? 123456789U : 0U};
    // Half of a distribution's files are below 4 KiB; a few are large.
    entry.attr.size = i % 200 == 0 ? 1000000 : static_cast<uint64_t>(i % 7) * 1000;
    out += EncodeTarEntry(entry);
    out.append(entry.attr.size, 'x');
    out.append(TarPadding(entry.attr.size), '\0');
  }
  return out + TarEndMark();
}

const std::string& Tar() {
  static const std::string tar = [] {
    const char* path = std::getenv("VENEER_BENCH_TAR");
    if (path == nullptr) return MakeTar();
    std::ifstream in(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (bytes.empty()) Die(std::string("cannot read ") + path);
    return bytes;
  }();
  return tar;
}

void Report(benchmark::State& state, int64_t entries) {
  state.SetItemsProcessed(state.iterations() * entries);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(Tar().size()));
}

// Touches one byte of each page, as the cheapest use of contents.
uint64_t Touch(std::string_view data) {
  uint64_t sum = 0;
  for (size_t i = 0; i < data.size(); i += 4096) sum += static_cast<uint8_t>(data[i]);
  return sum;
}

void WalkWithTarParser(benchmark::State& state) {
  const bool contents = state.range(0) != 0;
  const std::string_view tar = Tar();  // read before the clock runs
  int64_t entries = 0;
  for (auto _ : state) {
    entries = 0;
    uint64_t sum = 0;
    TarParser parser;
    for (std::string_view rest = tar; !rest.empty();) {
      std::string_view piece = rest.substr(0, kPiece);
      rest.remove_prefix(piece.size());
      for (;;) {
        const Result<TarParser::Event> event = parser.Next(&piece);
        if (!event) Die(event.error().message());
        if (*event == TarParser::Event::kNeedInput) break;
        if (*event == TarParser::Event::kEntry) {
          ++entries;
          benchmark::DoNotOptimize(parser.entry().attr.size);
        }
        if (contents && *event == TarParser::Event::kData) sum += Touch(parser.data());
      }
    }
    benchmark::DoNotOptimize(sum);
  }
  Report(state, entries);
}
BENCHMARK(WalkWithTarParser)->ArgName("contents")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

struct Pieces {
  std::string_view rest;
};

la_ssize_t NextPiece(struct archive*, void* data, const void** buffer) {
  auto* pieces = static_cast<Pieces*>(data);
  const std::string_view piece = pieces->rest.substr(0, kPiece);
  pieces->rest.remove_prefix(piece.size());
  *buffer = piece.data();
  return static_cast<la_ssize_t>(piece.size());
}

void WalkWithLibarchive(benchmark::State& state) {
  const bool contents = state.range(0) != 0;
  const std::string_view tar = Tar();
  int64_t entries = 0;
  for (auto _ : state) {
    entries = 0;
    uint64_t sum = 0;
    const std::unique_ptr<struct archive, int (*)(struct archive*)> holder(archive_read_new(),
                                                                           archive_read_free);
    struct archive* a = holder.get();
    archive_read_support_format_tar(a);
    Pieces pieces{tar};
    if (archive_read_open(a, &pieces, nullptr, NextPiece, nullptr) != ARCHIVE_OK) Die("open");
    struct archive_entry* entry = nullptr;
    int status = ARCHIVE_OK;
    while ((status = archive_read_next_header(a, &entry)) == ARCHIVE_OK || status == ARCHIVE_WARN) {
      ++entries;
      benchmark::DoNotOptimize(archive_entry_size(entry));
      if (!contents) continue;
      const void* data = nullptr;
      size_t size = 0;
      la_int64_t offset = 0;
      while (archive_read_data_block(a, &data, &size, &offset) == ARCHIVE_OK) {
        sum += Touch({static_cast<const char*>(data), size});
      }
    }
    if (status != ARCHIVE_EOF) Die(archive_error_string(a));
    benchmark::DoNotOptimize(sum);
  }
  Report(state, entries);
}
BENCHMARK(WalkWithLibarchive)->ArgName("contents")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace veneer
