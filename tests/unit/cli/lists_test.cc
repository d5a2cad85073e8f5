// SPDX-License-Identifier: Apache-2.0
//
// The commands that list and show, on a store made by hand: formats, filters, groups.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "layerdb/store/store_writer.h"
#include "tests/support/temp_dir.h"
#include "tools/cli/commands.h"
#include "tools/format/json.h"
#include "tools/oci/config.h"

namespace veneer {
namespace {

class ListsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = MakeTempDir("lists");
    setenv("VENEER_ROOT", (dir_ + "/store").c_str(), 1);
    base_ = Import("debian:12", 5000, "1700000000");
    other_ = Import("localhost:5000/team/app:1", 100, "1700001000");
    Layered("labelled", 1700002000, {{"maintainer", "me"}, {"role", "db"}});
    Layered("", 1700003000, {{"role", "web"}});
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  int Run(std::vector<std::string> words) {
    words.insert(words.begin(), "veneer");
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int code = RunVeneer(static_cast<int>(argv.size()), argv.data());
    output_ = ::testing::internal::GetCapturedStdout();
    error_ = ::testing::internal::GetCapturedStderr();
    return code;
  }

  // What a command that must succeed prints.
  std::string Output(const std::vector<std::string>& words) {
    EXPECT_EQ(Run(words), 0) << error_;
    EXPECT_EQ(error_, "");
    return output_;
  }

  std::string Import(const std::string& name, size_t bytes, const char* epoch) {
    const std::string tree = dir_ + "/tree" + epoch;
    std::filesystem::create_directory(tree);
    std::ofstream(tree + "/file") << std::string(bytes, 'x');
    setenv("SOURCE_DATE_EPOCH", epoch, 1);
    std::string id = Output({"import", "-m", "made", tree, name});
    unsetenv("SOURCE_DATE_EPOCH");
    id.pop_back();
    return id;
  }

  // An image of the layer of debian:12 and that of the other, with these labels.
  void Layered(const std::string& tag, int64_t created, const Json& labels) {
    const auto store = Store::Open(dir_ + "/store");
    ASSERT_TRUE(store);
    const auto session = (*store)->Begin();
    ASSERT_TRUE(session);
    auto base = (*store)->images().Find(base_);
    auto other = (*store)->images().Find(other_);
    ASSERT_TRUE(base && other);
    ImageRecord image = base->image;
    image.diff_ids.push_back(other->image.diff_ids[0]);
    image.parent = base->image.id;
    image.chain_id = ChainIdOf(image.diff_ids);
    image.created = {created, 0};
    image.size = base->image.size + other->image.size;
    auto config = ParseImageConfig(*(*store)->ReadBlob(base->image.id));
    ASSERT_TRUE(config);
    config->document["config"]["Labels"] = labels;
    config->document["config"]["Env"] = {"A=1", "B=\x1b[31m"};
    NewLayer layer{image.diff_ids[1], image.created, "RUN \x1b[31m touch", "me", "second"};
    const auto id = (*session)->PutBlob(ComposeChild(*config, layer));
    ASSERT_TRUE(id);
    image.id = *id;
    const auto manifest = (*session)->PutBlob(
        DumpJson({{"schemaVersion", 2}, {"config", {{"digest", id->ToString()}}}}));
    ASSERT_TRUE(manifest);
    image.blobs = {*manifest};
    std::vector<std::string> tags;
    if (!tag.empty()) tags.push_back(tag);
    ASSERT_TRUE((*store)->images().Put(image, tags));
  }

  std::string dir_;
  std::string base_;
  std::string other_;
  std::string output_;
  std::string error_;
};

constexpr const char* kName = "{{.Repository}}:{{.Tag}}";

TEST_F(ListsTest, ImagesFilters) {
  const auto names = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"images", "--format", kName});
    return Output(words);
  };
  EXPECT_EQ(names({}), "<none>:<none>\nlabelled:latest\nlocalhost:5000/team/app:1\ndebian:12\n");
  EXPECT_EQ(names({"-f", "dangling=true"}), "<none>:<none>\n");
  EXPECT_EQ(names({"-f", "dangling=false", "-f", "before=labelled"}),
            "localhost:5000/team/app:1\ndebian:12\n");
  EXPECT_EQ(names({"-f", "since=localhost:5000/team/app:1"}), "<none>:<none>\nlabelled:latest\n");
  EXPECT_EQ(names({"-f", "since=debian:12", "-f", "before=labelled"}),
            "localhost:5000/team/app:1\n");
  EXPECT_EQ(names({"-f", "until=1700000500"}), "debian:12\n");
  EXPECT_EQ(names({"-f", "until=24h"}).size(), names({}).size());
  EXPECT_EQ(names({"-f", "label=role"}), "<none>:<none>\nlabelled:latest\n");
  EXPECT_EQ(names({"-f", "label=role=web"}), "<none>:<none>\n");
  EXPECT_EQ(names({"-f", "label=role", "-f", "label=maintainer=me"}), "labelled:latest\n");
  EXPECT_EQ(names({"-f", "reference=deb*"}), "debian:12\n");
  EXPECT_EQ(names({"-f", "reference=deb*:1?", "-f", "reference=*/*/app"}),
            "localhost:5000/team/app:1\ndebian:12\n");
  EXPECT_EQ(names({"deb*"}), "debian:12\n");
  EXPECT_EQ(names({"docker.io/library/debian"}), "debian:12\n");
  EXPECT_EQ(Run({"images", "-f", "since=nothing"}), 3);
  EXPECT_EQ(Run({"images", "-f", "color=red"}), 2);
  EXPECT_EQ(error_,
            "veneer: invalid filter 'color'; there are dangling, label, since, before, until, "
            "reference\n");
}

