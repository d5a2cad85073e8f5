// SPDX-License-Identifier: Apache-2.0
//
// What all steps of one build share. Values and borrowed pieces; the threads of the stages read it.
#ifndef VENEER_TOOLS_BUILD_BUILD_ENVIRONMENT_H_
#define VENEER_TOOLS_BUILD_BUILD_ENVIRONMENT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/catalog/containers.h"
#include "layerdb/catalog/step_results.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/threads/cancellation.h"
#include "tools/build/build_progress.h"
#include "tools/build/content_hashes.h"
#include "tools/build/source_tree.h"
#include "tools/build/stage_variables.h"
#include "tools/build/step_turns.h"
#include "tools/build/used_steps.h"
#include "tools/dockerfile/ignore_file.h"
#include "tools/oci/platform.h"
#include "tools/run/session_host.h"
#include "tools/run/session_spec.h"

namespace veneer {

// Where RUN --mount=type=secret finds one.
struct BuildSecret {
  std::string file;      // empty: none
  std::string variable;  // of the environment
};

// What the caller asked for, for all steps alike.
struct BuildSettings {
  bool no_cache = false;
  bool trial = false;                     // its steps are no cache for later builds
  std::set<std::string> no_cache_stages;  // names in lower case, or numbers
  Network network = Network::kHost;
  std::vector<std::pair<std::string, std::string>> extra_hosts;  // name, address
  uint64_t shm_size = 0;                                         // bytes; 0: as the kernel has it
  std::vector<Ulimit> ulimits;
  std::map<std::string, BuildSecret> secrets;  // by id
  std::map<std::string, std::string> agents;   // --ssh: the socket, by id
  std::optional<int64_t> epoch;                // SOURCE_DATE_EPOCH
};

// Files that COPY, ADD and RUN --mount take.
struct BuildFiles {
  // Opens them for one thread. Null: there are none, as `missing` says.
  std::function<Result<std::unique_ptr<SourceTree>>()> open;
  std::string missing;
  const IgnoreFile* ignored = nullptr;
  // They are the merged tree of these layers of the store.
  struct Stored {
    std::vector<Digest> diff_ids;
    Digest chain_id;
  };
  std::optional<Stored> stored = {};
};

struct BuildEnvironment {
  Store& store;
  const SessionHost& sessions;
  BuildProgress& progress;
  const BuildSettings& settings;
  const BuildArguments& arguments;
  StepTurns& turns;
  BuildFiles context;
  std::map<std::string, BuildFiles> named_contexts;  // --build-context
  Platform platform;
  char escape = '\\';
  ContentHashes* hashes = nullptr;  // of files of contexts; null: none is remembered
  // Makes a container with a name of its own.
  std::function<Result<OwnedContainer>(ContainerSpec spec)> new_container;
  UsedSteps* used = nullptr;  // gets the steps; null: nobody asks
  // Looks for a step that the store does not know in the caches of other machines, and brings its
  // layer into the store. nullopt: it is in none of them. May be empty.
  std::function<Result<std::optional<StepResult>>(const Digest& key, StoreWriter& writer,
                                                  const Cancellation* cancel)>
      find_elsewhere = {};
};

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_BUILD_ENVIRONMENT_H_
