// vramctl doctor: what works on this machine, what does not, and what to do about it. Needs no
// broker. Exit code 1 if there is a problem; a warning is none.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tools/vramctl/command.h"
#include "tools/vramctl/doctor.h"
#include "tools/vramctl/text.h"

namespace vramctl {
namespace {

using Devices = std::vector<vramd::DeviceInfo>;

const char* RemedyFor(vramd_result code) {
  switch (code) {
    case VRAMD_UNAVAILABLE:
      return "start it: systemctl --user start vramd.socket, or run vramd in a terminal";
    case VRAMD_PERMISSION_DENIED:
      return "see who owns the endpoint above; --trust-user names a user who may serve it";
    default:
      return "see the broker's log";
  }
}

void CheckDeviceStates(const Devices& devices, Findings& findings) {
  if (devices.empty())
    findings.Problem("broker", "it has no device", "start it without --device, and see its log");
  for (const vramd::DeviceInfo& device : devices) {
    const std::string text = "its device " + std::to_string(device.index) + ", " + device.name +
                             ", is " + Name(device.state);
    if (device.state == VRAMD_DEVICE_READY || device.state == VRAMD_DEVICE_OPENING) {
      findings.Ok("broker", text);
    } else {
      findings.Problem("broker", text + ": " + device.state_reason,
                       "see the broker's log and the kernel's, and restart the broker");
    }
  }
}

// The broker's devices, if there is a broker.
Devices CheckBroker(const Context& context, Findings& findings) {
  auto client = Connect(context);
  if (!client.ok()) {
    findings.Problem("broker", client.status().ToString(), RemedyFor(client.status().code()));
    return {};
  }
  const auto info = client->ServerInfo();
  const auto devices = client->Devices();
  for (const vramd::Status& status : {info.status(), devices.status()})
    if (!status.ok()) findings.Problem("broker", status.ToString(), RemedyFor(status.code()));
  if (!info.ok() || !devices.ok()) return {};
  findings.Ok("broker", "version " + std::string(info->version) + ", process " +
                            std::to_string(info->broker_process_id) + ": " +
                            DescribeProcess(info->broker_process_id));
  CheckDeviceStates(*devices, findings);
  return *devices;
}

void PrintFindings(const Findings& findings) {
  for (const Finding& finding : findings.list()) {
    std::printf("%-8s %-12s %s\n", Name(finding.verdict), finding.subject.c_str(),
                Printable(finding.text).c_str());
    if (!finding.remedy.empty())
      std::printf("%-8s %-12s -> %s\n", "", "", Printable(finding.remedy).c_str());
  }
  std::printf("%zu problems, %zu warnings\n", findings.Count(Verdict::kProblem),
              findings.Count(Verdict::kWarning));
}

void PrintFindingsAsJson(const Findings& findings) {
  nlohmann::json array = nlohmann::json::array();
  for (const Finding& finding : findings.list())
    array.push_back({{"verdict", Name(finding.verdict)},
                     {"subject", finding.subject},
                     {"text", finding.text},
                     {"remedy", finding.remedy}});
  PrintJson({{"findings", array},
             {"problems", findings.Count(Verdict::kProblem)},
             {"warnings", findings.Count(Verdict::kWarning)}});
}

int Doctor(const Context& context) {
  Findings findings;
  CheckSystem(findings);
  CheckEndpoint(context.endpoint, findings);
  CheckVulkan(CheckBroker(context, findings), findings);
  if (context.json) {
    PrintFindingsAsJson(findings);
  } else {
    PrintFindings(findings);
  }
  return findings.Count(Verdict::kProblem) == 0 ? kExitOk : kExitFailed;
}

}  // namespace

const char* Name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kWarning:
      return "warning";
    case Verdict::kProblem:
      return "problem";
  }
  return "unknown";
}

size_t Findings::Count(Verdict verdict) const {
  return std::count_if(list_.begin(), list_.end(),
                       [verdict](const Finding& finding) { return finding.verdict == verdict; });
}

void AddDoctorCommand(CLI::App& app, Context& context) {
  app.add_subcommand("doctor", "What works on this machine, what does not, and what to do")
      ->callback([&context] { context.exit_code = Doctor(context); });
}

}  // namespace vramctl
