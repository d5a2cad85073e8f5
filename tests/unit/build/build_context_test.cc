// SPDX-License-Identifier: Apache-2.0
//
// Where the files of a build come from, and its Dockerfile. tests/registry has web servers.
#include "tools/build/build_context.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <array>
#include <cstdlib>

#include "layerdb/base/sys.h"
#include "layerdb/threads/pipe_feeder.h"
#include "tests/unit/build/source_fixture.h"
#include "tools/dockerfile/dockerfile.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class BuildContextTest : public SourceFixture {
 protected:
  Result<std::unique_ptr<BuildContext>> Open(const std::string& context,
                                             const std::optional<std::string>& file = {},
                                             int input = -1) {
    ContextRequest request;
    request.context = context;
    request.file = file;
    request.input = input;
    return BuildContext::Open(*store_, *writer_, request);
  }
  // The context with `input` on standard input, by a pipe.
  Result<std::unique_ptr<BuildContext>> OpenInput(const std::string& input,
                                                  const std::string& context = "-",
                                                  const std::optional<std::string>& file = {}) {
    const auto feeder =
        *PipeFeeder::Start([&](const PipeFeeder::Give& give) { return give(input); });
    return Open(context, file, feeder->fd());
  }
  std::string ErrorOf(const Result<std::unique_ptr<BuildContext>>& context, ExitCode exit) {
    EXPECT_FALSE(context);
    if (context) return "";
    EXPECT_EQ(context.error().exit(), exit);
    EXPECT_EQ(context.error().message().find('\n'), std::string::npos);
    return context.error().message();
  }
  // The archive of `from`, packed by a program.
  std::string Archive(const std::string& filter) const {
    const std::string file = dir_ + "/archive";
    const std::string command = "tar -C " + dir_ + "/from -cf - . | " + filter + " > " + file;
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static bool Has(const BuildContext& context, const std::string& path) {
    const auto tree = context.OpenTree();
    EXPECT_TRUE(tree && *tree);
    const auto found = LocateIn((*tree)->layer(), path, LastLink::kKeep);
    return found && *found;
  }

  std::unique_ptr<Store> store_ = *Store::Open(dir_ + "/store");
  std::unique_ptr<StoreWriter> writer_ = *store_->Begin();
};

TEST_F(BuildContextTest, ADirectoryHasItsDockerfile) {
  Write(From("Dockerfile"), "FROM scratch\n");
  Write(From("file"), "x");
  const auto context = Open(dir_ + "/from");
  ASSERT_TRUE(context) << context.error().message();
  EXPECT_EQ((*context)->text(), "FROM scratch\n");
  EXPECT_EQ((*context)->name(), "Dockerfile");
  EXPECT_TRUE((*context)->has_files());
  EXPECT_TRUE(Has(**context, "file"));
  EXPECT_TRUE((*context)->ignored().empty());
  fs::rename(From("Dockerfile"), From("dockerfile"));
  EXPECT_EQ((*Open(dir_ + "/from"))->name(), "dockerfile");
}

TEST_F(BuildContextTest, AContextThatIsNoDirectoryIsAnError) {
  EXPECT_THAT(ErrorOf(Open(dir_ + "/none"), ExitCode::kNotFound),
              HasSubstr("/none\": No such file or directory"));
  Write(From("file"), "x");
  EXPECT_THAT(ErrorOf(Open(From("file")), ExitCode::kFailed), HasSubstr("is no directory"));
  EXPECT_THAT(ErrorOf(Open(dir_ + "/from"), ExitCode::kNotFound),
              HasSubstr("no file \"Dockerfile\""));
}

// B3 of Docker's behaviour: the Dockerfile may lie outside, and is the caller's to name.
TEST_F(BuildContextTest, TheDockerfileOfADirectoryIsWhereTheCallerSays) {
  Write(Below("My.docker"), "FROM a\n");
  fs::create_symlink(Below("My.docker"), Below("link"));
  Write(From("Dockerfile"), "FROM b\n");
  EXPECT_EQ((*Open(dir_ + "/from", Below("My.docker")))->text(), "FROM a\n");
  EXPECT_EQ((*Open(dir_ + "/from", Below("link")))->text(), "FROM a\n");
  EXPECT_THAT(ErrorOf(Open(dir_ + "/from", Below("none")), ExitCode::kNotFound),
              HasSubstr("/none\" is not there"));
  EXPECT_THAT(ErrorOf(Open(dir_ + "/from", dir_ + "/below"), ExitCode::kFailed),
              HasSubstr("is a directory"));
  ASSERT_EQ(::mkfifo(Below("fifo").c_str(), 0600), 0);
  EXPECT_THAT(ErrorOf(Open(dir_ + "/from", Below("fifo")), ExitCode::kFailed),
              HasSubstr("is no regular file"));
  EXPECT_EQ((*OpenInput("FROM c\n", dir_ + "/from", "-"))->text(), "FROM c\n");
}

TEST_F(BuildContextTest, NoSymlinkOfTheContextLeadsToADockerfileOutside) {
  Write(Below("secret"), "FROM a\n");
  fs::create_symlink(Below("secret"), From("Dockerfile"));
  EXPECT_THAT(ErrorOf(Open(dir_ + "/from"), ExitCode::kNotFound),
              HasSubstr("a symlink to nothing in the context"));
  fs::remove(From("Dockerfile"));
  fs::create_directories(From("docker"));
  Write(From("docker/main"), "FROM b\n");
  fs::create_symlink("docker/main", From("Dockerfile"));
  EXPECT_EQ((*Open(dir_ + "/from"))->text(), "FROM b\n");
}

