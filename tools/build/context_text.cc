// SPDX-License-Identifier: Apache-2.0
#include "tools/build/context_text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "layerdb/base/printable.h"
#include "layerdb/base/sys.h"
#include "tools/dockerfile/dockerfile.h"

namespace veneer {

namespace {

tl::unexpected<Error> TooLarge(const std::string& what) {
  return MakeError(what + ": more than " + std::to_string(kMaxDockerfileBytes >> 20) + " MiB");
}

tl::unexpected<Error> NoRegularFile(const std::string& what, bool is_directory) {
  return MakeError(what + (is_directory ? ": is a directory" : ": is no regular file"));
}

Result<std::string> ReadTextAt(int fd, const std::string& what) {
  // Nearly every Dockerfile is smaller, and a page of memory that is not touched costs nothing.
  std::string text(size_t{16} << 10, '\0');
  size_t size = 0;
  for (;;) {
    VENEER_TRY_CTX(const size_t got, sys::ReadAt(fd, text.data() + size, text.size() - size, size),
                   what);
    size += got;
    if (size > kMaxDockerfileBytes) return TooLarge(what);
    if (size < text.size()) break;
    text.resize(std::min(text.size() * 4, kMaxDockerfileBytes + 1));
  }
  text.resize(size);
  return text;
}

// Appends what comes next; 0: the end.
Result<size_t> ReadMore(int fd, const std::string& what, const Cancellation* cancel,
                        std::string* text) {
  constexpr size_t kPiece = size_t{64} << 10;
  const size_t before = text->size();
  text->resize(before + kPiece);
  ssize_t size = 0;
  do {
    VENEER_TRY_CTX_VOID(Cancellation::WaitForInput(cancel, fd), what);
    size = ::read(fd, text->data() + before, kPiece);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return MakeError(Errno{errno}, what);
  text->resize(before + static_cast<size_t>(size));
  return static_cast<size_t>(size);
}

}  // namespace

Result<std::optional<std::string>> ReadHostText(const std::string& path, const std::string& what) {
  // O_NONBLOCK: a fifo is not waited for.
  const Sys<Fd> fd = sys::OpenFollowing(path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
  if (!fd && fd.error().code == ENOENT) return std::optional<std::string>();
  if (!fd) return MakeError(fd.error(), what);
  VENEER_TRY_CTX(const struct stat st, sys::Stat({fd->get()}), what);
  if (!S_ISREG(st.st_mode)) return NoRegularFile(what, S_ISDIR(st.st_mode));
  VENEER_TRY(std::string text, ReadTextAt(fd->get(), what));
  return std::optional(std::move(text));
}

Result<std::optional<std::string>> ReadTextIn(SourceTree& tree, const std::string& path,
                                              const std::string& what) {
  const auto in_context = [&](Error error) {
    return tl::unexpected(std::move(error).Context(what));
  };
  Result<std::optional<LocatedObject>> found = LocateIn(tree.layer(), path, LastLink::kFollow);
  if (!found) return in_context(std::move(found).error());
  if (!*found) {
    Result<std::optional<LocatedObject>> link = LocateIn(tree.layer(), path, LastLink::kKeep);
    if (!link) return in_context(std::move(link).error());
    if (!*link) return std::optional<std::string>();
    return MakeError(what + ": a symlink to nothing in the context", ExitCode::kNotFound);
  }
  const LayerObject& object = (*found)->object;
  if (object.attr.type != FileType::kRegular) {
    return NoRegularFile(what, object.attr.type == FileType::kDirectory);
  }
  const SourceEntry entry{(*found)->path, object.attr, {}};
  Result<SourceContent> content = tree.Open(entry, object.ref);
  if (!content) return in_context(std::move(content).error());
  if (content->fd() >= 0) {
    VENEER_TRY(std::string text, ReadTextAt(content->fd(), what));
    return std::optional(std::move(text));
  }
  return std::optional(std::string(content->content.bytes));
}

Result<std::string> ReadTextStream(int fd, std::string start, const std::string& what,
                                   const Cancellation* cancel) {
  for (;;) {
    if (start.size() > kMaxDockerfileBytes) return TooLarge(what);
    VENEER_TRY(const size_t size, ReadMore(fd, what, cancel, &start));
    if (size == 0) return start;
  }
}

Result<std::string> ReadStreamStart(int fd, size_t size, const std::string& what,
                                    const Cancellation* cancel) {
  std::string start;
  while (start.size() < size) {
    VENEER_TRY(const size_t more, ReadMore(fd, what, cancel, &start));
    if (more == 0) break;
  }
  return start;
}

}  // namespace veneer
