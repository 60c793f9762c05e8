# LIBRARY exports what EXPECTED lists and nothing else, under the SONAME given.
execute_process(COMMAND ${NM} --dynamic --defined-only --without-symbol-versions --format=posix
  ${LIBRARY} OUTPUT_VARIABLE table COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+ [TWVBDRuiA] [^\n]*\n" lines "${table}")
set(actual)
foreach(line IN LISTS lines)
  string(REGEX REPLACE " .*" "" symbol "${line}")
  if(NOT symbol MATCHES "^VRAMD_[0-9]+$")  # the version's own name
    list(APPEND actual ${symbol})
  endif()
endforeach()
list(SORT actual)
file(STRINGS ${EXPECTED} expected)

set(lost ${expected})
list(REMOVE_ITEM lost ${actual})
set(added ${actual})
list(REMOVE_ITEM added ${expected})
if(lost OR added)
  list(LENGTH added added_count)
  list(SUBLIST added 0 20 added)
  message(FATAL_ERROR "${LIBRARY} exports other symbols than ${EXPECTED} lists.\n"
    "Missing: ${lost}\nNew (${added_count}): ${added}")
endif()

execute_process(COMMAND ${OBJDUMP} -p ${LIBRARY} OUTPUT_VARIABLE headers COMMAND_ERROR_IS_FATAL ANY)
if(NOT headers MATCHES "SONAME +${SONAME}\n")
  message(FATAL_ERROR "${LIBRARY} does not have the SONAME ${SONAME}")
endif()
