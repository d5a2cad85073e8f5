// SPDX-License-Identifier: Apache-2.0
#include "fs/options/option_text.h"

namespace veneer {
namespace {

constexpr std::string_view kEscapable = "\\:,\"";

// The place of the first `wanted` at or after `from` that no backslash protects; npos: none.
size_t FindBare(std::string_view text, char wanted, size_t from) {
  for (size_t i = from; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == wanted) {
      return i;
    }
  }
  return std::string_view::npos;
}

// The closing quote of a value that opens with one at `open`: the first bare quote that ends the
// option.
size_t FindClosingQuote(std::string_view text, size_t open) {
  for (size_t i = FindBare(text, '"', open + 1); i != std::string_view::npos;
       i = FindBare(text, '"', i + 1)) {
    if (i + 1 == text.size() || text[i + 1] == ',') return i;
  }
  return std::string_view::npos;
}

}  // namespace

std::vector<OptionText> SplitOptions(std::string_view text) {
  std::vector<OptionText> options;
  size_t start = 0;
  while (start < text.size()) {
    size_t end = FindBare(text, ',', start);
    if (end == std::string_view::npos) end = text.size();
    OptionText option;
    const size_t equals = FindBare(text.substr(0, end), '=', start);
    if (equals == std::string_view::npos) {
      option.word = text.substr(start, end - start);
    } else {
      option.word = text.substr(start, equals - start);
      size_t value = equals + 1;
      const size_t quote = value < text.size() && text[value] == '"' ? FindClosingQuote(text, value)
                                                                     : std::string_view::npos;
      if (quote != std::string_view::npos) {
        ++value;
        option.value = text.substr(value, quote - value);
        end = quote + 1;
      } else {
        option.value = text.substr(value, end - value);
      }
    }
    if (!option.word.empty() || option.value) options.push_back(option);
    start = end + 1;
  }
  return options;
}

std::string Unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() &&
        kEscapable.find(text[i + 1]) != std::string_view::npos) {
      ++i;
    }
    out.push_back(text[i]);
  }
  return out;
}

std::vector<std::string> SplitPaths(std::string_view value) {
  std::vector<std::string> paths;
  size_t start = 0;
  while (true) {
    const size_t colon = FindBare(value, ':', start);
    if (colon == std::string_view::npos) break;
    paths.push_back(Unescape(value.substr(start, colon - start)));
    start = colon + 1;
  }
  paths.push_back(Unescape(value.substr(start)));
  return paths;
}

std::string EscapeForLibfuse(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == ',' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

}  // namespace veneer
