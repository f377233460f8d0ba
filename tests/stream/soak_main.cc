// soak MODEL_FOLDER [HOURS [LANGUAGE,...]]: a day of simulated audio through one live session, as
// fast as it goes; a line each simulated hour, and status 1 where memory does not stay within 5 %.
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "tests/stream/soak.h"

int main(int argc, char** argv) {
  constexpr double kTolerance = 0.05;
  if (argc < 2) return 2;
  const double hours = argc > 2 ? std::atof(argv[2]) : 24;
  std::vector<std::string> languages;
  std::istringstream list(argc > 3 ? argv[3] : "eng");
  for (std::string name; std::getline(list, name, ',');) languages.push_back(name);
  const auto engine = espalier::Engine::Open({.model_folder = argv[1], .beam_size_max = 1});
  if (!engine.ok()) {
    std::fprintf(stderr, "%s\n", engine.status().message().c_str());
    return 1;
  }
  int count = 0;
  const auto report =
      espalier::RunSoak(*engine, hours, languages, [&](const espalier::SoakSample& sample) {
        if (++count % 10 != 0) return;
        std::printf("%5.1f h  %.1f MB\n", sample.audio_s / 3600, sample.resident_mb);
        std::fflush(stdout);
      });
  if (!report.ok()) {
    std::fprintf(stderr, "%s\n", report.status().message().c_str());
    return 1;
  }
  std::printf("%lld utterances, resident set +%.2f %% -%.2f %% behind the first tenth\n",
              static_cast<long long>(report->utterance_count), 100 * report->growth(),
              100 * report->shrinkage());
  return report->growth() < kTolerance && report->shrinkage() < kTolerance ? 0 : 1;
}
