// SPDX-License-Identifier: Apache-2.0
//
// What a person or a program sees of a build while it goes on: in the forms of BuildKit (a display
// of the terminal, plain lines, lines of JSON) and of Docker's classic builder.
//
// Thread-safe: the steps of several stages tell of themselves side by side. Nothing fails: a build
// goes on where nobody can read of it.
#ifndef VENEER_TOOLS_BUILD_BUILD_PROGRESS_H_
#define VENEER_TOOLS_BUILD_BUILD_PROGRESS_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"

namespace veneer {

struct StepTitle {
  std::string stage;  // "builder", "stage-1"; empty: the only one
  size_t number = 0;  // of the step in its stage, from 1; 0: it is of the build itself
  size_t count = 0;   // steps of the stage
  std::string text;   // "RUN make -j2", "[internal] load build definition from Dockerfile"
  // For the classic form, and for how many are left: its number among all steps of the build, from
  // 1, and how many these are. 0: it is of the build itself, and not in the classic form.
  size_t order = 0;
  size_t total = 0;
};

struct BuildEnd {
  bool failed = false;
  std::optional<Digest> image;
  std::vector<std::string> names;  // "NAME:TAG"
};

class BuildProgress {
 public:
  virtual ~BuildProgress() = default;

  // Whether steps that change the config alone are told, as the classic builder does and BuildKit
  // does not; else they are not begun.
  virtual bool TellsConfigSteps() const { return false; }
  // A step begins. Gives its id, from 1, for the others, which end with End() or Fail().
  virtual size_t Begin(const StepTitle& title) = 0;
  // Bytes as the command of a RUN writes them: perhaps a part of a line.
  virtual void Output(size_t step, std::string_view bytes, bool error_stream) = 0;
  // A piece of work within a step is done: "writing image sha256:…".
  virtual void Status(size_t step, const std::string& text) = 0;
  // The command of a RUN runs in a container, for the classic form: its id.
  virtual void RunningIn(size_t step, const std::string& container) = 0;
  // `image`: the step's result, for the classic form.
  virtual void End(size_t step, bool cached, const std::optional<Digest>& image) = 0;
  // An error of ECANCELED is no failure of the step's own.
  virtual void Fail(size_t step, const Error& error) = 0;
  // One line.
  virtual void Warn(const std::string& line) = 0;
  // The build is at its end, and so is all that is shown. Call once, after the end of each step.
  virtual void Finish(const BuildEnd& end) = 0;
};

// `mode`: "auto" ("tty" where `error` is a terminal, else "plain"), "plain", "tty", "classic",
// "rawjson", "quiet", which shows nothing but the output of a step that fails. `quiet` stands above
// it. The classic form goes to the descriptor `output`, the others to `error`; both are the
// caller's, and outlive it. Usage error: another mode, "tty" where `error` is no terminal.
Result<std::unique_ptr<BuildProgress>> MakeBuildProgress(std::string_view mode, bool quiet,
                                                         int output, int error);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_BUILD_PROGRESS_H_
