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
  std::vector<std::string> problems;
  for (const std::string& name : options.names) {
    Result<Json> document = Find(*store, options.type, name);
    if (document) {
      found.push_back(std::move(*document));
    } else {
      problems.push_back(document.error().message());
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
  for (const std::string& problem : problems) PrintError(problem);
  return problems.empty() ? 0 : static_cast<int>(ExitCode::kFailed);
}

// `type`: what alone is looked for; empty: the option says it.
void Add(CLI::App& app, Context& context, const char* type, const char* what,
         const char* argument) {
  auto options = std::make_shared<Options>();
  options->type = type;
  CLI::App* command = app.add_subcommand(
      "inspect", std::string("Show all there is to know of ") + what + ", as JSON");
  command->add_option("name", options->names, "Names or ids")->required()->type_name(argument);
  if (*type == '\0') {
    command->add_option("--type", options->type, "Only of this type: image, container or layer")
        ->check(CLI::IsMember({"image", "container", "layer"}))
        ->type_name("TYPE");
  }
  command->add_option("-f,--format", options->format, "json, or a Go template for each")
      ->type_name("FORMAT");
  command->callback([&context, options] {
    context.action = [&context, options] { return Inspect(context, *options); };
  });
}

}  // namespace

void AddInspectCommand(CLI::App& app, Context& context) {
  Add(app, context, "", "images, containers and layers", "NAME");
}

void AddImageInspectCommand(CLI::App& app, Context& context) {
  Add(app, context, "image", "images", "IMAGE");
}

void AddContainerInspectCommand(CLI::App& app, Context& context) {
  Add(app, context, "container", "containers", "CONTAINER");
}

}  // namespace veneer
