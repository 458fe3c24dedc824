# SPDX-License-Identifier: Apache-2.0
# The name of a plugin's file carries the number of the interface that it was built for, which backend.h defines alone:
# tsm_plugin_name(TARGET cuda) makes libtsm_cuda-abi2.so of it.
set(header ${PROJECT_SOURCE_DIR}/src/host/graph/backend.h)
set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
file(STRINGS ${header} line REGEX "^#define TSM_BACKEND_ABI ")
string(REGEX REPLACE "^#define TSM_BACKEND_ABI +([0-9]+).*" "\\1" TSM_BACKEND_ABI "${line}")
if(NOT TSM_BACKEND_ABI MATCHES "^[0-9]+$")
  message(FATAL_ERROR "${header}: no TSM_BACKEND_ABI")
endif()

function(tsm_plugin_name target device)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME tsm_${device}-abi${TSM_BACKEND_ABI})
endfunction()
