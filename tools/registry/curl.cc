// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/curl.h"

#include <dlfcn.h>

#include <memory>
#include <string>

namespace veneer {

namespace {

template <class Function>
bool Find(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  return *function != nullptr;
}

std::unique_ptr<const Curl> LoadLibrary() {
  void* library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  auto curl = std::make_unique<Curl>();
  const bool loaded =
      library != nullptr && Find(library, "curl_global_init", &curl->global_init) &&
      Find(library, "curl_easy_init", &curl->easy_init) &&
      Find(library, "curl_easy_setopt", &curl->easy_setopt) &&
      Find(library, "curl_easy_perform", &curl->easy_perform) &&
      Find(library, "curl_easy_getinfo", &curl->easy_getinfo) &&
      Find(library, "curl_easy_reset", &curl->easy_reset) &&
      Find(library, "curl_easy_cleanup", &curl->easy_cleanup) &&
      Find(library, "curl_easy_strerror", &curl->easy_strerror) &&
      Find(library, "curl_slist_append", &curl->slist_append) &&
      Find(library, "curl_slist_free_all", &curl->slist_free_all) &&
      Find(library, "curl_url", &curl->url) && Find(library, "curl_url_set", &curl->url_set) &&
      Find(library, "curl_url_get", &curl->url_get) &&
      Find(library, "curl_url_cleanup", &curl->url_cleanup) &&
      Find(library, "curl_free", &curl->free) && curl->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return loaded ? std::move(curl) : nullptr;
}

}  // namespace

Result<const Curl*> Curl::Load(std::string_view why) {
  static const std::unique_ptr<const Curl> curl = LoadLibrary();
  if (curl != nullptr) return curl.get();
  return MakeError(std::string(why) +
                   ": libcurl.so.4 is missing, which speaks to web servers (package libcurl4)");
}

}  // namespace veneer
