// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/instruction_history.h"

#include <algorithm>
#include <cstdint>

#include "tools/format/go_duration.h"
#include "tools/format/go_text.h"

namespace veneer {

namespace {

// Marks an item as one of BuildKit's where the text alone could be of the classic builder.
constexpr std::string_view kOfBuildKit = " # buildkit";

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (&word != &words.front()) text += ' ';
    text += word;
  }
  return text;
}

std::string JoinedQuoted(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (&word != &words.front()) text += ' ';
    text += GoQuote(word, '"', false);
  }
  return text;
}

std::string QuotedTime(int64_t nanoseconds) {
  return GoQuote(GoDurationText(nanoseconds), '"', false);
}

// A number is told as the character that has it: Go prints the whole health check with %q.
std::string QuotedNumber(int64_t number) {
  std::string character;
  const bool none = number < 0 || number > int64_t{kLastCharacter};
  AppendCharacter(none ? kNoCharacter : static_cast<uint32_t>(number), &character);
  return GoQuote(character, '\'', false);
}

}  // namespace

std::string RunHistory(const std::vector<std::string>& command,
                       const std::vector<std::string>& arguments) {
  std::string text = "RUN ";
  if (!arguments.empty()) {
    text += "|" + std::to_string(arguments.size()) + " " + Joined(arguments) + " ";
  }
  return text.append(Joined(command)).append(kOfBuildKit);
}

std::string CopyHistory(std::string_view instruction, const std::vector<CopySource>& sources,
                        std::string_view destination) {
  std::string text(instruction);
  for (const CopySource& source : sources) {
    if (!source.heredoc) text.append(" ").append(source.path);
  }
  for (const CopySource& source : sources) {
    if (source.heredoc) text.append(" <<").append(source.path);
  }
  return text.append(" ").append(destination).append(kOfBuildKit);
}

std::string ArgHistory(const std::vector<ArgWord>& words) {
  std::string text = "ARG";
  for (const ArgWord& word : words) {
    text.append(" ").append(word.name);
    if (word.value) text.append("=").append(*word.value);
  }
  return text;
}

std::string PairsHistory(std::string_view instruction,
                         const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string text(instruction);
  for (const auto& [name, value] : pairs) text.append(" ").append(name).append("=").append(value);
  return text;
}

std::string ListHistory(std::string_view instruction, const std::vector<std::string>& words) {
  return std::string(instruction).append(" [").append(Joined(words)).append("]");
}

std::string QuotedListHistory(std::string_view instruction, const std::vector<std::string>& words) {
  return std::string(instruction).append(" [").append(JoinedQuoted(words)).append("]");
}

std::string ExposeHistory(std::vector<std::string> ports) {
  std::ranges::sort(ports);
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  for (std::string& port : ports) port += ":{}";
  return "EXPOSE map[" + Joined(ports) + "]";
}

std::string HealthcheckHistory(const std::vector<std::string>& test,
                               const HealthcheckOptions& options) {
  const auto option = [&](std::string_view name) -> int64_t {
    for (const auto& [known, value] : options) {
      if (known == name) return value;
    }
    return 0;
  };
  std::string text = "HEALTHCHECK &{[" + JoinedQuoted(test) + "]";
  for (const char* const name : {"Interval", "Timeout", "StartPeriod"}) {
    text += " " + QuotedTime(option(name));
  }
  // Newer than the others, and so told only where it is given.
  if (option("StartInterval") != 0) text += " " + QuotedTime(option("StartInterval"));
  return text + " " + QuotedNumber(option("Retries")) + "}";
}

}  // namespace veneer
