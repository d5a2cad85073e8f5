// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/run_mount.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "layerdb/base/parse.h"
#include "layerdb/base/printable.h"
#include "tools/dockerfile/config_values.h"
#include "tools/dockerfile/file_pattern.h"
#include "tools/dockerfile/instruction_flags.h"
#include "tools/format/go_text.h"

namespace veneer {

namespace {

using Type = RunMount::Type;

struct TypeOfMount {
  std::string_view name;
  Type type;
  char letter;  // in MountOption::types
  uint32_t mode;
};
constexpr std::array<TypeOfMount, 5> kMountTypes = {{{"bind", Type::kBind, 'b', 0},
                                                     {"cache", Type::kCache, 'c', 0755},
                                                     {"tmpfs", Type::kTmpfs, 't', 0},
                                                     {"secret", Type::kSecret, 's', 0400},
                                                     {"ssh", Type::kSsh, 'a', 0600}}};

struct MountOption {
  std::string_view key;
  std::string_view name;   // what it is an alias of
  std::string_view types;  // that have it
  bool bare = false;       // it means true without a value
};
constexpr std::array<MountOption, 19> kMountOptions = {{
    {"type", "type", "bctsa"},
    {"target", "target", "bctsa"},
    {"dst", "target", "bctsa"},
    {"destination", "target", "bctsa"},
    {"source", "source", "bcs"},
    {"src", "source", "bcs"},
    {"from", "from", "bc"},
    {"rw", "readwrite", "bct", true},
    {"readwrite", "readwrite", "bct", true},
    // What a secret or an agent is mounted as is not for writing anyway.
    {"ro", "readonly", "bctsa", true},
    {"readonly", "readonly", "bctsa", true},
    {"id", "id", "csa"},
    {"sharing", "sharing", "c"},
    {"required", "required", "sa", true},
    {"mode", "mode", "csa"},
    {"uid", "uid", "csa"},
    {"gid", "gid", "csa"},
    {"size", "size", "t"},
    {"env", "env", "s"},
}};

std::string OptionsOf(char letter) {
  std::vector<std::string> keys;
  for (const MountOption& option : kMountOptions) {
    if (option.types.find(letter) != std::string_view::npos) keys.emplace_back(option.key);
  }
  return JoinNames(keys);
}

struct MountField {
  std::string key;  // in lower case
  std::optional<std::string> value;
};

Result<std::vector<MountField>> SplitFields(std::string_view text) {
  VENEER_TRY(const std::vector<std::string> texts, ParseCsvLine(text));
  std::vector<MountField> fields;
  for (const std::string& field : texts) {
    const size_t equals = field.find('=');
    fields.push_back({GoLower(field.substr(0, equals)), std::nullopt});
    if (equals != std::string::npos) fields.back().value = field.substr(equals + 1);
  }
  return fields;
}

// strconv.ParseBool of Go.
std::optional<bool> ParseGoBool(std::string_view text) {
  constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "TRUE", "true", "True"};
  constexpr std::array<std::string_view, 6> kFalse = {"0", "f", "F", "FALSE", "false", "False"};
  if (std::ranges::find(kTrue, text) != kTrue.end()) return true;
  if (std::ranges::find(kFalse, text) != kFalse.end()) return false;
  return std::nullopt;
}

// "1048576", "64m", "1.5 GiB": bytes, each unit 1024 of the one before.
std::optional<uint64_t> ParseRamSize(std::string_view text) {
  double number = 0;
  if (text.empty() || !IsDigit(text.front()) || !TakeNumber(&text, &number)) return std::nullopt;
  if (text.starts_with(' ')) text.remove_prefix(1);
  const std::string unit = GoLower(text);
  constexpr std::string_view kUnits = "kmgtp";
  const size_t power = unit.empty() ? std::string_view::npos : kUnits.find(unit.front());
  if (power != std::string_view::npos) {
    const std::string rest = unit.substr(1);
    if (!rest.empty() && rest != "b" && rest != "ib") return std::nullopt;
    number *= std::pow(1024.0, static_cast<double>(power + 1));
  } else if (!unit.empty() && unit != "b") {
    return std::nullopt;
  }
  if (!(number < static_cast<double>(std::numeric_limits<int64_t>::max()))) return std::nullopt;
  return static_cast<uint64_t>(number);
}

// Reads the fields of one mount.
class MountReader {
 public:
  Result<RunMount> Read(std::vector<MountField> fields, WordExpander expand) {
    VENEER_TRY_VOID(Expand(&fields, expand));
    VENEER_TRY_VOID(ReadType(fields));
    for (const MountField& field : fields) VENEER_TRY_VOID(Take(field));
    return Finish();
  }

