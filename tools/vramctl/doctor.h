// What vramctl doctor looks at. Each check adds findings and changes nothing on the machine; a
// check whose subject is missing says so and the others go on.
#ifndef VRAMD_TOOLS_VRAMCTL_DOCTOR_H_
#define VRAMD_TOOLS_VRAMCTL_DOCTOR_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "vramd/client.h"

namespace vramctl {

enum class Verdict { kOk, kWarning, kProblem };

const char* Name(Verdict verdict);  // "ok", "warning", "problem"

struct Finding {
  Verdict verdict = Verdict::kOk;
  std::string subject;  // "kernel", "endpoint", "broker", ...
  std::string text;     // what is so
  std::string remedy;   // what to do about it; empty if nothing need be done
};

class Findings {
 public:
  void Ok(std::string subject, std::string text) {
    list_.push_back({Verdict::kOk, std::move(subject), std::move(text), ""});
  }
  void Warning(std::string subject, std::string text, std::string remedy) {
    list_.push_back({Verdict::kWarning, std::move(subject), std::move(text), std::move(remedy)});
  }
  void Problem(std::string subject, std::string text, std::string remedy) {
    list_.push_back({Verdict::kProblem, std::move(subject), std::move(text), std::move(remedy)});
  }

  const std::vector<Finding>& list() const { return list_; }
  size_t Count(Verdict verdict) const;

 private:
  std::vector<Finding> list_;
};

// ---- doctor_${VRAMD_OS}.cc
// -----------------------------------------------------------------------

// The kernel, the limits of this process, and its access to the GPU's device files.
void CheckSystem(Findings& findings);

// The endpoint as an object of the operating system: is it there, may we open it, who else may.
// `configured` is what the command line says; if empty, the places where the library looks.
void CheckEndpoint(const std::string& configured, Findings& findings);

// "vramd, run by root", for as much as this user may know of the process.
std::string DescribeProcess(uint32_t process_id);

// ---- doctor_vulkan.cc
// ----------------------------------------------------------------------------

// The loader, the drivers, the validation layer, what each device can import and export, and which
// of the broker's devices is here. `broker_devices` is empty if there is no broker.
void CheckVulkan(const std::vector<vramd::DeviceInfo>& broker_devices, Findings& findings);

// Takes host sections out of what the device `name` imports, and warns, unless `imported`, what
// came of importing one, is OK.
void JudgeSections(const std::string& name, const vramd::Status& imported, vramd_importer& importer,
                   Findings& findings);

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_DOCTOR_H_
