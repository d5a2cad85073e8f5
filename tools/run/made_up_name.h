// SPDX-License-Identifier: Apache-2.0
//
// Names for containers whose maker gave none.
#ifndef VENEER_TOOLS_RUN_MADE_UP_NAME_H_
#define VENEER_TOOLS_RUN_MADE_UP_NAME_H_

#include <cstdint>
#include <string>

namespace veneer {

// "quiet_heron": an adjective and a bird or beast, some 4,000 of them. Pure: one number, one name.
std::string MadeUpName(uint64_t random);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_MADE_UP_NAME_H_
