// SPDX-License-Identifier: Apache-2.0
#include "tools/oci/config.h"

#include <gtest/gtest.h>

#include <tuple>

namespace veneer {
namespace {

const std::string kA = "sha256:" + std::string(64, 'a');
const std::string kB = "sha256:" + std::string(64, 'b');

NewLayer Layer(const std::string& diff_id, const std::string& comment) {
  return NewLayer{*Digest::Parse(diff_id), {1700000000, 0}, "veneer import", "", comment};
}

TEST(ImageConfigTest, AnImportedImageHasOneLayerAndOneHistoryEntry) {
  const std::string text = ComposeImage(Layer(kA, "Imported from -"), {"linux", "arm64", "v8"});
  EXPECT_EQ(
      text,
      R"({"created":"2023-11-14T22:13:20Z","architecture":"arm64","variant":"v8","os":"linux","config":{},)"
      R"("rootfs":{"type":"layers","diff_ids":[")" +
          kA +
          R"("]},"history":[{"created":"2023-11-14T22:13:20Z","created_by":"veneer import",)"
          R"("comment":"Imported from -"}]})");
  const Result<ImageConfig> config = ParseImageConfig(text);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->diff_ids.size(), 1u);
  EXPECT_EQ(config->created, (Timestamp{1700000000, 0}));
}

TEST(ImageConfigTest, AChildKeepsWhatItDoesNotKnowAndAddsOneLayer) {
  const std::string text =
      R"({"architecture":"amd64","os":"linux","author":"first","container":"x","container_config":{"Cmd":["y"]},)"
      R"("config":{"User":"www-data:100","Env":["PATH=/bin"],"Entrypoint":["/e"],"Cmd":["c"],"WorkingDir":"/w",)"
      R"("Labels":{"k":"v"},"Volumes":{"/v":{}}},"rootfs":{"type":"layers","diff_ids":[")" +
      kA +
      R"("]},"history":[{"created":"2020-01-01T00:00:00Z","created_by":"ADD x"},{"empty_layer":true}],"x.y":7})";
  const Result<ImageConfig> parent = ParseImageConfig(text);
  ASSERT_TRUE(parent) << parent.error().message();
  EXPECT_EQ(parent->user, "www-data:100");
  EXPECT_EQ(parent->env, std::vector<std::string>{"PATH=/bin"});
  EXPECT_EQ(parent->entrypoint, std::vector<std::string>{"/e"});
  EXPECT_EQ(parent->cmd, std::vector<std::string>{"c"});
  EXPECT_EQ(parent->working_dir, "/w");

  const std::string child_text = ComposeChild(*parent, Layer(kB, "more"));
  EXPECT_EQ(child_text, ComposeChild(*parent, Layer(kB, "more")));
  const Result<ImageConfig> child = ParseImageConfig(child_text);
  ASSERT_TRUE(child) << child.error().message();
  EXPECT_EQ(child->author, "first");
  EXPECT_EQ(child->diff_ids.back().ToString(), kB);
  ASSERT_EQ(child->history.size(), 3u);
  EXPECT_EQ(child->history.back().comment, "more");
  EXPECT_EQ(child->document["x.y"], 7);
  EXPECT_EQ(child->document["config"]["Labels"]["k"], "v");
  EXPECT_FALSE(child->document.contains("container_config"));
}

TEST(ImageConfigTest, AParentWithoutHistoryGetsOneEntryPerLayer) {
  const Result<ImageConfig> parent = ParseImageConfig(R"({"rootfs":{"diff_ids":[")" + kA +
                                                      R"(",")" + kA + R"("]},"history":null})");
  ASSERT_TRUE(parent) << parent.error().message();
  const Result<ImageConfig> child = ParseImageConfig(ComposeChild(*parent, Layer(kB, "")));
  ASSERT_TRUE(child) << child.error().message();
  EXPECT_EQ(child->history.size(), 3u);
}

