# The Vulkan half of the client library, and the errors of the C interface. Takes the headers only:
# Vulkan's functions come from the application.
vramd_library(vramd_client_vulkan
  SOURCES
    src/last_error.cc
    src/recipe_convert.cc
    src/sized_struct.cc
    src/vulkan_barriers.cc
    src/vulkan_describe.cc
    src/vulkan_functions.cc
    src/vulkan_import_${VRAMD_OS}.cc
    src/vulkan_import_section.cc
    src/vulkan_resource.cc
    src/vulkan_status.cc
    src/vulkan_stream.cc
    src/vulkan_timeline_${VRAMD_OS}.cc
  LINK vramd_base vramd_vulkan_headers vramd_client_headers)
