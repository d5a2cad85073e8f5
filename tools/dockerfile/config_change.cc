// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/config_change.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "tools/dockerfile/config_values.h"
#include "tools/dockerfile/words.h"
#include "tools/oci/config.h"

namespace veneer {

namespace {

// A config's lists grow by what a person types; this is what others still read (JsonLimits).
constexpr size_t kMaxPorts = 65'536;

// The member as an object or a list, made when it is absent. The document may come from a stranger.
Result<Json*> Member(Json* config, const char* key, Json::value_t type) {
  Json& member = (*config)[key];
  if (member.is_null()) member = Json(type);
  if (member.type() != type) {
    return MakeError(std::string("\"") + key + "\" of the image's config is not " +
                     (type == Json::value_t::array ? "a list" : "an object"));
  }
  return &member;
}

Json ToJson(const std::vector<std::string>& words) {
  Json list = Json::array();
  for (const std::string& word : words) list.push_back(word);
  return list;
}

// ["a", "b"]; nullopt: something else, which a shell is to read.
Result<std::optional<std::vector<std::string>>> ExecForm(std::string_view text) {
  if (!text.starts_with('[')) return std::nullopt;
  const Json list = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (list.is_discarded() || !list.is_array()) return std::nullopt;
  std::vector<std::string> words;
  for (const Json& item : list) {
    if (!item.is_string())
      return InstructionError("a list in brackets holds strings in double quotes only");
    words.push_back(item.get<std::string>());
  }
  return std::optional(std::move(words));
}

class Applier {
 public:
  explicit Applier(Json* config) : config_(config) {}

  Result<void> Apply(const ConfigChange& change) {
    for (const auto& [name, method] : kInstructions) {
      if (name == change.instruction) return (this->*method)(change.arguments);
    }
    return Unknown(change.instruction);
  }

  static bool Knows(std::string_view instruction) {
    return std::ranges::any_of(kInstructions,
                               [&](const auto& each) { return each.first == instruction; });
  }

 private:
  static tl::unexpected<Error> Unknown(const std::string& instruction) {
    if (instruction == "MAINTAINER") {
      return InstructionError(
          "it is obsolete: LABEL org.opencontainers.image.authors=NAME takes its place");
    }
    constexpr std::array<std::string_view, 6> kOfABuild = {"FROM", "RUN", "COPY",
                                                           "ADD",  "ARG", "INCLUDE"};
    std::string names;
    for (const auto& [name, method] : kInstructions) {
      names += (names.empty() ? "" : ", ") + std::string(name);
    }
    const bool build = std::ranges::find(kOfABuild, instruction) != kOfABuild.end();
    return InstructionError(
        (build ? "it does not change a config; one of " : "no such instruction; one of ") + names);
  }

  using Method = Result<void> (Applier::*)(std::string_view);
  static const std::array<std::pair<std::string_view, Method>, 12> kInstructions;

  // --- variables ---
  std::optional<std::string> Variable(std::string_view name) const {
    const auto list = config_->find("Env");
    if (list == config_->end() || !list->is_array()) return std::nullopt;
    for (const Json& item : *list) {
      if (!item.is_string()) continue;
      const std::string_view entry = item.get_ref<const std::string&>();
      const size_t equals = entry.find('=');
      if (entry.substr(0, equals) != name) continue;
      return std::string(equals == std::string_view::npos ? "" : entry.substr(equals + 1));
    }
    // What a program gets where the image says nothing, so that PATH=/opt/bin:$PATH finds the rest.
    if (name == "PATH") return std::string(kDefaultPath);
    return std::nullopt;
  }

  Result<std::string> Expand(std::string_view word) const {
    return ExpandWord(word, [this](std::string_view name) { return Variable(name); });
  }

  // One argument, variables replaced.
  Result<std::string> One(std::string_view text, const char* what) const {
    VENEER_TRY(std::string value, Expand(text));
    if (value.empty()) return InstructionError(std::string(what) + " is missing");
    return value;
  }

  // "a=b c='d e'" as pairs; or, when the first word has no '=', "a b c" as one.
  Result<std::vector<std::pair<std::string, std::string>>> Pairs(std::string_view text) const {
    std::vector<std::pair<std::string, std::string>> pairs;
    const std::vector<std::string> words = SplitWords(text);
    if (words.empty()) return InstructionError("NAME=VALUE is missing");
    if (words.front().find('=') == std::string::npos) {
      const auto [name, rest] = SplitFirstWord(text);
      if (rest.empty())
        return InstructionError("it takes NAME=VALUE...; '" + std::string(name) + "' has no =");
      VENEER_TRY(std::string expanded, Expand(name));
      VENEER_TRY(std::string value, Expand(rest));
      pairs.emplace_back(std::move(expanded), std::move(value));
      return Named(std::move(pairs));
    }
    for (const std::string& word : words) {
      const size_t equals = word.find('=');
      if (equals == std::string::npos) {
        return InstructionError("it takes NAME=VALUE...; '" + word +
                                "' has no = (are there quotes missing?)");
      }
      VENEER_TRY(std::string name, Expand(std::string_view(word).substr(0, equals)));
      VENEER_TRY(std::string value, Expand(std::string_view(word).substr(equals + 1)));
      pairs.emplace_back(std::move(name), std::move(value));
    }
    return Named(std::move(pairs));
  }

