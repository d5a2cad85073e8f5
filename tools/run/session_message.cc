// SPDX-License-Identifier: Apache-2.0
#include "tools/run/session_message.h"

#include <cstring>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace veneer {

namespace {

// Numbers have eight bytes in this machine's order, texts and lists their length in front.
class Packer {
 public:
  explicit Packer(std::string* bytes) : bytes_(bytes) {}

  void Number(uint64_t number) {
    bytes_->append(reinterpret_cast<const char*>(&number), sizeof(number));
  }
  void Text(std::string_view text) {
    Number(text.size());
    bytes_->append(text);
  }

 private:
  std::string* bytes_;
};

// Gives zeros and empty texts once the bytes are too few.
class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : rest_(bytes) {}

  uint64_t Number() {
    uint64_t number = 0;
    const std::string_view bytes = Take(sizeof(number));
    if (!bytes.empty()) memcpy(&number, bytes.data(), sizeof(number));
    return number;
  }
  std::string_view Text() { return Take(Number()); }
  // Of a list: each of its elements has a byte at least.
  uint64_t Count() {
    const uint64_t count = Number();
    if (count <= rest_.size()) return count;
    failed_ = true;
    return 0;
  }
  bool Done() const { return !failed_ && rest_.empty(); }

 private:
  std::string_view Take(uint64_t size) {
    if (size > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool failed_ = false;
};

// Both directions go through one list of members for each type: VisitMembers(value, visit) calls
// visit(member...). A structured binding names them all, so that a new member does not compile
// before somebody has decided about it.
template <class Value, class Visit>
requires std::is_same_v<std::remove_const_t<Value>, BindMount>
void VisitMembers(Value& value, Visit visit) {
  auto& [source, destination, read_only] = value;
  visit(source, destination, read_only);
}

template <class Value, class Visit>
requires std::is_same_v<std::remove_const_t<Value>, TmpfsMount>
void VisitMembers(Value& value, Visit visit) {
  auto& [destination, size, mode] = value;
  visit(destination, size, mode);
}

template <class Value, class Visit>
requires std::is_same_v<std::remove_const_t<Value>, SessionFile>
void VisitMembers(Value& value, Visit visit) {
  auto& [destination, content, mode, uid, gid] = value;
  visit(destination, content, mode, uid, gid);
}

template <class Value, class Visit>
requires std::is_same_v<std::remove_const_t<Value>, TreeMount>
void VisitMembers(Value& value, Visit visit) {
  auto& [daemon, source, destination] = value;
  visit(daemon, source, destination);
}

template <class Value, class Visit>
requires std::is_same_v<std::remove_const_t<Value>, Ulimit>
void VisitMembers(Value& value, Visit visit) {
  auto& [name, soft, hard] = value;
  visit(name, soft, hard);
}

template <class Value, class Visit>
requires std::is_same_v<std::remove_const_t<Value>, Confinement>
void VisitMembers(Value& value, Visit visit) {
  auto& [insecure] = value;
  visit(insecure);
}

template <class Value, class Visit>
requires std::is_same_v<std::remove_const_t<Value>, DaemonSpec>
void VisitMembers(Value& value, Visit visit) {
  auto& [lowers, objects, upper, work, source, options] = value;
  visit(lowers, objects, upper, work, source, options);
}

template <class Value, class Visit>
requires std::is_same_v<std::remove_const_t<Value>, std::pair<std::string, std::string>>
void VisitMembers(Value& value, Visit visit) { visit(value.first, value.second); }

template <class Value, class Visit>
requires std::is_same_v<std::remove_const_t<Value>, ProcessSpec>
void VisitMembers(Value& value, Visit visit) {
  // Descriptors are numbers of one process.
  auto& [argv, environment, user, working_dir, make_working_dir, ulimits, in, out, err] = value;
  visit(argv, environment, user, working_dir, make_working_dir, ulimits);
}

template <class Value, class Visit>
requires std::is_same_v<std::remove_const_t<Value>, SessionSpec>
void VisitMembers(Value& value, Visit visit) {
  auto& [directory, daemon, on_daemon, stub_record, binds, tmpfs, files, trees, read_only, network,
         confinement, hostname, extra_hosts, shm_size, process, cancel_fd] = value;
  visit(directory, daemon, stub_record, binds, tmpfs, files, trees, read_only, network, confinement,
        hostname, extra_hosts, shm_size, process);
}

// An Error is no aggregate, and so it travels as one.
struct PackedError {
  std::string message;
  ExitCode exit = ExitCode::kFailed;
  int code = 0;
  Reason reason = Reason::kOther;
  std::string subject;
};

template <class Value, class Visit>
requires std::is_same_v<std::remove_const_t<Value>, PackedError>
void VisitMembers(Value& value, Visit visit) {
  auto& [message, exit, code, reason, subject] = value;
  visit(message, exit, code, reason, subject);
}

struct PackedEnd {
  bool ended = false;  // false: `error` is why not
  int exit_code = 0;
  bool started = false;
  std::optional<PackedError> error;
};

template <class Value, class Visit>
requires std::is_same_v<std::remove_const_t<Value>, PackedEnd>
void VisitMembers(Value& value, Visit visit) {
  auto& [ended, exit_code, started, error] = value;
  visit(ended, exit_code, started, error);
}

template <class Value>
concept Scalar = std::is_integral_v<Value> || std::is_enum_v<Value>;

template <class Value>
void Pack(Packer& packer, const Value& value);
inline void Pack(Packer& packer, const std::string& text) { packer.Text(text); }
template <class Element>
void Pack(Packer& packer, const std::vector<Element>& list) {
  packer.Number(list.size());
  for (const Element& element : list) Pack(packer, element);
}
template <class Value>
void Pack(Packer& packer, const std::optional<Value>& value) {
  packer.Number(value ? 1 : 0);
  if (value) Pack(packer, *value);
}
template <class Value>
void Pack(Packer& packer, const Value& value) {
  if constexpr (Scalar<Value>) {
    packer.Number(static_cast<uint64_t>(value));
  } else {
    VisitMembers(value, [&](const auto&... members) { (Pack(packer, members), ...); });
  }
}

template <class Value>
void Unpack(Unpacker& unpacker, Value& value);
inline void Unpack(Unpacker& unpacker, std::string& text) { text = unpacker.Text(); }
template <class Element>
void Unpack(Unpacker& unpacker, std::vector<Element>& list) {
  list.resize(unpacker.Count());
  for (Element& element : list) Unpack(unpacker, element);
}
template <class Value>
void Unpack(Unpacker& unpacker, std::optional<Value>& value) {
  if (unpacker.Number() != 0) Unpack(unpacker, value.emplace());
}
template <class Value>
void Unpack(Unpacker& unpacker, Value& value) {
  if constexpr (Scalar<Value>) {
    value = static_cast<Value>(unpacker.Number());
  } else {
    VisitMembers(value, [&](auto&... members) { (Unpack(unpacker, members), ...); });
  }
}

template <class Value>
std::string Packed(const Value& value) {
  std::string bytes;
  Packer packer(&bytes);
  Pack(packer, value);
  return bytes;
}

template <class Value>
Result<Value> Unpacked(std::string_view bytes, const char* what) {
  Unpacker unpacker(bytes);
  Value value;
  Unpack(unpacker, value);
  if (!unpacker.Done()) return MakeError(std::string(what) + " has not come whole");
  return value;
}

PackedError FromError(const Error& error) {
  return {error.message(), error.exit(), error.code(), error.reason(), error.subject()};
}

Error ToError(PackedError packed) {
  return Error(std::move(packed.message), packed.exit, packed.code)
      .Because(packed.reason, std::move(packed.subject));
}

}  // namespace

std::string PackSpec(const SessionSpec& spec) { return Packed(spec); }

Result<SessionSpec> UnpackSpec(std::string_view bytes) {
  return Unpacked<SessionSpec>(bytes, "the description of the session");
}

std::string PackEnd(const Result<SessionEnd>& end) {
  PackedEnd packed;
  packed.ended = end.has_value();
  if (!end) {
    packed.error = FromError(end.error());
    return Packed(packed);
  }
  const auto& [exit_code, started, error] = *end;
  packed.exit_code = exit_code;
  packed.started = started;
  if (error) packed.error = FromError(*error);
  return Packed(packed);
}

Result<SessionEnd> UnpackEnd(std::string_view bytes) {
  VENEER_TRY(PackedEnd packed, Unpacked<PackedEnd>(bytes, "the end of the session"));
  std::optional<Error> error;
  if (packed.error) error = ToError(std::move(*packed.error));
  if (!packed.ended) {
    if (!error) return MakeError("the session failed");
    return tl::unexpected(std::move(*error));
  }
  return SessionEnd{packed.exit_code, packed.started, std::move(error)};
}

}  // namespace veneer
