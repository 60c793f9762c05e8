// The terminal view, by ncurses. q ends it, and so does Ctrl-C, after which ncurses itself puts the
// terminal back.
#include <curses.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <sstream>

#include "tools/vramctl/text.h"
#include "tools/vramctl/top_view.h"

namespace vramctl {
namespace {

using Clock = std::chrono::steady_clock;

class CursesView final : public TopView {
 public:
  explicit CursesView(SCREEN* screen) : screen_(screen) {
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    curs_set(0);
  }
  ~CursesView() override {
    endwin();
    delscreen(screen_);
  }

  void Show(const std::vector<StreamPace>& streams) override {
    text_ = TopTable(streams);
    count_ = streams.size();
    Draw();
  }

  bool WaitUntil(Clock::time_point when) override {
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - Clock::now()).count();
      if (left <= 0) return true;
      timeout(static_cast<int>(std::min<int64_t>(left, 60'000)));
      const int key = getch();
      if (key == 'q') return false;
      if (key == KEY_RESIZE) Draw();
    }
  }

 private:
  void Draw() {
    erase();
    Line(0, "vramctl top: " + std::to_string(count_) + " streams; q ends", A_BOLD);
    std::istringstream lines(text_);
    std::string line;
    for (int y = 2; y < LINES && std::getline(lines, line); ++y)
      Line(y, line, y == 2 ? A_REVERSE : A_NORMAL);
    refresh();
  }
  static void Line(int y, const std::string& text, attr_t how) {
    attrset(static_cast<int>(how));
    mvaddstr(y, 0, Clip(text, COLS).c_str());
    attrset(A_NORMAL);
  }

  SCREEN* const screen_;
  std::string text_;
  size_t count_ = 0;
};

}  // namespace

std::unique_ptr<TopView> MakeTerminalView() {
  if (isatty(STDOUT_FILENO) == 0 || isatty(STDIN_FILENO) == 0) return nullptr;
  std::setlocale(LC_CTYPE, "");  // names are UTF-8; numbers stay as they are
  SCREEN* const screen = newterm(nullptr, stdout, stdin);
  if (screen == nullptr) return nullptr;
  return std::make_unique<CursesView>(screen);
}

const char* TerminalViewOf() { return "ncurses"; }

}  // namespace vramctl
