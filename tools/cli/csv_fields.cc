// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/csv_fields.h"

#include <utility>
#include <vector>

#include "tools/dockerfile/run_mount.h"
#include "tools/format/go_text.h"

namespace veneer {

tl::unexpected<Error> WrongOption(std::string_view option, const std::string& why) {
  return MakeError(std::string(option) + " " + why, ExitCode::kUsage);
}

Result<CsvFields> ReadCsvFields(std::string_view option, const std::string& text) {
  Result<std::vector<std::string>> words = ParseCsvLine(text);
  if (!words) return WrongOption(option, text + ": " + words.error().message());
  CsvFields fields;
  for (const std::string& word : *words) {
    const size_t equals = word.find('=');
    const std::string name = GoLower(word.substr(0, equals));
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (!fields.emplace(name, value).second) {
      return WrongOption(option, text + ": " + name + " twice");
    }
  }
  return fields;
}

std::string TakeField(CsvFields* fields, const std::string& name) {
  const auto found = fields->find(name);
  if (found == fields->end()) return {};
  std::string value = std::move(found->second);
  fields->erase(found);
  return value;
}

}  // namespace veneer
