# Compares what PROGRAM prints with the file EXPECTED.
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE actual COMMAND_ERROR_IS_FATAL ANY)
file(READ ${EXPECTED} expected)
if(NOT actual STREQUAL expected)
  message(FATAL_ERROR "The layout of a public struct changed. Fields may only be added at the end. "
    "If that is what happened, write this into ${EXPECTED}:\n${actual}")
endif()
