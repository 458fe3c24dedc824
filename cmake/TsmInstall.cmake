# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts down: libraries, headers, the command with its default model and manual, pkg-config and
# CMake files. The components are the packages of TsmPackage.cmake.
include(CMakePackageConfigHelpers)

set(tsm_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tsm)
set(tsm_share_dir ${CMAKE_INSTALL_DATADIR}/tsm)

set(tsm_exported tsm)
install(TARGETS tsm EXPORT tsm-targets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT dev)
if(TSM_VIDEO)
  list(APPEND tsm_exported tsm-video)
  set_target_properties(tsm-video tsm-command PROPERTIES INSTALL_RPATH "$ORIGIN:$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS tsm-video EXPORT tsm-targets
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT video NAMELINK_COMPONENT dev)
  install(TARGETS tsm-command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tools)
  if(TARGET tsm-manual)
    install(DIRECTORY ${CMAKE_BINARY_DIR}/share/man/man1 DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT tools)
    install(DIRECTORY ${CMAKE_BINARY_DIR}/share/bash-completion DESTINATION ${CMAKE_INSTALL_DATADIR} COMPONENT tools)
  endif()
endif()
install(DIRECTORY include/tsm DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev FILES_MATCHING PATTERN "*.h")
install(EXPORT tsm-targets NAMESPACE tsm:: DESTINATION ${tsm_package_dir} COMPONENT dev)

configure_package_config_file(cmake/tsmConfig.cmake.in ${CMAKE_BINARY_DIR}/tsmConfig.cmake
                              INSTALL_DESTINATION ${tsm_package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/tsmConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/tsmConfig.cmake ${CMAKE_BINARY_DIR}/tsmConfigVersion.cmake
        DESTINATION ${tsm_package_dir} COMPONENT dev)

# The prefix is found from the file's own place, so that an installation can be moved.
file(RELATIVE_PATH tsm_prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
foreach(library ${tsm_exported})
  configure_file(cmake/${library}.pc.in ${CMAKE_BINARY_DIR}/${library}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/${library}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
endforeach()

file(GLOB tsm_models CONFIGURE_DEPENDS demo/models/*.safetensors)
install(FILES ${tsm_models} DESTINATION ${tsm_share_dir} COMPONENT tools)
# The command looks beside itself; give the build tree the same shape.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/share)
file(CREATE_LINK ${CMAKE_SOURCE_DIR}/demo/models ${CMAKE_BINARY_DIR}/share/tsm SYMBOLIC)
