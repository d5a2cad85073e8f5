// SPDX-License-Identifier: Apache-2.0
//
// The checks of a Dockerfile (tools/dockerfile/lint.h) for `veneer build`: what a person reads of
// them, and when a build fails for one.
#ifndef VENEER_TOOLS_CLI_BUILD_CHECKS_H_
#define VENEER_TOOLS_CLI_BUILD_CHECKS_H_

#include <map>
#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/store/store.h"
#include "tools/build/build_context.h"
#include "tools/build/build_progress.h"
#include "tools/cli/build_options.h"
#include "tools/dockerfile/lint.h"

namespace veneer {

struct BuildChecks {
  LintSettings settings;
  std::vector<LintFinding> findings;
};

// By the directive `check`, or by BUILDKIT_DOCKERFILE_CHECK in its place. Of images that are not
// here nothing is fetched. `images`: --build-context NAME=docker-image://IMAGE. Usage error: the
// directive is wrong.
Result<BuildChecks> CheckDockerfile(Store& store, const BuildRequest& request,
                                    const BuildContext& context, const Dockerfile& dockerfile,
                                    const std::map<std::string, std::string>& images);

// One line each.
void WarnOf(const BuildChecks& checks, BuildProgress& progress);
// Fails where the Dockerfile wants that and a rule is broken, as BuildKit does.
Result<void> FailIfWanted(const BuildChecks& checks);
// Prints all of it with the lines, for `--check`, in the form of `docker build --check`.
void PrintReport(const BuildChecks& checks, const BuildContext& context);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_BUILD_CHECKS_H_
