// SPDX-License-Identifier: Apache-2.0
//
// Import of a tar archive into a new store: 2,000 files of different contents, small enough for the
// index or each an object. The sync at the end is part of it.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "bench/sample_tree.h"
#include "layerdb/store/store.h"
#include "layerdb/tar/writer.h"
#include "layerdb/transfer/import.h"

namespace veneer::bench {
namespace {

constexpr int kEntries = 2000;

std::string MakeTar(size_t size) {
  std::string out;
  for (int i = 0; i < kEntries; ++i) {
    TarOutput entry;
    const std::string path = "usr/lib/directory/" + std::to_string(i);
    entry.path = path;
    entry.attr.mode = 0644;
    entry.attr.mtime = {1700000000 + i, 0};
    entry.attr.size = size;
    std::string content = std::to_string(i);
    content.resize(size, 'x');
    out += EncodeTarEntry(entry);
    out += content;
    out.append(TarPadding(size), '\0');
  }
  return out + TarEndMark();
}

void Import(benchmark::State& state) {
  const auto archive = Temporary() / "archive.tar";
  const std::string tar = MakeTar(static_cast<size_t>(state.range(0)));
  std::ofstream(archive, std::ios::binary) << tar;
  const auto root = Temporary() / "store";
  for (auto _ : state) {
    state.PauseTiming();
    std::filesystem::remove_all(root);
    auto store = Store::Open(root.string());
    if (!store) Die(store.error().message());
    state.ResumeTiming();
    auto session = (*store)->Begin();
    if (!session) Die(session.error().message());
    const auto imported = ImportLayer(**store, **session, archive.string(), {});
    if (!imported) Die(imported.error().message());
  }
  state.SetItemsProcessed(state.iterations() * kEntries);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(tar.size()));
}
BENCHMARK(Import)->ArgName("size")->Arg(512)->Arg(8192)->UseRealTime()->Unit(
    benchmark::kMillisecond);

}  // namespace
}  // namespace veneer::bench
