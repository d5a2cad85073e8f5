// SPDX-License-Identifier: Apache-2.0
//
// The options of `veneer build`: what a person writes, and what a build takes.
#ifndef VENEER_TOOLS_CLI_BUILD_OPTIONS_H_
#define VENEER_TOOLS_CLI_BUILD_OPTIONS_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/build/build_environment.h"
#include "tools/build/build_output.h"
#include "tools/cli/build_cache_option.h"
#include "tools/cli/command.h"
#include "tools/cli/missing_image.h"
#include "tools/oci/platform.h"

namespace veneer {

struct BuildArgumentsGiven {
  std::string context;
  std::vector<std::string> tags;
  std::optional<std::string> file;
  std::optional<std::string> target;
  std::vector<std::string> build_args;
  std::vector<std::string> contexts;
  std::vector<std::string> secrets;
  std::vector<std::string> agents;
  std::vector<std::string> labels;
  std::vector<std::string> annotations;
  std::string platform;
  bool no_cache = false;
  std::vector<std::string> no_cache_stages;
  std::vector<std::string> cache_from;
  std::vector<std::string> cache_to;
  bool pull = false;
  std::vector<std::string> outputs;
  bool load = false;
  bool push = false;
  bool squash = false;
  bool quiet = false;
  std::optional<std::string> id_file;
  std::optional<std::string> metadata_file;
  std::string progress = "auto";
  std::string network = "default";
  std::vector<std::string> hosts;
  std::string shm_size;
  std::vector<std::string> ulimits;
  bool check = false;
  bool check_reproducible = false;
  std::optional<std::string> timestamp;
  bool has_no_effect = false;
  std::vector<std::string> have_no_effect;
  MissingImageOptions missing;
};

// What the options mean. Usage errors name the option.
struct BuildRequest {
  BuildSettings settings;
  Platform platform;
  std::map<std::string, std::string> build_args;
  std::vector<std::pair<std::string, std::string>> contexts;  // name, what it is
  std::map<std::string, std::string> labels;
  Annotations annotations;
  std::vector<std::string> tags;  // full names
  std::vector<BuildOutput> outputs;
  std::vector<std::string> cache_from;  // names of images and caches
  CacheDestinations cache_to;
};
Result<BuildRequest> ReadBuildOptions(const BuildArgumentsGiven& given);

// "64m", "1g", "1048576", as Docker reads sizes. The usage error names the option.
Result<uint64_t> ReadSize(std::string_view option, const std::string& text);

// What an ARG may name without a value (the Dockerfile reference, "Automatic platform ARGs").
std::map<std::string, std::string> PlatformArguments(const Platform& target);

// The tables. `given` outlives them.
std::vector<Option> BuildOptionTable(BuildArgumentsGiven* given);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_BUILD_OPTIONS_H_