TEST_F(BuildContextTest, ADockerfileThatIsTooLargeIsRefused) {
  const std::string most(kMaxDockerfileBytes, '#');
  Write(From("Dockerfile"), most);
  EXPECT_EQ((*Open(dir_ + "/from"))->text().size(), most.size());
  EXPECT_EQ((*OpenInput(most))->text().size(), most.size());
  Write(From("Dockerfile"), most + "#");
  EXPECT_THAT(ErrorOf(Open(dir_ + "/from"), ExitCode::kFailed), HasSubstr("more than 1 MiB"));
  EXPECT_THAT(ErrorOf(OpenInput(most + "#"), ExitCode::kFailed), HasSubstr("more than 1 MiB"));
}

// B9.
TEST_F(BuildContextTest, TextOnStandardInputIsADockerfileWithoutAContext) {
  const auto context = OpenInput("FROM scratch\n");
  ASSERT_TRUE(context) << context.error().message();
  EXPECT_EQ((*context)->text(), "FROM scratch\n");
  EXPECT_EQ((*context)->name(), "standard input");
  EXPECT_FALSE((*context)->has_files());
  EXPECT_EQ(*(*context)->OpenTree(), nullptr);
  EXPECT_THAT(ErrorOf(OpenInput("FROM a\n", "-", "Dockerfile"), ExitCode::kUsage),
              HasSubstr("is named as another one"));
  EXPECT_THAT(ErrorOf(OpenInput("FROM a\n", "-", "-"), ExitCode::kUsage),
              HasSubstr("cannot be both"));
}

// B10.
TEST_F(BuildContextTest, AnArchiveOnStandardInputIsTheContext) {
  Write(From("Dockerfile"), "FROM a\n");
  fs::create_directories(From("sub"));
  Write(From("sub/Other"), "FROM b\n");
  Write(From("sub/Other.dockerignore"), "large\n");
  Write(From(".dockerignore"), "sub\n");
  Write(From("large"), std::string(3'000'000, 'x'));
  for (const std::string filter : {"cat", "gzip", "bzip2", "xz", "zstd"}) {
    const std::string archive = Archive(filter);
    const auto context = OpenInput(archive);
    ASSERT_TRUE(context) << filter << context.error().message();
    EXPECT_EQ((*context)->text(), "FROM a\n");
    EXPECT_TRUE(Has(**context, "large"));
    EXPECT_TRUE((*context)->ignored().Ignores("sub/Other"));
    const auto other = OpenInput(archive, "-", "sub/Other");
    ASSERT_TRUE(other) << other.error().message();
    EXPECT_EQ((*other)->text(), "FROM b\n");
    EXPECT_TRUE((*other)->ignored().Ignores("large"));
    EXPECT_FALSE((*other)->ignored().Ignores("sub/Other"));
  }
  EXPECT_THAT(ErrorOf(OpenInput(Archive("cat"), "-", "none"), ExitCode::kNotFound),
              HasSubstr("no file \"none\""));
}

TEST_F(BuildContextTest, AnArchiveThatIsDamagedIsRefusedAtOnce) {
  // The writer waits for ever: nothing more is read.
  std::array<int, 2> ends;
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const Fd out(ends[0]);
  const Fd in(ends[1]);
  const std::string bytes = "\x1f\x8b\x08" + std::string(2000, 'x');
  ASSERT_EQ(::write(in.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  EXPECT_THAT(ErrorOf(Open("-", {}, out.get()), ExitCode::kFailed),
              testing::StartsWith("standard input: "));
}

// E58 of Docker's builders.
TEST_F(BuildContextTest, TheIgnoreFileBesideTheDockerfileGoesFirst) {
  Write(From("Dockerfile"), "FROM a\n");
  Write(From(".dockerignore"), "common\n");
  Write(From(".containerignore"), "other\n");
  EXPECT_TRUE((*Open(dir_ + "/from"))->ignored().Ignores("common"));
  EXPECT_FALSE((*Open(dir_ + "/from"))->ignored().Ignores("other"));
  Write(From("Dockerfile.dockerignore"), "own\n");
  EXPECT_TRUE((*Open(dir_ + "/from"))->ignored().Ignores("own"));
  EXPECT_FALSE((*Open(dir_ + "/from"))->ignored().Ignores("common"));
  Write(Below("My"), "FROM a\n");
  EXPECT_TRUE((*Open(dir_ + "/from", Below("My")))->ignored().Ignores("common"));
  Write(Below("My.dockerignore"), "mine\n");
  EXPECT_TRUE((*Open(dir_ + "/from", Below("My")))->ignored().Ignores("mine"));
  EXPECT_TRUE((*OpenInput("FROM c\n", dir_ + "/from", "-"))->ignored().Ignores("common"));
  Write(From("Dockerfile.dockerignore"), "a\n!\n");
  EXPECT_THAT(ErrorOf(Open(dir_ + "/from"), ExitCode::kFailed),
              testing::StartsWith("\"Dockerfile.dockerignore\": line 2: "));
}

TEST_F(BuildContextTest, ANamedContextIsAllOfADirectory) {
  Write(From(".dockerignore"), "*\n");
  const auto context = BuildContext::OpenFiles(*store_, *writer_, dir_ + "/from", nullptr);
  ASSERT_TRUE(context) << context.error().message();
  EXPECT_TRUE((*context)->ignored().empty());
  EXPECT_TRUE(Has(**context, ".dockerignore"));
}

}  // namespace
}  // namespace veneer
