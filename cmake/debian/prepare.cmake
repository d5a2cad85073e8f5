# SPDX-License-Identifier: Apache-2.0
# Run by cpack on what was installed for the package: gives it the form that Debian's policy asks
# for. Without dpkg-shlibdeps (package dpkg-dev) or file, cpack would make a package that depends on
# no library.
foreach(program dpkg-shlibdeps file gzip)
  unset(found)
  find_program(found ${program} PATHS ENV PATH NO_DEFAULT_PATH NO_CACHE)
  if(NOT found)
    message(FATAL_ERROR "${program} is missing, which the Debian package is made with "
                        "(scripts/install-dependencies package)")
  endif()
endforeach()

set(share ${CPACK_TEMPORARY_INSTALL_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX}/share)
set(doc ${share}/doc/${CPACK_PACKAGE_NAME})
file(RENAME ${doc}/CHANGELOG.md ${doc}/changelog)
file(REMOVE ${doc}/LICENSE)
file(COPY_FILE ${CMAKE_CURRENT_LIST_DIR}/copyright ${doc}/copyright)
file(CHMOD ${doc}/copyright PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
file(GLOB pages ${share}/man/man*/*.[1-8])
execute_process(COMMAND gzip -9n ${doc}/changelog ${pages} COMMAND_ERROR_IS_FATAL ANY)
