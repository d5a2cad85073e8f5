// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/filtered_stream.h"

#include <archive.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "layerdb/base/shared_library.h"

namespace veneer {

namespace {

// What is used of libarchive. It brings libxml2 and ICU: 3 ms of processor time at each start.
struct LibArchive {
  using AddFilter = int (*)(struct archive*);

  struct archive* (*read_new)() = nullptr;
  AddFilter bzip2 = nullptr;
  AddFilter xz = nullptr;
  AddFilter lzma = nullptr;
  AddFilter lz4 = nullptr;
  AddFilter lzip = nullptr;
  AddFilter compress = nullptr;
  AddFilter raw = nullptr;
  decltype(&::archive_read_open) open = nullptr;
  decltype(&::archive_read_next_header) next_header = nullptr;
  decltype(&::archive_read_data_block) data_block = nullptr;
  decltype(&::archive_read_free) free = nullptr;
  const char* (*error_string)(struct archive*) = nullptr;
  void (*set_error)(struct archive*, int, const char*, ...) = nullptr;

  bool Load() {
    const SharedLibrary library("libarchive.so.13");
    return library.loaded() && library.Find("archive_read_new", &read_new) &&
           library.Find("archive_read_support_filter_bzip2", &bzip2) &&
           library.Find("archive_read_support_filter_xz", &xz) &&
           library.Find("archive_read_support_filter_lzma", &lzma) &&
           library.Find("archive_read_support_filter_lz4", &lz4) &&
           library.Find("archive_read_support_filter_lzip", &lzip) &&
           library.Find("archive_read_support_filter_compress", &compress) &&
           library.Find("archive_read_support_format_raw", &raw) &&
           library.Find("archive_read_open", &open) &&
           library.Find("archive_read_next_header", &next_header) &&
           library.Find("archive_read_data_block", &data_block) &&
           library.Find("archive_read_free", &free) &&
           library.Find("archive_error_string", &error_string) &&
           library.Find("archive_set_error", &set_error);
  }
};

// nullptr: not there.
const LibArchive* LoadedLibArchive() {
  static const std::unique_ptr<LibArchive> library = [] {
    auto loaded = std::make_unique<LibArchive>();
    return loaded->Load() ? std::move(loaded) : nullptr;
  }();
  return library.get();
}

// What the callback needs; an Error of the source goes around libarchive.
struct Feed {
  const LibArchive& library;
  FunctionRef<Result<std::string_view>()> read;
  std::optional<Error> error;
};

la_ssize_t ReadCallback(struct archive* a, void* data, const void** buffer) {
  auto* feed = static_cast<Feed*>(data);
  Result<std::string_view> bytes = feed->read();
  if (!bytes) {
    feed->error = std::move(bytes).error();
    feed->library.set_error(a, EIO, "read");
    return -1;
  }
  *buffer = bytes->data();
  return static_cast<la_ssize_t>(bytes->size());
}

tl::unexpected<Error> ArchiveError(struct archive* a, Feed* feed) {
  if (feed->error) return tl::unexpected(*std::move(feed->error));
  const char* text = feed->library.error_string(a);
  return MakeError(std::string("damaged compressed data: ") +
                   (text != nullptr ? text : "unknown error"));
}

}  // namespace

Result<void> ReadFiltered(FunctionRef<Result<std::string_view>()> read,
                          FunctionRef<Result<void>(std::string_view)> sink) {
  const LibArchive* library = LoadedLibArchive();
  if (library == nullptr) {
    return MakeError(
        "read compressed data: libarchive.so.13 is missing, which reads bzip2, xz and their like "
        "(package libarchive13)");
  }
  const std::unique_ptr<struct archive, decltype(&::archive_read_free)> holder(library->read_new(),
                                                                               library->free);
  struct archive* a = holder.get();
  if (a == nullptr) return MakeError(Errno{ENOMEM}, "libarchive");
  for (const LibArchive::AddFilter add : {library->bzip2, library->xz, library->lzma, library->lz4,
                                          library->lzip, library->compress, library->raw}) {
    add(a);
  }
  Feed feed{*library, read, std::nullopt};
  if (library->open(a, &feed, nullptr, ReadCallback, nullptr) != ARCHIVE_OK) {
    return ArchiveError(a, &feed);
  }
  struct archive_entry* entry = nullptr;
  const int opened = library->next_header(a, &entry);
  if (opened == ARCHIVE_EOF) return {};
  if (opened != ARCHIVE_OK) return ArchiveError(a, &feed);
  for (;;) {
    const void* data = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    const int status = library->data_block(a, &data, &size, &offset);
    if (status == ARCHIVE_EOF) return {};
    if (status != ARCHIVE_OK) return ArchiveError(a, &feed);
    VENEER_TRY_VOID(sink({static_cast<const char*>(data), size}));
  }
}

}  // namespace veneer
