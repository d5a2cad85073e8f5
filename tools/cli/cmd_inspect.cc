// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"
#include "tools/cli/inspect_documents.h"
#include "tools/format/list_format.h"
#include "tools/format/table.h"

namespace veneer {

namespace {

struct InspectArguments {
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

Result<int> Inspect(Context& context, const InspectArguments& arguments) {
  if (!arguments.format.empty()) VENEER_TRY_VOID(GoTemplate::Parse(arguments.format));
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  Json found = Json::array();
  std::vector<Error> problems;
  for (const std::string& name : arguments.names) {
    Result<Json> document = Find(*store, arguments.type, name);
    if (document) {
      found.push_back(std::move(*document));
    } else {
      problems.push_back(std::move(document).error());
    }
  }
  if (arguments.format.empty()) {
    const auto replace = Json::error_handler_t::replace;
    PrintData(found.empty() ? "[]\n" : found.dump(kIndent, ' ', false, replace) + "\n");
  } else if (found.empty()) {
    PrintLine("");
  }
  for (size_t i = 0; !arguments.format.empty() && i < found.size(); ++i) {
    VENEER_TRY(const std::string text, RenderOne(found[i], arguments.format));
    PrintData(text);
  }
  for (const Error& problem : problems) PrintError(problem);
  return problems.empty() ? 0 : static_cast<int>(ExitCode::kFailed);
}

CommandSpec Inspecting(const std::shared_ptr<InspectArguments>& arguments, std::string_view summary,
                       const Value& name) {
  return {
      .name = "inspect",
      .summary = summary,
      .positionals = {{name, &arguments->names, "Names or ids"}},
      .options = {{"-f,--format", &arguments->format, DocumentFormatValue(),
                   "json, or a Go template for each"}},
      .run = [arguments](Context& context) { return Inspect(context, *arguments); },
  };
}

}  // namespace

CommandSpec InspectCommand() {
  const auto arguments = std::make_shared<InspectArguments>();
  CommandSpec command =
      Inspecting(arguments, "Show all there is to know of images, containers and layers, as JSON",
                 ContainerOrImageValue("NAME"));
  command.options.insert(
      command.options.begin(),
      {"--type", &arguments->type, OneOfValue("TYPE", {"image", "container", "layer"}),
       "Only of this type: image, container or layer"});
  return command;
}

CommandSpec ImageInspectCommand() {
  const auto arguments = std::make_shared<InspectArguments>();
  arguments->type = "image";
  return Inspecting(arguments, "Show all there is to know of images, as JSON", ImageValue());
}

CommandSpec ContainerInspectCommand() {
  const auto arguments = std::make_shared<InspectArguments>();
  arguments->type = "container";
  return Inspecting(arguments, "Show all there is to know of containers, as JSON",
                    ContainerValue());
}

}  // namespace veneer