TEST_F(ListsTest, ImagesFormats) {
  EXPECT_EQ(Output({"images", "--format", "table {{.ID}}\\t{{.Repository}}", "debian"}),
            "IMAGE ID       REPOSITORY\n" + base_.substr(7, 12) + "   debian\n");
  EXPECT_EQ(Output({"images", "--bytes", "--format", "{{.Size}} {{.CreatedAt}}", "debian"}),
            "5000 2023-11-14 22:13:20 +0000 UTC\n");
  const auto row = ParseJson(Output({"images", "--no-trunc", "--format", "json", "debian"}));
  ASSERT_TRUE(row);
  EXPECT_EQ((*row)["ID"], base_);
  EXPECT_EQ((*row)["Digest"], "<none>");
  EXPECT_EQ((*row)["Containers"], "0");
  EXPECT_NE(Output({"images", "--digests", "labelled"}).find(" sha256:"), std::string::npos);
  EXPECT_EQ(Output({"images", "-q", "--no-trunc", "--digests", "debian"}), base_ + "\n");
  EXPECT_EQ(Run({"images", "--format", "{{.Foo}}"}), 2);
  EXPECT_NE(error_.find("can't evaluate field Foo"), std::string::npos) << error_;
}

TEST_F(ListsTest, ImagesTreeShowsWhatIsShared) {
  const std::string tree = Output({"images", "--tree", "--bytes"});
  EXPECT_NE(tree.find("debian:12 "), std::string::npos) << tree;
  EXPECT_NE(tree.find("├─ <none> "), std::string::npos) << tree;
  EXPECT_NE(tree.find("└─ labelled:latest "), std::string::npos) << tree;
  EXPECT_NE(tree.find(" 2         5100      100\n"), std::string::npos) << tree;
}

TEST_F(ListsTest, HistoryFormats) {
  const std::string human = Output({"history", "labelled"});
  EXPECT_EQ(human.find('\x1b'), std::string::npos);
  EXPECT_NE(human.find("RUN ?[31m touch"), std::string::npos) << human;
  EXPECT_NE(human.find("\n" + base_.substr(7, 12) + " "), std::string::npos) << human;
  EXPECT_EQ(human.find("<missing>"), std::string::npos) << human;
  EXPECT_NE(Output({"history", "--bytes", "--format", "{{json .}}", "labelled"})
                .find("\"Size\":\"5000\""),
            std::string::npos);
  for (const char* option : {"-H=false", "--human=false"}) {
    EXPECT_EQ(Output({"history", option, "--format", "{{.CreatedAt}} {{.Size}}", "labelled"}),
              "2023-11-14T22:46:40Z 100\n2023-11-14T22:13:20Z 5000\n");
    EXPECT_NE(Output({"image", "history", option, "labelled"}).find("CREATED AT"),
              std::string::npos);
  }
  EXPECT_EQ(Output({"history", "-H", "--format", "{{.Size}}", "labelled"}), "100B\n5kB\n");
  EXPECT_EQ(Output({"history", "--bytes", "--format", "{{.Size}}", "labelled"}), "100\n5000\n");
  EXPECT_EQ(Output({"history", "-q", "--no-trunc", "debian:12"}), base_ + "\n");
}

