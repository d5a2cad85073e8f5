// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/build_options.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "layerdb/base/parse.h"
#include "layerdb/catalog/images.h"
#include "tools/cli/annotation_option.h"
#include "tools/cli/build_output_option.h"
#include "tools/cli/csv_fields.h"
#include "tools/dockerfile/run_mount.h"
#include "tools/format/go_text.h"
#include "tools/run/ulimit.h"

namespace veneer {

namespace {

// NAME=VALUE; without "=", the value that the environment has, if it has one.
Result<std::map<std::string, std::string>> ReadBuildArgs(const std::vector<std::string>& given) {
  std::map<std::string, std::string> values;
  for (const std::string& text : given) {
    const size_t equals = text.find('=');
    if (text.empty() || equals == 0) return WrongOption("--build-arg", text + ": no name");
    if (equals != std::string::npos) {
      values[text.substr(0, equals)] = text.substr(equals + 1);
    } else if (const char* value = ::getenv(text.c_str()); value != nullptr) {
      values[text] = value;
    }
  }
  return values;
}

// --secret id=NAME[,src=FILE|,env=VARIABLE]. Without either it is the variable NAME where there is
// one, else the file.
Result<std::map<std::string, BuildSecret>> ReadSecrets(const std::vector<std::string>& given) {
  std::map<std::string, BuildSecret> secrets;
  for (const std::string& text : given) {
    VENEER_TRY(CsvFields fields, ReadCsvFields("--secret", text));
    const std::string id = TakeField(&fields, "id");
    const std::string type = TakeField(&fields, "type");
    BuildSecret secret;
    secret.variable = TakeField(&fields, "env");
    for (const char* name : {"src", "source"}) {
      const std::string file = TakeField(&fields, name);
      if (!file.empty()) secret.file = file;
    }
    if (id.empty()) return WrongOption("--secret", text + ": id= is missing");
    if (!fields.empty())
      return WrongOption("--secret", text + ": no such field: " + fields.begin()->first);
    if (type == "env" && secret.variable.empty()) {
      secret.variable = secret.file.empty() ? id : secret.file;
    }
    if (secret.file.empty() && secret.variable.empty()) {
      (::getenv(id.c_str()) != nullptr ? secret.variable : secret.file) = id;
    }
    if (!secret.file.empty() && ::access(secret.file.c_str(), R_OK) != 0) {
      return MakeError(Errno{errno}, "--secret " + id + ": " + secret.file);
    }
    secrets[id] = std::move(secret);
  }
  return secrets;
}

// --ssh default | ID=SOCKET. Keys are the agent's: one that is a file would need an agent here.
Result<std::map<std::string, std::string>> ReadAgents(const std::vector<std::string>& given) {
  std::map<std::string, std::string> agents;
  for (const std::string& text : given) {
    const size_t equals = text.find('=');
    const std::string id = text.substr(0, equals);
    std::string socket = equals == std::string::npos ? "" : text.substr(equals + 1);
    if (id.empty()) return WrongOption("--ssh", text + ": the id is missing");
    if (socket.empty()) {
      const char* agent = ::getenv("SSH_AUTH_SOCK");
      if (agent == nullptr)
        return WrongOption("--ssh", id + ": SSH_AUTH_SOCK is not set; start ssh-agent");
      socket = agent;
    }
    agents[id] = std::move(socket);
  }
  return agents;
}

// NAME:ADDRESS or NAME=ADDRESS; an address of IPv6 has colons and may have brackets.
Result<std::vector<std::pair<std::string, std::string>>> ReadHosts(
    const std::vector<std::string>& given) {
  std::vector<std::pair<std::string, std::string>> hosts;
  for (const std::string& text : given) {
    const size_t end = text.find_first_of("=:");
    if (end == 0 || end == std::string::npos || end + 1 == text.size()) {
      return WrongOption("--add-host", text + ": it takes NAME:ADDRESS");
    }
    std::string address = text.substr(end + 1);
    if (address.starts_with('[') && address.ends_with(']')) {
      address = address.substr(1, address.size() - 2);
    }
    if (address == "host-gateway") address = "127.0.0.1";  // the host's network is used
    hosts.emplace_back(text.substr(0, end), std::move(address));
  }
  return hosts;
}

Result<std::optional<int64_t>> ReadEpoch(const BuildArgumentsGiven& given,
                                         const std::map<std::string, std::string>& build_args) {
  std::string text;
  std::string_view from = "SOURCE_DATE_EPOCH";
  if (const char* variable = ::getenv("SOURCE_DATE_EPOCH"); variable != nullptr) text = variable;
  if (const auto arg = build_args.find("SOURCE_DATE_EPOCH"); arg != build_args.end()) {
    text = arg->second;
  }
  if (given.timestamp) {
    text = *given.timestamp;
    from = "--timestamp";
  }
  if (text.empty()) return std::optional<int64_t>();
  const auto seconds = ParseNumber<int64_t>(text);
  if (!seconds || *seconds < 0)
    return WrongOption(from, "is " + text + ", not a number of seconds");
  return std::optional<int64_t>(*seconds);
}

Result<std::vector<std::pair<std::string, std::string>>> ReadPairs(
    std::string_view option, const std::vector<std::string>& given, bool needs_value) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& text : given) {
    const size_t equals = text.find('=');
    if (text.empty() || equals == 0) return WrongOption(option, text + ": the name is missing");
    if (equals == std::string::npos && needs_value) {
      return WrongOption(option, text + ": it takes NAME=VALUE");
    }
    pairs.emplace_back(text.substr(0, equals),
                       equals == std::string::npos ? "" : text.substr(equals + 1));
  }
  return pairs;
}

}  // namespace

