// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/statistics.h"

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <string>

#include "fs/fuse/operations.h"

namespace veneer {
namespace {

double Microseconds(uint64_t nanoseconds) { return static_cast<double>(nanoseconds / 10) / 100; }

}  // namespace

unsigned Histogram::ClassOf(uint64_t nanoseconds) {
  // The position of the highest bit, and the two bits after it.
  const uint64_t value = std::max<uint64_t>(nanoseconds, 4);
  const unsigned top = static_cast<unsigned>(std::bit_width(value)) - 1;
  const unsigned quarter = static_cast<unsigned>(value >> (top - 2)) & 3;
  return std::min((top - 2) * 4 + quarter, kClasses - 1);
}

uint64_t Histogram::UpperBorder(unsigned index) {
  const unsigned top = index / 4 + 2;
  return ((uint64_t{5} + index % 4) << (top - 2)) - 1;
}

void Histogram::Add(uint64_t nanoseconds) {
  classes_[ClassOf(nanoseconds)].fetch_add(1, std::memory_order_relaxed);
}

uint64_t Histogram::count() const {
  uint64_t total = 0;
  for (const auto& one : classes_) total += one.load(std::memory_order_relaxed);
  return total;
}

uint64_t Histogram::Percentile(double part) const {
  const uint64_t total = count();
  if (total == 0) return 0;
  const auto wanted =
      std::max<uint64_t>(1, static_cast<uint64_t>(part * static_cast<double>(total) + 0.5));
  uint64_t seen = 0;
  for (unsigned i = 0; i < kClasses; ++i) {
    seen += classes_[i].load(std::memory_order_relaxed);
    if (seen >= wanted) return UpperBorder(i);
  }
  return UpperBorder(kClasses - 1);
}

Statistics::Statistics()
    : start_(std::chrono::steady_clock::now()),
      kinds_(std::make_unique<std::array<Kind, kOpcodes>>()) {}

void Statistics::Served(uint32_t opcode, std::chrono::nanoseconds time) {
  Kind& kind = (*kinds_)[std::min(opcode, kOpcodes - 1)];
  const auto nanoseconds = static_cast<uint64_t>(std::max<int64_t>(time.count(), 0));
  kind.nanoseconds.fetch_add(nanoseconds, std::memory_order_relaxed);
  kind.times.Add(nanoseconds);
}

std::string Statistics::ToJson(const Counters& counters, uint64_t nodes) const {
  using Json = nlohmann::ordered_json;
  const auto value = [](const std::atomic<uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  const std::chrono::duration<double> up = std::chrono::steady_clock::now() - start_;
  Json requests = Json::array();
  for (unsigned opcode = 0; opcode < kOpcodes; ++opcode) {
    const Kind& kind = (*kinds_)[opcode];
    const uint64_t count = kind.times.count();
    if (count == 0) continue;
    const Operation* operation = FindOperation(opcode);
    requests.push_back({{"kind", operation != nullptr ? std::string(operation->name) : "other"},
                        {"count", count},
                        {"total_us", Microseconds(value(kind.nanoseconds))},
                        {"p50_us", Microseconds(kind.times.Percentile(0.5))},
                        {"p99_us", Microseconds(kind.times.Percentile(0.99))}});
  }
  const Json document = {{"seconds", static_cast<uint64_t>(up.count())},
                         {"nodes", nodes},
                         {"bytes_read", value(counters.bytes_read)},
                         {"bytes_written", value(counters.bytes_written)},
                         {"metadata_copy_ups", value(counters.metadata_copy_ups)},
                         {"data_copy_ups", value(counters.data_copy_ups)},
                         {"bytes_copied_up", value(counters.bytes_copied_up)},
                         {"directories_merged", value(counters.directories_merged)},
                         {"descriptor_hits", value(counters.descriptor_hits)},
                         {"descriptor_misses", value(counters.descriptor_misses)},
                         {"requests", requests}};
  return document.dump();
}

}  // namespace veneer
