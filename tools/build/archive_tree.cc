// SPDX-License-Identifier: Apache-2.0
#include "tools/build/archive_tree.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "layerdb/base/printable.h"
#include "layerdb/base/sys.h"
#include "layerdb/catalog/layout.h"
#include "layerdb/model/dialect.h"
#include "layerdb/tar/block.h"
#include "layerdb/tar/parser.h"
#include "layerdb/tar/stream_reader.h"
#include "layerdb/transfer/import.h"

namespace veneer {

namespace {

// gzip with deflate (RFC 1952), bzip2, xz, zstd (RFC 8878).
constexpr std::array<std::string_view, 4> kCompressed = {
    {"\x1f\x8b\x08", "BZh", {"\xfd\x37zXZ\x00", 6}, "\x28\xb5\x2f\xfd"}};

bool IsCompressed(std::string_view start) {
  // What a zstd stream may begin with, too: a frame that readers skip.
  const bool skipped = start.size() >= 4 && (start[0] & 0xf0) == 0x50 &&
                       start.substr(1, 3) == std::string_view("\x2a\x4d\x18");
  return skipped || std::ranges::any_of(kCompressed, [&](std::string_view magic) {
           return start.starts_with(magic);
         });
}

bool IsTarHeader(std::string_view start) {
  return start.size() >= kTarBlock && HasTarChecksum(start.substr(0, kTarBlock));
}

// Looks at the uncompressed bytes up to the first entry.
class FirstEntry {
 public:
  // Fails, with no meaning of its own, once the answer is known.
  Result<void> Take(std::string_view bytes) {
    // A parser that has seen one byte that is no archive calls it a damaged one.
    if (!has_header_) {
      start_ += bytes;
      if (start_.size() < kTarBlock) return {};
      if (!IsTarHeader(start_)) return Decide(false);
      has_header_ = true;
      bytes = start_;
    }
    Result<TarParser::Event> event = parser_.Next(&bytes);
    // The reader of the archive will say what is wrong with it.
    if (!event || *event == TarParser::Event::kEntry) return Decide(true);
    if (*event == TarParser::Event::kEnd) return Decide(false);
    return {};
  }

  const std::optional<bool>& answer() const { return answer_; }

 private:
  Result<void> Decide(bool answer) {
    answer_ = answer;
    return MakeError("the answer is known");
  }

  std::string start_;
  bool has_header_ = false;
  TarParser parser_;
  std::optional<bool> answer_;
};

Result<Fd> OpenAgain(int fd) {
  VENEER_TRY_CTX(Fd again, sys::Open({fd}, O_RDONLY | O_NOCTTY), "open a file again");
  return again;
}

// The path of a whiteout, or of an opaque mark.
Result<std::string> FirstMark(const IndexReader& index) {
  std::string path;
  Sys<void> found;
  const auto path_of = [&](uint64_t dir, std::string_view name) -> Sys<void> {
    VENEER_TRY(path, index.PathOfDirectory(dir));
    if (!path.empty()) path += '/';
    path += name;
    return {};
  };
  const Sys<void> read =
      index.ForEach([&](uint64_t dir, std::string_view name, const IndexReader::Record& record) {
        if (record.entry.whiteout())
          found = path_of(dir, std::string(kWhiteoutPrefix).append(name));
        if (record.entry.opaque()) found = path_of(record.entry.ino(), kOpaqueName);
        return found && path.empty();
      });
  if (!read || !found) {
    return MakeError(read ? found.error() : read.error(), "read the index of an archive");
  }
  return path;
}

// Puts the entries of an archive into a CopyTree.
class Unpacker {
 public:
  Unpacker(SourceTree& archive, CopyTree* into)
      : archive_(archive), into_(*into), source_(into->NewSource()) {}

  Result<void> Run(CopyTree::Node* destination, const Cancellation* cancel) {
    directories_.push_back({archive_.layer().Root().ref, destination});
    for (; !directories_.empty(); directories_.pop_front()) {
      VENEER_TRY_VOID(Cancellation::Check(cancel));
      VENEER_TRY_VOID(PutEntries(directories_.front()));
    }
    return {};
  }

 private:
  struct Directory {
    LayerRef ref;
    CopyTree::Node* into;
  };

