// The part of Vulkan's registry (vk.xml) that says which commands and structures there are.
//
// A reader for this one file, which Khronos generates much from and so keeps regular: no general
// XML. What it doesn't understand it leaves out, so a test should check that it found what it
// needs.
#ifndef VRAMD_TESTS_WINDOWS_REGISTRY_H_
#define VRAMD_TESTS_WINDOWS_REGISTRY_H_

#include <map>
#include <set>
#include <string>
#include <vector>

namespace vramd {

class Registry {
 public:
  // A parameter of a command, or a member of a structure.
  struct Field {
    std::string type;         // without const and *
    bool is_pointer = false;  // or an array
    bool is_const = false;
  };
  struct Structure {
    std::set<std::string> extends;  // the structures whose pNext chain it may be in
    std::vector<Field> members;
  };
  struct Extension {
    std::set<std::string> types;
    std::set<std::string> commands;
  };

  // From the vk.xml that lies beside the running program, without the commands that other systems
  // than Windows have. Empty when it can't be read.
  static Registry Read();

  const std::map<std::string, std::vector<Field>>& commands() const { return commands_; }
  // Other names of commands, each with the command that it means.
  const std::map<std::string, std::string>& aliases() const { return aliases_; }
  const std::map<std::string, Structure>& structures() const { return structures_; }
  const Extension& extension(const std::string& name) const { return extensions_.at(name); }

  // Needs no instance: its first parameter is no handle that Vulkan dispatches on.
  bool IsGlobal(const std::string& command) const;

 private:
  void AddCommand(const std::string& opening, const std::string& body);
  void AddStructure(const std::string& opening, const std::string& body);
  void AddExtension(const std::string& opening, const std::string& body);

  std::map<std::string, std::vector<Field>> commands_;
  std::map<std::string, std::string> aliases_;
  std::map<std::string, Structure> structures_;
  std::map<std::string, Extension> extensions_;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_WINDOWS_REGISTRY_H_
