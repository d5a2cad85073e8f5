// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "greet.hpp"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) std::cout << Greet(argv[i]) << '\n';
  return argc > 1 ? 0 : 1;
}
