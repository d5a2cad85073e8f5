// SPDX-License-Identifier: Apache-2.0
//
// Lookups and listings in one tree of 100 directories with 100 files each, held as a sealed index,
// as a plain directory, and as a directory under 1, 10, 100 and 500 layers that hold one file each.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/sample_tree.h"
#include "layerdb/layer/dir_layer.h"
#include "layerdb/layer/indexed_layer.h"
#include "layerdb/layer/layer_stack.h"

namespace veneer::bench {
namespace {

// Temporary trees that live as long as the program.
class Trees {
 public:
  Trees() {
    WriteSampleDirectory(base_ / "plain");
    WriteSampleIndex((base_ / "index").string());
  }
  Trees(const Trees&) = delete;
  Trees& operator=(const Trees&) = delete;

  std::shared_ptr<const Layer> Directory() const { return OpenDirectory("plain"); }

  std::shared_ptr<const Layer> Index() const {
    auto layer = IndexedLayer::Open((base_ / "index").string(), "");
    if (!layer) Die(layer.error().message());
    return *layer;
  }

  // The directory below `depth` layers that hold one file of their own each.
  std::shared_ptr<const Layer> Stack(int depth) const {
    std::vector<std::shared_ptr<const Layer>> layers;
    for (int i = 0; i < depth; ++i) {
      const std::string name = "top" + std::to_string(i);
      std::filesystem::create_directories(base_ / name / "d0");
      std::ofstream(base_ / name / "d0" / ("own" + std::to_string(i)));
      layers.push_back(OpenDirectory(name));
    }
    layers.push_back(Directory());
    return std::make_shared<LayerStack>(std::move(layers));
  }

 private:
  std::shared_ptr<const Layer> OpenDirectory(const std::string& name) const {
    auto layer = DirLayer::Open((base_ / name).string(), {});
    if (!layer) Die(layer.error().message());
    return *layer;
  }

  const std::filesystem::path base_ = Temporary();
};

const Trees& TheTrees() {
  static const Trees trees;
  return trees;
}

// `kind`: -1 the index, 0 the plain directory, n > 0 the directory below n layers.
std::shared_ptr<const Layer> Make(int64_t kind) {
  if (kind < 0) return TheTrees().Index();
  return kind == 0 ? TheTrees().Directory() : TheTrees().Stack(static_cast<int>(kind));
}

LayerObject Find(const Layer& layer, const LayerRef& dir, const std::string& name) {
  auto found = layer.Lookup(dir, name, 0);
  if (!found || !*found) Die("no " + name);
  return **found;
}

void LookupByName(benchmark::State& state) {
  const auto layer = Make(state.range(0));
  const LayerRef dir = Find(*layer, layer->Root().ref, "d0").ref;
  int n = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(layer->Lookup(dir, "f" + std::to_string(n), 0));
    n = (n + 1) % kFiles;
  }
}
BENCHMARK(LookupByName)->ArgName("kind")->Arg(-1)->Arg(0)->Arg(1)->Arg(10)->Arg(100)->Arg(500);

void LookupOfAMissingName(benchmark::State& state) {
  const auto layer = Make(state.range(0));
  const LayerRef dir = Find(*layer, layer->Root().ref, "d0").ref;
  for (auto _ : state) benchmark::DoNotOptimize(layer->Lookup(dir, "missing", 0));
}
BENCHMARK(LookupOfAMissingName)
    ->ArgName("kind")
    ->Arg(-1)
    ->Arg(0)
    ->Arg(1)
    ->Arg(10)
    ->Arg(100)
    ->Arg(500);

// A listing of 100 names, each then looked up with the hint that came with it: readdirplus.
void ListWithAttributes(benchmark::State& state) {
  const auto layer = Make(state.range(0));
  const LayerRef dir = Find(*layer, layer->Root().ref, "d0").ref;
  for (auto _ : state) {
    std::vector<std::pair<std::string, uint64_t>> names;
    const auto listed = layer->List(
        dir, [&](const LayerDirent& entry) { names.emplace_back(entry.name, entry.hint); });
    if (!listed) Die("cannot list");
    for (const auto& [name, hint] : names) {
      benchmark::DoNotOptimize(layer->Lookup(dir, name, hint));
    }
  }
  state.SetItemsProcessed(state.iterations() * kFiles);
}
BENCHMARK(ListWithAttributes)
    ->ArgName("kind")
    ->Arg(-1)
    ->Arg(0)
    ->Arg(1)
    ->Arg(10)
    ->Arg(100)
    ->Arg(500);

}  // namespace
}  // namespace veneer::bench
