# SPDX-License-Identifier: Apache-2.0
# Finds oneDNN 2.6 or later; defines OneDNN::dnnl and OneDNN_VERSION. OneDNN_ROOT points at another installation.
find_path(OneDNN_INCLUDE_DIR dnnl.h HINTS ${OneDNN_ROOT} PATH_SUFFIXES include)
find_library(OneDNN_LIBRARY dnnl HINTS ${OneDNN_ROOT} PATH_SUFFIXES lib)

set(OneDNN_VERSION "")
find_file(OneDNN_VERSION_HEADER dnnl_version.h PATHS ${OneDNN_INCLUDE_DIR} ${OneDNN_INCLUDE_DIR}/oneapi/dnnl NO_DEFAULT_PATH)
if(OneDNN_VERSION_HEADER)
  file(STRINGS ${OneDNN_VERSION_HEADER} lines REGEX "^#define DNNL_VERSION_(MAJOR|MINOR|PATCH) ")
  list(TRANSFORM lines REPLACE "^#define DNNL_VERSION_[A-Z]+ +([0-9]+).*" "\\1")
  list(JOIN lines "." OneDNN_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OneDNN REQUIRED_VARS OneDNN_LIBRARY OneDNN_INCLUDE_DIR VERSION_VAR OneDNN_VERSION)
if(OneDNN_FOUND AND NOT TARGET OneDNN::dnnl)
  add_library(OneDNN::dnnl UNKNOWN IMPORTED)
  set_target_properties(OneDNN::dnnl PROPERTIES IMPORTED_LOCATION ${OneDNN_LIBRARY}
                        INTERFACE_INCLUDE_DIRECTORIES ${OneDNN_INCLUDE_DIR})
endif()
mark_as_advanced(OneDNN_INCLUDE_DIR OneDNN_LIBRARY OneDNN_VERSION_HEADER)
