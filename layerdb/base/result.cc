// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/result.h"

#include <cstring>

namespace veneer {

std::string ErrnoText(int code) {
  const char* text = strerrordesc_np(code);
  return text != nullptr ? text : "Unknown error " + std::to_string(code);
}

Error Error::Context(std::string_view context) && {
  message_.insert(0, std::string(context) + ": ");
  return std::move(*this);
}

Error Error::Because(Reason reason, std::string subject) && {
  reason_ = reason;
  subject_ = std::move(subject);
  return std::move(*this);
}

tl::unexpected<Error> MakeError(Errno e, std::string_view what) {
  return tl::unexpected<Error>(
      Error(std::string(what) + ": " + ErrnoText(e.code), ExitCode::kFailed, e.code));
}

tl::unexpected<Error> MakeError(std::string message, ExitCode exit) {
  return tl::unexpected<Error>(Error(std::move(message), exit));
}

tl::unexpected<Error> DamageError(std::string message, int code) {
  return tl::unexpected<Error>(
      Error(std::move(message), ExitCode::kFailed, code).Because(Reason::kDamaged));
}

}  // namespace veneer
