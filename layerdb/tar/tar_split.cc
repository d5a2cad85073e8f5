// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/tar_split.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "layerdb/base/files.h"
#include "layerdb/base/sys.h"

namespace veneer {

namespace {

constexpr std::string_view kTarSplitMagic = "VNRECIPE";
constexpr std::string_view kEndMagic = "VNRECEND";
constexpr size_t kFooter = 56;
constexpr size_t kFlushAt = size_t{256} << 10;
// More than this in a table would be a damaged file and not a layer.
constexpr uint64_t kMaxContents = uint64_t{1} << 32;

enum Operation : char { kEnd = 0, kRaw = 1, kContent = 2, kSeek = 3, kData = 4 };

void AppendNumber(std::string* out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) *out += static_cast<char>(0x80 | (value & 0x7f));
  *out += static_cast<char>(value);
}

void AppendFixed(std::string* out, uint64_t value) {
  for (int i = 0; i < 8; ++i) *out += static_cast<char>(value >> (8 * i) & 0xff);
}

uint64_t LoadFixed(std::string_view bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = 8; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

// Takes a number from the front; false when it is not all there, or too large.
bool TakeNumber(std::string_view* in, uint64_t* value) {
  *value = 0;
  for (size_t i = 0; i < in->size() && i < 10; ++i) {
    const auto byte = static_cast<uint8_t>((*in)[i]);
    *value |= uint64_t{byte & 0x7fU} << (7 * i);
    if ((byte & 0x80) == 0) {
      in->remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

}  // namespace

TarSplitWriter::TarSplitWriter(Fd fd)
    : fd_(std::move(fd)), frame_(fd_.get(), kTarSplitMagic.size()) {}

Result<std::unique_ptr<TarSplitWriter>> TarSplitWriter::Create(const std::string& path) {
  VENEER_TRY_CTX(Fd fd, sys::Open(sys::Path(path), O_RDWR | O_CREAT | O_EXCL, 0644), path);
  VENEER_TRY_CTX_VOID(sys::WriteAt(fd.get(), kTarSplitMagic, 0), path);
  return std::unique_ptr<TarSplitWriter>(new TarSplitWriter(std::move(fd)));
}

Result<void> TarSplitWriter::FlushRun() {
  if (run_ > 0) {
    pending_ += kData;
    AppendNumber(&pending_, std::exchange(run_, 0));
  }
  if (pending_.size() < kFlushAt) return {};
  operations_size_ += pending_.size();
  VENEER_TRY_VOID(frame_.Write(pending_));
  pending_.clear();
  return {};
}

Result<void> TarSplitWriter::Raw(std::string_view bytes) {
  if (bytes.empty()) return {};
  VENEER_TRY_VOID(FlushRun());
  archive_size_ += bytes.size();
  pending_ += kRaw;
  AppendNumber(&pending_, bytes.size());
  pending_ += bytes;
  return {};
}

Result<void> TarSplitWriter::NextContent() {
  VENEER_TRY_VOID(FlushRun());
  pending_ += kContent;
  position_ = 0;
  return {};
}

Result<void> TarSplitWriter::Data(uint64_t offset, uint64_t size) {
  if (offset != position_) {
    VENEER_TRY_VOID(FlushRun());
    pending_ += kSeek;
    AppendNumber(&pending_, offset);
    position_ = offset;
  }
  run_ += size;
  position_ += size;
  archive_size_ += size;
  return {};
}

Result<void> TarSplitWriter::EndOperations() {
  VENEER_TRY_VOID(FlushRun());
  pending_ += kEnd;
  operations_size_ += pending_.size();
  VENEER_TRY_VOID(frame_.Write(pending_));
  pending_.clear();
  return frame_.EndFrame();
}

Result<TarSplitContent> TarSplitWriter::Spill(
    FunctionRef<Result<void>(FunctionRef<Result<void>(std::string_view)> sink)> read) {
  TarSplitContent content{true, frame_.offset(), 0};
  auto sink = [&](std::string_view bytes) {
    content.size += bytes.size();
    return frame_.Write(bytes);
  };
  VENEER_TRY_VOID(read(sink));
  VENEER_TRY_VOID(frame_.EndFrame());
  return content;
}

Result<void> TarSplitWriter::Finish(const std::vector<TarSplitContent>& contents) {
  const uint64_t table_at = frame_.offset();
  std::string table;
  for (const TarSplitContent& content : contents) {
    AppendNumber(&table, content.spilled ? 1 : 0);
    AppendNumber(&table, content.where);
    AppendNumber(&table, content.size);
  }
  VENEER_TRY_VOID(frame_.Write(table));
  VENEER_TRY_VOID(frame_.EndFrame());
  std::string footer;
  for (const uint64_t value : std::array<uint64_t, 6>{table_at, table.size(), contents.size(),
                                                      archive_size_, operations_size_, 0}) {
    AppendFixed(&footer, value);
  }
  footer += kEndMagic;
  VENEER_TRY_CTX_VOID(sys::WriteAt(fd_.get(), footer, frame_.offset()), "write the tar-split");
  return {};
}

tl::unexpected<Error> TarSplitReader::Damaged(std::string_view what) const {
  return DamageError(path_ + ": damaged (" + std::string(what) + ")");
}

Result<std::unique_ptr<TarSplitReader>> TarSplitReader::Open(const std::string& path) {
  VENEER_TRY_CTX(Fd fd, OpenRegularFile(path), path);
  std::unique_ptr<TarSplitReader> reader(new TarSplitReader(path, std::move(fd)));
  VENEER_TRY_VOID(reader->ReadTable());
  return reader;
}

Result<void> TarSplitReader::ReadTable() {
  VENEER_TRY_CTX(const struct stat st, sys::Stat({fd_.get()}), path_);
  const auto size = static_cast<uint64_t>(st.st_size);
  std::array<char, kFooter> bytes{};
  if (size < kTarSplitMagic.size() + kFooter) return Damaged("cut short");
  std::array<char, kTarSplitMagic.size()> magic{};
  VENEER_TRY_CTX_VOID(sys::ReadAt(fd_.get(), magic.data(), magic.size(), 0), path_);
  if (std::string_view(magic.data(), magic.size()) != kTarSplitMagic)
    return Damaged("its beginning");
  VENEER_TRY_CTX(const size_t got,
                 sys::ReadAt(fd_.get(), bytes.data(), bytes.size(), size - kFooter), path_);
  const std::string_view footer(bytes.data(), got);
  if (got != kFooter || !footer.ends_with(kEndMagic)) return Damaged("cut short");
  const uint64_t table_at = LoadFixed(footer, 0);
  const uint64_t table_size = LoadFixed(footer, 8);
  const uint64_t count = LoadFixed(footer, 16);
  archive_size_ = LoadFixed(footer, 24);
  operations_size_ = LoadFixed(footer, 32);
  if (table_at >= size || count > kMaxContents || table_size > count * 30 ||
      LoadFixed(footer, 40) != 0) {
    return Damaged("its end");
  }
  std::string table;
  Result<void> read =
      ReadZstdFrame(fd_.get(), table_at, [&](std::string_view piece) -> Result<void> {
        table += piece;
        return table.size() > table_size ? Result<void>(MakeError("too long")) : Result<void>();
      });
  if (!read) return Damaged(read.error().message());
  std::string_view rest = table;
  contents_.reserve(static_cast<size_t>(std::min<uint64_t>(count, table_size)));
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t kind = 0;
    TarSplitContent content;
    if (!TakeNumber(&rest, &kind) || kind > 1 || !TakeNumber(&rest, &content.where) ||
        !TakeNumber(&rest, &content.size)) {
      return Damaged("its table");
    }
    content.spilled = kind == 1;
    contents_.push_back(content);
  }
  if (!rest.empty() || table.size() != table_size) return Damaged("its table");
  return {};
}

Result<void> TarSplitReader::Run(
    FunctionRef<Result<void>(std::string_view bytes)> raw,
    FunctionRef<Result<void>(size_t content, uint64_t offset, uint64_t size)> data) {
  std::string pending;    // operations not run yet
  uint64_t raw_left = 0;  // bytes of a kRaw that have not come yet
  size_t next_content = 0;
  uint64_t position = 0;
  uint64_t operations_size = 0;
  bool ended = false;
  std::optional<Error> failure;  // of the callbacks, which is no damage
  auto step = [&](std::string_view* in) -> Result<bool> {
    if (raw_left > 0) {
      const std::string_view bytes =
          in->substr(0, static_cast<size_t>(std::min<uint64_t>(raw_left, in->size())));
      in->remove_prefix(bytes.size());
      raw_left -= bytes.size();
      VENEER_TRY_VOID(raw(bytes));
      return true;
    }
    std::string_view rest = in->substr(1);
    uint64_t value = 0;
    const char operation = in->front();
    if (operation != kEnd && operation != kContent && !TakeNumber(&rest, &value)) {
      if (rest.size() >= 10) return Damaged("a number");
      return false;
    }
    *in = rest;
    switch (operation) {
      case kEnd: ended = true; return true;
      case kRaw: raw_left = value; return true;
      case kContent:
        if (next_content == contents_.size()) return Damaged("a content too many");
        ++next_content;
        position = 0;
        return true;
      case kSeek: position = value; return true;
      case kData:
        if (next_content == 0 || value > contents_[next_content - 1].size ||
            position > contents_[next_content - 1].size - value) {
          return Damaged("a content's bounds");
        }
        VENEER_TRY_VOID(data(next_content - 1, position, value));
        position += value;
        return true;
      default: return Damaged("an operation");
    }
  };
  Result<void> read =
      ReadZstdFrame(fd_.get(), kTarSplitMagic.size(), [&](std::string_view piece) -> Result<void> {
        pending += piece;
        operations_size += piece.size();
        std::string_view in = pending;
        while (!in.empty() && !ended) {
          Result<bool> taken = step(&in);
          if (!taken) {
            failure = std::move(taken).error();
            return MakeError("stopped");
          }
          if (!*taken) break;
        }
        pending.erase(0, pending.size() - in.size());
        return {};
      });
  if (failure) return tl::unexpected(*std::move(failure));
  if (!read) return Damaged(read.error().message());
  if (!ended || raw_left > 0) return Damaged("cut short");
  if (operations_size != operations_size_ || next_content != contents_.size()) {
    return Damaged("its end");
  }
  return {};
}

Result<void> TarSplitReader::ReadSpilled(const TarSplitContent& content,
                                         FunctionRef<Result<void>(std::string_view)> sink) {
  std::optional<Error> failure;
  Result<void> read =
      ReadZstdFrame(fd_.get(), content.where, [&](std::string_view bytes) -> Result<void> {
        Result<void> taken = sink(bytes);
        if (taken) return {};
        failure = std::move(taken).error();
        return MakeError("stopped");
      });
  if (failure) return tl::unexpected(*std::move(failure));
  if (!read) return Damaged(read.error().message());
  return {};
}

}  // namespace veneer
