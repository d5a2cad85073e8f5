// SPDX-License-Identifier: Apache-2.0
//
// A union over plain directories, driven by paths, without a mount. The lower directories are
// compared with what they were when the test began.
#ifndef VENEER_TESTS_UNIT_CORE_FIXTURE_H_
#define VENEER_TESTS_UNIT_CORE_FIXTURE_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fs/core/union_fs.h"
#include "fs/upper/upper.h"

namespace veneer {

class UnionFsTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Building the layers, before Mount(). `path` starts with the layer: "a/dir/file".
  void File(const std::string& path, const std::string& text, mode_t mode = 0644);
  void Dir(const std::string& path, mode_t mode = 0755);
  void Mark(const std::string& path, const char* name, const std::string& value);

  // Opens the union over the layers, top first, and the upper "u". Again: a remount.
  void Mount(const std::vector<std::string>& layers, UpperOptions options = {});
  void Remount();
  // The same layers without an upper.
  void OpenReadOnly();
  void Unmount();

  // By path in the union, "" being the root. Each node looked up is forgotten in Unmount().
  Sys<Entry> Find(const std::string& path);
  NodeId Node(const std::string& path);  // fails the test when it is not there
  bool Exists(const std::string& path);
  Sys<std::string> ReadAll(const std::string& path);
  Sys<std::string> ReadNode(NodeId node);
  Sys<void> Write(const std::string& path, uint64_t offset, const std::string& text);
  Sys<void> Create(const std::string& path, const std::string& text, mode_t mode = 0644);
  Sys<void> Mkdir(const std::string& path, mode_t mode = 0755);
  Sys<void> Unlink(const std::string& path);
  Sys<void> Rmdir(const std::string& path);
  Sys<void> Rename(const std::string& from, const std::string& to, unsigned flags = 0);
  Sys<void> Link(const std::string& from, const std::string& to);
  // The names in a directory, sorted, "." and ".." left out; fails when one comes twice.
  std::vector<std::string> List(const std::string& path);
  Attr Stat(const std::string& path);

  std::filesystem::path base_;
  std::unique_ptr<UnionFs> fs_;
  // Called before the lower tree is asked for a name; may take its time.
  std::function<void(std::string_view name)> before_lookup_;
  Caller caller_;
  UnionOptions union_options_;  // of the next Mount() or Remount()
  InoNumbers numbers_;

 private:
  std::shared_ptr<const Layer> Stack();
  std::pair<NodeId, std::string> Split(const std::string& path);
  std::string Snapshot() const;

  std::vector<std::string> layers_;
  UpperOptions options_;
  std::string before_;
};

inline int Code(const Sys<void>& result) { return result ? 0 : result.error().code; }
template <class T>
int Code(const Sys<T>& result) {
  return result ? 0 : result.error().code;
}

}  // namespace veneer

#endif  // VENEER_TESTS_UNIT_CORE_FIXTURE_H_