 private:
  static tl::unexpected<Error> Wrong(const MountField& field, const std::string& why) {
    return InstructionError(Printable(field.key) + "=" + Printable(field.value.value_or("")) +
                            ": " + why);
  }

  static Result<void> Expand(std::vector<MountField>* fields, WordExpander expand) {
    for (MountField& field : *fields) {
      if (!field.value) continue;
      VENEER_TRY(field.value, expand(*field.value));
    }
    return {};
  }

  // The type may stand behind the options that depend on it.
  Result<void> ReadType(const std::vector<MountField>& fields) {
    const auto field = std::ranges::find(fields, "type", &MountField::key);
    if (field == fields.end()) return {};
    const auto type =
        std::ranges::find(kMountTypes, GoLower(field->value.value_or("")), &TypeOfMount::name);
    if (type == kMountTypes.end()) {
      return Wrong(*field, "the type is bind, cache, tmpfs, secret or ssh");
    }
    type_ = *type;
    return {};
  }

  Result<void> Take(const MountField& field) {
    const auto option = std::ranges::find(kMountOptions, field.key, &MountOption::key);
    if (option == kMountOptions.end() ||
        option->types.find(type_.letter) == std::string_view::npos) {
      return InstructionError(QuotedPath(field.key) + " is no option of a mount of type " +
                              std::string(type_.name) + "; it has " + OptionsOf(type_.letter));
    }
    const bool given = std::ranges::find(given_, option->name) != given_.end();
    if (given) return InstructionError(std::string(option->name) + " is given twice");
    given_.push_back(option->name);
    if (!field.value && !option->bare) {
      return InstructionError(field.key + " needs a value, with =");
    }
    return TakeValue(field, option->name, field.value.value_or("true"));
  }

  Result<void> TakeValue(const MountField& field, std::string_view name, const std::string& value) {
    if (name == "target") mount_.target = value;
    if (name == "source") mount_.source = value;
    if (name == "from") mount_.from = value;
    if (name == "id") mount_.id = value;
    if (name == "env") {
      if (value.empty() || value.find('=') != std::string::npos) {
        return Wrong(field, "it is no name of a variable");
      }
      mount_.env = value;
    }
    if (name == "sharing") return TakeSharing(field, value);
    if (name == "size") {
      mount_.size = ParseRamSize(value);
      if (!mount_.size) return Wrong(field, "a size is like 1048576, 64m or 1.5g");
    }
    if (name == "readonly" || name == "readwrite" || name == "required") {
      const std::optional<bool> truth = ParseGoBool(value);
      if (!truth) return Wrong(field, "the value is true or false");
      if (name == "required") {
        mount_.required = *truth;
      } else {
        read_only_ = *truth == (name == "readonly");
      }
    }
    if (name == "mode") {
      mode_ = ParseNumber<uint32_t>(value, 8);
      if (!mode_ || *mode_ > 07777) return Wrong(field, "a mode is octal, like 0640");
    }
    if (name == "uid") return TakeId(field, value, &mount_.uid);
    if (name == "gid") return TakeId(field, value, &mount_.gid);
    return {};
  }

  Result<void> TakeSharing(const MountField& field, const std::string& value) {
    const std::string lower = GoLower(value);
    if (lower == "private") {
      mount_.sharing = RunMount::Sharing::kPrivate;
    } else if (lower == "locked") {
      mount_.sharing = RunMount::Sharing::kLocked;
    } else if (lower != "shared") {
      return Wrong(field, "the value is shared, private or locked");
    }
    return {};
  }

  // The largest number is no id: it means "leave it" to the kernel.
  static Result<void> TakeId(const MountField& field, const std::string& value, uint32_t* id) {
    if (!ParseNumber(value, id) || *id == std::numeric_limits<uint32_t>::max()) {
      return Wrong(field, "it is no number of a user or group");
    }
    return {};
  }

