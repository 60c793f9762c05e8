# Language level, warnings, sanitizers and ccache: everything that is the same for every target.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 99)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# The one place that picks the file per operating system: foo_${VRAMD_OS}.cc.
if(WIN32)
  set(VRAMD_OS windows)
  # A program finds the DLLs that lie beside it, and nowhere else in a build tree.
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
else()
  set(VRAMD_OS linux)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

add_library(vramd_warnings INTERFACE)
target_compile_options(vramd_warnings INTERFACE
  -Wall -Wextra -Wno-missing-field-initializers
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  $<$<BOOL:${VRAMD_WERROR}>:-Werror>)
# Two warnings of GCC 12 about the standard library's own strings are false when it optimises fully,
# such as its bug 105329. A release build prints them and goes on; the builds that the tests run in
# optimise less and take them for errors.
set(VRAMD_RELEASE_WARNINGS)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  set(VRAMD_RELEASE_WARNINGS -Wno-error=restrict -Wno-error=maybe-uninitialized)
  target_compile_options(vramd_warnings INTERFACE "$<$<CONFIG:Release>:${VRAMD_RELEASE_WARNINGS}>")
endif()

if(VRAMD_SANITIZE)
  add_compile_options(-fsanitize=${VRAMD_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${VRAMD_SANITIZE})
endif()

if(VRAMD_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Every library of ours is made here, so that every one has the same includes and warnings.
# vramd_library(NAME SOURCES... LINK targets...)
function(vramd_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_link_libraries(${name} PUBLIC ${ARG_LINK} PRIVATE vramd_warnings ${ARG_PRIVATE_LINK})
  if("vramd_proto" IN_LIST ARG_LINK)
    vramd_precompile(${name} rpc)
  elseif("CLI11::CLI11" IN_LIST ARG_PRIVATE_LINK)
    vramd_precompile(${name} tool)
  else()
    vramd_precompile(${name} lib)
  endif()
endfunction()

function(vramd_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE vramd_warnings ${ARG_LINK})
  if(VRAMD_SANITIZE MATCHES address)
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/keep_libraries.cc)
    target_link_options(${name} PRIVATE LINKER:--export-dynamic-symbol=dlclose)
  endif()
endfunction()
