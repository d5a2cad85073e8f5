// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/curl.h"

#include <memory>
#include <string>

#include "layerdb/base/shared_library.h"

namespace veneer {

namespace {

std::unique_ptr<const Curl> LoadLibrary() {
  const SharedLibrary library("libcurl.so.4");
  auto curl = std::make_unique<Curl>();
  const bool loaded =
      library.loaded() && library.Find("curl_global_init", &curl->global_init) &&
      library.Find("curl_easy_init", &curl->easy_init) &&
      library.Find("curl_easy_setopt", &curl->easy_setopt) &&
      library.Find("curl_easy_perform", &curl->easy_perform) &&
      library.Find("curl_easy_getinfo", &curl->easy_getinfo) &&
      library.Find("curl_easy_reset", &curl->easy_reset) &&
      library.Find("curl_easy_cleanup", &curl->easy_cleanup) &&
      library.Find("curl_easy_strerror", &curl->easy_strerror) &&
      library.Find("curl_slist_append", &curl->slist_append) &&
      library.Find("curl_slist_free_all", &curl->slist_free_all) &&
      library.Find("curl_url", &curl->url) && library.Find("curl_url_set", &curl->url_set) &&
      library.Find("curl_url_get", &curl->url_get) &&
      library.Find("curl_url_cleanup", &curl->url_cleanup) &&
      library.Find("curl_free", &curl->free) && curl->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
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
