// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/core/fixture.h"

#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "layerdb/layer/dir_layer.h"
#include "layerdb/layer/layer_stack.h"
#include "layerdb/layer/marks.h"
#include "tests/support/temp_dir.h"

namespace veneer {

namespace stdfs = std::filesystem;

namespace {

// A layer that lets a test do something in the midst of a request.
class HookedLayer : public Layer {
 public:
  using Hook = std::function<void(std::string_view)>;
  HookedLayer(std::shared_ptr<const Layer> inner, const Hook& hook)
      : inner_(std::move(inner)), hook_(hook) {}

  LayerObject Root() const override { return inner_->Root(); }
  Sys<std::optional<LayerObject>> Lookup(const LayerRef& dir, std::string_view name,
                                         uint64_t hint) const override {
    if (hook_) hook_(name);
    return inner_->Lookup(dir, name, hint);
  }
  Sys<void> List(const LayerRef& dir, FunctionRef<void(const LayerDirent&)> sink) const override {
    return inner_->List(dir, sink);
  }
  Sys<Attr> Stat(const LayerRef& ref) const override { return inner_->Stat(ref); }
  Sys<std::optional<Timestamp>> BirthTime(const LayerRef& ref) const override {
    return inner_->BirthTime(ref);
  }
  Sys<std::string> ReadLink(const LayerRef& ref) const override { return inner_->ReadLink(ref); }
  Sys<Content> Open(const LayerRef& ref) const override { return inner_->Open(ref); }
  Sys<std::string> GetXattr(const LayerRef& ref, const std::string& name) const override {
    return inner_->GetXattr(ref, name);
  }
  Sys<XattrList> ListXattrs(const LayerRef& ref) const override { return inner_->ListXattrs(ref); }
  Sys<struct statvfs> StatFs() const override { return inner_->StatFs(); }

