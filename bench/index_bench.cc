// SPDX-License-Identifier: Apache-2.0
//
// A sealed index of 10,000 files in 100 directories: finding a name, one that is not there, a
// record by its position, listing a directory; opening the file, which verifies every page; and
// writing it.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <memory>
#include <string>

#include "bench/sample_tree.h"
#include "layerdb/index/index_reader.h"

namespace veneer::bench {
namespace {

std::string PathOfIndex() {
  static const std::string path = [] {
    std::string made = (Temporary() / "index").string();
    WriteSampleIndex(made);
    return made;
  }();
  return path;
}

std::shared_ptr<IndexReader> Open() {
  auto reader = IndexReader::Open(PathOfIndex());
  if (!reader) Die(reader.error().message());
  return *reader;
}

IndexReader::Record MustFind(const IndexReader& reader, uint64_t dir, const std::string& name) {
  const auto found = reader.Find(dir, name);
  if (!found || !*found) Die("no " + name);
  return **found;
}

void FindAName(benchmark::State& state) {
  const auto reader = Open();
  const uint64_t dir = MustFind(*reader, kIndexRootIno, "d50").entry.ino();
  int n = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(reader->Find(dir, "f" + std::to_string(n)));
    n = (n + 1) % kFiles;
  }
}
BENCHMARK(FindAName);

void FindAMissingName(benchmark::State& state) {
  const auto reader = Open();
  const uint64_t dir = MustFind(*reader, kIndexRootIno, "d50").entry.ino();
  for (auto _ : state) benchmark::DoNotOptimize(reader->Find(dir, "missing"));
}
BENCHMARK(FindAMissingName);

void ReadAtAPosition(benchmark::State& state) {
  const auto reader = Open();
  const uint64_t dir = MustFind(*reader, kIndexRootIno, "d50").entry.ino();
  const uint64_t position = MustFind(*reader, dir, "f50").position;
  for (auto _ : state) benchmark::DoNotOptimize(reader->At(position));
}
BENCHMARK(ReadAtAPosition);

void ListADirectory(benchmark::State& state) {
  const auto reader = Open();
  const uint64_t dir = MustFind(*reader, kIndexRootIno, "d50").entry.ino();
  for (auto _ : state) {
    uint64_t sum = 0;
    const auto listed = reader->List(dir, [&](std::string_view, const IndexReader::Record& found) {
      sum += found.entry.ino();
      return true;
    });
    if (!listed) Die("cannot list");
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(state.iterations() * kFiles);
}
BENCHMARK(ListADirectory);

void OpenAndVerify(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Open());
  const auto size = static_cast<int64_t>(std::filesystem::file_size(PathOfIndex()));
  state.SetBytesProcessed(state.iterations() * size);
}
BENCHMARK(OpenAndVerify)->Unit(benchmark::kMicrosecond);

void Write(benchmark::State& state) {
  const std::string path = (Temporary() / "written").string();
  for (auto _ : state) {
    WriteSampleIndex(path);
    state.PauseTiming();
    std::filesystem::remove(path);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * kDirectories * kFiles);
}
BENCHMARK(Write)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace veneer::bench
