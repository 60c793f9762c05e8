# Writes the public headers of a library that does not exist yet into TO: those of FROM, with one
# field more at the end of every struct that has a struct_size. Its name says to the program that is
# compiled against them that it is there.
foreach(header IN ITEMS vramd.h vramd_stream.h vramd_vulkan.h)
  file(READ ${FROM}/vramd/${header} text)
  # Every _INIT macro begins with the type and the size of its struct.
  string(REGEX MATCHALL "sizeof\\(vramd_[a-z_]+\\), NULL" sizes "${text}")
  if(NOT sizes)
    message(FATAL_ERROR "${header} has no struct with an _INIT macro")
  endif()
  list(REMOVE_DUPLICATES sizes)
  foreach(size IN LISTS sizes)
    string(REGEX REPLACE "sizeof\\((vramd_[a-z_]+)\\).*" "\\1" name "${size}")
    string(REPLACE "\n} ${name};" "\n  uint64_t later;\n} ${name};" changed "${text}")
    if(changed STREQUAL text)
      message(FATAL_ERROR "${header}: there is an _INIT macro of ${name}, but no such struct")
    endif()
    set(text "${changed}")
  endforeach()
  string(REPLACE "#define VRAMD_VRAMD_H_\n" "#define VRAMD_VRAMD_H_\n#define VRAMD_TEST_NEWER 1\n" text
    "${text}")
  file(WRITE ${TO}/vramd/${header} "${text}")
endforeach()
