// SPDX-License-Identifier: Apache-2.0
#include "tools/image/go_printf.h"

#include <algorithm>
#include <cstdio>

#include "tools/image/go_template_functions.h"

namespace veneer {

namespace {

constexpr int kMaxWidth = 1000;

struct Verb {
  std::string flags;
  int width = 0;
  int precision = -1;
  char letter = 'v';

  bool left() const { return flags.find('-') != std::string::npos; }
};

size_t Characters(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

std::string Padded(std::string text, const Verb& verb) {
  const size_t have = Characters(text);
  if (have >= static_cast<size_t>(verb.width)) return text;
  const std::string spaces(verb.width - have, ' ');
  return verb.left() ? text + spaces : spaces + text;
}

std::string Cut(const std::string& text, int precision) {
  if (precision < 0) return text;
  size_t end = 0;
  for (int left = precision; end < text.size(); ++end) {
    const bool starts = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
    if (starts && left-- == 0) break;
  }
  return text.substr(0, end);
}

// The name of Go's type for what does not fit its verb.
const char* GoType(const Json& value) {
  if (value.is_string()) return "string";
  if (value.is_boolean()) return "bool";
  if (value.is_number_integer()) return "int";
  if (value.is_number()) return "float64";
  return value.is_array() ? "[]interface {}" : "map[string]interface {}";
}

std::string Misfit(const Json& value, char letter) {
  if (value.is_null()) return std::string("%!") + letter + "(<nil>)";
  return std::string("%!") + letter + "(" + GoType(value) + "=" + TextOfValue(value) + ")";
}

// A number, by the C library, whose flags are Go's.
template <class T>
std::string ByLibrary(const Verb& verb, const char* length, T value) {
  const std::string format = "%" + verb.flags + (verb.width > 0 ? std::to_string(verb.width) : "") +
                             (verb.precision >= 0 ? "." + std::to_string(verb.precision) : "") +
                             length + verb.letter;
  std::string text(2 * kMaxWidth + 512, '\0');  // DBL_MAX has 309 digits before the point
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  const int n = std::snprintf(text.data(), text.size(), format.c_str(), value);
#pragma GCC diagnostic pop
  text.resize(n < 0 ? 0 : std::min<size_t>(n, text.size() - 1));
  return text;
}

std::string Hex(const std::string& text, bool upper) {
  const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string hex;
  for (const char c : text) {
    hex += digits[static_cast<unsigned char>(c) >> 4];
    hex += digits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

std::string Shown(const Verb& verb, const Json& value) {
  switch (verb.letter) {
    case 'v': return Padded(TextOfValue(value), verb);
    case 's':
      if (value.is_number() || value.is_boolean()) return Misfit(value, 's');
      return Padded(Cut(TextOfValue(value), verb.precision), verb);
    case 'q':
      if (!value.is_string()) return Misfit(value, 'q');
      return Padded(DumpJson(value), verb);
    case 't':
      if (!value.is_boolean()) return Misfit(value, 't');
      return Padded(TextOfValue(value), verb);
    case 'x':
    case 'X':
      if (value.is_string()) return Padded(Hex(value.get<std::string>(), verb.letter == 'X'), verb);
      [[fallthrough]];
    case 'd':
      if (!value.is_number_integer()) return Misfit(value, verb.letter);
      if (verb.letter != 'd' && value.get<int64_t>() < 0) return Misfit(value, verb.letter);
      return ByLibrary(verb, "ll", value.get<long long>());
    case 'c':
      if (!value.is_number_integer() || value.get<int64_t>() < 0 || value.get<int64_t>() > 0x7E) {
        return Misfit(value, 'c');
      }
      return Padded(std::string(1, static_cast<char>(value.get<int64_t>())), verb);
    default:
      if (!value.is_number_float()) return Misfit(value, verb.letter);
      return ByLibrary(verb, "", value.get<double>());
  }
}

// Digits at the front of `text`; -1 when there are more than make sense.
int TakeNumber(std::string_view* text) {
  int number = 0;
  while (!text->empty() && text->front() >= '0' && text->front() <= '9') {
    number = number * 10 + (text->front() - '0');
    if (number > kMaxWidth) return -1;
    text->remove_prefix(1);
  }
  return number;
}

tl::unexpected<Error> Bad(const std::string& what) {
  return MakeError("template: printf: " + what, ExitCode::kUsage);
}

Result<Verb> TakeVerb(std::string_view* text) {
  Verb verb;
  while (!text->empty() && std::string_view("-+ 0").find(text->front()) != std::string_view::npos) {
    verb.flags += text->front();
    text->remove_prefix(1);
  }
  verb.width = TakeNumber(text);
  if (text->starts_with('.')) {
    text->remove_prefix(1);
    verb.precision = TakeNumber(text);
    if (verb.precision < 0) return Bad("a precision is at most " + std::to_string(kMaxWidth));
  }
  if (verb.width < 0) return Bad("a width is at most " + std::to_string(kMaxWidth));
  if (text->empty()) return Bad("a verb is missing at the end of the format");
  verb.letter = text->front();
  text->remove_prefix(1);
  if (std::string_view("vsqdxXtcfFeEgG%").find(verb.letter) == std::string_view::npos) {
    return Bad(std::string("no verb %") + verb.letter);
  }
  return verb;
}

}  // namespace

Result<std::string> GoPrintf(std::string_view format, std::span<const Json> values) {
  std::string text;
  size_t next = 0;
  while (!format.empty()) {
    const char c = format.front();
    format.remove_prefix(1);
    if (c != '%') {
      text += c;
      continue;
    }
    VENEER_TRY(const Verb verb, TakeVerb(&format));
    if (verb.letter == '%') {
      text += '%';
    } else if (next >= values.size()) {
      text += std::string("%!") + verb.letter + "(MISSING)";
    } else {
      text += Shown(verb, values[next++]);
    }
  }
  if (next < values.size()) {
    std::string extra;
    for (; next < values.size(); ++next) {
      extra += (extra.empty() ? "" : ", ") + std::string(GoType(values[next])) + "=" +
               TextOfValue(values[next]);
    }
    text += "%!(EXTRA " + extra + ")";
  }
  return text;
}

}  // namespace veneer