Result<uint64_t> ReadSize(std::string_view option, const std::string& text) {
  std::string_view rest = text;
  uint64_t number = 0;
  const auto bad = [&] {
    return WrongOption(option, text + ": it takes a number and b, k, m or g");
  };
  if (!TakeNumber(&rest, &number)) return bad();
  const std::string unit = GoLower(rest);
  constexpr std::string_view kUnits = "bkmgt";
  size_t place = 0;
  if (!unit.empty()) {
    place = kUnits.find(unit[0]);
    const std::string_view more = std::string_view(unit).substr(1);
    if (place == std::string_view::npos || !(more.empty() || more == "b" || more == "ib")) {
      return bad();
    }
  }
  const uint64_t factor = uint64_t{1} << (10 * place);
  if (number > UINT64_MAX / factor) return bad();
  return number * factor;
}

Result<BuildRequest> ReadBuildOptions(const BuildArgumentsGiven& given) {
  BuildRequest request;
  BuildSettings& settings = request.settings;
  VENEER_TRY(request.build_args, ReadBuildArgs(given.build_args));
  settings.no_cache = given.no_cache || given.check_reproducible;
  for (const std::string& text : given.no_cache_stages) {
    VENEER_TRY(const std::vector<std::string> names, ParseCsvLine(text));
    for (const std::string& name : names) settings.no_cache_stages.insert(GoLower(name));
  }
  settings.network = given.network == "none" ? Network::kNone : Network::kHost;
  VENEER_TRY(settings.extra_hosts, ReadHosts(given.hosts));
  if (!given.shm_size.empty()) {
    VENEER_TRY(settings.shm_size, ReadSize("--shm-size", given.shm_size));
  }
  for (const std::string& text : given.ulimits) {
    VENEER_TRY(Ulimit limit, ParseUlimit(text));
    settings.ulimits.push_back(std::move(limit));
  }
  VENEER_TRY(settings.secrets, ReadSecrets(given.secrets));
  VENEER_TRY(settings.agents, ReadAgents(given.agents));
  VENEER_TRY(settings.epoch, ReadEpoch(given, request.build_args));
  VENEER_TRY(request.contexts, ReadPairs("--build-context", given.contexts, true));
  VENEER_TRY(const auto labels, ReadPairs("--label", given.labels, false));
  for (const auto& [name, value] : labels) request.labels[name] = value;
  if (given.push) {
    return WrongOption("--push",
                       "is no option: `veneer build -t NAME` and `veneer push NAME` do it");
  }
  VENEER_TRY(request.outputs, ReadBuildOutputs(given.outputs, given.load));
  VENEER_TRY(request.cache_from, ReadCacheSources(given.cache_from));
  VENEER_TRY(request.cache_to, ReadCacheDestinations(given.cache_to));
  // BuildKit's older word for --cache-to type=inline.
  if (const auto arg = request.build_args.find("BUILDKIT_INLINE_CACHE");
      arg != request.build_args.end() && arg->second == "1") {
    request.cache_to.in_image = true;
  }
  request.platform = HostPlatform();
  if (!given.platform.empty()) {
    VENEER_TRY(request.platform, ParsePlatform(given.platform));
  }
  VENEER_TRY(request.annotations, ReadAnnotations(given.annotations, request.platform));
  for (const std::string& tag : given.tags) {
    VENEER_TRY(std::string full, NormalizeTag(tag));
    if (std::ranges::find(request.tags, full) == request.tags.end()) {
      request.tags.push_back(std::move(full));
    }
  }
  return request;
}

