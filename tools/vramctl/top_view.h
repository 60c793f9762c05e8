// How vramctl top shows what it has seen.
#ifndef VRAMD_TOOLS_VRAMCTL_TOP_VIEW_H_
#define VRAMD_TOOLS_VRAMCTL_TOP_VIEW_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tools/vramctl/stream_look.h"

namespace vramctl {

class TopView {
 public:
  virtual ~TopView() = default;
  virtual void Show(const std::vector<StreamPace>& streams) = 0;
  // Until then; false when the user wants no more.
  virtual bool WaitUntil(std::chrono::steady_clock::time_point when) = 0;
};

// A table of all streams and consumers, for a terminal or for a file.
std::string TopTable(const std::vector<StreamPace>& streams);

// The table again and again, or JSON, one line for each time.
std::unique_ptr<TopView> MakePlainView(bool as_json);

// ---- top_view_curses.cc, or top_view_none.cc where there is no ncurses ----------------------

// The whole terminal; null if standard output is none, or one that is not good enough.
std::unique_ptr<TopView> MakeTerminalView();
// "ncurses", or why there is no terminal view in this build.
const char* TerminalViewOf();

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_TOP_VIEW_H_
