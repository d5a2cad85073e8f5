// SPDX-License-Identifier: Apache-2.0
//
// Curl: what is used of libcurl, which is loaded at the first use and not linked: with all that it
// brings, it would make every command start later.
#ifndef VENEER_TOOLS_REGISTRY_CURL_H_
#define VENEER_TOOLS_REGISTRY_CURL_H_

#include <curl/curl.h>

#include <string_view>

#include "layerdb/base/result.h"

namespace veneer {

struct Curl {
  // The library. Thread-safe. `why`: what it is wanted for, for the error where it is not there.
  static Result<const Curl*> Load(std::string_view why);

  decltype(&::curl_global_init) global_init = nullptr;
  CURL* (*easy_init)() = nullptr;
  CURLcode (*easy_setopt)(CURL*, CURLoption, ...) = nullptr;
  CURLcode (*easy_perform)(CURL*) = nullptr;
  CURLcode (*easy_getinfo)(CURL*, CURLINFO, ...) = nullptr;
  void (*easy_reset)(CURL*) = nullptr;
  void (*easy_cleanup)(CURL*) = nullptr;
  const char* (*easy_strerror)(CURLcode) = nullptr;
  curl_slist* (*slist_append)(curl_slist*, const char*) = nullptr;
  void (*slist_free_all)(curl_slist*) = nullptr;
  CURLU* (*url)() = nullptr;
  CURLUcode (*url_set)(CURLU*, CURLUPart, const char*, unsigned) = nullptr;
  CURLUcode (*url_get)(const CURLU*, CURLUPart, char**, unsigned) = nullptr;
  void (*url_cleanup)(CURLU*) = nullptr;
  void (*free)(void*) = nullptr;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_CURL_H_
