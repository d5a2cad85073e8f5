// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/transfer/transfer_testing.h"

#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "layerdb/index/index_reader.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/tar/writer.h"
#include "layerdb/transfer/layer_tar.h"
#include "tests/support/temp_dir.h"

namespace veneer {

namespace fs = std::filesystem;

TransferTest::TransferTest() {
  dir_ = MakeTempDir("transfer");
  Result<std::unique_ptr<Store>> opened = Store::Open(dir_ + "/store");
  if (!opened) {
    ADD_FAILURE() << opened.error().message();
    std::abort();
  }
  store_ = *std::move(opened);
}

TransferTest::~TransferTest() {
  store_.reset();
  // Paths longer than PATH_MAX and directories without permissions are among the tests.
  const std::string remove = "chmod -R u+rwx '" + dir_ + "' 2>/dev/null; rm -rf '" + dir_ + "'";
  if (std::system(remove.c_str()) != 0) ADD_FAILURE() << "cannot remove " << dir_;
}

std::string TransferTest::Shell(const std::string& script) {
  const std::string file = Path(".script");
  Write(".script", "set -e\ncd '" + dir_ + "'\n" + script + "\n");
  std::string out;
  FILE* pipe = ::popen(("bash '" + file + "' 2>&1").c_str(), "r");
  std::array<char, 4096> buffer;
  while (const size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    out.append(buffer.data(), size);
  }
  const int status = ::pclose(pipe);
  EXPECT_EQ(status, 0) << script << "\n" << out;
  return out;
}

void TransferTest::Write(const std::string& name, std::string_view bytes) {
  std::ofstream(Path(name), std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string TransferTest::Read(const std::string& name) {
  std::ostringstream out;
  out << std::ifstream(Path(name), std::ios::binary).rdbuf();
  return out.str();
}

ImportedLayer TransferTest::Import(const std::string& name, const ImportOptions& options) {
  const auto session = store().Begin();
  EXPECT_TRUE(session);
  Result<ImportedLayer> imported = ImportLayer(store(), **session, Path(name), options);
  if (!imported) {
    ADD_FAILURE() << imported.error().message();
    return {Digest::OfBytes(""), 0, 0, false, {}};
  }
  return *imported;
}

ImportedLayer TransferTest::ImportBytes(const std::string& archive) {
  Write("bytes.tar", archive);
  return Import("bytes.tar");
}

std::string TransferTest::ImportError(const std::string& name, const ImportOptions& options) {
  const size_t layers = CountLayers();
  const auto session = store().Begin();
  EXPECT_TRUE(session);
  const Result<ImportedLayer> imported = ImportLayer(store(), **session, Path(name), options);
  EXPECT_FALSE(imported) << name;
  EXPECT_EQ(CountLayers(), layers);
  if (imported) return "";
  const std::string& message = imported.error().message();
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  EXPECT_EQ(message.rfind(Path(name) + ": ", 0), 0U) << message;
  return message.substr(std::min(message.size(), Path(name).size() + 2));
}

std::string TransferTest::ImportBytesError(const std::string& archive) {
  Write("bytes.tar", archive);
  return ImportError("bytes.tar");
}

std::string TransferTest::LayerTar(const Digest& diff_id) {
  std::string out;
  const Result<uint64_t> size =
      WriteLayerTar(store(), diff_id, [&](std::string_view bytes) -> Result<void> {
        out += bytes;
        return {};
      });
  EXPECT_TRUE(size) << size.error().message();
  EXPECT_EQ(size.value_or(0), out.size());
  const Result<uint64_t> said = LayerTarSize(store(), diff_id);
  EXPECT_TRUE(said && *said == out.size());
  return out;
}

std::string TransferTest::Records(const std::string& name) {
  return Shell("python3 -c 'import tarfile\nfor m in tarfile.open(\"" + name +
               "\"):\n  print(m.name, *sorted(m.pax_headers))'");
}

Digest TransferTest::RoundTrip(const std::string& name) {
  const ImportedLayer layer = Import(name);
  const std::string archive = Read(name);
  EXPECT_EQ(layer.diff_id, Digest::OfBytes(archive)) << name;
  EXPECT_EQ(layer.tar_bytes, archive.size()) << name;
  EXPECT_TRUE(LayerTar(layer.diff_id) == archive) << name << ": written again, it differs";
  const Result<void> verified = VerifyLayer(store(), layer.diff_id);
  EXPECT_TRUE(verified) << verified.error().message();
  return layer.diff_id;
}

std::map<std::string, std::string> TransferTest::Dump(const Digest& diff_id) {
  std::map<std::string, std::string> out;
  const auto index = store().OpenLayer(diff_id);
  EXPECT_TRUE(index) << index.error().message();
  if (!index) return out;
  std::map<uint64_t, std::string> dirs;
  std::map<uint64_t, std::string> first_name;
  const Sys<void> walked =
      (*index)->ForEach([&](uint64_t dir, std::string_view name, const IndexReader::Record& found) {
        const std::string path =
            dir == 0 ? "/" : (dir == 1 ? "/" : dirs.at(dir) + "/") + std::string(name);
        const EntryView& entry = found.entry;
        if (entry.whiteout()) {
          out[path] = "whiteout";
          return true;
        }
        const Attr attr = entry.attr();
        std::ostringstream line;
        static constexpr const char* kTypes[] = {"file",  "dir",  "link", "char",
                                                 "block", "fifo", "sock"};
        line << kTypes[static_cast<int>(attr.type)] << " " << std::oct << attr.mode << std::dec
             << " " << attr.uid << ":" << attr.gid << " " << attr.mtime.sec << "."
             << attr.mtime.nsec;
        if (attr.type == FileType::kDirectory) dirs[attr.ino] = path == "/" ? "" : path;
        if (entry.opaque()) line << " opaque";
        if (entry.implied()) line << " implied";
        if (attr.type == FileType::kSymlink) line << " -> " << entry.inline_bytes();
        if (attr.type == FileType::kCharDevice || attr.type == FileType::kBlockDevice) {
          line << " " << attr.rdev_major << "," << attr.rdev_minor;
        }
        if (attr.type == FileType::kRegular) {
          std::string bytes(entry.inline_bytes().substr(0, 60));
          if (const auto object = entry.object()) {
            const Sys<Fd> fd = store().objects().OpenObject(*object);
            EXPECT_TRUE(fd) << path;
            const auto begin = static_cast<off_t>(entry.slice().value_or(0));
            bytes.resize(std::min<uint64_t>(60, attr.size));
            const ssize_t n = ::pread(fd->get(), bytes.data(), bytes.size(), begin);
            bytes.resize(static_cast<size_t>(n));
          }
          line << " " << attr.size << " \"" << bytes << "\"";
        }
        if (attr.type != FileType::kDirectory && attr.nlink > 1) {
          line << " " << attr.nlink << " links, "
               << first_name.try_emplace(attr.ino, path).first->second;
        }
        entry.ForEachXattr([&](std::string_view key, std::string_view value) {
          line << " " << key << "="
               << ToHex(reinterpret_cast<const uint8_t*>(value.data()), value.size());
        });
        out[path] = line.str();
        return true;
      });
  EXPECT_TRUE(walked);
  return out;
}

std::string TransferTest::DumpText(const Digest& diff_id) {
  std::string out;
  for (const auto& [path, line] : Dump(diff_id)) out += path + " " + line + "\n";
  return out;
}

size_t TransferTest::CountLayers() {
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(store().layout().layers())) {
    count += entry.exists() ? 1 : 0;
  }
  return count;
}

size_t TransferTest::CountObjects() {
  size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(store().layout().objects())) {
    count += entry.is_regular_file() ? 1 : 0;
  }
  return count;
}

std::string TarPad(std::string bytes) {
  bytes.append(TarPadding(bytes.size()), '\0');
  return bytes;
}

std::string TarHeader(char type, std::string_view name, uint64_t size, std::string_view link) {
  TarBlockFields fields;
  fields.type = type;
  fields.name = name;
  fields.size = size;
  fields.link = link;
  fields.mode = type == '5' ? 0755 : 0644;
  return EncodeTarBlock(fields);
}

std::string TarFile(std::string_view name, std::string_view content) {
  return TarHeader('0', name, content.size()) + TarPad(std::string(content));
}
std::string TarDir(std::string_view name) { return TarHeader('5', name); }
std::string TarLink(std::string_view name, std::string_view target) {
  return TarHeader('2', name, 0, target);
}
std::string TarHardLink(std::string_view name, std::string_view target) {
  return TarHeader('1', name, 0, target);
}
std::string TarPax(const std::string& records) {
  return TarHeader('x', "pax", records.size()) + TarPad(records);
}
std::string TarEnd() { return TarEndMark(); }

}  // namespace veneer
