// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/registry_error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace veneer {
namespace {

Error Of(long status, const std::string& body) {
  HttpResponse response;
  response.status = status;
  response.body = body;
  return RegistryError("example.org/app:1", response).value();
}

TEST(RegistryErrorTest, AllErrorsOfTheListTheKnownCodesLast) {
  const Error error =
      Of(500, R"({"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown"},
                                            {"code":"UNKNOWN","message":"an error"}]})");
  EXPECT_EQ(error.message(),
            "example.org/app:1: an error (UNKNOWN); blob unknown (MANIFEST_BLOB_UNKNOWN)");
  EXPECT_EQ(error.code(), EAGAIN);
}

TEST(RegistryErrorTest, WhatIsNoListGetsTheStatus) {
  EXPECT_EQ(Of(404, "404 page not found\n").message(),
            "example.org/app:1: the server answers with status 404 (Not Found)");
  EXPECT_EQ(Of(502, "").message(),
            "example.org/app:1: the server answers with status 502 (Bad Gateway)");
  EXPECT_EQ(Of(418, "{}").message(), "example.org/app:1: the server answers with status 418");
}

TEST(RegistryErrorTest, APageGetsItsTitle) {
  EXPECT_EQ(Of(400, "<html><head><title>400 No required\ncertificate</title>").message(),
            "example.org/app:1: the server answers with status 400 (400 No required certificate)");
  EXPECT_EQ(Of(400, "<title>never closed").message(),
            "example.org/app:1: the server answers with status 400 (Bad Request)");
}

TEST(RegistryErrorTest, ControlCharactersAndLengthAreTheRegistrysAndNotTheTerminals) {
  const Error error = Of(403, R"({"errors":[{"code":"DENIED","message":"\u001b[2J)" +
                                  std::string(5000, 'x') + "\"}]}");
  EXPECT_EQ(error.message().find('\x1b'), std::string::npos);
  EXPECT_LT(error.message().size(), 400U);
  EXPECT_EQ(error.code(), EACCES);
}

TEST(RegistryErrorTest, TheExitCodeSaysWhetherThereIsNothing) {
  EXPECT_EQ(Of(404, "").exit(), ExitCode::kNotFound);
  EXPECT_EQ(Of(403, "").exit(), ExitCode::kFailed);
}

}  // namespace
}  // namespace veneer
