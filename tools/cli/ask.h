// SPDX-License-Identifier: Apache-2.0
//
// Asking a person at the terminal for a word, which may be a secret.
#ifndef VENEER_TOOLS_CLI_ASK_H_
#define VENEER_TOOLS_CLI_ASK_H_

#include <string>

#include "layerdb/base/result.h"

namespace veneer {

enum class Echo { kShown, kHidden };

// True when standard input is a terminal.
bool CanAsk();

// Writes `prompt` to the terminal and reads a line from it, whatever standard output is. Hidden
// text is not shown. Signals that end or stop the program find the terminal as it was before; after
// a stop the question is asked again. Errors: there is no terminal; its end of file; a line that is
// longer than 64 KiB. REQUIRES: CanAsk(), and no other thread.
Result<std::string> Ask(const std::string& prompt, Echo echo);

// All of standard input but the end of its line. Errors: longer than 64 KiB; it cannot be read.
Result<std::string> ReadSecretFromInput();

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_ASK_H_
