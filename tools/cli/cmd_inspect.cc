// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"
#include "tools/cli/inspect_documents.h"
#include "tools/format/list_format.h"
#include "tools/format/table.h"

namespace veneer {

namespace {

struct Options {
  std::vector<std::string> names;
  std::string type;
  std::string format;
};

constexpr int kIndent = 4;

bool IsMissing(const Error& error) {
  return error.exit() == ExitCode::kNotFound || error.exit() == ExitCode::kUsage;
}

// The object of this name: a container before an image before a layer, unless the type is given.
Result<Json> Find(Store& store, const std::string& type, const std::string& name) {
  if (type.empty() || type == "container") {
    Result<ContainerRecord> container = store.containers().Get(name);
    if (container) return InspectContainer(store, *container);
    if (!IsMissing(container.error())) return tl::unexpected(std::move(container).error());
  }
  if (type.empty() || type == "image") {
    Result<FoundImage> image = store.images().Find(name);
    if (image) return InspectImage(store, image->image);
    if (!IsMissing(image.error())) return tl::unexpected(std::move(image).error());
  }
  if (type.empty() || type == "layer") {
    const auto digest = Digest::Parse(name.starts_with("sha256:") ? name : "sha256:" + name);
    if (digest && store.HasLayer(*digest)) return InspectLayer(store, *digest);
  }
  // The name may be that of another thing.
  if (type == "container") VENEER_TRY_VOID(FindContainer(store, name));
  if (type == "image") VENEER_TRY_VOID(FindImage(store, name));
  return MakeError("no such " + (type.empty() ? "object" : type) + ": " + name);
}

Result<int> Inspect(Context& context, const Options& options) {
  if (!options.format.empty()) VENEER_TRY_VOID(GoTemplate::Parse(options.format));
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  Json found = Json::array();
  std::vector<Error> problems;
  for (const std::string& name : options.names) {
    Result<Json> document = Find(*store, options.type, name);
    if (document) {
      found.push_back(std::move(*document));
    } else {
      problems.push_back(std::move(document).error());
    }
  }
  if (options.format.empty()) {
    const auto replace = Json::error_handler_t::replace;
    PrintData(found.empty() ? "[]\n" : found.dump(kIndent, ' ', false, replace) + "\n");
  } else if (found.empty()) {
    PrintLine("");
  }
  for (size_t i = 0; !options.format.empty() && i < found.size(); ++i) {
    VENEER_TRY(const std::string text, RenderOne(found[i], options.format));
    PrintData(text);
  }
  for (const Error& problem : problems) PrintError(problem);
  return problems.empty() ? 0 : static_cast<int>(ExitCode::kFailed);
}

CommandSpec Inspecting(const std::shared_ptr<Options>& options, std::string_view summary,
                       const Value& name) {
  return {
      .name = "inspect",
      .summary = summary,
      .positionals = {{name, &options->names, "Names or ids"}},
      .options = {{"-f,--format", &options->format, DocumentFormatValue(),
                   "json, or a Go template for each"}},
      .run = [options](Context& context) { return Inspect(context, *options); },
  };
}

}  // namespace

CommandSpec InspectCommand() {
  const auto options = std::make_shared<Options>();
  CommandSpec command =
      Inspecting(options, "Show all there is to know of images, containers and layers, as JSON",
                 ContainerOrImageValue("NAME"));
  command.options.insert(
      command.options.begin(),
      {"--type", &options->type, OneOfValue("TYPE", {"image", "container", "layer"}),
       "Only of this type: image, container or layer"});
  return command;
}

CommandSpec ImageInspectCommand() {
  const auto options = std::make_shared<Options>();
  options->type = "image";
  return Inspecting(options, "Show all there is to know of images, as JSON", ImageValue());
}

CommandSpec ContainerInspectCommand() {
  const auto options = std::make_shared<Options>();
  options->type = "container";
  return Inspecting(options, "Show all there is to know of containers, as JSON", ContainerValue());
}

}  // namespace veneer
