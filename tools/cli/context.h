// SPDX-License-Identifier: Apache-2.0
//
// What every command of `veneer` shares: the options before the command, the store, and how output
// and failures reach the person. One object per run of the program; not thread-safe.
#ifndef VENEER_TOOLS_CLI_CONTEXT_H_
#define VENEER_TOOLS_CLI_CONTEXT_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/containers.h"
#include "layerdb/catalog/images.h"
#include "layerdb/store/store.h"

namespace veneer {

struct CommandSpec;

class Context {
 public:
  // Filled in by the parser.
  std::optional<std::string> root_option;  // --root
  bool debug = false;
  std::vector<std::string> program;  // the words of what is to be run (CommandSpec::takes_program)
  const CommandSpec* commands = nullptr;  // the tables

  // The path of the store. Fixed at the first call, so that it stays the same inside a user
  // namespace.
  Result<std::string> StorePath();
  // Opens the store. `missing`: what to do where there is none.
  Result<std::unique_ptr<Store>> OpenStore(Store::Missing missing = Store::Missing::kCreate);
  // For commands that touch writable layers, whose files belong to the ids of the user's namespace:
  // enters it, unless this is root. Before OpenStore().
  Result<void> EnterUserNamespaceIfNeeded();
  // The same for what can do without: where no namespace can be made, it acts with the rights of
  // the user alone.
  void EnterUserNamespaceIfPossible();

 private:
  std::optional<std::string> store_path_;
};

// Writes to standard output; the end of the program reports what could not be written.
void Print(std::string_view text);
void PrintLine(std::string_view text);
// The same for data that may come from an image: exact for a program that reads it; on a terminal,
// which it must not steer, control characters but new lines and tabs become '?'.
void PrintData(std::string_view text);
// One line "veneer: ..." on standard error; of a failure with what to do about it.
void PrintError(std::string_view message);
void PrintError(const Error& error);

// Tells an ordinary user without subordinate ids what that means for a container. Before
// EnterUserNamespaceIfNeeded().
void NoteSingleId();

// Does one thing for each of several names; what fails is reported at once and the rest goes on.
// The exit code is that of the first failure.
Result<int> ForEachTarget(const std::vector<std::string>& targets,
                          FunctionRef<Result<void>(const std::string&)> act);

// The names of all containers, and of all images.
Result<std::vector<std::string>> ContainerNames(Store& store);
Result<std::vector<std::string>> ImageNames(Store& store);

// A container by name, or an image by reference.
struct ContainerOrImage {
  std::optional<ContainerRecord> container;
  std::optional<FoundImage> image;
};
// A container of this name, else an image. kNotFound names the nearest of both.
Result<ContainerOrImage> FindContainerOrImage(Store& store, const std::string& name);

// A container by name. kNotFound says so when it is an image, and else names the nearest.
Result<ContainerRecord> FindContainer(Store& store, const std::string& name);
// An image by reference. What cannot be the name of one is not found either. kNotFound says so when
// it is a container, and else names the nearest.
Result<FoundImage> FindImage(Store& store, const std::string& reference);

// The name under which an image was found, or the start of its id.
std::string NameOfImage(const FoundImage& image);

// The first 12 hex digits of an id, or all of it with its algorithm.
std::string ShowId(const Digest& id, bool whole);

// --- throw-away containers
// -------------------------------------------------------------------------------------------
// A container that `veneer chroot IMAGE` made belongs to that process (Containers::CreateOwned);
// what it leaves when it is killed is removed by the next command that can.

// False when its owner is gone and nothing serves it, so that it is only garbage; true for every
// other container.
bool IsWanted(const ContainerRecord& container);
// Removes garbage containers. Failures are left to the next time.
void RemoveDeadContainers(Store& store);
// Removes a container and everything of it. REQUIRES: it is not mounted.
Result<void> RemoveContainer(Store& store, const std::string& name);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_CONTEXT_H_
