// SPDX-License-Identifier: Apache-2.0
//
// UnionFs without a mount: what the daemon itself does for a request, without the two ways through
// the kernel. Over a sealed index and over a plain directory, without an upper; and making and
// removing a file, which is the upper's work.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "bench/sample_tree.h"
#include "fs/core/union_fs.h"
#include "fs/upper/upper.h"
#include "layerdb/layer/dir_layer.h"
#include "layerdb/layer/indexed_layer.h"
#include "layerdb/layer/layer_stack.h"

namespace veneer::bench {
namespace {

std::shared_ptr<const Layer> IndexedTree() {
  static const std::string path = [] {
    std::string made = (Temporary() / "index").string();
    WriteSampleIndex(made);
    return made;
  }();
  auto layer = IndexedLayer::Open(path, "");
  if (!layer) Die(layer.error().message());
  return *layer;
}

std::shared_ptr<const Layer> PlainTree() {
  static const std::string path = [] {
    const auto made = Temporary() / "plain";
    WriteSampleDirectory(made);
    return made.string();
  }();
  auto layer = DirLayer::Open(path, {});
  if (!layer) Die(layer.error().message());
  return std::make_shared<LayerStack>(std::vector<std::shared_ptr<const Layer>>{*layer});
}

// `plain`: 0 the index, 1 the plain directory.
std::shared_ptr<const Layer> Lower(int64_t plain) {
  return plain == 0 ? IndexedTree() : PlainTree();
}

NodeId MustFind(UnionFs& fs, NodeId dir, const std::string& name) {
  const auto entry = fs.Lookup(dir, name);
  if (!entry || entry->node == kNoNode) Die("no " + name);
  return entry->node;
}

// A lookup whose node nobody knows yet, and the forget that follows it.
void LookupAndForget(benchmark::State& state) {
  UnionFs fs(Lower(state.range(0)), nullptr, {});
  const NodeId dir = MustFind(fs, kRootNode, "d50");
  int n = 0;
  for (auto _ : state) {
    fs.Forget(MustFind(fs, dir, "f" + std::to_string(n)), 1);
    n = (n + 1) % kFiles;
  }
}
BENCHMARK(LookupAndForget)->ArgName("plain")->Arg(0)->Arg(1);

void LookupOfAMissingName(benchmark::State& state) {
  UnionFs fs(Lower(state.range(0)), nullptr, {});
  const NodeId dir = MustFind(fs, kRootNode, "d50");
  for (auto _ : state) benchmark::DoNotOptimize(fs.Lookup(dir, "missing"));
}
BENCHMARK(LookupOfAMissingName)->ArgName("plain")->Arg(0)->Arg(1);

void GetAttr(benchmark::State& state) {
  UnionFs fs(Lower(state.range(0)), nullptr, {});
  const NodeId file = MustFind(fs, MustFind(fs, kRootNode, "d50"), "f50");
  for (auto _ : state) benchmark::DoNotOptimize(fs.GetAttr(file));
}
BENCHMARK(GetAttr)->ArgName("plain")->Arg(0)->Arg(1);

// All 100 names of a directory with their attributes, whose nodes nobody knows yet.
void ReadDirPlusAndForget(benchmark::State& state) {
  UnionFs fs(Lower(state.range(0)), nullptr, {});
  const NodeId dir = MustFind(fs, kRootNode, "d50");
  std::vector<NodeId> given;
  for (auto _ : state) {
    given.clear();
    const auto listed = fs.ReadDirPlus(dir, 0, [&](const DirEntry&, const Entry& entry) {
      if (entry.node != kNoNode) given.push_back(entry.node);
      return true;
    });
    if (!listed || given.size() != kFiles) Die("cannot list");
    for (const NodeId node : given) fs.Forget(node, 1);
  }
  state.SetItemsProcessed(state.iterations() * kFiles);
}
BENCHMARK(ReadDirPlusAndForget)->ArgName("plain")->Arg(0)->Arg(1);

void MakeAndUnlink(benchmark::State& state) {
  const auto base = Temporary() / "writable";
  std::filesystem::remove_all(base);
  UpperOptions options;
  options.upperdir = (base / "upper").string();
  options.workdir = (base / "work").string();
  std::filesystem::create_directories(options.upperdir);
  std::filesystem::create_directories(options.workdir);
  auto upper = Upper::Open(options);
  if (!upper) Die(upper.error().message());
  UnionFs fs(IndexedTree(), std::move(*upper), {});
  const NodeId dir = MustFind(fs, kRootNode, "d50");
  for (auto _ : state) {
    const auto made = fs.MakeNode(dir, "new", 0100644, 0, 0, {});
    if (!made || !fs.Unlink(dir, "new")) Die("cannot make and remove a file");
    fs.Forget(made->node, 1);
  }
}
BENCHMARK(MakeAndUnlink)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace veneer::bench
