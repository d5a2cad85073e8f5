// SPDX-License-Identifier: Apache-2.0
//
// Lookups and listings in one tree of 100 directories with 100 files each, held as a sealed index,
// as a plain directory, and as a directory under 1, 10 and 100 layers that hold one file each.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/index/index_writer.h"
#include "layerdb/layer/dir_layer.h"
#include "layerdb/layer/indexed_layer.h"
#include "layerdb/layer/layer_stack.h"

namespace veneer {
namespace {

constexpr int kDirectories = 100;
constexpr int kFiles = 100;

// A bench that cannot be set up has nothing to measure.
[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "layer_bench: %s\n", what.c_str());
  std::exit(1);
}

// Temporary trees that live as long as the program.
class Trees {
 public:
  Trees() {
    std::string name = (std::filesystem::temp_directory_path() / "veneer-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) Die("cannot make a temporary directory");
    base_ = name;
    MakeDirectory();
    MakeIndex();
  }
  ~Trees() { std::filesystem::remove_all(base_); }
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

  void MakeDirectory() const {
    for (int d = 0; d < kDirectories; ++d) {
      const auto dir = base_ / "plain" / ("d" + std::to_string(d));
      std::filesystem::create_directories(dir);
      for (int f = 0; f < kFiles; ++f) std::ofstream(dir / ("f" + std::to_string(f)));
    }
  }

  void MakeIndex() const {
    auto writer = IndexWriter::Create((base_ / "index").string());
    if (!writer) Die(writer.error().message());
    IndexEntry dir;
    dir.attr.type = FileType::kDirectory;
    dir.attr.mode = 0755;
    dir.attr.ino = kIndexRootIno;
    Put((*writer)->PutRoot(dir));
    uint64_t ino = kIndexRootIno;
    for (int d = 0; d < kDirectories; ++d) {
      const uint64_t dir_ino = dir.attr.ino = ++ino;
      Put((*writer)->Put(kIndexRootIno, "d" + std::to_string(d), dir));
      for (int f = 0; f < kFiles; ++f) {
        IndexEntry file;
        file.attr.mode = 0644;
        file.attr.ino = ++ino;
        Put((*writer)->Put(dir_ino, "f" + std::to_string(f), file));
      }
    }
    if (auto sealed = (*writer)->Seal(/*durable=*/false); !sealed) Die(sealed.error().message());
  }

  static void Put(const Result<void>& done) {
    if (!done) Die(done.error().message());
  }

  std::filesystem::path base_;
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
BENCHMARK(LookupByName)->ArgName("kind")->Arg(-1)->Arg(0)->Arg(1)->Arg(10)->Arg(100);

void LookupOfAMissingName(benchmark::State& state) {
  const auto layer = Make(state.range(0));
  const LayerRef dir = Find(*layer, layer->Root().ref, "d0").ref;
  for (auto _ : state) benchmark::DoNotOptimize(layer->Lookup(dir, "missing", 0));
}
BENCHMARK(LookupOfAMissingName)->ArgName("kind")->Arg(-1)->Arg(0)->Arg(1)->Arg(10)->Arg(100);

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
BENCHMARK(ListWithAttributes)->ArgName("kind")->Arg(-1)->Arg(0)->Arg(1)->Arg(10)->Arg(100);

}  // namespace
}  // namespace veneer
