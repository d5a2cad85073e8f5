// SPDX-License-Identifier: Apache-2.0
//
// The files of a directory. Each component of a name is opened by itself and without following what
// has become a link meanwhile; links are followed by member_links.h, so that they stay inside.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "layerdb/base/printable.h"
#include "layerdb/base/sys.h"
#include "tools/archive/image_source.h"
#include "tools/archive/member_links.h"

namespace veneer {

namespace {

class DirectorySource : public ImageSource {
 public:
  explicit DirectorySource(Fd directory) : directory_(std::move(directory)) {}

  Result<std::optional<SourceFile>> Find(const std::string& name) override {
    VENEER_TRY(const std::string asked, NormalizeMemberName(name));
    VENEER_TRY(const std::string place,
               FollowLinks(asked, [&](const std::string& at) { return LinkAt(at); }));
    VENEER_TRY(std::optional<SourceFile> file, OpenAt(place));
    if (file || place == asked) return file;
    return MakeError(QuotedPath(asked) + " is a link to " + QuotedPath(place) +
                     ", which is missing");
  }

  Result<std::vector<std::string>> TopNames() override {
    std::vector<std::string> names;
    VENEER_TRY_CTX(const Fd again, sys::Open({directory_.get()}, O_RDONLY | O_DIRECTORY), "open");
    VENEER_TRY_CTX_VOID(
        sys::ReadDir(again.get(),
                     [&](const sys::Dirent& entry) { names.emplace_back(entry.name); }),
        "read");
    std::ranges::sort(names);
    return names;
  }

 private:
  // The directory of a place, and the name in it; nullopt where the directory is missing.
  struct Parent {
    Fd owned;
    int fd = -1;
    std::string name;
  };
  Result<std::optional<Parent>> ParentOf(const std::string& place) const {
    Parent parent{Fd(), directory_.get(), place};
    for (size_t slash = place.find('/'), from = 0; slash != std::string::npos;
         from = slash + 1, slash = place.find('/', from)) {
      const std::string component = place.substr(from, slash - from);
      Sys<Fd> next = sys::Open({parent.fd, component.c_str()}, O_RDONLY | O_DIRECTORY);
      if (!next && next.error().code == ENOENT) return std::optional<Parent>();
      if (!next) return MakeError(next.error(), QuotedPath(place));
      parent.owned = *std::move(next);
      parent.fd = parent.owned.get();
      parent.name = place.substr(slash + 1);
    }
    return std::optional<Parent>(std::move(parent));
  }

  Result<std::optional<std::string>> LinkAt(const std::string& place) const {
    VENEER_TRY(const std::optional<Parent> parent, ParentOf(place));
    if (!parent) return std::optional<std::string>();
    Sys<std::string> target = sys::ReadLink({parent->fd, parent->name.c_str()});
    if (target) return std::optional<std::string>(*std::move(target));
    const int code = target.error().code;
    if (code == EINVAL || code == ENOENT) return std::optional<std::string>();  // no link
    return MakeError(target.error(), QuotedPath(place));
  }

  Result<std::optional<SourceFile>> OpenAt(const std::string& place) const {
    VENEER_TRY(const std::optional<Parent> parent, ParentOf(place));
    if (!parent) return std::optional<SourceFile>();
    // Whoever made the directory may have put a pipe there: nobody waits for it.
    Sys<Fd> file = sys::Open({parent->fd, parent->name.c_str()}, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!file && file.error().code == ENOENT) return std::optional<SourceFile>();
    if (!file) return MakeError(file.error(), QuotedPath(place));
    VENEER_TRY_CTX(const struct stat st, sys::Stat({file->get()}), QuotedPath(place));
    if (!S_ISREG(st.st_mode)) return MakeError(QuotedPath(place) + " is not a regular file");
    SourceFile out{file->get(), 0, static_cast<uint64_t>(st.st_size), {}};
    out.owned = *std::move(file);
    return std::optional<SourceFile>(std::move(out));
  }

  const Fd directory_;
};

}  // namespace

std::unique_ptr<ImageSource> OpenDirectorySource(Fd directory) {
  return std::make_unique<DirectorySource>(std::move(directory));
}

}  // namespace veneer
