# Every outside library is found here, once. None is bundled and none is downloaded.

if(MINGW AND CMAKE_CROSSCOMPILING)
  include(VramdMingwDependencies)
  return()
endif()

find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(Protobuf REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 QUIET)
find_package(VulkanHeaders QUIET)
if(NOT WIN32)
  find_package(PkgConfig REQUIRED)
endif()

# With Visual Studio and vcpkg (never tried). The pipe's transport is built on gRPC's internals, whose
# headers no package installs: they are taken from a source tree of the version that vcpkg.json pins.
if(WIN32)
  find_package(gRPC CONFIG REQUIRED)
  set(VRAMD_GRPC_SOURCE "" CACHE PATH "gRPC 1.51.1's source tree")
  find_path(GRPC_INTERNAL_INCLUDE_DIR src/core/lib/iomgr/endpoint.h
            PATHS ${VRAMD_GRPC_SOURCE} NO_DEFAULT_PATH REQUIRED)
  add_library(vramd_grpc_internals INTERFACE)
  target_include_directories(vramd_grpc_internals SYSTEM INTERFACE ${GRPC_INTERNAL_INCLUDE_DIR})
endif()

# Debian's gRPC ships both a CMake package and pkg-config files; its CMake package wants c-ares'
# and re2's CMake files, which Debian does not ship. pkg-config serves everywhere.
if(NOT TARGET gRPC::grpc++_unsecure)
  pkg_check_modules(GRPC REQUIRED IMPORTED_TARGET grpc++_unsecure)
  add_library(gRPC::grpc++_unsecure ALIAS PkgConfig::GRPC)
endif()
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)

# HTTP/2 for the client's calls.
find_path(NGHTTP2_INCLUDE_DIR nghttp2/nghttp2.h REQUIRED)
find_library(NGHTTP2_LIBRARY nghttp2 REQUIRED)
add_library(nghttp2::nghttp2 UNKNOWN IMPORTED GLOBAL)
set_target_properties(nghttp2::nghttp2 PROPERTIES IMPORTED_LOCATION ${NGHTTP2_LIBRARY}
  INTERFACE_INCLUDE_DIRECTORIES ${NGHTTP2_INCLUDE_DIR})

# volk is a header and one source file; the daemon alone uses it.
find_path(VOLK_INCLUDE_DIR volk.h REQUIRED)
find_path(VULKAN_INCLUDE_DIR vulkan/vulkan_core.h REQUIRED)
add_library(vramd_vulkan_headers INTERFACE)
target_include_directories(vramd_vulkan_headers SYSTEM INTERFACE ${VULKAN_INCLUDE_DIR})
if(WIN32)
  target_compile_definitions(vramd_vulkan_headers INTERFACE VK_USE_PLATFORM_WIN32_KHR)
endif()

find_package(PNG)
find_package(nlohmann_json)

# toml++ as headers: whether a distribution ships its library makes no difference.
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)
add_library(tomlplusplus::tomlplusplus INTERFACE IMPORTED GLOBAL)
target_include_directories(tomlplusplus::tomlplusplus INTERFACE ${TOMLPLUSPLUS_INCLUDE_DIR})

if(VRAMD_SYSTEMD AND NOT WIN32)
  pkg_check_modules(SYSTEMD IMPORTED_TARGET libsystemd)
  if(NOT SYSTEMD_FOUND)
    message(STATUS "libsystemd not found: no readiness notification, no socket activation")
  endif()
endif()
