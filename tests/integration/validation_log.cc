// The layer truncates its log file when it starts, so every process has one of its own, named in a
// settings file of its own.
#include "tests/integration/validation_log.h"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace vramd {
namespace fs = std::filesystem;

std::map<std::string, std::string> ValidationLog::Environment(const std::string& who) const {
  const fs::path own = fs::path(directory_.path()) / who;
  fs::create_directory(own);
  std::ofstream(own / "vk_layer_settings.txt")
      << "khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG\n"
      << "khronos_validation.report_flags = error,warn\n"
      << "khronos_validation.enables = "
         "VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT\n"
      << "khronos_validation.log_filename = " << (own / "messages.txt").string() << "\n";
  return {{"VK_INSTANCE_LAYERS", "VK_LAYER_KHRONOS_validation"},
          {"VK_LAYER_SETTINGS_PATH", own.string()}};
}

std::string ValidationLog::Complaints() const {
  std::ostringstream all;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_.path())) {
    std::ifstream file(entry.path() / "messages.txt");
    std::ostringstream text;
    if (file) text << file.rdbuf();
    if (!text.str().empty()) all << entry.path().filename().string() << ": " << text.str() << "\n";
  }
  return all.str();
}

}  // namespace vramd
