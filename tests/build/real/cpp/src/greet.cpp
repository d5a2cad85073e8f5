// SPDX-License-Identifier: Apache-2.0
#include "greet.hpp"

std::string Greet(const std::string& name) { return std::string(GREETING) + " " + name; }
