// SPDX-License-Identifier: Apache-2.0
//
// A session's description and its end as bytes, for a socket between two processes of one program:
// the form is nobody else's, and no version of it outlives them. Pure.
#ifndef VENEER_TOOLS_RUN_SESSION_MESSAGE_H_
#define VENEER_TOOLS_RUN_SESSION_MESSAGE_H_

#include <string>
#include <string_view>

#include "layerdb/base/result.h"
#include "tools/run/session.h"
#include "tools/run/session_spec.h"

namespace veneer {

// Without `on_daemon`, which cannot be sent, and without descriptors, which go beside the bytes.
std::string PackSpec(const SessionSpec& spec);
Result<SessionSpec> UnpackSpec(std::string_view bytes);

std::string PackEnd(const Result<SessionEnd>& end);
Result<SessionEnd> UnpackEnd(std::string_view bytes);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_SESSION_MESSAGE_H_
