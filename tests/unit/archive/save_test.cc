// SPDX-License-Identifier: Apache-2.0
//
// Images written as archives, and read by the machine's own tar, gzip, zstd and python3. What other
// programs make of them is in tests/interop.
#include "tools/archive/save.h"

#include <filesystem>
#include <map>

#include "layerdb/catalog/images.h"
#include "tests/unit/transfer/transfer_testing.h"
#include "tools/oci/config.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;

class SaveTest : public TransferTest {
 protected:
  // An image of these archives, bottom first.
  Digest Image(const std::vector<std::string>& archives, const std::vector<std::string>& tags) {
    ImageRecord image{Digest::OfBytes(""), {}, Digest::OfBytes(""), {}, 0, {}};
    for (const std::string& archive : archives) {
      image.diff_ids.push_back(ImportBytes(archive).diff_id);
    }
    std::string config = ComposeImage({image.diff_ids[0], {}, "", "", ""}, {"linux", "amd64", ""});
    for (size_t i = 1; i < image.diff_ids.size(); ++i) {
      config = ComposeChild(*ParseImageConfig(config), {image.diff_ids[i], {}, "", "", ""});
    }
    const auto session = store().Begin();
    image.id = *(*session)->PutBlob(config);
    image.chain_id = ChainIdOf(image.diff_ids);
    const Result<void> put = store().images().Put(image, tags);
    EXPECT_TRUE(put) << put.error().message();
    return image.id;
  }

  Result<void> Save(const std::vector<std::string>& names, const std::string& output,
                    SaveFormat format = SaveFormat::kDockerArchive,
                    const std::string& compression = "none") {
    SaveOptions options;
    options.format = format;
    options.compression = *ParseCompression(compression);
    options.output = Path(output);
    options.cancel = &cancel_;
    options.progress = [&](uint64_t done, uint64_t total) {
      done_ = done;
      total_ = total;
    };
    return SaveImages(store(), names, options);
  }
  void MustSave(const std::vector<std::string>& names, const std::string& output,
                SaveFormat format = SaveFormat::kDockerArchive,
                const std::string& compression = "none") {
    const Result<void> saved = Save(names, output, format, compression);
    ASSERT_TRUE(saved) << saved.error().message();
  }

  static std::string Layer(const std::string& name, size_t size) {
    return TarFile(name, std::string(size, name[0])) + TarEnd();
  }

  Cancellation cancel_;
  uint64_t done_ = 0;
  uint64_t total_ = 0;
};

TEST_F(SaveTest, ADockerArchiveHasTheBytesThatCameIn) {
  const std::string base = Layer("base", 3'000'000);
  const Digest id = Image({base, Layer("top", 10)}, {"web:1"});
  MustSave({"web:1"}, "web.tar");
  const std::string base_hex = Digest::OfBytes(base).hex();
  const std::string top_hex = Digest::OfBytes(Layer("top", 10)).hex();
  EXPECT_EQ(Shell("tar -tf web.tar"), "manifest.json\nrepositories\n" + id.hex() + ".json\n" +
                                          base_hex + ".tar\n" + top_hex + ".tar\n");
  EXPECT_EQ(Shell("tar -xOf web.tar manifest.json"),
            R"([{"Config":")" + id.hex() + R"(.json","RepoTags":["web:1"],"Layers":[")" + base_hex +
                R"(.tar",")" + top_hex + R"(.tar"]}])");
  EXPECT_EQ(Shell("tar -xOf web.tar repositories"), R"({"web":{"1":")" + top_hex + R"("}})");
  for (const std::string& hex : {base_hex, top_hex}) {
    EXPECT_EQ(Shell("tar -xOf web.tar " + hex + ".tar | sha256sum | cut -c1-64"), hex + "\n");
  }
  EXPECT_EQ(Shell("tar -xOf web.tar " + id.hex() + ".json | sha256sum | cut -c1-64"),
            id.hex() + "\n");
  EXPECT_EQ(done_, total_);
  EXPECT_EQ(total_, base.size() + Layer("top", 10).size());
}