TEST_F(ListsTest, InspectsImagesAndLayers) {
  const auto parse = [&](const std::string& text) {
    return Json::parse(text, nullptr, /*allow_exceptions=*/false);
  };
  const Json list = parse(Output({"inspect", "labelled", "debian:12"}));
  ASSERT_EQ(list.size(), 2u);
  const Json& image = list[0];
  EXPECT_EQ(image["RepoTags"], Json::array({"labelled:latest"}));
  EXPECT_EQ(image["RepoDigests"].size(), 1u);
  EXPECT_EQ(image["Parent"], base_);
  EXPECT_EQ(image["Author"], "me");
  EXPECT_EQ(image["Comment"], "second");
  EXPECT_EQ(image["Created"], "2023-11-14T22:46:40Z");
  EXPECT_EQ(image["Config"]["Labels"]["role"], "db");
  EXPECT_TRUE(image["Config"]["Cmd"].is_null());
  EXPECT_EQ(image["Size"], 5100);
  EXPECT_EQ(image["RootFS"]["Layers"].size(), 2u);
  EXPECT_EQ(list[1]["Id"], base_);
  for (const Json& index : image["GraphDriver"]["Data"]["Index"]) {
    EXPECT_TRUE(std::filesystem::exists(index.get<std::string>())) << index;
  }
  const std::string diff_id = image["RootFS"]["Layers"][1];
  const Json layer = parse(Output({"inspect", diff_id}))[0];
  EXPECT_EQ(layer["Size"], 100);
  EXPECT_EQ(layer["Images"].size(), 3u);
  EXPECT_EQ(Output({"inspect", "-f", "{{json .Config.Env}}", "labelled"}),
            "[\"A=1\",\"B=\\u001b[31m\"]\n");
  EXPECT_EQ(Output({"image", "inspect", "-f", "{{.Id}}", "debian:12"}), base_ + "\n");
}

TEST_F(ListsTest, InspectTellsWhatIsMissing) {
  EXPECT_EQ(Run({"inspect", "nothing"}), 1);
  EXPECT_EQ(output_, "[]\n");
  EXPECT_EQ(error_, "veneer: no such object: nothing\n");
  EXPECT_EQ(Run({"inspect", "--type", "container", "debian:12"}), 1);
  EXPECT_EQ(error_, "veneer: debian:12 is an image, not a container (`veneer ps -a` lists them)\n");
  EXPECT_EQ(Run({"inspect", "-f", "{{.Id}}", "nothing", "debian:12", "../../etc"}), 1);
  EXPECT_EQ(output_, base_ + "\n");
  EXPECT_EQ(Run({"inspect", "-f", "{{.Foo}}", "debian:12"}), 2);
  EXPECT_EQ(Run({"inspect", "--type", "volume", "debian:12"}), 2);
  EXPECT_EQ(Run({"inspect"}), 2);
}

TEST_F(ListsTest, GroupsAreTheSameCommands) {
  EXPECT_EQ(Output({"image", "ls", "-q"}), Output({"images", "-q"}));
  EXPECT_EQ(Output({"container", "ls", "-a"}), Output({"ps", "-a"}));
  EXPECT_NE(Output({"image", "ls", "--help"}).find("Usage: veneer image ls [OPTION...] [REF]"),
            std::string::npos);
  EXPECT_NE(Output({"help", "image"}).find("Usage: veneer image [OPTION...] COMMAND"),
            std::string::npos);
  EXPECT_EQ(Output({"image", "rm", "localhost:5000/team/app:1"}).rfind("Untagged: ", 0), 0u);
  EXPECT_EQ(Output({"image"}), Output({"help", "image"}));
  EXPECT_EQ(Run({"image", "lss"}), 2);
  EXPECT_EQ(
      error_,
      "veneer: image: no command 'lss': one of ls, build, history, inspect, import, load, pull, "
      "push, save, "
      "tag, rm, prune; see `veneer help image`\n");
  EXPECT_EQ(Run({"image", "ls", "--bogus"}), 2);
  EXPECT_EQ(error_, "veneer: image ls: no option '--bogus'; see `veneer help image ls`\n");
}

// What `--format json` shows can be asked for by name.
TEST_F(ListsTest, EveryMemberOfADocumentIsAFieldOfItsTemplates) {
  EXPECT_EQ(Output({"create", "-n", "work", "debian:12"}), "work\n");
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"images"},
                                             {"ps", "-a"},
                                             {"history", "labelled"},
                                             {"layer", "ls", "labelled"},
                                             {"system", "df"},
                                             {"system", "df", "-v"},
                                             {"info"},
                                             {"version"},
                                             {"inspect", "debian:12"},
                                             {"inspect", "work"}}) {
    const auto with = [&](const std::string& format) {
      std::vector<std::string> words = command;
      words.insert(words.end(), {"--format", format});
      return Output(words);
    };
    const std::string lines = with("json");
    const auto row = ParseJson(lines.substr(0, lines.find('\n')));
    ASSERT_TRUE(row) << lines;
    EXPECT_FALSE(row->empty());
    for (const auto& [name, value] : row->items()) {
      EXPECT_NE(with("{{." + name + "}}"), "") << command[0] << " " << name;
      EXPECT_NE(with("{{json ." + name + "}}"), "") << command[0] << " " << name;
    }
  }
}

