// SPDX-License-Identifier: Apache-2.0
#include "tools/mount/helper_arguments.h"

#include <sys/mount.h>

#include <algorithm>

namespace veneer {

namespace {

struct Flag {
  std::string_view word;
  unsigned long set;
  unsigned long clear;
};

constexpr unsigned long kTimes = MS_NOATIME | MS_RELATIME | MS_STRICTATIME;
constexpr Flag kFlags[] = {
    {"ro", MS_RDONLY, 0},
    {"rw", 0, MS_RDONLY},
    {"nosuid", MS_NOSUID, 0},
    {"suid", 0, MS_NOSUID},
    {"nodev", MS_NODEV, 0},
    {"dev", 0, MS_NODEV},
    {"noexec", MS_NOEXEC, 0},
    {"exec", 0, MS_NOEXEC},
    {"nosymfollow", MS_NOSYMFOLLOW, 0},
    {"symfollow", 0, MS_NOSYMFOLLOW},
    {"sync", MS_SYNCHRONOUS, 0},
    {"async", 0, MS_SYNCHRONOUS},
    {"dirsync", MS_DIRSYNC, 0},
    {"lazytime", MS_LAZYTIME, 0},
    {"nolazytime", 0, MS_LAZYTIME},
    {"noatime", MS_NOATIME, kTimes},
    {"atime", 0, MS_NOATIME},
    {"relatime", MS_RELATIME, kTimes},
    {"norelatime", 0, MS_RELATIME},
    {"strictatime", MS_STRICTATIME, kTimes},
    {"nodiratime", MS_NODIRATIME, 0},
    {"diratime", 0, MS_NODIRATIME},
};

template <class Visit>
void ForEachWord(std::string_view options, Visit visit) {
  while (!options.empty()) {
    const size_t comma = options.find(',');
    visit(options.substr(0, comma));
    options.remove_prefix(comma == std::string_view::npos ? options.size() : comma + 1);
  }
}

bool HasWord(std::string_view options, std::string_view wanted) {
  bool found = false;
  ForEachWord(options, [&](std::string_view word) { found = found || word == wanted; });
  return found;
}

// Takes the arguments apart. `letters`: the switches that are given to `on_switch`; -N and -t have
// a value, and so has -o when `options` is not null. Gives the words that are none of these.
template <class OnSwitch>
Result<std::vector<std::string>> TakeApart(const std::vector<std::string>& arguments,
                                           std::string_view letters, std::string* options,
                                           OnSwitch on_switch) {
  std::vector<std::string> words;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument.size() < 2 || argument[0] != '-') {
      words.push_back(argument);
      continue;
    }
    for (size_t at = 1; at < argument.size(); ++at) {
      const char letter = argument[at];
      if (letter == 'N' || letter == 't' || (letter == 'o' && options != nullptr)) {
        std::string value = argument.substr(at + 1);
        if (value.empty()) {
          if (++i == arguments.size()) {
            return MakeError(std::string("-") + letter + " needs a value", ExitCode::kUsage);
          }
          value = arguments[i];
        }
        if (letter == 'N') {
          return MakeError("-N: mounts in other namespaces are not supported", ExitCode::kUsage);
        }
        if (letter == 'o') *options += (options->empty() ? "" : ",") + value;
        break;
      }
      if (letters.find(letter) == std::string_view::npos) {
        return MakeError("unknown option " + argument, ExitCode::kUsage);
      }
      on_switch(letter);
    }
  }
  return words;
}

unsigned long WithWords(unsigned long flags, std::string_view options) {
  ForEachWord(options, [&](std::string_view word) {
    const auto* const flag = std::ranges::find(kFlags, word, &Flag::word);
    if (flag != std::end(kFlags)) flags = (flags & ~flag->clear) | flag->set;
  });
  return flags;
}

}  // namespace

Result<MountCall> ParseMountCall(const std::vector<std::string>& arguments) {
  MountCall call;
  std::string last;
  VENEER_TRY(std::vector<std::string> words,
             TakeApart(arguments, "sfnvrw", &call.options, [&](char letter) {
               call.fake = call.fake || letter == 'f';
               if (letter == 'r') last = "ro";
               if (letter == 'w') last = "rw";
             }));
  if (words.size() != 2) return MakeError("a source and a directory are needed", ExitCode::kUsage);
  if (!last.empty()) call.options += (call.options.empty() ? "" : ",") + last;
  call.source = std::move(words[0]);
  call.directory = std::move(words[1]);
  call.remount = HasWord(call.options, "remount");
  return call;
}

Result<UnmountCall> ParseUnmountCall(const std::vector<std::string>& arguments) {
  UnmountCall call;
  VENEER_TRY(std::vector<std::string> words,
             TakeApart(arguments, "flnrv", nullptr, [&](char letter) {
               call.force = call.force || letter == 'f';
               call.lazy = call.lazy || letter == 'l';
               call.read_only = call.read_only || letter == 'r';
             }));
  if (words.size() != 1) return MakeError("a directory is needed", ExitCode::kUsage);
  call.directory = std::move(words[0]);
  return call;
}

unsigned long RemountFlags(const MountEntry& present, std::string_view options) {
  // The table has no word for times of access that are kept strictly, and the kernel takes no word
  // for "relatime".
  const bool strict = !HasWord(present.options, "noatime") && !HasWord(present.options, "relatime");
  unsigned long flags = WithWords(strict ? MS_STRICTATIME : 0, present.options);
  // Read-only is what either of the two is.
  flags |= WithWords(0, present.file_system_options);
  return WithWords(flags, options);
}

}  // namespace veneer
