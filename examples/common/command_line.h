// What a demo program is told on its command line: "--name VALUE" for each option, and "--help".
// Compiled once for all of them, because the library behind it is long.
#ifndef EXAMPLES_COMMON_COMMAND_LINE_H_
#define EXAMPLES_COMMON_COMMAND_LINE_H_

#include <cstdint>
#include <memory>
#include <string>

namespace CLI {
class App;
}

namespace example {

struct Range {
  uint32_t least = 0;
  uint32_t most = 0;
};

class CommandLine {
 public:
  // `description` heads the help.
  explicit CommandLine(const std::string& description);
  ~CommandLine();

  // Each value stays the caller's, must live until Parse(), and is its option's default.
  void Text(const std::string& option, std::string& value, const std::string& help);
  void RequiredText(const std::string& option, std::string& value, const std::string& help);
  void Number(const std::string& option, uint32_t& value, const std::string& help);
  void Number(const std::string& option, uint32_t& value, const std::string& help, Range range);
  void Flag(const std::string& option, bool& value, const std::string& help);

  // Fills in the values. Ends the program if help was asked for, or says what is wrong and ends it.
  void Parse(int argc, char** argv);

 private:
  const std::unique_ptr<CLI::App> app_;
};

}  // namespace example

#endif  // EXAMPLES_COMMON_COMMAND_LINE_H_