  Result<void> PutEntries(const Directory& directory) {
    std::vector<std::pair<std::string, uint64_t>> entries;
    VENEER_TRY_CTX_VOID(archive_.layer().List(directory.ref,
                                              [&](const LayerDirent& entry) {
                                                entries.emplace_back(entry.name, entry.hint);
                                              }),
                        "unpack " + QuotedPath(CopyTree::PathOf(*directory.into)));
    for (const auto& [name, hint] : entries) {
      const Sys<std::optional<LayerObject>> found =
          archive_.layer().Lookup(directory.ref, name, hint);
      if (!found) {
        return MakeError(found.error(),
                         "unpack " + QuotedPath(CopyTree::PathOf(*directory.into) + "/" + name));
      }
      if (*found) VENEER_TRY_VOID(PutEntry(directory.into, name, **found));
    }
    return {};
  }

  Result<void> PutEntry(CopyTree::Node* directory, const std::string& name,
                        const LayerObject& found) {
    PutObject object{found.attr, &archive_, found.ref};
    if (found.attr.type == FileType::kDirectory) {
      VENEER_TRY(CopyTree::Node* const made,
                 found.marks.implied
                     ? EnterImplied(directory, name, std::move(object))
                     : into_.PutDirectory(directory, name, std::move(object), OtherType::kReplace));
      directories_.push_back({found.ref, made});
      return {};
    }
    if (found.attr.nlink > 1) object.key = {source_, found.attr.ino};
    return into_.PutFile(directory, name, std::move(object), OtherType::kReplace);
  }

  // A directory that is in the archive only for what is in it.
  Result<CopyTree::Node*> EnterImplied(CopyTree::Node* directory, const std::string& name,
                                       PutObject object) {
    VENEER_TRY(const CopyTree::Node* const there, into_.Child(directory, name));
    if (there == nullptr) {
      return into_.PutDirectory(directory, name, std::move(object), OtherType::kReplace);
    }
    const NewDirectory made{object.attr.uid, object.attr.gid, object.attr.mode, object.attr.mtime};
    return into_.Directory(CopyTree::PathOf(*there), made);
  }

  SourceTree& archive_;
  CopyTree& into_;
  const uint64_t source_;
  std::deque<Directory> directories_;
};

}  // namespace

bool LooksLikeArchive(std::string_view start) { return IsCompressed(start) || IsTarHeader(start); }

Result<bool> IsArchive(int fd, const Cancellation* cancel) {
  std::string start(kTarBlock, '\0');
  VENEER_TRY_CTX(const size_t size, sys::ReadAt(fd, start.data(), start.size(), 0), "read");
  start.resize(size);
  if (!LooksLikeArchive(start)) return false;
  VENEER_TRY(const Fd again, OpenAgain(fd));
  FirstEntry first;
  const Result<void> read = ReadUncompressed(
      again.get(), std::nullopt, cancel, [](uint64_t) -> Result<void> { return {}; },
      [&](std::string_view bytes) { return first.Take(bytes); });
  if (first.answer()) return *first.answer();
  // What is damaged before its first header is a file like others (E44); what the system says is
  // not about the file.
  if (!read && read.error().code() != 0) return tl::unexpected(read.error());
  return false;
}

Result<Fd> ReadFromStart(const SourceContent& content) {
  if (content.fd() >= 0) return OpenAgain(content.fd());
  Fd memory(::memfd_create("veneer-archive", MFD_CLOEXEC));
  if (!memory) return MakeError(Errno{errno}, "make a file in memory");
  VENEER_TRY_CTX_VOID(sys::WriteAt(memory.get(), content.content.bytes, 0),
                      "write a file in memory");
  return memory;
}

Result<std::unique_ptr<SourceTree>> ReadArchive(Store& store, StoreWriter& store_writer, int fd,
                                                const std::string& what,
                                                const Cancellation* cancel) {
  ImportOptions options;
  options.cancel = cancel;
  options.publish = false;
  VENEER_TRY(const ImportedLayer layer,
             ImportLayerFrom(store, store_writer, fd, what, std::nullopt, options));
  VENEER_TRY(std::unique_ptr<SourceTree> tree,
             SourceTree::OfIndex(store, layer.staged + StoreLayout::kIndexFile));
  if (tree->stored()->is_tree()) return tree;
  VENEER_TRY(const std::string mark, FirstMark(tree->stored()->index()));
  return MakeError(what + ": it holds " + QuotedPath(mark) +
                   ", which in an image layer would be read as a deletion; make the archive "
                   "without it");
}

Result<void> UnpackInto(SourceTree& archive, const std::string& destination,
                        const NewDirectory& made, CopyTree* into, const Cancellation* cancel) {
  VENEER_TRY(CopyTree::Node* const directory, into->Directory(destination, made));
  return Unpacker(archive, into).Run(directory, cancel);
}

}  // namespace veneer
