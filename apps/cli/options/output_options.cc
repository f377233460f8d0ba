#include "apps/cli/options/output_options.h"

#include <CLI/CLI.hpp>

#include "apps/cli/options/validators.h"

namespace espalier::cli {

void OutputOptions::AddTo(CLI::App& app) {
  app.add_option("-f,--output-format", formats,
                 "txt, srt, vtt, json, tsv, csv, lrc, jsonl (several with commas) or all; else the "
                 "suffix of -o, else txt")
      ->type_name("FORMATS");
  CLI::Option* file = app.add_option("-o,--output", output, "Output file; - for standard output");
  file->type_name("FILE");
  app.add_option("--output-dir", output_dir, "Folder for a file per input and format")
      ->type_name("FOLDER")
      ->excludes(file);
  app.add_flag("--force", force, "Replace output files that exist");
  app.add_option("--max-line-width", max_line_width,
                 "Columns of a subtitle line (srt, vtt); 0: one line per segment")
      ->type_name("N")
      ->check(WholeBetween(0, 100000))
      ->capture_default_str();
  app.add_option("--max-line-count", max_line_count,
                 "Lines of a subtitle (srt, vtt); 0: any number")
      ->type_name("N")
      ->check(WholeBetween(0, 100000))
      ->capture_default_str();
}

}  // namespace espalier::cli
