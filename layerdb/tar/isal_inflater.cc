// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/inflater.h"

#ifdef VENEER_ISAL

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include <algorithm>

#include "layerdb/base/shared_library.h"

namespace veneer {

namespace {

// What is used of ISA-L.
struct Isal {
  decltype(&::isal_inflate_init) init = nullptr;
  decltype(&::isal_inflate_reset) reset = nullptr;
  decltype(&::isal_inflate) inflate = nullptr;
  decltype(&::crc32_gzip_refl) crc = nullptr;

  bool Load() {
    const SharedLibrary library("libisal.so.2");
    return library.loaded() && library.Find("isal_inflate_init", &init) &&
           library.Find("isal_inflate_reset", &reset) && library.Find("isal_inflate", &inflate) &&
           library.Find("crc32_gzip_refl", &crc);
  }
};

// nullptr: not there.
const Isal* LoadedIsal() {
  static const std::unique_ptr<Isal> isal = [] {
    auto loaded = std::make_unique<Isal>();
    return loaded->Load() ? std::move(loaded) : nullptr;
  }();
  return isal.get();
}

class IsalInflater : public Inflater {
 public:
  explicit IsalInflater(const Isal& isal)
      : isal_(isal), state_(std::make_unique<struct inflate_state>()) {
    isal_.init(state_.get());
  }

  void Reset() override { isal_.reset(state_.get()); }

  Result<Inflated> Inflate(std::string_view in, std::span<char> out) override {
    state_->next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(in.data()));
    state_->avail_in = static_cast<uint32_t>(in.size());
    state_->next_out = reinterpret_cast<uint8_t*>(out.data());
    state_->avail_out = static_cast<uint32_t>(out.size());
    if (isal_.inflate(state_.get()) != ISAL_DECOMP_OK) return DamagedDeflate();
    Inflated done{in.size() - state_->avail_in, out.size() - state_->avail_out,
                  state_->block_state == ISAL_BLOCK_FINISH, 0};
    // It reads ahead into a register.
    if (done.ended) done.unread = static_cast<size_t>(std::max(state_->read_in_length, 0)) / 8;
    return done;
  }

  uint32_t Crc(uint32_t crc, std::string_view bytes) const override {
    return isal_.crc(crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  }

 private:
  const Isal& isal_;
  const std::unique_ptr<struct inflate_state> state_;
};

}  // namespace

std::unique_ptr<Inflater> CreateIsalInflater() {
  const Isal* isal = LoadedIsal();
  return isal != nullptr ? std::make_unique<IsalInflater>(*isal) : nullptr;
}

}  // namespace veneer

#else

namespace veneer {

std::unique_ptr<Inflater> CreateIsalInflater() { return nullptr; }

}  // namespace veneer

#endif
