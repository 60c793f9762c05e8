# The sanitizer builds (CMAKE_UNITY_BUILD in their presets) and that of tests/windows/run compile
# several files of a target at a time, which takes less than half as long. Listed here is what cannot
# stand in one file with its neighbours, for a name in an anonymous namespace that a neighbour has,
# too, or because a test links a stand-in for it.
if(NOT CMAKE_UNITY_BUILD)
  return()
endif()

set_target_properties(vramd_proto PROPERTIES UNITY_BUILD OFF)  # generated
if(TARGET vramd_layer)  # reads Vulkan's headers only, which takes no time
  set_target_properties(vramd_layer PROPERTIES UNITY_BUILD OFF)
endif()

if(TARGET unit_rpc)  # each file has a deadline and a server of its own
  set_target_properties(unit_rpc PROPERTIES UNITY_BUILD OFF)
endif()

if(TARGET layer_test)  # its files share many names: a fake driver, and who calls it
  set_target_properties(layer_test PROPERTIES UNITY_BUILD OFF)
endif()

# vramd_alone(TARGET FILES...): files of that target, by their paths in this repository.
function(vramd_alone target)
  if(TARGET ${target})
    list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/)
    set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target}
      PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

vramd_alone(vramd_driver_shim driver-shim/nv_win32_windows.cc driver-shim/opaque_fd_linux.cc)
vramd_alone(vramd_daemon daemon/config.cc daemon/follow_rpc.cc daemon/streams_rpc.cc)
vramd_alone(vramd_client client/src/c_api.cc client/src/c_api_stream.cc client/src/stream_convert.cc
            client/src/watch_core.cc)
vramd_alone(vramd_client_vulkan client/src/vulkan_stream.cc)
vramd_alone(vramd_ipc ipc/peer_identity_windows.cc)
vramd_alone(unit_stream_steps tests/unit/stream/steps/growth_test.cc)
vramd_alone(unit_stream tests/unit/stream/growing_ring_test.cc tests/unit/stream/hostile_test.cc)
vramd_alone(stream_pixels_test tests/integration/stream_roles.cc)
vramd_alone(broker_test tests/integration/handle_owner_test_windows.cc
            tests/integration/trace_test_windows.cc)
