// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/directives.h"

#include "layerdb/base/printable.h"
#include "tools/dockerfile/config_values.h"
#include "tools/dockerfile/words.h"

namespace veneer {

Result<void> DirectiveReader::Take(std::string_view line, Dockerfile* file) {
  if (done_) return {};
  done_ = true;
  line = TrimBlanks(line);
  if (!line.starts_with('#')) return {};
  line.remove_prefix(1);
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) return {};
  const std::string name = UpperCase(TrimBlanks(line.substr(0, equals)));
  const std::string value(TrimBlanks(line.substr(equals + 1)));
  std::string* text = nullptr;
  if (name == "SYNTAX") text = &file->syntax;
  if (name == "CHECK") text = &file->check;
  if ((text == nullptr && name != "ESCAPE") || value.empty()) return {};  // any other comment
  done_ = false;
  if (!seen_.insert(name).second) {
    return InstructionError("the directive " + name + " may be given only once");
  }
  if (text != nullptr) {
    *text = value;
    return {};
  }
  if (value != "\\" && value != "`") {
    return InstructionError("the escape character is \\ or `, not " + QuotedExcerpt(value));
  }
  file->escape = value.front();
  return {};
}

}  // namespace veneer
