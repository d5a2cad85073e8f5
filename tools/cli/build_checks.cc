// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/build_checks.h"

#include <set>

#include "tools/cli/context.h"
#include "tools/dockerfile/excerpt.h"
#include "tools/oci/config.h"

namespace veneer {

namespace {

std::optional<std::vector<std::string>> VariablesOf(Store& store, const std::string& name) {
  const Result<FoundImage> found = FindImage(store, name);
  if (!found) return std::nullopt;
  const Result<std::string> text = store.ReadBlob(found->image.id, JsonLimits{}.bytes);
  if (!text) return std::nullopt;
  Result<ImageConfig> config = ParseImageConfig(*text);
  if (!config) return std::nullopt;
  // Its triggers (ONBUILD) may set more.
  const auto triggers = GetStrings(config->document.value("config", Json::object()), "OnBuild");
  if (!triggers || !triggers->value_or(std::vector<std::string>()).empty()) return std::nullopt;
  return std::move(config->env);
}

}  // namespace

Result<BuildChecks> CheckDockerfile(Store& store, const BuildRequest& request,
                                    const BuildContext& context, const Dockerfile& dockerfile,
                                    const std::map<std::string, std::string>& images) {
  std::string wanted = dockerfile.check;
  if (const auto given = request.build_args.find("BUILDKIT_DOCKERFILE_CHECK");
      given != request.build_args.end()) {
    wanted = given->second;
  }
  BuildChecks checks;
  VENEER_TRY(checks.settings, ParseLintSettings(wanted));
  LintInputs inputs;
  inputs.text = context.text();
  inputs.variables_of = [&](const std::string& name) {
    const auto other = images.find(name);
    return VariablesOf(store, other == images.end() ? name : other->second);
  };
  inputs.ignored = &context.ignored();
  inputs.predefined = PlatformArguments(request.platform);
  inputs.given = request.build_args;
  checks.findings = LintDockerfile(dockerfile, inputs, checks.settings);
  return checks;
}

void WarnOf(const BuildChecks& checks, BuildProgress& progress) {
  for (const LintFinding& finding : checks.findings) {
    progress.Warn(std::string(NameOf(finding.rule)) + ": " + finding.message + " (line " +
                  std::to_string(finding.first_line) + ")");
  }
}

Result<void> FailIfWanted(const BuildChecks& checks) {
  if (!checks.settings.error || checks.findings.empty()) return {};
  std::set<std::string> names;
  for (const LintFinding& finding : checks.findings) names.emplace(NameOf(finding.rule));
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return MakeError("lint violation found for rules: " + all +
                   " (the Dockerfile wants no build then: check=error=true)");
}

// Each finding by itself: together, their lines may be many times the Dockerfile.
void PrintReport(const BuildChecks& checks, const BuildContext& context) {
  const size_t count = checks.findings.size();
  if (count == 0) return PrintLine("Check complete, no warnings found.");
  PrintLine("Check complete, " + std::to_string(count) +
            (count == 1 ? " warning has" : " warnings have") + " been found!");
  for (const LintFinding& finding : checks.findings) {
    PrintData(
        "\nWARNING: " + std::string(NameOf(finding.rule)) + " - " + UrlOf(finding.rule) + "\n" +
        finding.message + "\n" +
        DockerfileExcerpt(context.name(), context.text(), finding.first_line, finding.last_line));
  }
  if (count == kMaxLintFindings) PrintLine("\nThere may be more.");
}

}  // namespace veneer
