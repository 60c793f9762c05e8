// Reads an object's access list as the system would: what it allows to somebody with these SIDs.
#ifndef VRAMD_TESTS_WINDOWS_ACCESS_LIST_H_
#define VRAMD_TESTS_WINDOWS_ACCESS_LIST_H_

#include <windows.h>
// These need windows.h before them.
#include <aclapi.h>
#include <sddl.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/wide_windows.h"

namespace vramd {

class AccessList {
 public:
  // From SDDL. Empty, which allows nothing, if it cannot be parsed.
  explicit AccessList(const std::string& sddl) {
    ConvertStringSecurityDescriptorToSecurityDescriptorW(ToWide(sddl).c_str(), SDDL_REVISION_1,
                                                         &descriptor_, nullptr);
    Find();
  }
  // Of an object, by a handle with READ_CONTROL.
  explicit AccessList(HANDLE object) {
    GetSecurityInfo(object, SE_KERNEL_OBJECT,
                    OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, nullptr, nullptr,
                    nullptr, nullptr, &descriptor_);
    Find();
  }
  AccessList(const AccessList&) = delete;
  AccessList& operator=(const AccessList&) = delete;
  ~AccessList() { LocalFree(descriptor_); }

  bool present() const { return list_ != nullptr; }

  // The union of what the entries for these SIDs allow. No entry of ours denies.
  ACCESS_MASK AllowedTo(const std::vector<std::string>& sids) const {
    ACCESS_MASK allowed = 0;
    for (WORD i = 0; list_ != nullptr && i < list_->AceCount; ++i) {
      void* entry = nullptr;
      if (!GetAce(list_, i, &entry)) continue;
      const auto* ace = static_cast<const ACCESS_ALLOWED_ACE*>(entry);
      if (ace->Header.AceType != ACCESS_ALLOWED_ACE_TYPE) continue;
      if (std::find(sids.begin(), sids.end(), Text(&ace->SidStart)) != sids.end())
        allowed |= ace->Mask;
    }
    return allowed;
  }

 private:
  void Find() {
    BOOL present = FALSE;
    BOOL defaulted = FALSE;
    if (descriptor_ == nullptr ||
        !GetSecurityDescriptorDacl(descriptor_, &present, &list_, &defaulted) || !present)
      list_ = nullptr;
  }
  static std::string Text(const DWORD* sid) {
    wchar_t* text = nullptr;
    if (!ConvertSidToStringSidW(const_cast<DWORD*>(sid), &text)) return "";
    std::string copy = ToUtf8(text);
    LocalFree(text);
    return copy;
  }

  PSECURITY_DESCRIPTOR descriptor_ = nullptr;
  PACL list_ = nullptr;  // in descriptor_
};

}  // namespace vramd

#endif  // VRAMD_TESTS_WINDOWS_ACCESS_LIST_H_