TEST(ImageConfigTest, ASquashedImageHasOneLayerUponThoseOfItsBase) {
  for (const std::string history : {R"([{"created_by":"base"}])", "null"}) {
    const Result<ImageConfig> base =
        ParseImageConfig(R"({"rootfs":{"diff_ids":[")" + kA + R"("]},"history":)" + history + "}");
    ASSERT_TRUE(base) << base.error().message();
    const Result<ImageConfig> one = ParseImageConfig(ComposeChild(*base, Layer(kB, "one")));
    ASSERT_TRUE(one) << one.error().message();
    const Result<ImageConfig> two = ParseImageConfig(ComposeChild(*one, Layer(kA, "two")));
    ASSERT_TRUE(two) << two.error().message();
    const Result<ImageConfig> image =
        ParseImageConfig(ComposeSquashed(*base, *two, Layer(kB, "merge")));
    ASSERT_TRUE(image) << image.error().message();
    EXPECT_EQ(image->diff_ids, (std::vector<Digest>{*Digest::Parse(kA), *Digest::Parse(kB)}));
    ASSERT_EQ(image->history.size(), 4U);
    EXPECT_FALSE(image->history[0].empty_layer);
    EXPECT_TRUE(image->history[1].empty_layer && image->history[2].empty_layer);
    EXPECT_EQ(image->history[2].comment, "two");
    EXPECT_FALSE(image->history[3].empty_layer);
    EXPECT_EQ(image->history[3].comment, "merge");
  }
}

// What `history` shows of a config with these items for two layers: the commands, "-" for an empty
// layer.
std::string Steps(const std::string& history) {
  const Result<ImageConfig> config = ParseImageConfig(
      R"({"rootfs":{"diff_ids":[")" + kA + R"(",")" + kA + R"("]},"history":)" + history + "}");
  if (!config) return config.error().message();
  std::string out;
  for (const HistoryEntry& step : StepsOf(*config)) {
    out += step.created_by + (step.empty_layer ? "-" : "") + " ";
  }
  return out;
}

TEST(ImageConfigTest, AHistoryNeedNotCountTheLayers) {
  EXPECT_EQ(Steps("[]"), "  ");
  EXPECT_EQ(Steps(R"([{"created_by":"a"}])"), "a  ");
  EXPECT_EQ(Steps(R"([{"created_by":"e","empty_layer":true}])"), "e-   ");
  EXPECT_EQ(Steps(R"([{"created_by":"a"},{"created_by":"b"},{"created_by":"c"}])"), "a b c- ");
}

TEST(ImageConfigTest, ACommitMakesTheHistoryCountTheLayers) {
  for (const std::string items :
       {R"([])", R"([{}])", R"([{},{}])", R"([{},{},{}])", R"([{},{"empty_layer":true},{},{}])"}) {
    const Result<ImageConfig> parent = ParseImageConfig(
        R"({"rootfs":{"diff_ids":[")" + kA + R"(",")" + kA + R"("]},"history":)" + items + "}");
    ASSERT_TRUE(parent) << items;
    const Result<ImageConfig> child = ParseImageConfig(ComposeChild(*parent, Layer(kB, "mine")));
    ASSERT_TRUE(child) << items;
    std::vector<std::string> comments;
    for (const HistoryEntry& item : child->history) {
      if (!item.empty_layer) comments.push_back(item.comment);
    }
    EXPECT_EQ(comments, (std::vector<std::string>{"", "", "mine"})) << items;
  }
}

TEST(ImageConfigTest, RefusesWhatIsNoConfig) {
  for (const std::string& text : std::vector<std::string>{
           "{}", R"({"rootfs":[]})", R"({"rootfs":{"diff_ids":["sha256:../../x"]}})",
           R"({"rootfs":{"diff_ids":[1]}})", R"({"rootfs":{},"config":{"Env":"PATH=x"}})",
           R"({"rootfs":{},"config":{"User":0}})", R"({"rootfs":{},"created":"yesterday"})",
           R"({"rootfs":{},"history":[1]})"}) {
    EXPECT_FALSE(ParseImageConfig(text)) << text;
  }
}

}  // namespace
}  // namespace veneer
