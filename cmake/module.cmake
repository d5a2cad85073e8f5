# SPDX-License-Identifier: Apache-2.0
# veneer_module(NAME <name> SOURCES <files> [DEPS <modules and public libraries>]
#               [PRIVATE_DEPS <libraries>])
# One static library per folder; the links below are the only dependencies between modules.
add_library(veneer_options INTERFACE)
target_include_directories(veneer_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(veneer_options INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
target_compile_options(veneer_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                                                -Woverloaded-virtual -Wcast-qual -Wimplicit-fallthrough)
if(VENEER_WERROR)
  target_compile_options(veneer_options INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 warns of std::string's own operator+ (gcc.gnu.org/PR105651).
  target_compile_options(veneer_options INTERFACE -Wno-restrict)
endif()
if(CMAKE_UNITY_BUILD)
  # A source sees the names of those before it; GCC takes a source that is included for a header.
  target_compile_options(veneer_options INTERFACE -Wno-shadow $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # layerdb/base/mutex.h
  target_compile_options(veneer_options INTERFACE -Wthread-safety -Werror=thread-safety)
endif()

function(veneer_module)
  cmake_parse_arguments(M "" "NAME" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(veneer_${M_NAME} STATIC ${M_SOURCES})
  target_link_libraries(veneer_${M_NAME} PUBLIC veneer_options ${M_DEPS} PRIVATE ${M_PRIVATE_DEPS})
endfunction()

# A test is compiled more often than it runs: GoogleTest takes three times as long to optimize.
set(VENEER_TEST_OPTIONS -O0)
# GoogleTest's headers take two thirds of the compilation of a test, so they are compiled once.
# Other modules have no precompiled headers: GCC 12 then warns of the standard library's own code.
if(BUILD_TESTING)
  set(SOURCE ${CMAKE_BINARY_DIR}/test_headers.cc)
  file(CONFIGURE OUTPUT ${SOURCE} CONTENT "")
  add_library(veneer_test_headers OBJECT ${SOURCE})
  target_compile_options(veneer_test_headers PRIVATE ${VENEER_TEST_OPTIONS})
  target_link_libraries(veneer_test_headers PRIVATE veneer_options GTest::gtest GTest::gmock)
  target_precompile_headers(
    veneer_test_headers
    PRIVATE <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint> <functional> <map>
            <memory> <mutex> <optional> <set> <span> <string> <string_view> <thread>
            <unordered_map> <utility> <vector> <gmock/gmock.h> <gtest/gtest.h>)
endif()

add_custom_target(unit_tests)

# veneer_test(NAME <name> SOURCES <files> DEPS <modules> [LABEL <label>]): one GoogleTest program,
# one ctest entry per case, with the label `unit` or `unit-<label>`. The target unit_tests has them
# all.
function(veneer_test)
  cmake_parse_arguments(T "" "NAME;LABEL" "SOURCES;DEPS" ${ARGN})
  add_executable(${T_NAME} ${T_SOURCES})
  target_compile_options(${T_NAME} PRIVATE ${VENEER_TEST_OPTIONS})
  set_target_properties(${T_NAME} PROPERTIES UNITY_BUILD OFF)  # two test files may have one helper's name
  target_link_libraries(${T_NAME} PRIVATE ${T_DEPS} GTest::gtest_main GTest::gmock)
  target_precompile_headers(${T_NAME} REUSE_FROM veneer_test_headers)
  add_dependencies(unit_tests ${T_NAME})
  set(LABEL unit)
  if(T_LABEL)
    string(APPEND LABEL -${T_LABEL})
  endif()
  gtest_discover_tests(${T_NAME} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300 LABELS ${LABEL})
endfunction()
