# Installs the build tree BUILD into an empty STAGE and checks that what packagers rely on is there.
file(REMOVE_RECURSE ${STAGE})
execute_process(
  COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${STAGE} --config "${CONFIG}"
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

foreach(wanted IN ITEMS
    bin/vramd bin/vramctl
    include/vramd/vramd.h include/vramd/vramd_vulkan.h include/vramd/client.h
    include/vramd/vulkan.h include/vramd/result.h include/vramd/export.h
    libvramd.so.0 libvramd.a vramd.pc vramd-config.cmake
    man8/vramd.8 man1/vramctl.1
    systemd/user/vramd.service systemd/user/vramd.socket
    systemd/system/vramd-system.service systemd/system/vramd-system.socket
    sysusers.d/vramd.conf)
  get_filename_component(name ${wanted} NAME)
  file(GLOB_RECURSE found ${STAGE}/${name})
  string(REPLACE "." "\\." pattern "${wanted}")
  list(FILTER found INCLUDE REGEX "/${pattern}$")
  if(NOT found)
    message(FATAL_ERROR "cmake --install left out ${wanted}")
  endif()
endforeach()

# Nothing internal: the public headers name no path of ours, and no other header is installed.
file(GLOB_RECURSE headers RELATIVE ${STAGE}/include ${STAGE}/include/*)
list(FILTER headers EXCLUDE REGEX "^vramd/(vramd|vramd_vulkan|vramd_stream|client|vulkan|stream|result|export)\\.h$")
if(headers)
  message(FATAL_ERROR "cmake --install gave headers that are not public: ${headers}")
endif()
