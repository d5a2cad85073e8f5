// SPDX-License-Identifier: Apache-2.0
//
// Where the store is. Pure: the environment comes in as values.
#ifndef VENEER_TOOLS_CLI_STORE_PATH_H_
#define VENEER_TOOLS_CLI_STORE_PATH_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "layerdb/base/result.h"

namespace veneer {

struct StorePathInputs {
  std::optional<std::string> root_option;    // --root
  std::optional<std::string> veneer_root;    // $VENEER_ROOT
  std::optional<std::string> xdg_data_home;  // $XDG_DATA_HOME
  std::optional<std::string> home;           // $HOME
  uid_t uid = 0;                             // effective
  std::string cwd = "/";                     // what relative paths are relative to
};

// This process's, with the value of --root if it was given.
StorePathInputs StorePathInputsOfProcess(std::optional<std::string> root_option);

// The absolute path of the store: --root, else VENEER_ROOT, else /var/lib/veneer for root, else
// $XDG_DATA_HOME/veneer, else $HOME/.local/share/veneer (XDG Base Directory Specification: a
// relative XDG_DATA_HOME is ignored). Empty variables count as unset; an empty --root is an error
// (kUsage).
Result<std::string> ResolveStorePath(const StorePathInputs& inputs);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_STORE_PATH_H_
