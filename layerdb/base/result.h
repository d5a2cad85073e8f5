// SPDX-License-Identifier: Apache-2.0
//
// The two error types of the project (and nothing else reports a failure).
//
//   Sys<T>     = value or Errno.  Below the file-system boundary: four bytes, no allocation.
//   Result<T>  = value or Error.  Where a person reads the outcome: one line that says what failed,
//                on what, why, and what to do; plus the exit code it leads to.
//
// An Errno becomes an Error only through MakeError(errno, "what failed on what").
#ifndef VENEER_LAYERDB_BASE_RESULT_H_
#define VENEER_LAYERDB_BASE_RESULT_H_

#include <cerrno>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace veneer {

// A positive errno value. 0 is not a valid Errno.
struct [[nodiscard]] Errno {
  int code = EIO;
  friend bool operator==(Errno a, Errno b) { return a.code == b.code; }
};

template <class T>
using Sys = tl::expected<T, Errno>;

inline tl::unexpected<Errno> Fail(int code) { return tl::unexpected<Errno>(Errno{code}); }
inline tl::unexpected<Errno> Fail(Errno e) { return tl::unexpected<Errno>(e); }
// The current thread's errno as a failure.
inline tl::unexpected<Errno> FailErrno() { return tl::unexpected<Errno>(Errno{errno}); }

// The short English text of an errno ("No such file or directory").
std::string ErrnoText(int code);

// What a program ends with; the numbers are the interface (README, man pages).
enum class ExitCode : int { kFailed = 1, kUsage = 2, kNotFound = 3, kInUse = 4 };

// Why something failed, where a person can do something about it. The library gives the reason; the
// program that a person runs says in its own words what to do.
enum class Reason {
  kOther,
  kDamaged,         // a file of the store is not what was written there
  kNameTaken,       // by another container
  kContainerInUse,  // mounted, or in use by a session; the subject is its name
  kImageInUse,      // a container of it is there, which is the subject
  kImageHasSteps,   // that builds made of it, and nothing else is made of it
  kImageHasNames,   // several, and one does not stand for all of them
  kMountInUse,      // by a process
  kNotAnImageArchive,
  kOtherPlatforms,  // an archive has no image for this machine
  kAccessDenied,    // by a registry, whose host is the subject
  kStepFailed,      // the command of a build; the subject is the container in which it ran
};

// A failure as a person reads it. Contexts are added from the inside out, the outermost first in
// the text: "import rootfs.tar: read entry 17: Input/output error".
class [[nodiscard]] Error {
 public:
  explicit Error(std::string message, ExitCode exit = ExitCode::kFailed, int code = 0)
      : message_(std::move(message)), exit_(exit), code_(code) {}

  // Puts "context: " in front of the message.
  Error Context(std::string_view context) &&;
  // Says why. `subject`: the name of what the reason is about.
  Error Because(Reason reason, std::string subject = {}) &&;

  const std::string& message() const { return message_; }
  ExitCode exit() const { return exit_; }
  // The errno behind the failure, or 0 where there is none.
  int code() const { return code_; }
  Reason reason() const { return reason_; }
  const std::string& subject() const { return subject_; }

 private:
  std::string message_;
  ExitCode exit_;
  int code_;
  Reason reason_ = Reason::kOther;
  std::string subject_;
};

template <class T>
using Result = tl::expected<T, Error>;

// "what: No such file or directory", with the errno kept.
tl::unexpected<Error> MakeError(Errno e, std::string_view what);
// A failure that has no errno: a sentence.
tl::unexpected<Error> MakeError(std::string message, ExitCode exit = ExitCode::kFailed);
// The same for Reason::kDamaged. `code`: the errno behind it, if one is.
tl::unexpected<Error> DamageError(std::string message, int code = EUCLEAN);

// The only way to drop an error. `why` is for the reader of the code.
template <class T>
void IgnoreError(const T& /*result*/, const char* /*why*/) {}

}  // namespace veneer

// Propagate a failure: `VENEER_TRY(auto fd, OpenIt());` / `VENEER_TRY_VOID(Sync());`
#define VENEER_CONCAT_INNER(a, b) a##b
#define VENEER_CONCAT(a, b) VENEER_CONCAT_INNER(a, b)
#define VENEER_TRY_IMPL(tmp, decl, expr)             \
  auto tmp = (expr);                                 \
  if (!tmp) [[unlikely]]                             \
    return ::tl::unexpected(std::move(tmp).error()); \
  decl = std::move(*tmp)
#define VENEER_TRY(decl, expr) VENEER_TRY_IMPL(VENEER_CONCAT(try_, __COUNTER__), decl, expr)
#define VENEER_TRY_VOID_IMPL(tmp, expr)                \
  do {                                                 \
    auto tmp = (expr);                                 \
    if (!tmp) [[unlikely]]                             \
      return ::tl::unexpected(std::move(tmp).error()); \
  } while (0)
#define VENEER_TRY_VOID(expr) VENEER_TRY_VOID_IMPL(VENEER_CONCAT(try_, __COUNTER__), expr)
// The same, turning an Errno into an Error with a context.
#define VENEER_TRY_CTX_IMPL(tmp, decl, expr, what)   \
  auto tmp = (expr);                                 \
  if (!tmp) [[unlikely]]                             \
    return ::veneer::MakeError(tmp.error(), (what)); \
  decl = std::move(*tmp)
#define VENEER_TRY_CTX(decl, expr, what) \
  VENEER_TRY_CTX_IMPL(VENEER_CONCAT(try_, __COUNTER__), decl, expr, what)
#define VENEER_TRY_CTX_VOID_IMPL(tmp, expr, what)      \
  do {                                                 \
    auto tmp = (expr);                                 \
    if (!tmp) [[unlikely]]                             \
      return ::veneer::MakeError(tmp.error(), (what)); \
  } while (0)
#define VENEER_TRY_CTX_VOID(expr, what) \
  VENEER_TRY_CTX_VOID_IMPL(VENEER_CONCAT(try_, __COUNTER__), expr, what)

#endif  // VENEER_LAYERDB_BASE_RESULT_H_