TEST_F(ListsTest, LayersAndSpaceTakeTemplates) {
  EXPECT_EQ(Output({"layer", "ls", "--bytes", "--format", "{{.Layer}} {{.Size}}", "labelled"}),
            "1 5000\n2 100\n");
  EXPECT_EQ(Output({"system", "df", "--format", "{{.Type}}"}),
            "Images\nContainers\nBuild Cache\nObjects\nOther\n");
  EXPECT_EQ(Output({"system", "df", "-v", "--format", "{{len .Images}}"}), "4\n");
  EXPECT_EQ(Run({"system", "df", "--format", "{{.Foo}}"}), 2);
}

TEST_F(ListsTest, AConfigHasTheMembersThatDockerAlwaysHas) {
  EXPECT_EQ(Output({"inspect", "-f",
                    "{{.Config.Hostname}}{{.Config.Domainname}}|{{.Config.AttachStdin}}|"
                    "{{.Config.Tty}}|{{.Config.OpenStdin}}|{{.Config.StdinOnce}}|{{.Config.Image}}",
                    "debian:12"}),
            "|false|false|false|false|\n");
  EXPECT_EQ(Output({"inspect", "-f",
                    "{{.Config.Cmd}} {{.Config.Labels}} {{.Config.Healthcheck}} {{.Config.Env}}",
                    "debian:12"}),
            "[] map[] <nil> []\n");
}

TEST_F(ListsTest, ANameOfTheOtherKindIsToldAsSuch) {
  EXPECT_EQ(Output({"create", "-n", "work", "debian:12"}), "work\n");
  EXPECT_EQ(Run({"history", "work"}), 3);
  const std::string container =
      "veneer: work is a container, not an image (`veneer images` lists them)\n";
  EXPECT_EQ(error_, container);
  EXPECT_EQ(Run({"save", "-q", "-o", dir_ + "/x", "work"}), 3);
  EXPECT_EQ(error_, container);
  EXPECT_EQ(Run({"inspect", "--type", "image", "work"}), 1);
  EXPECT_EQ(error_, container);
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"commit", "debian:12"}, {"inspect", "--type", "container", "debian:12"}}) {
    EXPECT_NE(Run(words), 0);
    EXPECT_EQ(error_,
              "veneer: debian:12 is an image, not a container (`veneer ps -a` lists them)\n");
  }
}

TEST_F(ListsTest, ImportTellsOfAnArchiveOfImages) {
  Output({"save", "-q", "-o", dir_ + "/saved.tar", "debian:12"});
  EXPECT_EQ(Run({"import", dir_ + "/saved.tar", "wrong:1"}), 0);
  EXPECT_NE(error_.find("saved.tar is an archive of images"), std::string::npos) << error_;
  EXPECT_NE(error_.find("`veneer load`"), std::string::npos) << error_;
}

TEST_F(ListsTest, DiffNamesWhatIsAnother) {
  std::filesystem::create_directory(dir_ + "/next");
  std::ofstream(dir_ + "/next/file") << std::string(5000, 'y');
  std::filesystem::permissions(dir_ + "/next/file", std::filesystem::perms::owner_read);
  Output({"import", "-q", dir_ + "/next", "next:1"});
  const std::string diff = Output({"diff", "--verbose", "debian:12", "next:1"});
  EXPECT_NE(diff.find("C /file (contents, mode, time)\n"), std::string::npos) << diff;
  EXPECT_NE(Output({"diff", "-v", "--stat", "debian:12", "next:1"}).find("CHANGED"),
            std::string::npos);
  EXPECT_NE(Output({"diff", "-v", "--format", "json", "debian:12", "next:1"})
                .find("\"changed\":[\"contents\",\"mode\",\"time\"]"),
            std::string::npos);
}

TEST_F(ListsTest, InfoAndVersionTakeTemplates) {
  EXPECT_EQ(Output({"info", "--format", "{{.Images}} {{.Store}}"}), "4 " + dir_ + "/store\n");
  const auto info = ParseJson(Output({"info", "-f", "json"}));
  ASSERT_TRUE(info);
  EXPECT_TRUE((*info)["KernelFeatures"]["Passthrough"].is_boolean());
  EXPECT_NE(Output({"info"}).find("\nKernel features: passthrough "), std::string::npos);
  EXPECT_NE(output_.find("\nTo do: "), std::string::npos) << output_;
  EXPECT_EQ(Output({"version", "-f", "{{.Version}} {{.Client.Version}}"}),
            Output({"version", "-f", "{{.Client.Version}} {{.Version}}"}));
  EXPECT_EQ(Run({"version", "-f", "{{.Server}}"}), 2);
}

}  // namespace
}  // namespace veneer