TEST_F(SaveTest, ALayerIsThereOnceHoweverManyHaveIt) {
  const std::string base = Layer("base", 100);
  Image({base, Layer("one", 10), base}, {"one:1", "one:2"});
  const Digest two = Image({base, Layer("two", 10)}, {});
  MustSave({"one:2", "one:1", "one:2", two.hex().substr(0, 12)}, "both.tar");
  EXPECT_EQ(Shell("tar -tf both.tar | grep -c 'tar$'; tar -tf both.tar | sort | uniq -d"), "3\n");
  EXPECT_EQ(Shell("tar -xOf both.tar manifest.json | python3 -c 'import json, sys\n"
                  "for i in json.load(sys.stdin): print(i[\"RepoTags\"], len(i[\"Layers\"]))'"),
            "['one:1', 'one:2'] 3\nNone 2\n");
}

TEST_F(SaveTest, ANameWithoutATagIsAllTagsOfTheRepository) {
  Image({Layer("a", 1)}, {"r:1", "r:2", "other/r:1"});
  MustSave({"r"}, "r.tar");
  EXPECT_EQ(Shell("tar -xOf r.tar manifest.json | grep -o 'RepoTags[^]]*]'"),
            "RepoTags\":[\"r:1\",\"r:2\"]\n");
}

TEST_F(SaveTest, TheSameImageGivesTheSameBytes) {
  Image({Layer("base", 2'000'000), Layer("top", 10)}, {"web:1"});
  for (const std::string method : {"none", "gzip", "zstd:3"}) {
    for (const SaveFormat format : {SaveFormat::kDockerArchive, SaveFormat::kOciArchive}) {
      MustSave({"web:1"}, "a", format, method);
      MustSave({"web:1"}, "b", format, method);
      Shell("cmp a b");
    }
  }
}

TEST_F(SaveTest, ACompressedDockerArchiveIsTheSameArchive) {
  Image({Layer("base", 2'000'000)}, {"web:1"});
  MustSave({"web:1"}, "plain");
  MustSave({"web:1"}, "gz", SaveFormat::kDockerArchive, "gzip");
  MustSave({"web:1"}, "zst", SaveFormat::kDockerArchive, "zstd");
  Shell("gzip -dc gz | cmp - plain; zstd -dc zst | cmp - plain");
}

// Every blob of a layout has the digest and size that name it, and the layers give the diff ids of
// the config.
constexpr const char* kCheckLayout = R"(python3 - <<'E'
import gzip, hashlib, json, subprocess
read = lambda d: open('layout/blobs/' + d.replace(':', '/'), 'rb').read()
def blob(d):
    data = read(d['digest'])
    assert 'sha256:' + hashlib.sha256(data).hexdigest() == d['digest'] and len(data) == d['size'], d
    return data
assert json.load(open('layout/oci-layout')) == {'imageLayoutVersion': '1.0.0'}
for entry in json.load(open('layout/index.json'))['manifests']:
    manifest = json.loads(blob(entry))
    config = json.loads(blob(manifest['config']))
    ids = []
    for layer in manifest['layers']:
        data, kind = blob(layer), layer['mediaType'].rpartition('.tar')[2]
        command = {'+gzip': ['gzip', '-dc'], '+zstd': ['zstd', '-dc']}.get(kind, ['cat'])
        data = subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout
        ids.append('sha256:' + hashlib.sha256(data).hexdigest())
    assert ids == config['rootfs']['diff_ids'], ids
    name = entry['annotations']['org.opencontainers.image.ref.name']
    print(manifest['config']['digest'], kind, name)
E
find layout -type f | grep -c blobs)";

TEST_F(SaveTest, ALayoutIsWholeInEveryForm) {
  const Digest id = Image({Layer("base", 2'000'000), Layer("top", 10)}, {"web:1"});
  for (const auto& [method, kind] :
       std::map<std::string, std::string>{{"none", ""}, {"gzip", "+gzip"}, {"zstd:5", "+zstd"}}) {
    const std::string expected = id.ToString() + " " + kind + " 1\n4\n";
    MustSave({"web:1"}, "layout", SaveFormat::kOciDirectory, method);
    EXPECT_EQ(Shell(kCheckLayout), expected);
    MustSave({"web:1"}, "layout.tar", SaveFormat::kOciArchive, method);
    Shell("mv layout plain; mkdir layout; tar -C layout -xf layout.tar; diff -r plain layout");
    EXPECT_EQ(Shell(kCheckLayout), expected);
    Shell("rm -r layout plain");
  }
}

