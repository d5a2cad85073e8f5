// SPDX-License-Identifier: Apache-2.0
//
// The words of -o and what each does to a MountOptions. Used by ParseOptions() only.
#ifndef VENEER_FS_OPTIONS_OPTION_WORDS_H_
#define VENEER_FS_OPTIONS_OPTION_WORDS_H_

#include "fs/options/option_text.h"
#include "fs/options/options.h"

namespace veneer {

// Applies one option. A word that nobody knows adds a warning, once per word. Fails when the value
// of a known word is missing or makes no sense.
Result<void> ApplyOption(const OptionText& option, MountOptions& options);

}  // namespace veneer

#endif  // VENEER_FS_OPTIONS_OPTION_WORDS_H_
