// SPDX-License-Identifier: Apache-2.0
//
// SharedLibrary: a library that is loaded when it is needed and not linked, because few commands
// need it, and all that it brings would make every command start later.
#ifndef VENEER_LAYERDB_BASE_SHARED_LIBRARY_H_
#define VENEER_LAYERDB_BASE_SHARED_LIBRARY_H_

#include <dlfcn.h>

namespace veneer {

class SharedLibrary {
 public:
  // `soname` as in "libcurl.so.4". The library stays loaded until the process ends.
  explicit SharedLibrary(const char* soname) : handle_(dlopen(soname, RTLD_NOW | RTLD_LOCAL)) {}

  // False: the library, or one that it needs, is not installed.
  bool loaded() const { return handle_ != nullptr; }
  // False where the library has no such function. REQUIRES: loaded(); *function has its type.
  template <class Function>
  bool Find(const char* name, Function* function) const {
    *function = reinterpret_cast<Function>(dlsym(handle_, name));
    return *function != nullptr;
  }

 private:
  void* handle_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_SHARED_LIBRARY_H_
