// SPDX-License-Identifier: Apache-2.0
#include "tools/archive/image_source.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "layerdb/base/printable.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/zeros.h"
#include "layerdb/tar/block.h"
#include "layerdb/tar/stream_reader.h"

namespace veneer {

namespace {

constexpr size_t kMaxMemberName = 1024;
constexpr size_t kHashedSize = size_t{256} << 10;

// Reads as much of [offset, offset + size) as there is.
Result<std::string> ReadRange(const SourceFile& file, uint64_t offset, size_t size) {
  std::string bytes(size, '\0');
  VENEER_TRY_CTX(const size_t read, sys::ReadAt(file.fd, bytes.data(), size, offset), "read");
  bytes.resize(read);
  return bytes;
}

// True when a file begins as a plain archive, whose members can be read where they are.
Result<bool> IsPlainTar(int fd, uint64_t begin) {
  std::string block(kTarBlock, '\0');
  VENEER_TRY_CTX(const size_t read, sys::ReadAt(fd, block.data(), block.size(), begin), "read");
  return read == kTarBlock && (IsZero(block) || HasTarChecksum(block));
}

// Writes what `fd` holds, without its compression, into a file of the session.
Result<std::unique_ptr<ImageSource>> Spool(int fd, uint64_t size, const StoreWriter& session,
                                           const OpenOptions& options) {
  const std::string path = session.dir() + "/tmp-archive";
  VENEER_TRY_CTX(Fd spool, sys::Open(sys::Path(path), O_RDWR | O_CREAT | O_EXCL, 0600), path);
  // It goes with its descriptor.
  VENEER_TRY_CTX_VOID(sys::Unlink(sys::Path(path)), path);
  uint64_t written = 0;
  VENEER_TRY_VOID(ReadUncompressed(
      fd, std::nullopt, options.cancel,
      [&](uint64_t done) -> Result<void> {
        if (options.progress) options.progress(done, size);
        return {};
      },
      [&](std::string_view bytes) -> Result<void> {
        VENEER_TRY_CTX_VOID(sys::WriteAt(spool.get(), bytes, written), session.dir());
        written += bytes.size();
        return {};
      }));
  const int borrowed = spool.get();
  return OpenTarSource(borrowed, std::move(spool), 0, written, options.cancel);
}

Result<std::unique_ptr<ImageSource>> OpenFile(Fd owned, const StoreWriter& session,
                                              const OpenOptions& options) {
  const int fd = owned ? owned.get() : STDIN_FILENO;
  VENEER_TRY_CTX(const struct stat st, sys::Stat({fd}), "stat");
  if (S_ISDIR(st.st_mode)) {
    if (!owned) return MakeError("a directory is given with -i");
    return OpenDirectorySource(std::move(owned));
  }
  if (!S_ISREG(st.st_mode)) return Spool(fd, 0, session, options);
  const off_t at = ::lseek(fd, 0, SEEK_CUR);
  const auto begin = static_cast<uint64_t>(std::max<off_t>(at, 0));
  const auto end = std::max(begin, static_cast<uint64_t>(st.st_size));
  VENEER_TRY(const bool plain, IsPlainTar(fd, begin));
  if (!plain) return Spool(fd, end - begin, session, options);
  return OpenTarSource(fd, std::move(owned), begin, end, options.cancel);
}

}  // namespace

Result<SourceFile> ImageSource::Open(const std::string& name) {
  VENEER_TRY(std::optional<SourceFile> file, Find(name));
  if (!file) return MakeError("\"" + PrintablePath(name) + "\" is missing");
  return *std::move(file);
}

Result<std::string> ImageSource::Read(const std::string& name) {
  VENEER_TRY(const SourceFile file, Open(name));
  const std::string shown = "\"" + PrintablePath(name) + "\"";
  if (file.size > kMaxDocument) {
    return MakeError(shown + " has " + std::to_string(file.size) + " bytes, at most " +
                     std::to_string(kMaxDocument) + " are read");
  }
  read_ += file.size;
  if (read_ > kMaxDocuments) {
    return MakeError("its documents are larger than " + std::to_string(kMaxDocuments) + " bytes");
  }
  VENEER_TRY(std::string bytes, ReadRange(file, file.offset, static_cast<size_t>(file.size)));
  if (bytes.size() != file.size) return MakeError(shown + " is cut short");
  return bytes;
}

Result<std::string> NormalizeMemberName(std::string_view name) {
  const std::string shown = "the name \"" + PrintablePath(name) + "\"";
  if (name.size() > kMaxMemberName) return MakeError(shown + " is too long");
  if (name.find('\0') != std::string_view::npos) return MakeError(shown + " has a NUL in it");
  if (name.starts_with('/')) return MakeError(shown + " is absolute and leaves the archive");
  std::string out;
  for (std::string_view rest = name; !rest.empty();) {
    const size_t slash = rest.find('/');
    const std::string_view component = rest.substr(0, slash);
    if (component == "..") return MakeError(shown + " has \"..\" in it and may leave the archive");
    if (!component.empty() && component != ".") {
      if (!out.empty()) out += '/';
      out += component;
    }
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  }
  if (out.empty()) return MakeError(shown + " is no name of a file");
  return out;
}

Result<std::unique_ptr<ImageSource>> OpenImageSource(const std::string& path,
                                                     const StoreWriter& session,
                                                     const OpenOptions& options) {
  if (path == "-") return OpenFile(Fd(), session, options);
  Sys<Fd> fd = sys::OpenFollowing(path, O_RDONLY | O_NOCTTY);
  if (!fd) {
    const int code = fd.error().code;
    return tl::unexpected(
        Error(ErrnoText(code), code == ENOENT ? ExitCode::kNotFound : ExitCode::kFailed, code));
  }
  return OpenFile(*std::move(fd), session, options);
}

Result<BlobDigest> HashFile(const SourceFile& file, BlobDigest::Algorithm algorithm,
                            const Cancellation* cancel) {
  BlobHash hash(algorithm);
  for (uint64_t at = 0; at < file.size;) {
    VENEER_TRY_VOID(Cancellation::Check(cancel));
    const auto want = static_cast<size_t>(std::min<uint64_t>(kHashedSize, file.size - at));
    VENEER_TRY(const std::string bytes, ReadRange(file, file.offset + at, want));
    if (bytes.empty()) return MakeError("it is cut short");
    hash.Update(bytes);
    at += bytes.size();
  }
  return hash.Finish();
}

}  // namespace veneer
