// Files that the build lays beside the test programs.
#ifndef VRAMD_TESTS_WINDOWS_BESIDE_H_
#define VRAMD_TESTS_WINDOWS_BESIDE_H_

#include <windows.h>

#include <filesystem>
#include <string>

namespace vramd {

inline std::filesystem::path BesideThisProgram(const char* name) {
  std::wstring path(32768, L'\0');
  path.resize(GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size())));
  return std::filesystem::path(path).parent_path() / name;
}

}  // namespace vramd

#endif  // VRAMD_TESTS_WINDOWS_BESIDE_H_