  static Result<std::vector<std::pair<std::string, std::string>>> Named(
      std::vector<std::pair<std::string, std::string>> pairs) {
    for (const auto& [name, value] : pairs) {
      if (name.empty()) return InstructionError("a name before = is empty");
      if (name.find('=') != std::string::npos) return InstructionError("a name has a = in it");
      if ((name + value).find('\0') != std::string::npos)
        return InstructionError("there is a NUL in it");
    }
    return pairs;
  }

  // A list in brackets, or words.
  Result<std::vector<std::string>> Words(std::string_view text) const {
    VENEER_TRY(auto list, ExecForm(text));
    std::vector<std::string> words = list ? *std::move(list) : SplitWords(text);
    for (std::string& word : words) {
      VENEER_TRY(word, Expand(word));
    }
    return words;
  }

  // What is run by a command line: a list as it is, anything else by the shell.
  Result<std::vector<std::string>> CommandLine(std::string_view text) const {
    VENEER_TRY(auto list, ExecForm(text));
    if (list) return *std::move(list);
    if (text.empty()) return InstructionError("the command is missing");
    VENEER_TRY(std::vector<std::string> words, Shell());
    words.emplace_back(text);
    return words;
  }

  Result<std::vector<std::string>> Shell() const {
    VENEER_TRY(const auto shell, GetStrings(*config_, "Shell"));
    if (shell && !shell->empty()) return *shell;
    return std::vector<std::string>{"/bin/sh", "-c"};
  }

  // --- the instructions ---
  Result<void> Cmd(std::string_view text) {
    VENEER_TRY(const std::vector<std::string> words, CommandLine(text));
    (*config_)["Cmd"] = ToJson(words);
    cmd_set_ = true;
    return {};
  }

  Result<void> Entrypoint(std::string_view text) {
    VENEER_TRY(const std::vector<std::string> words, CommandLine(text));
    (*config_)["Entrypoint"] = ToJson(words);
    // The parent's command was an argument for the parent's entrypoint.
    if (!cmd_set_) config_->erase("Cmd");
    return {};
  }

  Result<void> Env(std::string_view text) {
    // All see the variables as they were before the instruction.
    VENEER_TRY(const auto pairs, Pairs(text));
    VENEER_TRY(Json* const list, Member(config_, "Env", Json::value_t::array));
    for (const auto& [name, value] : pairs) {
      const auto there =
          std::find_if(list->begin(), list->end(), [&prefix = name](const Json& item) {
            if (!item.is_string()) return false;
            const std::string_view entry = item.get_ref<const std::string&>();
            return entry.substr(0, entry.find('=')) == prefix;
          });
      if (there == list->end()) {
        list->push_back(name + "=" + value);
      } else {
        *there = name + "=" + value;
      }
    }
    return {};
  }

  Result<void> Label(std::string_view text) {
    VENEER_TRY(const auto pairs, Pairs(text));
    VENEER_TRY(Json* const labels, Member(config_, "Labels", Json::value_t::object));
    for (const auto& [name, value] : pairs) (*labels)[name] = value;
    return {};
  }

  Result<void> Expose(std::string_view text) {
    std::vector<std::string> ports;
    for (const std::string& word : SplitWords(text)) {
      VENEER_TRY(const std::string expanded, Expand(word));
      for (const std::string& each : SplitWords(expanded)) {
        VENEER_TRY_VOID(AddPorts(each, &ports));
      }
    }
    if (ports.empty()) return InstructionError("PORT[/PROTOCOL] is missing");
    if (ports.size() > kMaxPorts) return InstructionError("more than 65,536 ports");
    VENEER_TRY(Json* const exposed, Member(config_, "ExposedPorts", Json::value_t::object));
    for (const std::string& port : ports) (*exposed)[port] = Json::object();
    return {};
  }

  Result<void> User(std::string_view text) {
    VENEER_TRY(const std::string user, One(text, "USER[:GROUP]"));
    VENEER_TRY_VOID(CheckUser(user));
    (*config_)["User"] = user;
    return {};
  }

  Result<void> Workdir(std::string_view text) {
    VENEER_TRY(const std::string wanted, One(text, "the directory"));
    VENEER_TRY(const auto former, GetString(*config_, "WorkingDir"));
    (*config_)["WorkingDir"] = JoinPath(former.value_or(""), wanted);
    return {};
  }

  Result<void> Volume(std::string_view text) {
    VENEER_TRY(const std::vector<std::string> paths, Words(text));
    if (paths.empty()) return InstructionError("the directory is missing");
    for (const std::string& path : paths) {
      if (path.find_first_not_of(" \t") == std::string::npos)
        return InstructionError("a directory is empty");
    }
    VENEER_TRY(Json* const volumes, Member(config_, "Volumes", Json::value_t::object));
    for (const std::string& path : paths) (*volumes)[path] = Json::object();
    return {};
  }