  Result<RunMount> Finish() {
    const auto given = [this](std::string_view name) {
      return std::ranges::find(given_, name) != given_.end();
    };
    if (given("readonly") && given("readwrite")) {
      return InstructionError("readonly and readwrite are both given");
    }
    mount_.type = type_.type;
    mount_.mode = mode_.value_or(type_.mode);
    mount_.read_only = read_only_.value_or(type_.type == Type::kBind);
    if (mount_.target.starts_with('/') && CleanPath(mount_.target) == "/") {
      return InstructionError("the root cannot be the target");
    }
    if (type_.type == Type::kSecret) return FinishSecret();
    if (type_.type == Type::kSsh) {
      if (mount_.id.empty()) mount_.id = "default";
    } else if (mount_.target.empty()) {
      return InstructionError("the target is missing");
    }
    if (type_.type == Type::kCache && mount_.id.empty()) mount_.id = CleanPath(mount_.target);
    return std::move(mount_);
  }

  // BuildKit takes "source" for the id of a secret.
  Result<RunMount> FinishSecret() {
    if (!mount_.source.empty() && !mount_.id.empty()) {
      return InstructionError("id and source are both given, and mean the same");
    }
    if (mount_.id.empty()) mount_.id = std::move(mount_.source);
    mount_.source.clear();
    const auto last_name = [](const std::string& path) {
      const std::string clean = CleanPath(path);
      return clean.substr(clean.rfind('/') + 1);
    };
    if (mount_.id.empty()) mount_.id = last_name(mount_.target.empty() ? "/" : mount_.target);
    if (mount_.id.empty()) return InstructionError("the id of the secret is missing");
    if (mount_.target.empty() && !mount_.env) {
      const std::string name = last_name(mount_.id);
      if (name.empty() || name == "." || name == "..") {
        return InstructionError("the id " + QuotedPath(mount_.id) +
                                " is no name of a file: give a target");
      }
      mount_.target = "/run/secrets/" + name;
    }
    return std::move(mount_);
  }

  TypeOfMount type_ = kMountTypes[0];
  RunMount mount_;
  std::vector<std::string_view> given_;
  std::optional<bool> read_only_;
  std::optional<uint32_t> mode_;
};

}  // namespace

Result<RunMount> ParseRunMount(std::string_view text, WordExpander expand) {
  VENEER_TRY(std::vector<MountField> fields, SplitFields(text));
  return MountReader().Read(std::move(fields), expand);
}

Result<std::optional<std::string>> RunMountSource(std::string_view text) {
  VENEER_TRY(const std::vector<MountField> fields, SplitFields(text));
  std::optional<std::string> source;
  for (const MountField& field : fields) {
    if (field.key != "from" || field.value.value_or("").empty()) continue;
    // A dollar at the end stands for itself.
    if (field.value->find('$') < field.value->size() - 1) {
      return InstructionError(
          "\"from\" takes no variable: give the image a name with FROM ... AS NAME");
    }
    source = field.value;
  }
  return source;
}

Result<std::vector<std::string>> ParseCsvLine(std::string_view line) {
  if (line.empty()) return InstructionError("the options are missing");
  std::vector<std::string> fields;
  while (true) {
    std::string field;
    if (line.starts_with('"')) {
      line.remove_prefix(1);
      while (true) {
        const size_t quote = line.find('"');
        if (quote == std::string_view::npos) return InstructionError("a quote is not closed");
        field += line.substr(0, quote);
        line.remove_prefix(quote + 1);
        if (!line.starts_with('"')) break;
        field += '"';
        line.remove_prefix(1);
      }
      if (!line.empty() && !line.starts_with(',')) {
        return InstructionError("text follows a field in quotes");
      }
    } else {
      field = line.substr(0, line.find(','));
      if (field.find('"') != std::string::npos) {
        return InstructionError("a quote stands within a field: the quotes go around all of it");
      }
      line.remove_prefix(field.size());
    }
    fields.push_back(std::move(field));
    if (line.empty()) return fields;
    line.remove_prefix(1);
  }
}

}  // namespace veneer
