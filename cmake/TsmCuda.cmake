# SPDX-License-Identifier: Apache-2.0
# Looks for the CUDA compiler and headers: CUDAToolkit_ROOT, CUDA_PATH, /usr/local/cuda, then the nvidia/* wheels of
# Python. Sets TSM_CUDA_FOUND, TSM_NVCC, TSM_CUDA_ROOT, TSM_CUDA_INCLUDE_DIR, TSM_CUDA_VERSION and TSM_CUDA_LIBRARY_DIRS,
# which are TSM_CUDA_TOOLKIT_DIRS and TSM_CUDA_WHEEL_DIRS.
# CMake's own CUDA language is not used: without nvcc the build goes on, and the wheels are no toolkit it would know.
set(TSM_CUDA_FOUND FALSE)
set(TSM_CUDA_VERSION_NEEDED 12.8) # the first that knows sm_120

if(TSM_CUDA STREQUAL "OFF")
  message(STATUS "CUDA: switched off, the CUDA backend is not built")
  return()
endif()

set(cuda_roots ${CUDAToolkit_ROOT} $ENV{CUDAToolkit_ROOT} $ENV{CUDA_PATH} /usr/local/cuda)
find_program(TSM_PYTHON NAMES python3 python)
if(TSM_PYTHON)
  execute_process(
    COMMAND ${TSM_PYTHON} -c "import nvidia, os; print(';'.join(os.path.join(p, d) for p in nvidia.__path__ for d in sorted(os.listdir(p))))"
    OUTPUT_VARIABLE cuda_wheels OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  list(APPEND cuda_roots ${cuda_wheels})
endif()

find_program(TSM_NVCC nvcc HINTS ${cuda_roots} PATH_SUFFIXES bin DOC "The CUDA compiler")
find_path(TSM_CUDA_INCLUDE_DIR cuda_runtime.h HINTS ${cuda_roots} PATH_SUFFIXES include DOC "CUDA's headers")
set(cuda_reason "")
if(NOT TSM_NVCC)
  set(cuda_reason "nvcc was found neither under CUDAToolkit_ROOT, CUDA_PATH or /usr/local/cuda nor in Python's nvidia wheels")
elseif(NOT TSM_CUDA_INCLUDE_DIR)
  set(cuda_reason "${TSM_NVCC} is here, but cuda_runtime.h is not")
else()
  execute_process(COMMAND ${TSM_NVCC} --version OUTPUT_VARIABLE cuda_text ERROR_VARIABLE cuda_text)
  string(REGEX MATCH "release ([0-9.]+)" cuda_match "${cuda_text}")
  set(TSM_CUDA_VERSION ${CMAKE_MATCH_1})
  if(NOT TSM_CUDA_VERSION)
    set(cuda_reason "${TSM_NVCC} does not run")
  elseif(TSM_CUDA_VERSION VERSION_LESS TSM_CUDA_VERSION_NEEDED)
    set(cuda_reason "${TSM_NVCC} is version ${TSM_CUDA_VERSION}, ${TSM_CUDA_VERSION_NEEDED} or later is needed")
  endif()
endif()

if(cuda_reason AND TSM_CUDA STREQUAL "ON")
  message(FATAL_ERROR "CUDA: ${cuda_reason}")
elseif(cuda_reason)
  message(STATUS "CUDA: ${cuda_reason}; the CUDA backend is not built")
  return()
endif()
set(TSM_CUDA_FOUND TRUE)
get_filename_component(TSM_CUDA_ROOT ${TSM_CUDA_INCLUDE_DIR} DIRECTORY)
set(TSM_CUDA_LIBRARY_DIRS "")
foreach(root ${TSM_CUDA_ROOT} ${cuda_roots})
  foreach(folder lib64 lib)
    if(IS_DIRECTORY ${root}/${folder})
      list(APPEND TSM_CUDA_LIBRARY_DIRS ${root}/${folder})
    endif()
  endforeach()
endforeach()
list(REMOVE_DUPLICATES TSM_CUDA_LIBRARY_DIRS)
set(TSM_CUDA_TOOLKIT_DIRS ${TSM_CUDA_LIBRARY_DIRS}) # the others are Python's
set(TSM_CUDA_WHEEL_DIRS ${cuda_wheels})
list(TRANSFORM TSM_CUDA_WHEEL_DIRS APPEND /lib)
list(REMOVE_ITEM TSM_CUDA_TOOLKIT_DIRS "" ${TSM_CUDA_WHEEL_DIRS})
message(STATUS "CUDA: ${TSM_CUDA_VERSION} (${TSM_NVCC})")

# Compute capabilities with machine code of their own; the last is kept as PTX too, for GPUs to come.
set(TSM_CUDA_TARGETS 80 86 89 90a 100 120 CACHE STRING "Compute capabilities to compile kernels for")

set(TSM_CUDA_FLAGS -std=c++17 -O3 -Xcompiler -Wall,-Wextra,-fPIC,-fvisibility=hidden
                   -I${TSM_CUDA_INCLUDE_DIR} -I${PROJECT_SOURCE_DIR}/include -I${PROJECT_SOURCE_DIR}/src -Xptxas -v)
if(TSM_WERROR)
  list(APPEND TSM_CUDA_FLAGS -Werror all-warnings)
endif()
foreach(target ${TSM_CUDA_TARGETS})
  list(APPEND TSM_CUDA_CODE -gencode arch=compute_${target},code=sm_${target})
endforeach()
list(GET TSM_CUDA_TARGETS -1 cuda_newest)
list(APPEND TSM_CUDA_CODE -gencode arch=compute_${cuda_newest},code=compute_${cuda_newest})

# A static library of .cu sources. What ptxas says of every kernel becomes a table, and a spill fails the build.
# Sources named wgmma_* are for sm_90a alone, whose instructions no other target has.
function(tsm_add_cuda_library name)
  set(objects)
  set(logs)
  foreach(source ${ARGN})
    get_filename_component(stem ${source} NAME_WE)
    set(code ${TSM_CUDA_CODE})
    if(stem MATCHES "^wgmma_")
      set(code -gencode arch=compute_90a,code=sm_90a)
    endif()
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${stem}.o)
    add_custom_command(OUTPUT ${object} ${object}.ptxas
      COMMAND sh ${PROJECT_SOURCE_DIR}/cmake/nvcc.sh ${object}.ptxas
              ${TSM_NVCC} ${TSM_CUDA_FLAGS} ${code} -MD -MF ${object}.d -c ${source} -o ${object}
      DEPENDS ${source} ${PROJECT_SOURCE_DIR}/cmake/nvcc.sh DEPFILE ${object}.d
      COMMENT "Building CUDA object ${stem}.o" VERBATIM)
    list(APPEND objects ${object})
    list(APPEND logs ${object}.ptxas)
  endforeach()
  set(table ${CMAKE_CURRENT_BINARY_DIR}/${name}.resources.txt)
  add_custom_command(OUTPUT ${table}
    COMMAND sh ${PROJECT_SOURCE_DIR}/cmake/kernel-resources.sh ${table} ${logs}
    DEPENDS ${logs} ${PROJECT_SOURCE_DIR}/cmake/kernel-resources.sh
    COMMENT "Registers, shared memory and spills of the kernels" VERBATIM)
  add_custom_target(${name}_resources DEPENDS ${table})
  set_source_files_properties(${objects} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  add_library(${name} STATIC ${objects})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C)
  add_dependencies(${name} ${name}_resources)
  target_include_directories(${name} INTERFACE ${TSM_CUDA_INCLUDE_DIR} ${PROJECT_SOURCE_DIR}/include
                                               ${PROJECT_SOURCE_DIR}/src)
endfunction()
