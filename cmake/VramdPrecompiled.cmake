# The headers of outside libraries take most of the time of a build: every test reads gtest and
# gmock, every part of the client reads gRPC. With VRAMD_PRECOMPILE each set of them is read once, and
# the compiler loads the result. Our own headers are in no set, but for generated ones.
#
# script/test builds so. Off by default: a file that lacks an #include compiles all the same where a
# set brings it, so whoever works on the code had better compile without.
option(VRAMD_PRECOMPILE "Precompile the headers of outside libraries" OFF)

# vramd_precompile(TARGET lib|rpc|tool|test|rpctest)
function(vramd_precompile target set)
  if(VRAMD_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM vramd_precompiled_${set})
    # So that ccache sees which set a file is compiled with.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
    # What GCC 12 says of the standard library's own strings is false (its bug 105329 and others). It
    # keeps quiet about a system's headers, but not when they come precompiled.
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
      target_compile_options(${target} PRIVATE -Wno-error=array-bounds -Wno-error=restrict
                             -Wno-error=stringop-overflow -Wno-error=stringop-overread)
    endif()
  endif()
endfunction()

# GCC loads a precompiled header only into code that is compiled with the same options, and libraries
# are -fPIC, programs -fPIE: so each set has a target of the kind that uses it.
# vramd_precompiled_set(NAME library|program HEADERS ... LINK ...)
function(vramd_precompiled_set name kind)
  cmake_parse_arguments(ARG "" "" "HEADERS;LINK" ${ARGN})
  set(target vramd_precompiled_${name})
  if(kind STREQUAL library)
    add_library(${target} OBJECT EXCLUDE_FROM_ALL)
  else()
    add_executable(${target} EXCLUDE_FROM_ALL)
  endif()
  target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/precompiled/${kind}.cc)
  target_precompile_headers(${target} PRIVATE ${ARG_HEADERS})
  target_link_libraries(${target} PRIVATE ${ARG_LINK})
endfunction()

set(VRAMD_LIB_HEADERS <chrono> <functional> <map> <memory> <optional> <string> <thread> <vector>
    [["absl/status/statusor.h"]] [["absl/strings/str_cat.h"]])
set(VRAMD_RPC_HEADERS ${VRAMD_LIB_HEADERS} <grpcpp/grpcpp.h>
    [["vramd/v1/broker.grpc.pb.h"]] [["vramd/v1/streams.grpc.pb.h"]])
set(VRAMD_LIB_LINK absl::status absl::statusor absl::strings Threads::Threads)
if(VRAMD_PRECOMPILE)
  vramd_precompiled_set(lib library HEADERS ${VRAMD_LIB_HEADERS} LINK ${VRAMD_LIB_LINK})
  vramd_precompiled_set(rpc library HEADERS ${VRAMD_RPC_HEADERS} LINK vramd_proto)
  vramd_precompiled_set(tool library HEADERS <CLI/CLI.hpp> <nlohmann/json.hpp> ${VRAMD_LIB_HEADERS}
    LINK CLI11::CLI11 nlohmann_json::nlohmann_json ${VRAMD_LIB_LINK})
endif()
