// SPDX-License-Identifier: Apache-2.0
//
// Base64 of RFC 4648, section 4. Pure functions.
#ifndef VENEER_LAYERDB_BASE_BASE64_H_
#define VENEER_LAYERDB_BASE_BASE64_H_

#include <optional>
#include <string>
#include <string_view>

namespace veneer {

enum class Base64Form {
  kStrict,  // padded, and nothing but the one text that Base64Encode() gives for the bytes
  kLoose,   // with or without padding, as archives have base64
};

std::string Base64Encode(std::string_view bytes);

// nullopt: `text` has bytes outside of the alphabet, or is not of this form.
std::optional<std::string> Base64Decode(std::string_view text, Base64Form form);

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_BASE64_H_
