// SPDX-License-Identifier: Apache-2.0
#include "tools/image/go_template_functions.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "tools/image/go_printf.h"

namespace veneer {

namespace {

using Arguments = std::vector<Json>;

// More is not what a list needs, and keeps a slip from filling the memory.
constexpr int64_t kMaxPadding = 10'000;

tl::unexpected<Error> Bad(std::string_view function, const std::string& what) {
  return MakeError("template: " + std::string(function) + ": " + what, ExitCode::kUsage);
}

Result<void> WantCount(std::string_view function, const Arguments& given, size_t least,
                       size_t most) {
  if (given.size() >= least && given.size() <= most) return {};
  const std::string wanted = least == most
                                 ? std::to_string(least)
                                 : (given.size() < least ? "at least " + std::to_string(least)
                                                         : "at most " + std::to_string(most));
  return Bad(function, "takes " + wanted + (least == 1 && most == 1 ? " argument" : " arguments") +
                           ", not " + std::to_string(given.size()));
}

Result<std::string> StringAt(std::string_view function, const Arguments& given, size_t i) {
  if (given[i].is_string()) return given[i].get<std::string>();
  if (given[i].is_null()) return std::string();
  return Bad(function, "wants a string, not " + TypeOfValue(given[i]));
}

Result<int64_t> NumberAt(std::string_view function, const Arguments& given, size_t i) {
  if (given[i].is_number_integer()) return given[i].get<int64_t>();
  return Bad(function, "wants a whole number, not " + TypeOfValue(given[i]));
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// The first `count` characters.
std::string Front(const std::string& text, int64_t count) {
  size_t end = 0;
  for (; end < text.size(); ++end) {
    if (!IsContinuation(text[end]) && count-- == 0) break;
  }
  return text.substr(0, end);
}

// --- Docker's ------------------------------------------------------------------------------------

Result<Json> ToJson(std::string_view name, const Arguments& given) {
  VENEER_TRY_VOID(WantCount(name, given, 1, 1));
  return Json(DumpJson(given[0]));
}

char LowerByte(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
char UpperByte(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

Result<Json> ChangeCase(std::string_view name, const Arguments& given) {
  VENEER_TRY_VOID(WantCount(name, given, 1, 1));
  VENEER_TRY(std::string text, StringAt(name, given, 0));
  bool in_word = false;
  for (char& c : text) {
    if (name == "lower") c = LowerByte(c);
    if (name == "upper" || (name == "title" && !in_word)) c = UpperByte(c);
    in_word = c != ' ' && c != '\t' && c != '\n';
  }
  return Json(text);
}

Result<Json> Split(std::string_view name, const Arguments& given) {
  VENEER_TRY_VOID(WantCount(name, given, 2, 2));
  VENEER_TRY(const std::string text, StringAt(name, given, 0));
  VENEER_TRY(const std::string separator, StringAt(name, given, 1));
  Json parts = Json::array();
  if (separator.empty()) {  // into characters, as Go does
    for (size_t i = 0; i < text.size();) {
      size_t end = i + 1;
      while (end < text.size() && IsContinuation(text[end])) ++end;
      parts.push_back(text.substr(i, end - i));
      i = end;
    }
    return parts;
  }
  size_t from = 0;
  for (size_t at = text.find(separator); at != std::string::npos; at = text.find(separator, from)) {
    parts.push_back(text.substr(from, at - from));
    from = at + separator.size();
  }
  parts.push_back(text.substr(from));
  return parts;
}

Result<Json> Join(std::string_view name, const Arguments& given) {
  VENEER_TRY_VOID(WantCount(name, given, 2, 2));
  VENEER_TRY(const std::string separator, StringAt(name, given, 1));
  if (given[0].is_null()) return Json("");
  if (!given[0].is_array()) return Bad(name, "wants a list, not " + TypeOfValue(given[0]));
  std::string text;
  for (const Json& item : given[0]) {
    if (&item != &given[0].front()) text += separator;
    text += TextOfValue(item);
  }
  return Json(text);
}

Result<Json> Pad(std::string_view name, const Arguments& given) {
  VENEER_TRY_VOID(WantCount(name, given, 3, 3));
  VENEER_TRY(const std::string text, StringAt(name, given, 0));
  VENEER_TRY(const int64_t before, NumberAt(name, given, 1));
  VENEER_TRY(const int64_t after, NumberAt(name, given, 2));
  if (before < 0 || after < 0 || before > kMaxPadding || after > kMaxPadding) {
    return Bad(name, "wants 0 to " + std::to_string(kMaxPadding) + " spaces");
  }
  if (text.empty()) return Json("");
  return Json(std::string(before, ' ') + text + std::string(after, ' '));
}

Result<Json> Truncate(std::string_view name, const Arguments& given) {
  VENEER_TRY_VOID(WantCount(name, given, 2, 2));
  VENEER_TRY(const std::string text, StringAt(name, given, 0));
  VENEER_TRY(const int64_t length, NumberAt(name, given, 1));
  if (length < 0) return Bad(name, "wants a length, not " + std::to_string(length));
  return Json(Front(text, length));
}

// --- Go's ----------------------------------------------------------------------------------------

Result<Json> Logic(std::string_view name, const Arguments& given) {
  VENEER_TRY_VOID(WantCount(name, given, 1, name == "not" ? 1 : SIZE_MAX));
  if (name == "not") return Json(!IsTrueValue(given[0]));
  const auto decides = [&](const Json& value) { return IsTrueValue(value) == (name == "or"); };
  const auto found = std::ranges::find_if(given, decides);
  return found == given.end() ? given.back() : *found;
}

Result<Json> Compare(std::string_view name, const Arguments& given) {
  VENEER_TRY_VOID(WantCount(name, given, 2, name == "eq" ? SIZE_MAX : 2));
  const Json& first = given[0];
  if (name == "eq" || name == "ne") {
    const bool equal = std::ranges::find(given.begin() + 1, given.end(), first) != given.end();
    return Json(equal == (name == "eq"));
  }
  const Json& second = given[1];
  const bool numbers = first.is_number() && second.is_number();
  if (!numbers && !(first.is_string() && second.is_string())) {
    return Bad(name, "cannot compare " + TypeOfValue(first) + " with " + TypeOfValue(second));
  }
  if (name == "lt") return Json(first < second);
  if (name == "le") return Json(first <= second);
  if (name == "gt") return Json(second < first);
  return Json(second <= first);
}

Result<Json> Length(std::string_view name, const Arguments& given) {
  VENEER_TRY_VOID(WantCount(name, given, 1, 1));
  const Json& value = given[0];
  if (value.is_string()) return Json(value.get_ref<const std::string&>().size());
  if (value.is_array() || value.is_object() || value.is_null()) return Json(value.size());
  return Bad(name, "of " + TypeOfValue(value));
}

Result<Json> Index(std::string_view name, const Arguments& given) {
  VENEER_TRY_VOID(WantCount(name, given, 1, SIZE_MAX));
  Json value = given[0];
  for (size_t i = 1; i < given.size(); ++i) {
    if (value.is_object() || value.is_null()) {
      VENEER_TRY(const std::string key, StringAt(name, given, i));
      const bool there = value.is_object() && value.contains(key);
      Json next = there ? value.at(key) : Json("");
      value = std::move(next);
      continue;
    }
    VENEER_TRY(const int64_t at, NumberAt(name, given, i));
    const size_t size =
        value.is_string() ? value.get_ref<const std::string&>().size() : value.size();
    if (!value.is_array() && !value.is_string()) return Bad(name, "of " + TypeOfValue(value));
    if (at < 0 || static_cast<uint64_t>(at) >= size) {
      return Bad(name, "out of range: " + std::to_string(at) + " of " + std::to_string(size));
    }
    Json next = value.is_string()
                    ? Json(int64_t{static_cast<unsigned char>(value.get_ref<std::string&>()[at])})
                    : value.at(at);
    value = std::move(next);
  }
  return value;
}

Result<Json> Slice(std::string_view name, const Arguments& given) {
  VENEER_TRY_VOID(WantCount(name, given, 1, 3));
  const Json& value = given[0];
  if (!value.is_string() && !value.is_array()) return Bad(name, "of " + TypeOfValue(value));
  const auto size = static_cast<int64_t>(
      value.is_string() ? value.get_ref<const std::string&>().size() : value.size());
  int64_t from = 0;
  int64_t to = size;
  if (given.size() > 1) {
    VENEER_TRY(from, NumberAt(name, given, 1));
  }
  if (given.size() > 2) {
    VENEER_TRY(to, NumberAt(name, given, 2));
  }
  if (from < 0 || to > size || from > to) {
    return Bad(name, "out of range: " + std::to_string(from) + " to " + std::to_string(to) +
                         " of " + std::to_string(size));
  }
  if (value.is_string()) return Json(value.get_ref<const std::string&>().substr(from, to - from));
  return Json(Arguments(value.begin() + from, value.begin() + to));
}

Result<Json> PrintAll(std::string_view name, const Arguments& given) {
  if (name == "printf") {
    VENEER_TRY_VOID(WantCount(name, given, 1, SIZE_MAX));
    VENEER_TRY(const std::string format, StringAt(name, given, 0));
    VENEER_TRY(std::string text, GoPrintf(format, std::span(given).subspan(1)));
    return Json(text);
  }
  std::string text;
  for (size_t i = 0; i < given.size(); ++i) {
    // Go's Sprint sets a space between two that are no strings, and Sprintln between all.
    const bool strings = i > 0 && (given[i].is_string() || given[i - 1].is_string());
    if (i > 0 && (name == "println" || !strings)) text += ' ';
    text += TextOfValue(given[i]);
  }
  return Json(name == "println" ? text + "\n" : text);
}

struct Function {
  std::string_view name;
  Result<Json> (*call)(std::string_view name, const Arguments& given);
  bool shapes = false;  // gives the heading where it is given one
};

constexpr std::array<Function, 23> kFunctions = {{{"json", ToJson, true},
                                                  {"lower", ChangeCase, true},
                                                  {"upper", ChangeCase, true},
                                                  {"title", ChangeCase, true},
                                                  {"split", Split, true},
                                                  {"join", Join, true},
                                                  {"pad", Pad, true},
                                                  {"truncate", Truncate, true},
                                                  {"and", Logic},
                                                  {"or", Logic},
                                                  {"not", Logic},
                                                  {"eq", Compare},
                                                  {"ne", Compare},
                                                  {"lt", Compare},
                                                  {"le", Compare},
                                                  {"gt", Compare},
                                                  {"ge", Compare},
                                                  {"len", Length, true},
                                                  {"index", Index, true},
                                                  {"slice", Slice, true},
                                                  {"print", PrintAll},
                                                  {"printf", PrintAll},
                                                  {"println", PrintAll}}};

const Function* FindFunction(std::string_view name) {
  const auto found = std::ranges::find(kFunctions, name, &Function::name);
  return found == kFunctions.end() ? nullptr : &*found;
}

}  // namespace

bool IsTemplateFunction(std::string_view name) { return FindFunction(name) != nullptr; }

Result<Json> CallTemplateFunction(std::string_view name, std::vector<Json> arguments,
                                  bool headings) {
  const Function& function = *FindFunction(name);
  if (headings && function.shapes && !arguments.empty()) return std::move(arguments.front());
  return function.call(name, arguments);
}

std::string TextOfValue(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "<no value>";
  if (value.is_array()) {
    std::string text;
    for (const Json& item : value) text += (text.empty() ? "" : " ") + TextOfValue(item);
    return "[" + text + "]";
  }
  if (!value.is_object()) return DumpJson(value);
  std::vector<std::string> items;
  for (const auto& [key, item] : value.items()) items.push_back(key + ":" + TextOfValue(item));
  std::ranges::sort(items);
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : " ") + item;
  return "map[" + text + "]";
}

std::string TypeOfValue(const Json& value) {
  if (value.is_null()) return "nothing";
  if (value.is_boolean()) return "true or false";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "a string";
  return value.is_array() ? "a list" : "a map";
}

bool IsTrueValue(const Json& value) {
  if (value.is_null()) return false;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.empty();
}

}  // namespace veneer
