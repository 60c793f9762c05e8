// Linked into our programs when the address sanitizer is: a library that was unloaded when leaks
// are reported has no name, and only what has a name can be told from a leak of ours (lsan.supp).
extern "C" [[gnu::visibility("default")]] int dlclose(void*) noexcept { return 0; }
