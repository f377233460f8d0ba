// Which formats, and where to.
#pragma once

#include <string>

#include "apps/cli/writers/writer.h"

namespace CLI {
class App;
}

namespace espalier::cli {

struct OutputOptions {
  std::string formats = {};     // "txt,srt" or "all"; empty: the suffix of `output`, else txt
  std::string output = {};      // one file, or "-"
  std::string output_dir = {};  // a file per input and format
  bool force = false;           // replace what is there
  int max_line_width = WriterOptions{}.max_line_width;
  int max_line_count = WriterOptions{}.max_line_count;

  void AddTo(CLI::App& app);
};

}  // namespace espalier::cli
