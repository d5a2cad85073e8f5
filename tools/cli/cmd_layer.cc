// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cerrno>

#include "layerdb/base/parse.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/transfer/archive_counts.h"
#include "layerdb/transfer/checked_layer_tar.h"
#include "tools/cli/commands.h"
#include "tools/format/list_format.h"
#include "tools/format/table.h"

namespace veneer {

namespace {

// IMAGE is its top layer, IMAGE@N the N-th from the bottom (1), and a diff id itself.
Result<Digest> FindLayer(Store& store, const std::string& text) {
  if (const auto digest = Digest::Parse(text); digest && store.HasLayer(*digest)) return *digest;
  std::string name = text;
  std::optional<size_t> number;
  if (const size_t at = text.rfind('@'); at != std::string::npos) {
    number = ParseNumber<size_t>(std::string_view(text).substr(at + 1));
    if (number) name = text.substr(0, at);
  }
  VENEER_TRY(const FoundImage found, FindImage(store, name));
  const std::vector<Digest>& layers = found.image.diff_ids;
  if (layers.empty()) return MakeError(name + " has no layers", ExitCode::kNotFound);
  if (!number) return layers.back();
  if (*number < 1 || *number > layers.size()) {
    return MakeError(name + " has layers 1 to " + std::to_string(layers.size()) + ", not " +
                         std::to_string(*number),
                     ExitCode::kNotFound);
  }
  return layers[*number - 1];
}

Result<void> WriteOut(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return MakeError(Errno{errno}, "write");
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return {};
}

Result<int> WriteTar(Context& context, const std::string& layer) {
  if (::isatty(STDOUT_FILENO) != 0) {
    return MakeError("layer tar: standard output is a terminal; send it to a file or a pipe",
                     ExitCode::kUsage);
  }
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  VENEER_TRY(const Digest diff_id, FindLayer(*store, layer));
  VENEER_TRY_VOID(WriteCheckedLayerTar(*store, diff_id,
                                       [](std::string_view bytes) { return WriteOut(bytes); }));
  return 0;
}

struct LayerListArguments {
  std::string image;
  std::string format;
  bool bytes = false;
};

ListShape LayerListShape() {
  ListShape shape;
  shape.fields = {
      {"Layer", "LAYER"}, {"DiffID", "DIFF ID"}, {"Entries", "ENTRIES"}, {"Size", "SIZE"}};
  shape.table = "{{.Layer}}\t{{.DiffID}}\t{{.Entries}}\t{{.Size}}";
  shape.raw = "layer: {{.Layer}}\ndiff_id: {{.DiffID}}\nentries: {{.Entries}}\nsize: {{.Size}}\n";
  shape.quiet = "{{.DiffID}}";
  return shape;
}

Result<int> ListLayers(Context& context, const LayerListArguments& arguments) {
  VENEER_TRY(const ListFormat format, ListFormat::Parse(LayerListShape(), arguments.format, false));
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  VENEER_TRY(const FoundImage found, FindImage(*store, arguments.image));
  std::vector<Json> rows;
  for (size_t i = 0; i < found.image.diff_ids.size(); ++i) {
    VENEER_TRY(const std::shared_ptr<IndexReader> layer, store->OpenLayer(found.image.diff_ids[i]));
    VENEER_TRY(const ArchiveCounts counts, CountArchive(*store, found.image.diff_ids[i]));
    rows.push_back({{"Layer", std::to_string(i + 1)},
                    {"DiffID", found.image.diff_ids[i].ToString()},
                    {"Entries", std::to_string(counts.entries)},
                    {"Size", ShowSize(layer->CountBytes(), arguments.bytes)}});
  }
  VENEER_TRY(const std::string text, format.Render(std::move(rows)));
  PrintData(text);
  return 0;
}

}  // namespace

CommandSpec LayerCommand() {
  auto layer = std::make_shared<std::string>();
  auto arguments = std::make_shared<LayerListArguments>();
  const CommandSpec tar = {
      .name = "tar",
      .summary = "Write a layer's archive again, byte for byte, to standard output",
      .positionals = {{ImageValue("IMAGE[@N]|DIFF-ID"), layer.get(),
                       "The top layer of an image, its N-th from the bottom, or a diff id"}},
      .run = [layer](Context& context) { return WriteTar(context, *layer); },
  };
  const CommandSpec list = {
      .name = "ls",
      .summary = "List the layers of an image, the bottom one first",
      .positionals = {{ImageValue(), &arguments->image, "The image"}},
      .options = {{"--format", &arguments->format, ListFormatValue(), kListFormatHelp},
                  {"--bytes", &arguments->bytes, "Sizes in bytes"}},
      .run = [arguments](Context& context) { return ListLayers(context, *arguments); },
  };
  return {.name = "layer", .summary = "Look at single layers", .commands = {tar, list}};
}

}  // namespace veneer
