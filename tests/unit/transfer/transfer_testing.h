// SPDX-License-Identifier: Apache-2.0
//
// What the tests of this folder share: a temporary directory with a store in it, shell commands
// (the tests use the machine's own tar, bsdtar and python3 as the other side), and a text dump of a
// layer.
#ifndef VENEER_TESTS_UNIT_TRANSFER_TRANSFER_TESTING_H_
#define VENEER_TESTS_UNIT_TRANSFER_TRANSFER_TESTING_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "layerdb/base/digest.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/tar/block.h"
#include "layerdb/transfer/import.h"

namespace veneer {

class TransferTest : public testing::Test {
 protected:
  TransferTest();
  ~TransferTest() override;

  std::string Path(std::string_view name) const { return dir_ + "/" + std::string(name); }
  Store& store() { return *store_; }

  // Runs a shell script in the temporary directory; a failure of it is one of the test.
  std::string Shell(const std::string& script);
  void Write(const std::string& name, std::string_view bytes);
  std::string Read(const std::string& name);

  // Imports a file (by name in the temporary directory) or an archive in memory. A failure is one
  // of the test.
  ImportedLayer Import(const std::string& name, const ImportOptions& options = {});
  ImportedLayer ImportBytes(const std::string& archive);
  // The error of an import that must fail; it must leave no layer behind.
  std::string ImportError(const std::string& name, const ImportOptions& options = {});
  std::string ImportBytesError(const std::string& archive);

  // The layer's archive, written again.
  std::string LayerTar(const Digest& diff_id);
  // Of each entry of an archive, its name and the keys of its PAX records.
  std::string Records(const std::string& name);
  // Imports `name` and expects its archive back, byte for byte.
  Digest RoundTrip(const std::string& name);

  // A line for each path: type, mode, owner, and what it is. Regular files: size and contents up to
  // 60 bytes.
  std::map<std::string, std::string> Dump(const Digest& diff_id);
  std::string DumpText(const Digest& diff_id);

  size_t CountLayers();
  size_t CountObjects();

 private:
  std::string dir_;
  std::unique_ptr<Store> store_;
};

// Archives made by hand.
std::string TarHeader(char type, std::string_view name, uint64_t size = 0,
                      std::string_view link = "");
std::string TarFile(std::string_view name, std::string_view content);
std::string TarDir(std::string_view name);
std::string TarLink(std::string_view name, std::string_view target);
std::string TarHardLink(std::string_view name, std::string_view target);
std::string TarPax(const std::string& records);
std::string TarPad(std::string bytes);
std::string TarEnd();

}  // namespace veneer

#endif  // VENEER_TESTS_UNIT_TRANSFER_TRANSFER_TESTING_H_
