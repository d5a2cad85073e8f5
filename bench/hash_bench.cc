// SPDX-License-Identifier: Apache-2.0
//
// What hashing costs an import: XXH3 runs over every content, SHA-256 over the whole stream.
#include <benchmark/benchmark.h>

#include <string>

#include "layerdb/base/hash.h"

namespace veneer {
namespace {

void Xxh128OfContent(benchmark::State& state) {
  const std::string data(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(Xxh128(data));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Xxh128OfContent)->Arg(512)->Arg(16 << 10)->Arg(1 << 20);

void Sha256OfStream(benchmark::State& state) {
  const std::string data(static_cast<size_t>(state.range(0)), 'x');
  Sha256Stream stream;
  for (auto _ : state) stream.Update(data);
  benchmark::DoNotOptimize(stream.FinishHex());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Sha256OfStream)->Arg(512)->Arg(1 << 20);

}  // namespace
}  // namespace veneer
