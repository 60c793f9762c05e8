#include "common/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdlib>

namespace example {

CommandLine::CommandLine(const std::string& description)
    : app_(std::make_unique<CLI::App>(description)) {}

CommandLine::~CommandLine() = default;

void CommandLine::Text(const std::string& option, std::string& value, const std::string& help) {
  CLI::Option* added = app_->add_option(option, value, help);
  if (!value.empty()) added->capture_default_str();
}

void CommandLine::RequiredText(const std::string& option, std::string& value,
                               const std::string& help) {
  app_->add_option(option, value, help)->required();
}

void CommandLine::Number(const std::string& option, uint32_t& value, const std::string& help) {
  app_->add_option(option, value, help)->capture_default_str();
}

void CommandLine::Number(const std::string& option, uint32_t& value, const std::string& help,
                         Range range) {
  app_->add_option(option, value, help)
      ->check(CLI::Range(range.least, range.most))
      ->capture_default_str();
}

void CommandLine::Flag(const std::string& option, bool& value, const std::string& help) {
  app_->add_flag(option, value, help);
}

void CommandLine::Parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    std::exit(app_->exit(wrong));
  }
}

}  // namespace example
