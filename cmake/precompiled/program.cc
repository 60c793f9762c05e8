// The file of a program that is there for its precompiled headers: see cmake/VramdPrecompiled.cmake.
int main() { return 0; }
