// SPDX-License-Identifier: Apache-2.0
#include "tools/run/made_up_name.h"

#include <array>
#include <string_view>

namespace veneer {
namespace {

constexpr std::array<std::string_view, 64> kAdjectives = {
    "able",   "amber",  "bold",   "brave",  "bright",  "brisk",  "calm",   "clear",
    "clever", "cosy",   "crisp",  "dapper", "deft",    "eager",  "early",  "easy",
    "fair",   "fast",   "fine",   "fond",   "frank",   "fresh",  "gentle", "glad",
    "golden", "grand",  "green",  "happy",  "hardy",   "honest", "humble", "jolly",
    "keen",   "kind",   "lively", "loyal",  "lucky",   "mellow", "merry",  "mild",
    "modest", "neat",   "nimble", "noble",  "patient", "placid", "plain",  "proud",
    "quick",  "quiet",  "rapid",  "ready",  "sharp",   "silver", "sleek",  "smooth",
    "solid",  "steady", "sturdy", "sunny",  "swift",   "tidy",   "warm",   "wise"};

constexpr std::array<std::string_view, 64> kNouns = {
    "badger", "beaver",   "bittern",  "bunting", "buzzard", "crane",   "curlew", "deer",
    "dipper", "dormouse", "dove",     "duck",    "dunlin",  "egret",   "eider",  "falcon",
    "ferret", "finch",    "fox",      "goose",   "grebe",   "gull",    "hare",   "harrier",
    "hawk",   "hedgehog", "heron",    "hobby",   "ibis",    "jackdaw", "jay",    "kestrel",
    "kite",   "knot",     "lapwing",  "lark",    "linnet",  "lynx",    "magpie", "marten",
    "merlin", "mole",     "moose",    "newt",    "otter",   "owl",     "pipit",  "plover",
    "puffin", "quail",    "rail",     "raven",   "robin",   "rook",    "seal",   "shrew",
    "siskin", "snipe",    "starling", "stork",   "swallow", "swan",    "thrush", "wren"};

}  // namespace

std::string MadeUpName(uint64_t random) {
  std::string name(kAdjectives[random % kAdjectives.size()]);
  return name.append("_").append(kNouns[random / kAdjectives.size() % kNouns.size()]);
}

}  // namespace veneer