 private:
  const std::shared_ptr<const Layer> inner_;
  const Hook& hook_;
};

}  // namespace

void UnionFsTest::SetUp() {
  base_ = MakeTempDir("core");
  ::umask(0);
  caller_.uid = ::geteuid();
  caller_.gid = ::getegid();
  caller_.umask = 022;
}

void UnionFsTest::TearDown() {
  if (fs_) Unmount();
  stdfs::remove_all(base_);
}

void UnionFsTest::File(const std::string& path, const std::string& text, mode_t mode) {
  stdfs::create_directories((base_ / path).parent_path());
  std::ofstream(base_ / path) << text;
  ASSERT_EQ(::chmod((base_ / path).c_str(), mode), 0);
}

void UnionFsTest::Dir(const std::string& path, mode_t mode) {
  stdfs::create_directories(base_ / path);
  ASSERT_EQ(::chmod((base_ / path).c_str(), mode), 0);
}

void UnionFsTest::Mark(const std::string& path, const char* name, const std::string& value) {
  ASSERT_EQ(::lsetxattr((base_ / path).c_str(), name, value.data(), value.size(), 0), 0) << path;
}

// Every byte and attribute of the layers.
std::string UnionFsTest::Snapshot() const {
  std::ostringstream out;
  for (const std::string& layer : layers_) {
    std::vector<stdfs::path> paths{base_ / layer};
    for (const auto& entry : stdfs::recursive_directory_iterator(base_ / layer)) {
      paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
      struct stat st;
      EXPECT_EQ(::lstat(path.c_str(), &st), 0);
      out << path << ' ' << st.st_mode << ' ' << st.st_uid << ' ' << st.st_gid << ' ' << st.st_nlink
          << ' ' << st.st_size << ' ' << st.st_mtim.tv_sec << '.' << st.st_mtim.tv_nsec << ' '
          << st.st_ctim.tv_sec << '.' << st.st_ctim.tv_nsec;
      if (S_ISREG(st.st_mode)) out << ' ' << std::ifstream(path).rdbuf();
      out << '\n';
    }
  }
  return out.str();
}

void UnionFsTest::Mount(const std::vector<std::string>& layers, UpperOptions options) {
  layers_ = layers;
  options_ = std::move(options);
  options_.upperdir = base_ / "u";
  options_.workdir = base_ / "w";
  stdfs::create_directories(options_.upperdir);
  stdfs::create_directories(options_.workdir);
  before_ = Snapshot();
  Remount();
}

std::shared_ptr<const Layer> UnionFsTest::Stack() {
  std::vector<std::shared_ptr<const Layer>> stack;
  for (const std::string& name : layers_) {
    auto layer = DirLayer::Open(base_ / name, {});
    EXPECT_TRUE(layer.has_value()) << layer.error().message();
    stack.push_back(*std::move(layer));
  }
  return std::make_shared<HookedLayer>(std::make_shared<LayerStack>(std::move(stack), numbers_),
                                       before_lookup_);
}

void UnionFsTest::Remount() {
  if (fs_) Unmount();
  auto upper = Upper::Open(options_);
  ASSERT_TRUE(upper.has_value()) << upper.error().message();
  union_options_.numbers = numbers_;
  fs_ = std::make_unique<UnionFs>(Stack(), *std::move(upper), union_options_);
}

void UnionFsTest::OpenReadOnly() {
  fs_ = std::make_unique<UnionFs>(Stack(), nullptr, UnionOptions{});
}

void UnionFsTest::Unmount() {
  fs_.reset();
  EXPECT_EQ(Snapshot(), before_) << "a lower layer was changed";
}

Sys<Entry> UnionFsTest::Find(const std::string& path) {
  Entry entry;
  entry.node = kRootNode;
  std::istringstream parts(path);
  for (std::string part; std::getline(parts, part, '/');) {
    auto next = fs_->Lookup(entry.node, part);
    if (!next) return Fail(next.error());
    if (next->node == kNoNode) return Fail(ENOENT);
    entry = *next;
  }
  return entry;
}

NodeId UnionFsTest::Node(const std::string& path) {
  const auto entry = Find(path);
  EXPECT_TRUE(entry.has_value()) << path << ": " << ErrnoText(entry.error().code);
  return entry ? entry->node : kNoNode;
}

bool UnionFsTest::Exists(const std::string& path) { return Find(path).has_value(); }

Sys<std::string> UnionFsTest::ReadNode(NodeId node) {
  VENEER_TRY(const Attr attr, fs_->GetAttr(node));
  VENEER_TRY(const ReadResult data, fs_->Read(node, 0, attr.size + 1));
  if (data.fd < 0) return std::string(data.bytes);
  std::string text(data.size, '\0');
  VENEER_TRY(const size_t n, sys::ReadAt(data.fd, text.data(), text.size(), data.offset));
  text.resize(n);
  EXPECT_EQ(text.size(), attr.size) << "size and contents disagree";
  return text;
}

Sys<std::string> UnionFsTest::ReadAll(const std::string& path) {
  VENEER_TRY(const Entry entry, Find(path));
  return ReadNode(entry.node);
}

std::pair<NodeId, std::string> UnionFsTest::Split(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {kRootNode, path};
  return {Node(path.substr(0, slash)), path.substr(slash + 1)};
}

Sys<void> UnionFsTest::Write(const std::string& path, uint64_t offset, const std::string& text) {
  VENEER_TRY(const Entry entry, Find(path));
  VENEER_TRY(const size_t n, fs_->Write(entry.node, offset, text, false));
  EXPECT_EQ(n, text.size());
  return {};
}

Sys<void> UnionFsTest::Create(const std::string& path, const std::string& text, mode_t mode) {
  const auto [dir, name] = Split(path);
  VENEER_TRY(const Entry entry, fs_->MakeNode(dir, name, S_IFREG | mode, 0, 0, caller_));
  VENEER_TRY(const size_t n, fs_->Write(entry.node, 0, text, false));
  EXPECT_EQ(n, text.size());
  return {};
}

Sys<void> UnionFsTest::Mkdir(const std::string& path, mode_t mode) {
  const auto [dir, name] = Split(path);
  VENEER_TRY(const Entry entry, fs_->MakeDirectory(dir, name, mode, caller_));
  EXPECT_EQ(entry.attr.type, FileType::kDirectory);
  return {};
}

Sys<void> UnionFsTest::Unlink(const std::string& path) {
  const auto [dir, name] = Split(path);
  return fs_->Unlink(dir, name);
}

Sys<void> UnionFsTest::Rmdir(const std::string& path) {
  const auto [dir, name] = Split(path);
  return fs_->RemoveDirectory(dir, name);
}

Sys<void> UnionFsTest::Rename(const std::string& from, const std::string& to, unsigned flags) {
  const auto [dir, name] = Split(from);
  const auto [new_dir, new_name] = Split(to);
  return fs_->Rename(dir, name, new_dir, new_name, flags);
}

Sys<void> UnionFsTest::Link(const std::string& from, const std::string& to) {
  VENEER_TRY(const Entry entry, Find(from));
  const auto [dir, name] = Split(to);
  VENEER_TRY(const Entry linked, fs_->Link(entry.node, dir, name));
  EXPECT_EQ(linked.node, entry.node);
  return {};
}

std::vector<std::string> UnionFsTest::List(const std::string& path) {
  std::vector<std::string> names;
  const auto read = fs_->ReadDir(Node(path), 0, [&](const DirEntry& entry) {
    if (entry.name != "." && entry.name != "..") names.emplace_back(entry.name);
    return true;
  });
  EXPECT_TRUE(read.has_value());
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end()) << "a name twice";
  return names;
}

Attr UnionFsTest::Stat(const std::string& path) {
  const auto attr = fs_->GetAttr(Node(path));
  EXPECT_TRUE(attr.has_value());
  return attr.value_or(Attr{});
}

}  // namespace veneer
