// SPDX-License-Identifier: Apache-2.0
#include "tools/format/go_template_functions.h"

#include <algorithm>
#include <optional>

#include "tools/format/go_print.h"
#include "tools/format/go_text.h"

namespace veneer {

namespace {

using Kind = GoValue::Kind;
using Values = std::span<const GoValue>;

// More is not what a list needs, and keeps a slip from filling the memory.
constexpr int64_t kMaxPadding = 10'000;

tl::unexpected<Error> Bad(std::string_view function, const std::string& what) {
  return FunctionError(function, what);
}

// --- Docker's ------------------------------------------------------------------------------------

Result<GoValue> ToJson(std::string_view /*name*/, Values given) {
  return GoValue::String(given[0].ToJson());
}

Result<GoValue> Lower(std::string_view /*name*/, Values given) {
  return GoValue::String(GoLower(given[0].text()));
}

Result<GoValue> Upper(std::string_view /*name*/, Values given) {
  return GoValue::String(GoUpper(given[0].text()));
}

Result<GoValue> Title(std::string_view /*name*/, Values given) {
  return GoValue::String(GoTitle(given[0].text()));
}

Result<GoValue> Split(std::string_view /*name*/, Values given) {
  std::string_view text = given[0].text();
  const std::string& separator = given[1].text();
  std::vector<std::string> parts;
  if (separator.empty()) {  // into characters, as Go does
    while (!text.empty()) {
      const std::string_view before = text;
      TakeCharacter(&text);
      parts.emplace_back(before.substr(0, before.size() - text.size()));
    }
    return GoValue::StringList(std::move(parts));
  }
  for (size_t at = text.find(separator); at != std::string_view::npos; at = text.find(separator)) {
    parts.emplace_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  parts.emplace_back(text);
  return GoValue::StringList(std::move(parts));
}

Result<GoValue> Join(std::string_view /*name*/, Values given) {
  std::string text;
  for (int64_t i = 0; i < given[0].size(); ++i) {
    text += (i > 0 ? given[1].text() : "") + given[0].at(i).text();
  }
  return GoValue::String(std::move(text));
}

Result<GoValue> Pad(std::string_view name, Values given) {
  const int64_t before = given[1].number();
  const int64_t after = given[2].number();
  if (given[0].text().empty()) return given[0];
  if (before < 0 || after < 0 || before > kMaxPadding || after > kMaxPadding) {
    return Bad(name, "wants 0 to " + std::to_string(kMaxPadding) + " spaces");
  }
  return GoValue::String(std::string(before, ' ') + given[0].text() + std::string(after, ' '));
}

// Docker counts bytes, and cuts a character in two.
Result<GoValue> Truncate(std::string_view name, Values given) {
  const int64_t length = given[1].number();
  const std::string& text = given[0].text();
  if (length < 0) return Bad(name, "wants a length, not " + std::to_string(length));
  std::string_view rest = text;
  for (int64_t left = length; left > 0 && !rest.empty(); --left) TakeCharacter(&rest);
  return GoValue::String(text.substr(0, text.size() - rest.size()));
}

// --- Go's: comparing -----------------------------------------------------------------------------

Result<GoValue> Not(std::string_view /*name*/, Values given) {
  return GoValue::Bool(!given[0].IsTrue());
}

bool IsWhole(const GoValue& value) {
  return value.kind() == Kind::kInt || value.kind() == Kind::kByte;
}

bool IsNone(const GoValue& value) {
  return value.kind() == Kind::kMissing || value.kind() == Kind::kNil;
}

bool IsBasic(const GoValue& value) {
  return IsWhole(value) || value.kind() == Kind::kBool || value.kind() == Kind::kFloat ||
         value.kind() == Kind::kString;
}

bool IsComparable(const GoValue& value) {
  if (value.kind() == Kind::kList || value.kind() == Kind::kMap) return false;
  return value.kind() != Kind::kStruct || std::ranges::all_of(value.members(), [](const auto& one) {
           return IsComparable(one.second);
         });
}

// REQUIRES: both comparable.
bool SameValue(const GoValue& a, const GoValue& b) {
  if (a.kind() != b.kind() || a.TypeName() != b.TypeName()) return false;
  switch (a.kind()) {
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kByte: return a.number() == b.number();
    case Kind::kFloat: return a.real() == b.real();
    case Kind::kString: return a.text() == b.text();
    case Kind::kStruct:
      return std::ranges::equal(a.members(), b.members(), [](const auto& one, const auto& other) {
        return SameValue(one.second, other.second);
      });
    case Kind::kMissing:
    case Kind::kNil:
    case Kind::kPointer:
    case Kind::kList:
    case Kind::kMap: break;
  }
  return true;
}

Result<bool> Equal(std::string_view name, const GoValue& a, const GoValue& b) {
  if (IsWhole(a) && IsWhole(b)) return a.number() == b.number();
  if (IsBasic(a) || IsBasic(b)) {
    if (a.kind() == b.kind()) return SameValue(a, b);
    if (IsNone(a) || IsNone(b)) return false;
    return Bad(name, "cannot compare " + TypeOfValue(a) + " with " + TypeOfValue(b));
  }
  const bool same_kind = a.kind() == b.kind() || IsNone(a) || IsNone(b);
  if (!same_kind) return Bad(name, "cannot compare " + TypeOfValue(a) + " with " + TypeOfValue(b));
  const auto nil = [](const GoValue& value) { return IsNone(value) || value.is_nil(); };
  if (nil(a) || nil(b)) return nil(a) == nil(b);
  if (!IsComparable(b)) return Bad(name, "cannot compare " + TypeOfValue(b));
  return SameValue(a, b);
}

Result<GoValue> Equality(std::string_view name, Values given) {
  if (given.size() < 2) return Bad(name, "wants something to compare with");
  for (const GoValue& other : given.subspan(1)) {
    VENEER_TRY(const bool equal, Equal(name, given[0], other));
    if (equal) return GoValue::Bool(name == "eq");
  }
  return GoValue::Bool(name != "eq");
}

Result<GoValue> Order(std::string_view name, Values given) {
  const GoValue& a = given[0];
  const GoValue& b = given[1];
  const bool whole = IsWhole(a) && IsWhole(b);
  const bool same = a.kind() == b.kind() && (a.kind() == Kind::kFloat || a.kind() == Kind::kString);
  if (!whole && !same) {
    return Bad(name, "cannot compare " + TypeOfValue(a) + " with " + TypeOfValue(b));
  }
  const bool less = whole                       ? a.number() < b.number()
                    : a.kind() == Kind::kString ? a.text() < b.text()
                                                : a.real() < b.real();
  VENEER_TRY(const bool equal, Equal(name, a, b));
  if (name == "lt") return GoValue::Bool(less);
  if (name == "le") return GoValue::Bool(less || equal);
  return GoValue::Bool(name == "gt" ? !less && !equal : !less);
}

// --- Go's: parts ---------------------------------------------------------------------------------

Result<GoValue> Length(std::string_view name, Values given) {
  const Kind kind = given[0].kind();
  if (kind != Kind::kString && kind != Kind::kList && kind != Kind::kMap) {
    return Bad(name, "of " + TypeOfValue(given[0]));
  }
  return GoValue::Int(given[0].size());
}

// A place in a list or a string of which `size` is the length.
Result<int64_t> Place(std::string_view name, const GoValue& value, int64_t size) {
  if (!IsWhole(value)) return Bad(name, "wants a whole number, not " + TypeOfValue(value));
  if (value.number() >= 0 && value.number() <= size) return value.number();
  return Bad(name,
             "out of range: " + std::to_string(value.number()) + " of " + std::to_string(size));
}

Result<GoValue> Index(std::string_view name, Values given) {
  GoValue value = given[0];
  if (IsNone(value)) return Bad(name, "of " + TypeOfValue(value));
  for (const GoValue& key : given.subspan(1)) {
    if (value.kind() == Kind::kMap) {
      if (key.kind() != Kind::kString) {
        return Bad(name, "wants a string, not " + TypeOfValue(key));
      }
      const GoValue* found = value.Find(key.text());
      GoValue next = found == nullptr ? value.ZeroItem() : *found;
      value = std::move(next);
      continue;
    }
    if (value.kind() != Kind::kList && value.kind() != Kind::kString) {
      return Bad(name, "of " + TypeOfValue(value));
    }
    VENEER_TRY(const int64_t at, Place(name, key, value.size()));
    if (at == value.size()) {
      return Bad(name, "out of range: " + std::to_string(at) + " of " + std::to_string(at));
    }
    GoValue next = value.kind() == Kind::kList
                       ? value.at(at)
                       : GoValue::Byte(static_cast<uint8_t>(value.text()[at]));
    value = std::move(next);
  }
  return value;
}

Result<GoValue> Slice(std::string_view name, Values given) {
  constexpr size_t kMostPlaces = 3;
  const GoValue& value = given[0];
  const bool list = value.kind() == Kind::kList;
  if (!list && value.kind() != Kind::kString) return Bad(name, "of " + TypeOfValue(value));
  if (given.size() > (list ? 1 + kMostPlaces : kMostPlaces)) return Bad(name, "too many places");
  const int64_t capacity = list ? value.capacity() : value.size();
  int64_t places[kMostPlaces] = {0, value.size(), capacity};
  for (size_t i = 1; i < given.size(); ++i) {
    VENEER_TRY(places[i - 1], Place(name, given[i], capacity));
  }
  const auto [from, to, end] = places;
  if (from > to || to > end) {
    return Bad(name, "out of range: " + std::to_string(from) + " to " + std::to_string(to));
  }
  if (list) return value.Slice(from, to, end);
  return GoValue::String(value.text().substr(from, to - from));
}

Result<GoValue> Call(std::string_view name, Values given) {
  return Bad(name, "of " + TypeOfValue(given[0]) + ", which is no function");
}

// --- Go's: text ----------------------------------------------------------------------------------

Result<GoValue> Print(std::string_view /*name*/, Values given) {
  return GoValue::String(GoSprint(given));
}

Result<GoValue> Println(std::string_view /*name*/, Values given) {
  return GoValue::String(GoSprintln(given));
}

Result<GoValue> Printf(std::string_view /*name*/, Values given) {
  VENEER_TRY(std::string text, GoSprintf(given[0].text(), given.subspan(1)));
  return GoValue::String(std::move(text));
}

Result<GoValue> Escape(std::string_view name, Values given) {
  std::vector<GoValue> shown(given.begin(), given.end());
  for (GoValue& value : shown) {
    if (IsNone(value)) value = GoValue::String("<no value>");
  }
  const std::string text = GoSprint(shown);
  if (name == "html") return GoValue::String(EscapeHtml(text));
  return GoValue::String(name == "js" ? EscapeJs(text) : EscapeUrlQuery(text));
}

constexpr auto kAny = TemplateParameter::kAny;
constexpr auto kString = TemplateParameter::kString;
constexpr auto kInt = TemplateParameter::kInt;
constexpr auto kStrings = TemplateParameter::kStrings;

const std::vector<TemplateFunction>& Functions() {
  static const std::vector<TemplateFunction> functions = {
      {"json", {kAny}, false, ToJson, true},
      {"lower", {kString}, false, Lower, true},
      {"upper", {kString}, false, Upper, true},
      {"title", {kString}, false, Title, true},
      {"split", {kString, kString}, false, Split, true},
      {"join", {kStrings, kString}, false, Join, true},
      {"pad", {kString, kInt, kInt}, false, Pad, true},
      {"truncate", {kString, kInt}, false, Truncate, true},
      // These two do not evaluate all they are given, which the execution sees to.
      {"and", {kAny}, true},
      {"or", {kAny}, true},
      {"not", {kAny}, false, Not},
      {"eq", {kAny}, true, Equality},
      {"ne", {kAny, kAny}, false, Equality},
      {"lt", {kAny, kAny}, false, Order},
      {"le", {kAny, kAny}, false, Order},
      {"gt", {kAny, kAny}, false, Order},
      {"ge", {kAny, kAny}, false, Order},
      {"len", {kAny}, false, Length, true},
      {"index", {kAny}, true, Index, true},
      {"slice", {kAny}, true, Slice, true},
      {"call", {kAny}, true, Call},
      {"print", {}, true, Print},
      {"printf", {kString}, true, Printf},
      {"println", {}, true, Println},
      {"html", {}, true, Escape},
      {"js", {}, true, Escape},
      {"urlquery", {}, true, Escape},
  };
  return functions;
}

}  // namespace

const TemplateFunction* FindTemplateFunction(std::string_view name) {
  const auto found = std::ranges::find(Functions(), name, &TemplateFunction::name);
  return found == Functions().end() ? nullptr : &*found;
}

bool IsTemplateFunction(std::string_view name) { return FindTemplateFunction(name) != nullptr; }

std::string TypeOfValue(const GoValue& value) {
  switch (value.kind()) {
    case Kind::kMissing:
    case Kind::kNil:
    case Kind::kPointer: return "nothing";
    case Kind::kBool: return "true or false";
    case Kind::kInt:
    case Kind::kByte:
    case Kind::kFloat: return "a number";
    case Kind::kString: return "a string";
    case Kind::kList: return "a list";
    case Kind::kMap: return "a map";
    case Kind::kStruct: break;
  }
  return "an object";
}

tl::unexpected<Error> FunctionError(std::string_view function, const std::string& what) {
  return MakeError("template: " + std::string(function) + ": " + what, ExitCode::kUsage);
}

}  // namespace veneer
