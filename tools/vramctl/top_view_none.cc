#include "tools/vramctl/top_view.h"

namespace vramctl {

std::unique_ptr<TopView> MakeTerminalView() { return nullptr; }

const char* TerminalViewOf() { return "none: built without ncurses, prints lines"; }

}  // namespace vramctl
