// SPDX-License-Identifier: Apache-2.0
//
// FunctionRef: a borrowed callable, for callbacks that do not outlive the call. No allocation,
// unlike std::function.
#ifndef VENEER_LAYERDB_BASE_FUNCTION_REF_H_
#define VENEER_LAYERDB_BASE_FUNCTION_REF_H_

#include <memory>
#include <type_traits>
#include <utility>

namespace veneer {

template <class Signature>
class FunctionRef;

template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, FunctionRef>>>
  FunctionRef(F&& f)  // NOLINT(google-explicit-constructor): a lambda is passed as it is
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(std::forward<Args>(args)...);
        }) {}
  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_FUNCTION_REF_H_
