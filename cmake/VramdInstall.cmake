# What `cmake --install` puts where, and what an outside project finds there:
#   vramd::client         the shared library, through find_package(vramd) or pkg-config vramd
#   vramd::client_static  the static one, through find_package(vramd COMPONENTS static)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/vramd)
set(package_build_dir ${PROJECT_BINARY_DIR}/package)

# ---- Programs, headers, manual pages ----------------------------------------------------------
install(TARGETS vramd RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TARGET vramctl)
  install(TARGETS vramctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES tools/vramctl/vramctl.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
install(DIRECTORY client/include/vramd DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_BINARY_DIR}/client/include/vramd/export.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/vramd)

# ---- The shared library -----------------------------------------------------------------------
install(TARGETS vramd_client_shared vramd_client_headers EXPORT vramd-targets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
set_target_properties(vramd_client_shared PROPERTIES EXPORT_NAME client)
install(EXPORT vramd-targets NAMESPACE vramd:: DESTINATION ${package_dir})

# ---- The static library -----------------------------------------------------------------------
# One archive made of ours, which an outside project links without knowing how we divide our code.
# The libraries of others stay outside: the package's static component finds them.
set(merged_archive ${package_build_dir}/libvramd.a)
# ar's scripts know no quotes, so the paths in it are relative to the build tree: its own path may have
# a space, and these have none.
set(merge_script "CREATE package/libvramd.a\n")
set(merge_parts vramd_client vramd_client_vulkan vramd_ipc_grpc vramd_ipc vramd_proto vramd_stream
    vramd_base)
foreach(part IN LISTS merge_parts)
  string(APPEND merge_script
    "ADDLIB $<PATH:RELATIVE_PATH,$<TARGET_FILE:${part}>,${PROJECT_BINARY_DIR}>\n")
endforeach()
file(GENERATE OUTPUT ${package_build_dir}/merge.mri CONTENT "${merge_script}SAVE\nEND\n")
add_custom_command(
  OUTPUT ${merged_archive}
  COMMAND ${CMAKE_COMMAND} -D AR=${CMAKE_AR} -D SCRIPT=${package_build_dir}/merge.mri
          -P ${CMAKE_CURRENT_LIST_DIR}/MergeArchives.cmake
  WORKING_DIRECTORY ${PROJECT_BINARY_DIR}
  DEPENDS ${merge_parts} ${package_build_dir}/merge.mri VERBATIM)
add_custom_target(vramd_client_merged ALL DEPENDS ${merged_archive})
install(FILES ${merged_archive} DESTINATION ${CMAKE_INSTALL_LIBDIR})

# ---- Package files ----------------------------------------------------------------------------
configure_package_config_file(cmake/vramd-config.cmake.in ${package_build_dir}/vramd-config.cmake
  INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
# Until 1.0 every minor version may change the interface.
write_basic_package_version_file(${package_build_dir}/vramd-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${package_build_dir}/vramd-config.cmake
        ${package_build_dir}/vramd-config-version.cmake DESTINATION ${package_dir})

file(RELATIVE_PATH prefix_from_pkgconfig /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/vramd.pc.in ${package_build_dir}/vramd.pc @ONLY)
install(FILES ${package_build_dir}/vramd.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
