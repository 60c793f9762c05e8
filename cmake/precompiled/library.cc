// The file of a target that is there for its precompiled headers: see cmake/VramdPrecompiled.cmake.