  Result<void> Stopsignal(std::string_view text) {
    VENEER_TRY(const std::string signal, One(text, "the signal"));
    if (!IsSignal(signal)) return InstructionError("no signal '" + signal + "'");
    (*config_)["StopSignal"] = signal;
    return {};
  }

  Result<void> Healthcheck(std::string_view text) {
    VENEER_TRY(HealthcheckOptions check, ParseHealthcheckOptions(text));
    const auto [kind, rest] = SplitFirstWord(check.rest);
    const std::string word = UpperCase(kind);
    if (word == "NONE") {
      if (!rest.empty() || !check.values.empty())
        return InstructionError("NONE takes no arguments");
      (*config_)["Healthcheck"] = {{"Test", Json::array({"NONE"})}};
      return {};
    }
    if (word != "CMD") {
      return InstructionError(word.empty() ? "NONE or CMD is missing"
                                           : "'" + std::string(kind) + "' is none of NONE and CMD");
    }
    VENEER_TRY(auto list, ExecForm(rest));
    if (rest.empty() || (list && list->empty()))
      return InstructionError("the command behind CMD is missing");
    Json test = Json::array({list ? "CMD" : "CMD-SHELL"});
    if (list) {
      for (const std::string& each : *list) test.push_back(each);
    } else {
      test.push_back(std::string(rest));
    }
    Json value = {{"Test", std::move(test)}};
    for (const auto& [name, number] : check.values) value[name] = number;
    (*config_)["Healthcheck"] = std::move(value);
    return {};
  }

  Result<void> Onbuild(std::string_view text) {
    const auto [word, rest] = SplitFirstWord(text);
    const std::string name = UpperCase(word);
    if (name.empty()) return InstructionError("the instruction is missing");
    if (name == "ONBUILD" || name == "FROM" || name == "MAINTAINER") {
      return InstructionError(name + " cannot be put off");
    }
    constexpr std::array<std::string_view, 4> kOthers = {"RUN", "COPY", "ADD", "ARG"};
    const bool known = std::ranges::find(kOthers, name) != kOthers.end() || Knows(name);
    if (!known) return InstructionError("no such instruction: " + name);
    if (rest.empty()) return InstructionError(name + " has no arguments");
    VENEER_TRY(Json* const list, Member(config_, "OnBuild", Json::value_t::array));
    list->push_back(name + " " + std::string(rest));
    return {};
  }

  Result<void> ShellIs(std::string_view text) {
    VENEER_TRY(const auto words, ExecForm(text));
    if (!words || words->empty()) {
      return InstructionError("it takes a list in brackets, as in [\"/bin/bash\", \"-c\"]");
    }
    (*config_)["Shell"] = ToJson(*words);
    return {};
  }

  Json* const config_;
  bool cmd_set_ = false;
};

const std::array<std::pair<std::string_view, Applier::Method>, 12> Applier::kInstructions = {
    {{"CMD", &Applier::Cmd},
     {"ENTRYPOINT", &Applier::Entrypoint},
     {"ENV", &Applier::Env},
     {"EXPOSE", &Applier::Expose},
     {"HEALTHCHECK", &Applier::Healthcheck},
     {"LABEL", &Applier::Label},
     {"ONBUILD", &Applier::Onbuild},
     {"SHELL", &Applier::ShellIs},
     {"STOPSIGNAL", &Applier::Stopsignal},
     {"USER", &Applier::User},
     {"VOLUME", &Applier::Volume},
     {"WORKDIR", &Applier::Workdir}}};

}  // namespace

Result<std::vector<ConfigChange>> ParseConfigChanges(const std::vector<std::string>& texts) {
  std::vector<ConfigChange> changes;
  for (const std::string& text : texts) {
    const std::vector<std::string> instructions = SplitInstructions(text);
    if (instructions.empty()) return InstructionError("the instruction is missing");
    for (const std::string& instruction : instructions) {
      const auto [word, rest] = SplitFirstWord(instruction);
      changes.push_back({UpperCase(word), std::string(rest)});
    }
  }
  // An empty config is as good as another to find what is wrong, but for what a variable holds.
  for (const ConfigChange& change : changes) {
    const bool variables = change.arguments.find('$') != std::string::npos;
    if (variables && Applier::Knows(change.instruction)) continue;
    Json config = Json::object();
    if (Result<void> done = Applier(&config).Apply(change); !done) {
      return tl::unexpected(std::move(done).error().Context(change.instruction));
    }
  }
  return changes;
}

Result<void> ApplyConfigChanges(const std::vector<ConfigChange>& changes, Json* config) {
  if (config->is_null()) *config = Json::object();
  if (!config->is_object()) return MakeError("\"config\" of the image's config is not an object");
  Applier applier(config);
  for (const ConfigChange& change : changes) {
    if (Result<void> done = applier.Apply(change); !done) {
      return tl::unexpected(std::move(done).error().Context(change.instruction));
    }
  }
  return {};
}

}  // namespace veneer
