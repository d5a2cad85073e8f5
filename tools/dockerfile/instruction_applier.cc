// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/instruction_applier.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "tools/dockerfile/config_values.h"
#include "tools/dockerfile/instruction_history.h"
#include "tools/dockerfile/json_list.h"
#include "tools/dockerfile/words.h"

namespace veneer {

namespace {

// A config's lists grow by what a person types; this is what others still read (JsonLimits).
constexpr size_t kMaxPorts = 65'536;
constexpr size_t kMaxPairs = size_t{1} << 20;

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

// Sets members of an object, which keeps its order. One that is set by its key is looked for from
// the beginning, and a range of ports is 65,535 of them.
template <class Value>
void SetMembers(const std::vector<std::pair<std::string, Value>>& members, Json* object) {
  auto& there = object->get_ref<Json::object_t&>();
  std::map<std::string, size_t, std::less<>> places;
  for (size_t i = 0; i < there.size(); ++i) places.emplace(there.begin()[i].first, i);
  for (const auto& [name, value] : members) {
    const auto [place, added] = places.emplace(name, there.size());
    if (added) {
      there.emplace_back(name, value);
    } else {
      there.begin()[place->second].second = value;
    }
  }
}

// {"name": {}}, as ports and volumes have it.
std::vector<std::pair<std::string, Json>> WithEmptyObjects(const std::vector<std::string>& names) {
  std::vector<std::pair<std::string, Json>> members;
  members.reserve(names.size());
  for (const std::string& name : names) members.emplace_back(name, Json::object());
  return members;
}

class Applier {
 public:
  Applier(const Instruction& instruction, const StageScope& scope, InstructionRules rules,
          Json* config)
      : instruction_(instruction), scope_(scope), rules_(rules), config_(config) {}

