// SPDX-License-Identifier: Apache-2.0
#include "tools/format/json.h"

#include <set>

namespace veneer {

namespace {

// A first pass that builds nothing: it enforces the limits before any tree is made of hostile
// input.
class Checker : public nlohmann::json_sax<Json> {
 public:
  explicit Checker(const JsonLimits& limits) : limits_(limits) {}
  const std::string& problem() const { return problem_; }

  bool null() override { return Value(); }
  bool boolean(bool) override { return Value(); }
  bool number_integer(number_integer_t) override { return Value(); }
  bool number_unsigned(number_unsigned_t) override { return Value(); }
  bool number_float(number_float_t, const string_t&) override { return Value(); }
  bool string(string_t&) override { return Value(); }
  bool binary(binary_t&) override { return Value(); }
  bool start_object(size_t) override {
    keys_.emplace_back();
    return Value() && Deeper();
  }
  bool end_object() override {
    keys_.pop_back();
    return true;
  }
  bool start_array(size_t) override {
    keys_.emplace_back();
    return Value() && Deeper();
  }
  bool end_array() override {
    keys_.pop_back();
    return true;
  }
  bool key(string_t& name) override {
    if (keys_.back().insert(name).second) return true;
    return Refuse("the key \"" + name.substr(0, 80) + "\" is there twice");
  }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return Refuse("syntax error at byte " + std::to_string(position));
  }

 private:
  bool Value() {
    return ++values_ <= limits_.values ||
           Refuse("more than " + std::to_string(limits_.values) + " values");
  }
  bool Deeper() {
    return keys_.size() <= limits_.depth ||
           Refuse("nested deeper than " + std::to_string(limits_.depth));
  }
  bool Refuse(std::string why) {
    if (problem_.empty()) problem_ = std::move(why);
    return false;
  }

  const JsonLimits limits_;
  size_t values_ = 0;
  std::vector<std::set<std::string>> keys_;  // one level per open object or array
  std::string problem_;
};

// nullptr: absent or null, which every reader of these documents treats alike.
const Json* Find(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

tl::unexpected<Error> WrongType(const char* key, const char* wanted) {
  return MakeError(std::string("\"") + key + "\" is not " + wanted);
}

Result<Json> ParseAny(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    return MakeError("a JSON document of " + std::to_string(text.size()) + " bytes, at most " +
                     std::to_string(limits.bytes) + " are read");
  }
  Checker checker(limits);
  if (!Json::sax_parse(text.begin(), text.end(), &checker)) {
    return MakeError("not a JSON document: " + checker.problem());
  }
  return Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

}  // namespace

Result<Json> ParseJson(std::string_view text, const JsonLimits& limits) {
  VENEER_TRY(Json document, ParseAny(text, limits));
  if (!document.is_object()) return MakeError("not a JSON document: the top is not an object");
  return document;
}

Result<Json> ParseJsonList(std::string_view text, const JsonLimits& limits) {
  VENEER_TRY(Json document, ParseAny(text, limits));
  if (!document.is_array()) return MakeError("not a JSON document: the top is not a list");
  return document;
}

Result<std::optional<std::string>> GetString(const Json& object, const char* key) {
  const Json* value = Find(object, key);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return WrongType(key, "a string");
  return std::optional<std::string>(value->get_ref<const std::string&>());
}

Result<std::string> GetStringOrEmpty(const Json& object, const char* key) {
  VENEER_TRY(auto value, GetString(object, key));
  return value.value_or("");
}

Result<std::optional<bool>> GetBool(const Json& object, const char* key) {
  const Json* value = Find(object, key);
  if (value == nullptr) return std::optional<bool>();
  if (!value->is_boolean()) return WrongType(key, "true or false");
  return std::optional<bool>(value->get<bool>());
}

Result<std::optional<std::vector<std::string>>> GetStrings(const Json& object, const char* key) {
  VENEER_TRY(const Json* array, GetArray(object, key));
  if (array == nullptr) return std::optional<std::vector<std::string>>();
  std::vector<std::string> strings;
  for (const Json& item : *array) {
    if (!item.is_string()) return WrongType(key, "a list of strings");
    strings.push_back(item.get_ref<const std::string&>());
  }
  return std::optional<std::vector<std::string>>(std::move(strings));
}

Result<const Json*> GetObject(const Json& object, const char* key) {
  const Json* value = Find(object, key);
  if (value != nullptr && !value->is_object()) return WrongType(key, "an object");
  return value;
}

Result<const Json*> GetArray(const Json& object, const char* key) {
  const Json* value = Find(object, key);
  if (value != nullptr && !value->is_array()) return WrongType(key, "a list");
  return value;
}

std::string DumpJson(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace veneer
