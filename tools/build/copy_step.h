// SPDX-License-Identifier: Apache-2.0
//
// COPY, ADD and WORKDIR: what is put into the tree below becomes a layer, without a container.
#ifndef VENEER_TOOLS_BUILD_COPY_STEP_H_
#define VENEER_TOOLS_BUILD_COPY_STEP_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/build/copy_files.h"
#include "tools/build/copy_tree.h"
#include "tools/build/files_step.h"
#include "tools/build/git_source.h"
#include "tools/build/git_url.h"
#include "tools/build/remote_file.h"
#include "tools/build/source_tree.h"
#include "tools/dockerfile/chmod_change.h"
#include "tools/dockerfile/dockerfile.h"
#include "tools/dockerfile/instruction_options.h"

namespace veneer {

// What the kinds have in common: the tree below, and what comes into it.
class PutStep : public FilesStep {
 public:
  Result<Digest> Key(StoreWriter& writer) final;
  Result<MadeLayer> Make(StoreWriter& writer) final;

 protected:
  explicit PutStep(const StepBase& base) : base_(base) {}
  // Puts everything into `into`.
  virtual Result<void> Put(StoreWriter& writer, CopyTree* into) = 0;
  SourceTree& below() { return *below_; }

  const StepBase& base_;

 private:
  std::unique_ptr<SourceTree> below_;
  std::unique_ptr<CopyTree> tree_;
};

// The directory of WORKDIR and those above it, where they are missing: the user's of the image, as
// in BuildKit (statement E4 about Docker's builders).
class WorkdirStep final : public PutStep {
 public:
  // `base` outlives it.
  WorkdirStep(const StepBase& base, std::string directory, std::string user)
      : PutStep(base), directory_(std::move(directory)), user_(std::move(user)) {}

 private:
  Result<void> Put(StoreWriter& writer, CopyTree* into) override;

  const std::string directory_;
  const std::string user_;
};

// The words of COPY or ADD, variables replaced.
struct CopyCommand {
  bool add = false;
  std::vector<std::string> sources;
  // Heredocs: the name of the file, and its text.
  std::vector<std::pair<std::string, std::string>> texts;
  std::string destination;  // absolute, a slash at its end where one is written
  std::optional<std::string> chown;
  std::optional<std::string> chmod;
  std::vector<std::string> exclude;
  std::optional<std::string> checksum;
  bool parents = false;
  bool keep_git_dir = false;
  std::optional<bool> unpack;
};

class CopyStep final : public PutStep {
 public:
  // `base` outlives it.
  CopyStep(const StepBase& base, CopyCommand command, BuildFiles files);
  ~CopyStep() override;

 private:
  Result<void> Put(StoreWriter& writer, CopyTree* into) override;
  Result<void> PutFiles(const std::vector<std::string>& sources, const CopyRequest& request,
                        StoreWriter& writer, CopyTree* into);
  Result<void> PutRemote(const std::string& url, const CopyRequest& request, StoreWriter& writer,
                         CopyTree* into);
  Result<void> PutRepository(const GitUrl& url, const CopyRequest& request, StoreWriter& writer,
                             CopyTree* into);
  // Makes `request` unpack what is an archive in `from`.
  void UnpackArchives(SourceTree& from, StoreWriter& writer, CopyTree* into, CopyRequest* request);
  Result<void> PutText(const std::string& name, const std::string& text, const CopyRequest& request,
                       CopyTree* into) const;

  const CopyCommand command_;
  const BuildFiles files_;
  // What the tree takes files from must live as long as that.
  std::vector<std::unique_ptr<SourceTree>> open_;
  std::vector<RemoteFile> fetched_;
  std::vector<GitClone> cloned_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_COPY_STEP_H_
