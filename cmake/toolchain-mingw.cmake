# Cross-compiles for 64-bit Windows with Debian's MinGW-w64 (the variant with POSIX threads).
#
# VRAMD_MINGW_SYSROOT, a cache or environment variable, names the tree of dependencies that
# script/bootstrap-windows makes; without it that script is asked where the tree is.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)

set(mingw x86_64-w64-mingw32)
set(CMAKE_C_COMPILER ${mingw}-gcc-posix)
set(CMAKE_CXX_COMPILER ${mingw}-g++-posix)
set(CMAKE_RC_COMPILER ${mingw}-windres)

if(NOT VRAMD_MINGW_SYSROOT AND IS_DIRECTORY "$ENV{VRAMD_MINGW_SYSROOT}")
  set(VRAMD_MINGW_SYSROOT $ENV{VRAMD_MINGW_SYSROOT})
elseif(NOT VRAMD_MINGW_SYSROOT)
  execute_process(COMMAND ${CMAKE_CURRENT_LIST_DIR}/../script/bootstrap-windows --print-sysroot
    OUTPUT_VARIABLE VRAMD_MINGW_SYSROOT OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
endif()
set(VRAMD_MINGW_SYSROOT ${VRAMD_MINGW_SYSROOT} CACHE PATH "Dependencies built for Windows")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES VRAMD_MINGW_SYSROOT)

set(CMAKE_FIND_ROOT_PATH ${VRAMD_MINGW_SYSROOT} /usr/${mingw})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# Windows 10 is the oldest that we name. -static: the programs need system DLLs only.
set(CMAKE_C_FLAGS_INIT "-D_WIN32_WINNT=0x0A00 -DWIN32_LEAN_AND_MEAN -DNOMINMAX")
set(CMAKE_CXX_FLAGS_INIT "${CMAKE_C_FLAGS_INIT}")
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(CMAKE_SHARED_LINKER_FLAGS_INIT -static)
set(CMAKE_MODULE_LINKER_FLAGS_INIT -static)

set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/../tests/windows/run-under-wine)