TEST_F(SaveTest, ADirectoryMustBeFree) {
  Image({Layer("base", 10)}, {"web:1"});
  fs::create_directories(Path("empty"));
  MustSave({"web:1"}, "empty/", SaveFormat::kOciDirectory);
  EXPECT_TRUE(fs::exists(Path("empty/index.json")));
  Write("file", "");
  for (const char* name : {"empty", "file"}) {
    const Result<void> saved = Save({"web:1"}, name, SaveFormat::kOciDirectory);
    ASSERT_FALSE(saved);
    EXPECT_EQ(saved.error().exit(), ExitCode::kUsage) << saved.error().message();
  }
  EXPECT_EQ(Shell("find . -name '.veneer*'"), "");
}

TEST_F(SaveTest, WhatIsNotThereIsNotFound) {
  Image({Layer("base", 10)}, {"web:1"});
  for (const char* name : {"wob:1", "wob", "Not:A:Name", "", "abcdef012345"}) {
    const Result<void> saved = Save({"web:1", name}, "x.tar");
    ASSERT_FALSE(saved) << name;
    EXPECT_EQ(saved.error().exit(), ExitCode::kNotFound) << saved.error().message();
    EXPECT_FALSE(fs::exists(Path("x.tar")));
  }
}

TEST_F(SaveTest, DamageIsAnErrorAndNothingIsLeft) {
  const Digest id = Image({Layer("base", 2'000'000)}, {"web:1"});
  const std::string layer = Digest::OfBytes(Layer("base", 2'000'000)).hex();
  Shell("cp -a store whole; mkdir out; chmod -R u+w store whole");
  const std::vector<std::string> damages = {
      "f=$(ls store/objects/*/*); printf Z | dd of=$f bs=1 seek=1000 conv=notrunc status=none",
      "truncate -s 1000 store/objects/*/*",
      "rm -r store/objects/*",
      "truncate -s 40 store/layers/" + layer + "/recipe",
      "printf Z | dd of=store/layers/" + layer + "/recipe bs=1 seek=20 conv=notrunc status=none",
      "printf Z | dd of=store/blobs/sha256/" + id.hex() + " bs=1 seek=3 conv=notrunc status=none",
  };
  for (const std::string& damage : damages) {
    Shell("for d in layers objects blobs; do rm -rf store/$d; cp -a whole/$d store/; done\n" +
          damage);
    for (const SaveFormat format :
         {SaveFormat::kDockerArchive, SaveFormat::kOciArchive, SaveFormat::kOciDirectory}) {
      for (const char* method : {"none", "gzip"}) {
        const Result<void> saved = Save({"web:1"}, "out/x", format, method);
        ASSERT_FALSE(saved) << damage;
        EXPECT_EQ(saved.error().reason(), Reason::kDamaged)
            << damage << ": " << saved.error().message();
        EXPECT_EQ(Shell("ls -A out store/staging"), "out:\n\nstore/staging:\n") << damage;
      }
    }
  }
}

TEST_F(SaveTest, EndsWhenAskedAndLeavesNothing) {
  Image({Layer("base", 2'000'000)}, {"web:1"});
  fs::create_directories(Path("out"));
  cancel_.Request();
  for (const SaveFormat format :
       {SaveFormat::kDockerArchive, SaveFormat::kOciArchive, SaveFormat::kOciDirectory}) {
    for (const char* method : {"none", "gzip"}) {
      const Result<void> saved = Save({"web:1"}, "out/x", format, method);
      ASSERT_FALSE(saved);
      EXPECT_EQ(saved.error().code(), ECANCELED);
      EXPECT_EQ(Shell("ls -A out store/staging"), "out:\n\nstore/staging:\n");
    }
  }
}

TEST_F(SaveTest, RefusesFormatsThatAreNone) {
  EXPECT_EQ(ParseSaveFormat("docker").error().exit(), ExitCode::kUsage);
  EXPECT_EQ(*ParseSaveFormat("oci-dir"), SaveFormat::kOciDirectory);
  EXPECT_EQ(DefaultCompression(SaveFormat::kDockerArchive).kind, CompressionKind::kNone);
  EXPECT_EQ(DefaultCompression(SaveFormat::kOciArchive).kind, CompressionKind::kGzip);
}

}  // namespace
}  // namespace veneer
