# The outside libraries of a MinGW build: compiled ones from the sysroot, header-only ones from the
# build machine, code generators from the build machine as well.

find_package(Threads REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(Protobuf CONFIG REQUIRED NAMES protobuf)

find_program(PROTOC protoc REQUIRED)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
if(NOT TARGET protobuf::protoc)
  add_executable(protobuf::protoc IMPORTED GLOBAL)
  set_target_properties(protobuf::protoc PROPERTIES IMPORTED_LOCATION ${PROTOC})
endif()

# gRPC has no package of its own here. Its archives need one another, hence the group; what they
# need of Abseil comes after them.
set(grpc_archives)
foreach(name IN ITEMS grpc++_unsecure grpc_unsecure gpr address_sorting upb z)
  find_library(archive lib${name}.a REQUIRED NO_CACHE)
  list(APPEND grpc_archives ${archive})
  unset(archive)
endforeach()
add_library(gRPC::grpc++_unsecure INTERFACE IMPORTED GLOBAL)
target_include_directories(gRPC::grpc++_unsecure SYSTEM INTERFACE ${VRAMD_MINGW_SYSROOT}/include)
target_link_libraries(gRPC::grpc++_unsecure INTERFACE
  -Wl,--start-group ${grpc_archives} -Wl,--end-group
  protobuf::libprotobuf
  absl::base absl::bind_front absl::cleanup absl::cord absl::flat_hash_map absl::flat_hash_set
  absl::hash absl::inlined_vector absl::memory absl::optional absl::random_random absl::status
  absl::statusor absl::str_format absl::strings absl::synchronization absl::time absl::variant
  ws2_32 crypt32 dbghelp bcrypt advapi32 iphlpapi)

# The pipe's transport is built on gRPC's internals.
add_library(vramd_grpc_internals INTERFACE)
target_include_directories(vramd_grpc_internals SYSTEM INTERFACE
  ${VRAMD_MINGW_SYSROOT}/include/grpc-internal)

# Headers that are the same for every system, seen through a folder that holds nothing else of
# /usr/include.
set(neutral_headers ${PROJECT_BINARY_DIR}/neutral-headers)
file(MAKE_DIRECTORY ${neutral_headers})
foreach(name IN ITEMS CLI fmt nlohmann spdlog toml++ vk_video volk.c volk.h vulkan)
  find_path(folder ${name} PATHS /usr/include /usr/local/include NO_DEFAULT_PATH
            NO_CMAKE_FIND_ROOT_PATH REQUIRED NO_CACHE)
  file(CREATE_LINK ${folder}/${name} ${neutral_headers}/${name} SYMBOLIC)
  unset(folder)
endforeach()
function(vramd_header_library name)
  add_library(${name} INTERFACE IMPORTED GLOBAL)
  target_include_directories(${name} SYSTEM INTERFACE ${neutral_headers})
endfunction()
vramd_header_library(CLI11::CLI11)
vramd_header_library(tomlplusplus::tomlplusplus)
vramd_header_library(nlohmann_json::nlohmann_json)
vramd_header_library(spdlog::spdlog)
target_compile_definitions(spdlog::spdlog INTERFACE SPDLOG_FMT_EXTERNAL FMT_HEADER_ONLY)

set(CLI11_FOUND TRUE)
set(nlohmann_json_FOUND TRUE)

set(VOLK_INCLUDE_DIR ${neutral_headers})
set(VULKAN_INCLUDE_DIR ${neutral_headers})
add_library(vramd_vulkan_headers INTERFACE)
target_include_directories(vramd_vulkan_headers SYSTEM INTERFACE ${neutral_headers})
target_compile_definitions(vramd_vulkan_headers INTERFACE VK_USE_PLATFORM_WIN32_KHR)

find_package(PNG)

# Debian ships GoogleTest's sources for this purpose.
if(VRAMD_TESTS)
  set(gtest_force_shared_crt ON)
  set(INSTALL_GTEST OFF)
  add_subdirectory(/usr/src/googletest ${PROJECT_BINARY_DIR}/googletest EXCLUDE_FROM_ALL)
endif()
