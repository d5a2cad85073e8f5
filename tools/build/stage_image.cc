// SPDX-License-Identifier: Apache-2.0
#include "tools/build/stage_image.h"

#include <utility>

#include "layerdb/base/printable.h"

namespace veneer {

namespace {

Result<StageImage> FromText(std::string text) {
  VENEER_TRY(ImageConfig config, ParseImageConfig(text));
  const Digest id = Digest::OfBytes(text);
  const Digest chain_id = ChainIdOf(config.diff_ids);
  return StageImage{std::move(config), std::move(text), id, std::nullopt, chain_id};
}

}  // namespace

ImageRecord StageImage::Record(bool step) const {
  ImageRecord record{id, config.diff_ids, chain_id, config.created.value_or(Timestamp()), size,
                     {}, parent};
  record.step = step;
  return record;
}

Result<StageImage> LoadStageImage(const Store& store, const ImageRecord& record) {
  VENEER_TRY(std::string text, store.ReadBlob(record.id, JsonLimits{}.bytes));
  Result<StageImage> image = FromText(std::move(text));
  if (!image) {
    return tl::unexpected(
        std::move(image).error().Context("the config of image " + record.id.hex().substr(0, 12)));
  }
  image->size = record.size;
  return image;
}

Result<StageImage> EmptyStageImage(const Platform& platform) {
  Json document = {{"architecture", platform.architecture}};
  if (!platform.variant.empty()) document["variant"] = platform.variant;
  document["os"] = platform.os;
  document["config"] = {{"Env", Json::array({"PATH=" + std::string(kDefaultPath)})},
                        {"WorkingDir", "/"}};
  document["rootfs"] = {{"type", "layers"}, {"diff_ids", Json::array()}};
  document["history"] = Json::array();
  return FromText(DumpJson(document));
}

Result<StageImage> WithStep(const StageImage& before, const StepChange& change) {
  ImageConfig config = before.config;
  config.document["config"] = change.runtime;
  NewLayer layer = change.layer;
  if (change.files) layer.diff_id = change.files->diff_id;
  VENEER_TRY(StageImage after, FromText(ComposeChild(config, layer)));
  after.parent = before.id;
  after.size = before.size + (change.files ? change.files->content_bytes : 0);
  return after;
}

Result<StageImage> WithLabels(const StageImage& image,
                              const std::map<std::string, std::string>& labels) {
  Json document = image.config.document;
  for (const auto& [name, value] : labels) document["config"]["Labels"][name] = value;
  VENEER_TRY(StageImage labelled, FromText(DumpJson(document)));
  labelled.parent = image.parent;
  labelled.size = image.size;
  return labelled;
}

void AddPath(StageImage* image) {
  for (const std::string& variable : image->config.env) {
    if (variable.starts_with("PATH=")) return;
  }
  const std::string path = "PATH=" + std::string(kDefaultPath);
  image->config.env.push_back(path);
  image->config.document["config"]["Env"].push_back(path);
}

std::vector<Digest> LayersWithFiles(const StageImage& image) {
  // The two blocks that end an archive.
  static const Digest kNoEntries = Digest::OfBytes(std::string(1024, '\0'));
  std::vector<Digest> layers = image.config.diff_ids;
  std::erase(layers, kNoEntries);
  return layers;
}

const Json& RuntimeOf(const StageImage& image) {
  static const Json kNone = Json::object();
  const auto runtime = image.config.document.find("config");
  return runtime == image.config.document.end() || runtime->is_null() ? kNone : *runtime;
}

Result<std::vector<Instruction>> TriggersOf(const StageImage& base, int line) {
  VENEER_TRY(const auto texts, GetStrings(RuntimeOf(base), "OnBuild"));
  std::vector<Instruction> triggers;
  for (const std::string& text : texts.value_or(std::vector<std::string>())) {
    Result<Instruction> trigger = ParseInstruction(text);
    if (!trigger) {
      return tl::unexpected(
          std::move(trigger).error().Context("ONBUILD of the base, " + QuotedPath(text)));
    }
    trigger->first_line = trigger->last_line = line;
    triggers.push_back(*std::move(trigger));
  }
  return triggers;
}

}  // namespace veneer
