// SPDX-License-Identifier: Apache-2.0
#include "tools/build/stage_variables.h"

#include <algorithm>

#include "tools/dockerfile/proxy_arguments.h"
#include "tools/format/go_text.h"

namespace veneer {

StageVariables::StageVariables(const BuildArguments& arguments,
                               const std::vector<std::string>& environment)
    : arguments_(&arguments) {
  for (const std::string& variable : environment) {
    const size_t equals = variable.find('=');
    Put(variable.substr(0, equals), equals == std::string::npos ? "" : variable.substr(equals + 1));
  }
}

StageVariables StageVariables::OfChild() const {
  StageVariables child = *this;
  child.declared_.clear();
  return child;
}

std::optional<std::string> StageVariables::Lookup(std::string_view name) const {
  for (const auto& [known, value] : values_) {
    if (known == name) return value;
  }
  return std::nullopt;
}

void StageVariables::Put(const std::string& name, const std::string& value) {
  const auto there =
      std::ranges::find_if(values_, [&](const auto& each) { return each.first == name; });
  if (there == values_.end()) {
    values_.emplace_back(name, value);
  } else {
    there->second = value;
  }
}

void StageVariables::Set(const std::string& name, const std::string& value) { Put(name, value); }

void StageVariables::Declare(const ArgWord& word) {
  std::optional<std::string> value = word.value;
  if (const auto given = arguments_->given.find(word.name); given != arguments_->given.end()) {
    value = given->second;
  }
  if (!value) {
    // Of two of one name the later counts.
    for (const auto& [name, global] : arguments_->global) {
      if (name == word.name) value = global;
    }
  }
  if (const auto known = arguments_->predefined.find(word.name);
      !value && known != arguments_->predefined.end()) {
    value = known->second;
  }
  if (std::ranges::find(declared_, word.name) == declared_.end()) declared_.push_back(word.name);
  if (value) Put(word.name, *value);
}

std::vector<std::string> StageVariables::Environment() const {
  std::vector<std::string> environment;
  for (const auto& [name, value] : values_) environment.push_back(name + "=" + value);
  return environment;
}

std::vector<std::string> StageVariables::Proxies() const {
  std::vector<std::string> proxies;
  for (const std::string_view proxy : kProxyArguments) {
    const std::string lower = GoLower(proxy);
    for (const std::string& name : {std::string(proxy), lower}) {
      const auto given = arguments_->given.find(name);
      if (given == arguments_->given.end()) continue;
      // Programs look for either.
      for (const std::string& each : {std::string(proxy), lower}) {
        if (!Lookup(each)) proxies.push_back(each + "=" + given->second);
      }
      break;
    }
  }
  return proxies;
}

std::vector<std::string> StageVariables::Arguments() const {
  std::vector<std::string> arguments;
  for (const std::string& name : declared_) {
    arguments.push_back(name + "=" + Lookup(name).value_or(""));
  }
  return arguments;
}

}  // namespace veneer
