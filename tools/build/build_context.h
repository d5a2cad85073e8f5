// SPDX-License-Identifier: Apache-2.0
//
// BuildContext: the files that a build copies from, and its Dockerfile. The context is a directory;
// or an archive, from standard input or a web server, told by its first bytes and read into the
// store; or a Git repository, which is cloned; or nothing, where a Dockerfile comes in their place.
//
// The Dockerfile of a directory lies wherever the caller says (statement B3 about Docker's
// builders); that of an archive or a repository is in it.
//
// Thread-safety: what is const may be called from several threads at once.
#ifndef VENEER_TOOLS_BUILD_BUILD_CONTEXT_H_
#define VENEER_TOOLS_BUILD_BUILD_CONTEXT_H_

#include <unistd.h>

#include <memory>
#include <optional>
#include <string>

#include "layerdb/base/result.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/threads/cancellation.h"
#include "tools/build/git_source.h"
#include "tools/build/source_tree.h"
#include "tools/dockerfile/ignore_file.h"

namespace veneer {

struct ContextRequest {
  std::string context;  // a directory, a URL, or "-" for standard input
  // The Dockerfile: a path, from the caller's directory for a context that is a directory, else
  // from the root of the context; "-": standard input. nullopt: "Dockerfile" in the context, or
  // "dockerfile" where only that is there.
  std::optional<std::string> file;
  bool keep_git_dir = false;             // .git of a repository is in the context
  int input = STDIN_FILENO;              // read for "-"; stays the caller's
  const Cancellation* cancel = nullptr;  // outlives the call
};

class BuildContext {
 public:
  // Reads the Dockerfile, and the context unless it is a directory. `store` and `store_writer`
  // outlive it. Usage errors: standard input is to be both; a Dockerfile is named, and what came
  // as the context is one. kNotFound: no such directory, no Dockerfile. Other errors: the context
  // cannot be fetched or is damaged; the Dockerfile has more than kMaxDockerfileBytes or is no
  // regular file; .dockerignore has a malformed pattern.
  static Result<std::unique_ptr<BuildContext>> Open(Store& store, StoreWriter& store_writer,
                                                    const ContextRequest& request);
  // The files of a context that has a name of its own and no Dockerfile: a directory or a URL of an
  // archive or of a Git repository. All of it is there: no .dockerignore is read, and text() is
  // empty.
  static Result<std::unique_ptr<BuildContext>> OpenFiles(Store& store, StoreWriter& store_writer,
                                                         const std::string& context,
                                                         const Cancellation* cancel);
  ~BuildContext();  // removes what was fetched
  BuildContext(const BuildContext&) = delete;
  BuildContext& operator=(const BuildContext&) = delete;

  // The files, for the caller's thread alone; must not outlive this. Null: there is no context,
  // and nothing can be copied from it. Files of an archive have the owners that it says, which COPY
  // and ADD of a context do not take over.
  Result<std::unique_ptr<SourceTree>> OpenTree() const;
  bool has_files() const { return !directory_.empty() || !index_.empty(); }

  const std::string& text() const { return text_; }  // of the Dockerfile
  const std::string& name() const { return name_; }  // of the Dockerfile, to be shown
  // What is kept out of the files.
  const IgnoreFile& ignored() const { return ignored_; }

 private:
  BuildContext(Store& store, StoreWriter& store_writer, const Cancellation* cancel)
      : store_(store), store_writer_(store_writer), cancel_(cancel) {}

  Result<void> Fetch(const std::string& context, bool keep_git_dir);
  Result<void> TakeRepository(const GitUrl& url, bool keep_git_dir);
  Result<void> TakeDirectory(const std::string& context);
  Result<void> TakeStream(int fd, const std::string& what);
  Result<void> TakeArchive(int fd, std::string start, const std::string& what);
  Result<void> ReadDockerfile(const ContextRequest& request);
  Result<void> ReadDockerfileIn(SourceTree& tree, const std::optional<std::string>& file);
  Result<void> ReadIgnoreFile(SourceTree& tree, const ContextRequest& request);

  Store& store_;
  StoreWriter& store_writer_;
  const Cancellation* const cancel_;
  GitClone clone_;
  std::string directory_;  // the files are in this directory of the host,
  std::string index_;      // or have this index
  bool local_ = false;     // the directory is the caller's
  bool ignores_ = false;   // a .dockerignore in it counts
  bool has_text_ = false;  // what came is the Dockerfile
  std::string text_;
  std::string name_;
  IgnoreFile ignored_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_BUILD_CONTEXT_H_
