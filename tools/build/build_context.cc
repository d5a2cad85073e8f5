// SPDX-License-Identifier: Apache-2.0
#include "tools/build/build_context.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "layerdb/base/printable.h"
#include "layerdb/threads/pipe_feeder.h"
#include "tools/build/archive_tree.h"
#include "tools/build/context_text.h"
#include "tools/registry/http_download.h"
#include "tools/registry/url.h"

namespace veneer {

namespace {

constexpr const char* kStandardInput = "standard input";
constexpr const char* kIgnoreFileName = ".dockerignore";

bool IsDirectory(const std::string& path) {
  struct stat st = {};
  return ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

Result<IgnoreFile> ParseIgnoreFile(const std::string& text, const std::string& what) {
  Result<IgnoreFile> parsed = IgnoreFile::Parse(text);
  // What a file says wrong is no wrong command line.
  if (!parsed) return MakeError(what + ": " + parsed.error().message());
  return parsed;
}

}  // namespace

BuildContext::~BuildContext() = default;

Result<std::unique_ptr<BuildContext>> BuildContext::Open(Store& store, StoreWriter& store_writer,
                                                         const ContextRequest& request) {
  std::unique_ptr<BuildContext> made(new BuildContext(store, store_writer, request.cancel));
  if (request.context == "-") {
    if (request.file == "-") {
      return MakeError("standard input cannot be both the context and the Dockerfile",
                       ExitCode::kUsage);
    }
    VENEER_TRY_VOID(made->TakeStream(request.input, kStandardInput));
  } else {
    VENEER_TRY_VOID(made->Fetch(request.context, request.keep_git_dir));
  }
  VENEER_TRY_VOID(made->ReadDockerfile(request));
  return made;
}

Result<std::unique_ptr<BuildContext>> BuildContext::OpenFiles(Store& store,
                                                              StoreWriter& store_writer,
                                                              const std::string& context,
                                                              const Cancellation* cancel) {
  std::unique_ptr<BuildContext> made(new BuildContext(store, store_writer, cancel));
  VENEER_TRY_VOID(made->Fetch(context, false));
  if (!made->has_files()) {
    return MakeError(PrintableUrl(context) + ": neither an archive nor a Git repository");
  }
  return made;
}

Result<std::unique_ptr<SourceTree>> BuildContext::OpenTree() const {
  if (!directory_.empty()) return SourceTree::OfDirectory(directory_);
  if (!index_.empty()) return SourceTree::OfIndex(store_, index_);
  return nullptr;
}

Result<void> BuildContext::Fetch(const std::string& context, bool keep_git_dir) {
  // A directory may have a name like a URL.
  if (IsDirectory(context)) return TakeDirectory(context);
  VENEER_TRY(const std::optional<GitUrl> git, ParseGitUrl(context));
  if (git) return TakeRepository(*git, keep_git_dir);
  if (!IsHttpUrl(context)) return TakeDirectory(context);
  VENEER_TRY(const std::unique_ptr<PipeFeeder> download, StartHttpDownload(context, cancel_));
  Result<void> taken = TakeStream(download->fd(), PrintableUrl(context));
  // What was cut off may look like a damaged archive, or like a whole one.
  VENEER_TRY_VOID(download->Finish());
  return taken;
}

Result<void> BuildContext::TakeDirectory(const std::string& context) {
  struct stat st = {};
  const std::string what = "the context " + QuotedPath(context);
  if (::stat(context.c_str(), &st) != 0) {
    return tl::unexpected(Error(what + ": " + ErrnoText(errno),
                                errno == ENOENT ? ExitCode::kNotFound : ExitCode::kFailed, errno));
  }
  if (!S_ISDIR(st.st_mode)) return MakeError(what + ": is no directory");
  directory_ = context;
  local_ = ignores_ = true;
  return {};
}

Result<void> BuildContext::TakeRepository(const GitUrl& url, bool keep_git_dir) {
  GitRequest request;
  request.url = url;
  request.directory = store_writer_.dir();
  request.keep_git_dir = keep_git_dir;
  request.cancel = cancel_;
  VENEER_TRY(clone_, CloneGit(request));
  directory_ = clone_.path;
  return {};
}

Result<void> BuildContext::TakeStream(int fd, const std::string& what) {
  VENEER_TRY(std::string start, ReadStreamStart(fd, kArchiveStart, what, cancel_));
  if (LooksLikeArchive(start)) return TakeArchive(fd, std::move(start), what);
  VENEER_TRY(text_, ReadTextStream(fd, std::move(start), what, cancel_));
  name_ = what;
  has_text_ = true;
  return {};
}

Result<void> BuildContext::TakeArchive(int fd, std::string start, const std::string& what) {
  // Ends the feeder where the archive is refused before its end, and more may never come.
  Cancellation stop(cancel_);
  VENEER_TRY(const std::unique_ptr<PipeFeeder> whole,
             PipeFeeder::Start([&](const PipeFeeder::Give& give) -> Result<void> {
               for (std::string piece = std::move(start); !piece.empty();) {
                 VENEER_TRY_VOID(give(piece));
                 VENEER_TRY(piece, ReadStreamStart(fd, 1, what, &stop));
               }
               return {};
             }));
  Result<std::unique_ptr<SourceTree>> tree =
      ReadArchive(store_, store_writer_, whole->fd(), what, cancel_);
  if (!tree) stop.Request();
  const Result<bool> fed = whole->Finish();
  // What could not be read is the cause of what the archive then lacked.
  if (!fed && (tree || fed.error().code() != ECANCELED)) return tl::unexpected(fed.error());
  if (!tree) return tl::unexpected(std::move(tree).error());
  index_ = (*tree)->stored()->index().path();
  ignores_ = true;
  return {};
}

Result<void> BuildContext::ReadDockerfile(const ContextRequest& request) {
  if (has_text_) {
    if (!request.file) return {};
    return MakeError(
        name_ + " is a Dockerfile, and " + QuotedPath(*request.file) + " is named as another one",
        ExitCode::kUsage);
  }
  VENEER_TRY(const std::unique_ptr<SourceTree> tree, OpenTree());
  if (request.file == "-") {
    name_ = kStandardInput;
    VENEER_TRY(text_, ReadTextStream(request.input, {}, name_, cancel_));
  } else if (local_ && request.file) {
    name_ = *request.file;
    const std::string what = "the Dockerfile " + QuotedPath(name_);
    VENEER_TRY(std::optional<std::string> text, ReadHostText(name_, what));
    if (!text) return MakeError(what + " is not there", ExitCode::kNotFound);
    text_ = *std::move(text);
  } else {
    VENEER_TRY_VOID(ReadDockerfileIn(*tree, request.file));
  }
  return ignores_ ? ReadIgnoreFile(*tree, request) : Result<void>();
}

Result<void> BuildContext::ReadDockerfileIn(SourceTree& tree,
                                            const std::optional<std::string>& file) {
  std::vector<std::string> names = {"Dockerfile", "dockerfile"};
  if (file) names = {*file};
  for (const std::string& name : names) {
    VENEER_TRY(std::optional<std::string> text,
               ReadTextIn(tree, name, "the Dockerfile " + QuotedPath(name)));
    if (!text) continue;
    name_ = name;
    text_ = *std::move(text);
    return {};
  }
  return MakeError("the context has no file " + QuotedPath(names.front()), ExitCode::kNotFound);
}

Result<void> BuildContext::ReadIgnoreFile(SourceTree& tree, const ContextRequest& request) {
  if (request.file != "-") {
    // Beside the Dockerfile, for it alone (E58).
    const std::string own = name_ + kIgnoreFileName;
    VENEER_TRY(const std::optional<std::string> text, local_&& request.file
                                                          ? ReadHostText(own, QuotedPath(own))
                                                          : ReadTextIn(tree, own, QuotedPath(own)));
    if (text) {
      VENEER_TRY(ignored_, ParseIgnoreFile(*text, QuotedPath(own)));
      return {};
    }
  }
  VENEER_TRY(const std::optional<std::string> text,
             ReadTextIn(tree, kIgnoreFileName, kIgnoreFileName));
  if (!text) return {};
  VENEER_TRY(ignored_, ParseIgnoreFile(*text, kIgnoreFileName));
  return {};
}

}  // namespace veneer