  Result<void> Apply() {
    for (const auto& [name, method] : kInstructions) {
      if (name == instruction_.name) return (this->*method)(instruction_.arguments);
    }
    return Unknown(instruction_.name);
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

  void Tell(std::string history) const {
    if (scope_.history != nullptr) *scope_.history = std::move(history);
  }

  // --- variables ---
  Result<std::string> Expand(std::string_view word) const {
    return ExpandWord(word, scope_.lookup, scope_.escape);
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
    const std::vector<std::string> words = SplitWords(text, scope_.escape);
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
    size_t size = 0;
    for (const auto& [name, value] : pairs) {
      size += name.size() + value.size();
      if (size > kMaxPairs) return InstructionError("names and values make more than 1 MiB");
      if (name.empty()) return InstructionError("a name before = is empty");
      if (name.find('=') != std::string::npos) return InstructionError("a name has a = in it");
      if ((name + value).find('\0') != std::string::npos)
        return InstructionError("there is a NUL in it");
    }
    return pairs;
  }

  // A list in brackets, or words.
  Result<std::vector<std::string>> Words(std::string_view text) const {
    VENEER_TRY(auto list, ParseJsonStrings(text));
    std::vector<std::string> words = list ? *std::move(list) : SplitWords(text, scope_.escape);
    for (std::string& word : words) {
      VENEER_TRY(word, Expand(word));
    }
    return words;
  }

  // What is run by a command line: a list as it is, anything else by the shell.
  Result<std::vector<std::string>> CommandLine(std::string_view text) const {
    VENEER_TRY(auto list, ParseJsonStrings(text));
    if (list) return *std::move(list);
    if (text.empty() && rules_ == InstructionRules::kChange) {
      return InstructionError("the command is missing");
    }
    VENEER_TRY(std::vector<std::string> words, ShellOf(*config_));
    words.emplace_back(text);
    return words;
  }

  // --- the instructions ---
  Result<void> Cmd(std::string_view text) {
    VENEER_TRY(const std::vector<std::string> words, CommandLine(text));
    (*config_)["Cmd"] = ToJson(words);
    Tell(QuotedListHistory("CMD", words));
    *scope_.cmd_set = true;
    return {};
  }

  Result<void> Entrypoint(std::string_view text) {
    VENEER_TRY(const std::vector<std::string> words, CommandLine(text));
    (*config_)["Entrypoint"] = ToJson(words);
    Tell(QuotedListHistory("ENTRYPOINT", words));
    // The parent's command was an argument for the parent's entrypoint.
    if (!*scope_.cmd_set) config_->erase("Cmd");
    return {};
  }

  Result<void> Env(std::string_view text) {
    // All see the variables as they were before the instruction.
    VENEER_TRY(const auto pairs, Pairs(text));
    VENEER_TRY(Json* const list, Member(config_, "Env", Json::value_t::array));
    std::map<std::string, size_t, std::less<>> places;  // the first one of a name counts
    for (size_t i = 0; i < list->size(); ++i) {
      if (!(*list)[i].is_string()) continue;
      const auto& entry = (*list)[i].get_ref<const std::string&>();
      places.emplace(entry.substr(0, entry.find('=')), i);
    }
    for (const auto& [name, value] : pairs) {
      const auto [place, added] = places.emplace(name, list->size());
      if (added) list->emplace_back();
      (*list)[place->second] = name + "=" + value;
    }
    Tell(PairsHistory("ENV", pairs));
    if (scope_.set != nullptr) scope_.set->insert(scope_.set->end(), pairs.begin(), pairs.end());
    return {};
  }

  Result<void> Label(std::string_view text) {
    VENEER_TRY(const auto pairs, Pairs(text));
    VENEER_TRY(Json* const labels, Member(config_, "Labels", Json::value_t::object));
    SetMembers(pairs, labels);
    Tell(PairsHistory("LABEL", pairs));
    return {};
  }

  Result<void> Expose(std::string_view text) {
    std::vector<std::string> ports;
    for (const std::string& word : SplitWords(text, scope_.escape)) {
      VENEER_TRY(const std::string expanded, Expand(word));
      for (const std::string& each : SplitWords(expanded, scope_.escape)) {
        VENEER_TRY_VOID(AddPorts(each, &ports));
      }
    }
    if (ports.empty()) return InstructionError("PORT[/PROTOCOL] is missing");
    if (ports.size() > kMaxPorts) return InstructionError("more than 65,536 ports");
    VENEER_TRY(Json* const exposed, Member(config_, "ExposedPorts", Json::value_t::object));
    SetMembers(WithEmptyObjects(ports), exposed);
    Tell(ExposeHistory(std::move(ports)));
    return {};
  }

  Result<void> User(std::string_view text) {
    VENEER_TRY(const std::string user, One(text, "USER[:GROUP]"));
    VENEER_TRY_VOID(CheckUser(user));
    (*config_)["User"] = user;
    Tell("USER " + user);
    return {};
  }

  Result<void> Workdir(std::string_view text) {
    VENEER_TRY(const auto former, GetString(*config_, "WorkingDir"));
    if (rules_ == InstructionRules::kBuild && !text.empty()) {
      // As BuildKit has it, a variable that is not set is no directory and no mistake.
      VENEER_TRY(const std::string wanted, Expand(text));
      if (wanted.empty()) {
        Tell("WORKDIR " + JoinPath("", former.value_or("")));
        return {};
      }
    }
    VENEER_TRY(const std::string wanted, One(text, "the directory"));
    const std::string directory = JoinPath(former.value_or(""), wanted);
    (*config_)["WorkingDir"] = directory;
    Tell("WORKDIR " + directory);
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
    SetMembers(WithEmptyObjects(paths), volumes);
    Tell(ListHistory("VOLUME", paths));
    return {};
  }

  Result<void> Stopsignal(std::string_view text) {
    VENEER_TRY(const std::string signal, One(text, "the signal"));
    if (!IsSignal(signal)) return InstructionError("no signal '" + signal + "'");
    (*config_)["StopSignal"] = signal;
    Tell("STOPSIGNAL " + signal);
    return {};
  }

  Result<void> Healthcheck(std::string_view text) {
    VENEER_TRY(const HealthcheckOptions options, ParseHealthcheckOptions(instruction_.flags));
    const auto [kind, rest] = SplitFirstWord(text);
    const std::string word = UpperCase(kind);
    if (word == "NONE") {
      if (!rest.empty() || !options.empty()) return InstructionError("NONE takes no arguments");
      (*config_)["Healthcheck"] = {{"Test", Json::array({"NONE"})}};
      Tell(HealthcheckHistory({"NONE"}, options));
      return {};
    }
    if (word != "CMD") {
      return InstructionError(word.empty() ? "NONE or CMD is missing"
                                           : "'" + std::string(kind) + "' is none of NONE and CMD");
    }
    VENEER_TRY(auto list, ParseJsonStrings(rest));
    if (rest.empty() || (list && list->empty()))
      return InstructionError("the command behind CMD is missing");
    std::vector<std::string> test = {list ? "CMD" : "CMD-SHELL"};
    if (list) {
      test.insert(test.end(), list->begin(), list->end());
    } else {
      test.emplace_back(rest);
    }
    Json value = {{"Test", ToJson(test)}};
    for (const auto& [name, number] : options) value[name] = number;
    Tell(HealthcheckHistory(test, options));
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
    std::string trigger(text);  // as it is written
    for (const Heredoc& each : instruction_.heredocs) {
      trigger += "\n" + each.content + each.name;
    }
    list->push_back(std::move(trigger));
    return {};
  }

  Result<void> ShellIs(std::string_view text) {
    VENEER_TRY(const auto words, ParseJsonStrings(text));
    if (!words || words->empty()) {
      return InstructionError("it takes a list in brackets, as in [\"/bin/bash\", \"-c\"]");
    }
    (*config_)["Shell"] = ToJson(*words);
    Tell(ListHistory("SHELL", *words));
    return {};
  }

  const Instruction& instruction_;
  const StageScope& scope_;
  const InstructionRules rules_;
  Json* const config_;
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

bool ChangesConfig(std::string_view instruction) { return Applier::Knows(instruction); }

Result<void> ApplyTo(Json* config, const Instruction& instruction, const StageScope& scope,
                     InstructionRules rules) {
  return Applier(instruction, scope, rules, config).Apply();
}

}  // namespace veneer