std::map<std::string, std::string> PlatformArguments(const Platform& target) {
  const Platform host = HostPlatform();
  std::map<std::string, std::string> arguments;
  const auto add = [&](const std::string& prefix, const Platform& platform) {
    arguments[prefix + "PLATFORM"] = platform.ToString();
    arguments[prefix + "OS"] = platform.os;
    arguments[prefix + "ARCH"] = platform.architecture;
    arguments[prefix + "VARIANT"] = platform.variant;
  };
  add("BUILD", host);
  add("TARGET", target);
  return arguments;
}

std::vector<Option> BuildOptionTable(BuildArgumentsGiven* given) {
  return {
      {"-t,--tag", &given->tags, ImageValue("NAME"),
       "A name of the image, as in app:2; may be repeated"},
      {"-f,--file", &given->file, FileValue("FILE"),
       "The Dockerfile, - for standard input; default Dockerfile in the context"},
      {"--target", &given->target, TextValue("STAGE"), "The stage to end with; default the last"},
      {"--build-arg", &given->build_args, TextValue("NAME[=VALUE]"),
       "The value of an ARG; without one, the variable's"},
      {"--build-context", &given->contexts, TextValue("NAME=SOURCE"),
       "Further files under a name that --from takes: a directory, a URL, or docker-image://IMAGE"},
      {"--secret", &given->secrets, TextValue("SECRET"),
       "A secret for RUN --mount=type=secret: id=ID,src=FILE, or id=ID,env=VARIABLE"},
      {"--ssh", &given->agents, TextValue("ID[=SOCKET]"),
       "An agent for RUN --mount=type=ssh; default that of SSH_AUTH_SOCK"},
      {"--label", &given->labels, TextValue("NAME=VALUE"), "A label of the image"},
      {"--annotation", &given->annotations, TextValue("NAME=VALUE"),
       "An annotation of the manifest of an output type=oci"},
      {"--platform", &given->platform, PlatformValue(), "What to build for; default this machine"},
      {"--no-cache", &given->no_cache, "Make every step anew"},
      {"--no-cache-filter", &given->no_cache_stages, TextValue("STAGE"),
       "Make the steps of these stages anew"},
      {"--cache-from", &given->cache_from, TextValue("CACHE"),
       "Take steps from a cache at a registry too: NAME, or type=registry,ref=NAME; an image with "
       "such a cache in it will do"},
      {"--cache-to", &given->cache_to, TextValue("CACHE"),
       "Give the steps to a cache: NAME or type=registry,ref=NAME,mode=min|max, or type=inline to "
       "put it into the image"},
      {"--pull", &given->pull, "Fetch all bases, also those that are here"},
      {"-o,--output", &given->outputs, TextValue("OUTPUT"),
       "Where the result goes: a directory for its files, - for a tar archive of them, or "
       "type=docker|oci|tar|local,dest=PATH; default the store"},
      {"--load", &given->load, "Put the image into the store, whatever other outputs there are"},
      {"-q,--quiet", &given->quiet, "Print the id of the image alone"},
      {"--iidfile", &given->id_file, FileValue("FILE"), "Write the id of the image to a file"},
      {"--metadata-file", &given->metadata_file, FileValue("FILE"),
       "Write what is known of the image to a file, as JSON"},
      {"--progress", &given->progress,
       OneOfValue("MODE", {"auto", "plain", "tty", "classic", "rawjson"}),
       "auto (tty on a terminal, else plain), plain, tty, classic (one step after the other) or "
       "rawjson"},
      {"--network", &given->network, OneOfValue("MODE", {"default", "host", "none"}),
       "The network of RUN: the host's, or none"},
      {"--add-host", &given->hosts, TextValue("HOST"),
       "NAME:ADDRESS, a line of /etc/hosts during RUN"},
      {"--shm-size", &given->shm_size, TextValue("SIZE"), "The size of /dev/shm during RUN"},
      {"--ulimit", &given->ulimits, TextValue("LIMIT"),
       "A limit of the processes of RUN, as in nofile=1024:4096"},
      {"--squash", &given->squash, "Merge the layers that the build has made into one"},
      {"--check", &given->check, "Read the Dockerfile, tell what is wrong, and build nothing"},
      {"--check-reproducible", &given->check_reproducible,
       "Build twice without the cache, and tell what differs"},
      {"--timestamp", &given->timestamp, TextValue("SECONDS"),
       "The time of the image and the latest of its files, as SOURCE_DATE_EPOCH has it"},
      // Of the classic builder; nothing here would be another.
      Option("--rm", &given->has_no_effect, "").Hidden(),
      Option("--force-rm", &given->has_no_effect, "").Hidden(),
      Option("--compress", &given->has_no_effect, "").Hidden(),
      Option("--push", &given->push, "").Hidden(),
  };
}

}  // namespace veneer
