#include "tests/windows/registry.h"

#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>

#include "tests/windows/beside.h"

namespace vramd {
namespace {

// ---- Elements ----------------------------------------------------------------------------------

using Visit = std::function<void(const std::string& opening, const std::string& body)>;

// Calls `visit` with each element of that tag: its opening tag, and what lies between it and its
// end (nothing for `<tag ... />`). Elements of the same tag don't contain one another, save for
// <type>.
void ForEach(const std::string& text, const std::string& tag, const Visit& visit) {
  const std::string end = "</" + tag + ">";
  for (size_t at = 0; (at = text.find("<" + tag, at)) != std::string::npos;) {
    const size_t close = text.find('>', at);
    if (close == std::string::npos) return;
    const std::string opening = text.substr(at, close - at);
    const char next = text[at + tag.size() + 1];
    at = close + 1;
    if (next != ' ' && next != '>') continue;  // a longer tag
    if (opening.back() == '/') {
      visit(opening, "");
      continue;
    }
    const size_t stop = text.find(end, at);
    if (stop == std::string::npos) return;
    visit(opening, text.substr(at, stop - at));
    at = stop;
  }
}

std::string Attribute(const std::string& opening, const std::string& name) {
  const std::string start = " " + name + "=\"";
  const size_t at = opening.find(start);
  if (at == std::string::npos) return "";
  const size_t begin = at + start.size();
  return opening.substr(begin, opening.find('"', begin) - begin);
}

std::string First(const std::string& text, const std::string& tag) {
  std::string found;
  ForEach(text, tag, [&](const std::string&, const std::string& body) {
    if (found.empty()) found = body;
  });
  return found;
}

std::set<std::string> Split(const std::string& list) {
  std::set<std::string> parts;
  std::istringstream stream(list);
  for (std::string part; std::getline(stream, part, ',');) parts.insert(part);
  return parts;
}

std::vector<Registry::Field> Fields(const std::string& text, const std::string& tag) {
  std::vector<Registry::Field> fields;
  ForEach(text, tag, [&](const std::string&, const std::string& body) {
    fields.push_back({First(body, "type"), body.find_first_of("*[") != std::string::npos,
                      body.starts_with("const ")});
  });
  return fields;
}

// The structures' elements are <type> too and hold others; a structure's end is at a line's start.
void ForEachStructure(const std::string& text, const Visit& visit) {
  const std::string start = "<type category=\"struct\"";
  for (size_t at = 0; (at = text.find(start, at)) != std::string::npos;) {
    const size_t close = text.find('>', at);
    const std::string opening = text.substr(at, close - at);
    at = close;
    if (opening.back() == '/') continue;
    const size_t stop = text.find("\n        </type>", at);
    if (stop == std::string::npos) return;
    visit(opening, text.substr(at, stop - at));
  }
}

std::string ReadBeside(const char* name) {
  std::ifstream file(BesideThisProgram(name), std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

// ---- The registry ------------------------------------------------------------------------------

Registry Registry::Read() {
  const std::string text = ReadBeside("vk.xml");
  Registry registry;
  const auto add = [&registry](auto member) {
    return [&registry, member](const std::string& opening, const std::string& body) {
      (registry.*member)(opening, body);
    };
  };
  ForEach(First(text, "commands"), "command", add(&Registry::AddCommand));
  ForEachStructure(text, add(&Registry::AddStructure));
  ForEach(First(text, "extensions"), "extension", add(&Registry::AddExtension));
  return registry;
}

void Registry::AddCommand(const std::string& opening, const std::string& body) {
  if (const std::string alias = Attribute(opening, "alias"); !alias.empty())
    aliases_[Attribute(opening, "name")] = alias;
  else
    commands_[First(First(body, "proto"), "name")] = Fields(body, "param");
}

void Registry::AddStructure(const std::string& opening, const std::string& body) {
  structures_[Attribute(opening, "name")] = {Split(Attribute(opening, "structextends")),
                                             Fields(body, "member")};
}

void Registry::AddExtension(const std::string& opening, const std::string& body) {
  const std::string platform = Attribute(opening, "platform");
  const bool is_elsewhere = !platform.empty() && platform != "win32";
  Extension& extension = extensions_[Attribute(opening, "name")];
  ForEach(body, "type", [&](const std::string& type, const std::string&) {
    extension.types.insert(Attribute(type, "name"));
  });
  ForEach(body, "command", [&](const std::string& command, const std::string&) {
    extension.commands.insert(Attribute(command, "name"));
    if (is_elsewhere) commands_.erase(Attribute(command, "name"));
  });
}

bool Registry::IsGlobal(const std::string& command) const {
  if (command == "vkGetInstanceProcAddr") return true;
  const std::string& first = commands_.at(command).front().type;
  const std::set<std::string> handles = {"VkInstance", "VkPhysicalDevice", "VkDevice", "VkQueue",
                                         "VkCommandBuffer"};
  return !handles.contains(first);
}

}  // namespace vramd
