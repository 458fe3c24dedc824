# SPDX-License-Identifier: Apache-2.0
# What `cpack` makes: .deb packages, one for each library, one to develop with, one with the command. See script/package.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME libtsm)
# A package's maintainer is who makes it: as Debian's tools are told, else as git is, else the account on this machine.
set(tsm_packager "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
if(NOT tsm_packager MATCHES "^.+ <.+@.+>$")
  execute_process(COMMAND git log -1 "--format=%cn <%ce>" WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
                  OUTPUT_VARIABLE tsm_packager OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT tsm_packager MATCHES "^.+ <.+@.+>$")
  cmake_host_system_information(RESULT tsm_packager_host QUERY HOSTNAME)
  set(tsm_packager "$ENV{USER} <$ENV{USER}@${tsm_packager_host}>")
endif()
set(CPACK_PACKAGE_CONTACT "${tsm_packager}" CACHE STRING "Maintainer of the packages: NAME <ADDRESS>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                                WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# tsm_package(COMPONENT PACKAGE SECTION SUMMARY [COMPONENT...]): a package that needs those of the components at the end.
set(CPACK_COMPONENTS_ALL "")
macro(tsm_package component package section summary)
  string(TOUPPER ${component} tsm_upper)
  list(APPEND CPACK_COMPONENTS_ALL ${component})
  set(CPACK_DEBIAN_${tsm_upper}_PACKAGE_NAME ${package})
  set(CPACK_DEBIAN_${tsm_upper}_PACKAGE_SECTION ${section})
  set(CPACK_COMPONENT_${tsm_upper}_DESCRIPTION "${summary}")
  set(CPACK_COMPONENT_${tsm_upper}_DEPENDS ${ARGN})
  install(FILES ${CMAKE_SOURCE_DIR}/cmake/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} COMPONENT ${component}
          EXCLUDE_FROM_ALL)
endmacro()

tsm_package(runtime libtsm${PROJECT_VERSION_MAJOR} libs
  "video action recognition with temporal shift networks\n Models, engines and contexts of libtsm.")
set(tsm_developed runtime)
if(TSM_VIDEO)
  tsm_package(video libtsm-video${PROJECT_VERSION_MAJOR} libs
    "decoding and preprocessing of clips for libtsm\n Links FFmpeg; see its copyright file for what that means." runtime)
  tsm_package(tools tsm-tools video
    "video action recognition on the command line\n The command tsm, with a demonstration network." runtime video)
  list(APPEND tsm_developed video)
endif()
tsm_package(dev libtsm-dev libdevel "headers to develop with libtsm and libtsm-video" ${tsm_developed})
if(TARGET tsm_cuda)
  # NVIDIA's libraries are in no Debian: whoever installs the plugin has them from NVIDIA, or it says what it lacks.
  tsm_package(cuda libtsm-cuda libs
    "CUDA backend of libtsm\n A plugin. Needs CUDA, cuBLAS and cuDNN 9, which NVIDIA distributes." runtime)
  string(REGEX MATCH "^[0-9]+" tsm_cuda_major "${TSM_CUDA_VERSION}")
  string(REPLACE "." "-" tsm_cuda_dashed "${TSM_CUDA_VERSION}")
  set(CPACK_DEBIAN_CUDA_PACKAGE_SHLIBDEPS OFF)
  set(CPACK_DEBIAN_CUDA_PACKAGE_GENERATE_SHLIBS OFF)
  set(CPACK_DEBIAN_CUDA_PACKAGE_DEPENDS "libc6, libgcc-s1, libstdc++6")
  set(CPACK_DEBIAN_CUDA_PACKAGE_SUGGESTS
      "cuda-cudart-${tsm_cuda_dashed}, libcublas-${tsm_cuda_dashed}, libcudnn9-cuda-${tsm_cuda_major}")
endif()
include(CPack)
